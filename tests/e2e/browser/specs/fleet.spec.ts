// A big fleet: the page holds a window of it, wherever one scrolls. XYLEM_FLEET makes it bigger: 10000 is what the page is
// made for, and takes a build with optimisations.
import { expectCount, searchBox, signIn, vmTable } from '../support/person.ts';
import { expect, type Page, test } from '../support/test.ts';

const VMS = Number(process.env['XYLEM_FLEET'] ?? 2_000);
test.use({ fleet: VMS, hostile: false });

const drawn = (page: Page) => vmTable(page).getByRole('row').count();
const inView = (page: Page, index: number) =>
  expect(vmTable(page).locator(`[aria-rowindex="${index}"]`).getByRole('link')).toBeInViewport();

test(`${VMS} machines`, async ({ page, rig }) => {
  const heavy: number[] = [];
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => heavy.push(payload.length)));
  await signIn(page, rig.admin);
  await expectCount(page, 'Virtual machines', VMS);
  await inView(page, 2);
  expect(await drawn(page)).toBeLessThan(60);

  await test.step('to the end and into the middle', async () => {
    await vmTable(page).focus();
    await page.keyboard.press('End');
    await inView(page, VMS + 1);
    await vmTable(page).evaluate((table) => {
      table.scrollTop = table.scrollHeight / 2;
    });
    await inView(page, VMS / 2 + 5);
    expect(await drawn(page)).toBeLessThan(60);
  });

  await test.step('a search is a new list', async () => {
    await searchBox(page).fill('power_state:Halted');
    const count = async () => Number(await vmTable(page).getAttribute('aria-rowcount'));
    await expect.poll(count).toBeLessThan(VMS);
    expect(await count()).toBeGreaterThan(100);
    await inView(page, 2);
  });

  // Thousands of whole machines are megabytes; a window is a small fraction of one, whatever the number.
  expect(Math.max(...heavy)).toBeLessThan(500_000);
});
