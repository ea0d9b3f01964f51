// Dialogs by the keyboard: the focus goes in at the first field, through all there is in its order, and back to where it was.
import { signIn, vmRow } from '../support/person.ts';
import { expect, type Locator, type Page, test } from '../support/test.ts';

const VM = 'CCNET';

/** What has the focus, as it is called. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    const label = element instanceof HTMLInputElement ? element.labels?.[0]?.textContent : element?.textContent;
    return (element?.getAttribute('aria-label') ?? label ?? '').replace(/\s*\*$/, '');
  });

/** Goes once around the dialog that is open, and leaves it by Escape. */
async function around(page: Page, dialog: Locator, names: readonly string[]): Promise<void> {
  const [first = ''] = names;
  await expect.poll(() => focused(page)).toBe(first);
  const found = [first];
  for (const _ of names.slice(1)) {
    await page.keyboard.press('Tab');
    found.push(await focused(page));
  }
  expect(found).toEqual(names);
  // The focus stays inside.
  await page.keyboard.press('Tab');
  await expect.poll(() => focused(page)).toBe(first);
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
}

test('the focus goes into a dialog, around and back', async ({ page, rig }) => {
  await signIn(page, rig.admin);
  await vmRow(page, VM).getByRole('link', { name: VM }).click();
  await expect(page.getByRole('table', { name: 'Disks' })).toBeVisible();

  for (const [button, title, names] of [
    ['New disk', `New disk for ${VM}`, ['Name', 'Size', 'Storage', 'Cancel', 'Add', 'Close']],
    ['Attach disk', `Attach a disk to ${VM}`, ['Disk', 'Read only', 'Cancel', 'Attach', 'Close']],
    ['New interface', `New interface for ${VM}`, ['Network', 'MAC', 'Connect it now', 'Cancel', 'Add', 'Close']],
  ] as const) {
    await test.step(title, async () => {
      await page.getByRole('button', { name: button, exact: true }).press('Enter');
      await around(page, page.getByRole('dialog', { name: title }), names);
      await expect(page.getByRole('button', { name: button, exact: true })).toBeFocused();
    });
  }

  for (const [verb, title, names] of [
    [
      'Migrate',
      `Migrate ${VM}`,
      ['Host', 'Move its disks to', 'Choose for some disks apart', 'Cancel', 'Migrate', 'Close'],
    ],
    [
      'Take snapshot',
      `Take a snapshot of ${VM}`,
      ['Name', 'Description', 'With memory', 'Cancel', 'Take snapshot', 'Close'],
    ],
    ['Delete', `Delete ${VM}?`, ['Delete', 'Close', 'Delete all 2 disks, too', 'Cancel']],
  ] as const) {
    await test.step(title, async () => {
      const menu = page.getByRole('button', { name: 'More actions' });
      await menu.press('Enter');
      await page.getByRole('menuitem', { name: verb, exact: true }).press('Enter');
      await around(page, page.getByRole('dialog', { name: title }), names);
      await expect(menu).toBeFocused();
    });
  }
});
