// The command palette, and the page without a mouse.
import { searchBox, signIn, vmRow, vmTable } from '../support/person.ts';
import { expect, type Page, test } from '../support/test.ts';

const DEMO = 'Demo Linux VM (1)';
const box = (page: Page) => page.getByRole('combobox', { name: 'Find or do something' });
const open = async (page: Page) => {
  await page.keyboard.press('Control+k');
  await expect(box(page)).toBeFocused();
};
const option = (page: Page, name: string | RegExp) => page.getByRole('option', { name });

test('finds pages, objects and verbs, by keyboard alone', async ({ page, rig }) => {
  await signIn(page, rig.admin);
  await expect(vmTable(page)).toBeVisible();

  await test.step('a page', async () => {
    await open(page);
    await page.keyboard.type('netw');
    await expect(option(page, 'Networks')).toHaveAttribute('aria-selected', 'true');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { level: 1, name: 'Networks' })).toBeVisible();
    await expect(box(page)).toHaveCount(0);
  });

  await test.step('an object by its name', async () => {
    await open(page);
    await page.keyboard.type('berlin');
    const host = option(page, /^berlin Host/);
    await expect(host).toBeVisible();
    while ((await host.getAttribute('aria-selected')) !== 'true') await page.keyboard.press('ArrowDown');
    await expect(box(page)).toHaveAttribute('aria-activedescendant', (await host.getAttribute('id')) ?? '');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { level: 1, name: 'berlin' })).toBeVisible();
  });

  await test.step('only what is allowed now', async () => {
    await open(page);
    await page.keyboard.type('demo linux');
    await expect(option(page, `Start ${DEMO}`)).toBeVisible();
    await expect(option(page, `Stop ${DEMO}`)).toHaveCount(0);
    await box(page).fill('no such thing at all');
    await expect(page.getByText('Nothing found.')).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(box(page)).toHaveCount(0);
  });

  await test.step('a verb', async () => {
    await open(page);
    await page.keyboard.type('start demo');
    await expect(option(page, `Start ${DEMO}`)).toHaveAttribute('aria-selected', 'true');
    await page.keyboard.press('Enter');
    await page.goto('/vms');
    await expect(vmRow(page, DEMO).getByText('Running', { exact: true })).toBeVisible();
    await open(page);
    await page.keyboard.type('stop demo');
    await expect(option(page, `Stop ${DEMO}`)).toHaveAttribute('aria-selected', 'true');
    await page.keyboard.press('Enter');
    const question = page.getByRole('dialog', { name: `Stop ${DEMO}?` });
    await question.getByRole('radio', { name: 'Force off' }).check();
    await question.getByRole('button', { name: 'Stop' }).press('Enter');
    await expect(vmRow(page, DEMO).getByText('Halted', { exact: true })).toBeVisible();
  });
});

test('the list without a mouse', async ({ page, rig }) => {
  await signIn(page, rig.admin);
  await expect(vmTable(page)).toBeVisible();

  await searchBox(page).focus();
  await page.keyboard.type('demo');
  await expect(vmTable(page)).toHaveAttribute('aria-rowcount', '2');
  const link = vmRow(page, DEMO).getByRole('link', { name: DEMO });
  for (let presses = 0; presses < 30; presses += 1) {
    if (await link.evaluate((element) => element === document.activeElement)) break;
    await page.keyboard.press('Tab');
  }
  await expect(link).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: DEMO })).toBeVisible();

  await test.step('straight to the content', async () => {
    await page.goto('/vms');
    await expect(vmTable(page)).toBeVisible();
    await page.keyboard.press('Tab');
    await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('main')).toBeFocused();
  });

  await test.step('sorting', async () => {
    await vmTable(page).getByRole('button', { name: 'Memory' }).press('Enter');
    await expect(vmTable(page).getByRole('columnheader', { name: 'Memory' })).toHaveAttribute('aria-sort', 'ascending');
  });
});
