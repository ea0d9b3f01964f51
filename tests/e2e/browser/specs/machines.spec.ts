// What people do to machines: from making one to deleting it, with its snapshots, disks and interfaces.
import { expectAccessible } from '../support/axe.ts';
import { addUser, choose, grant, remove } from '../support/people.ts';
import { enter, signIn, toast, vmRow } from '../support/person.ts';
import { expect, type Locator, type Page, test } from '../support/test.ts';

const ORIGINAL = 'Demo Linux VM (1)';
const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true });
const region = (page: Page, name: string) => page.getByRole('region', { name: new RegExp(`^${name}`) }).first();
const VICTOR = { name: 'victor', password: 'victor-and-his-password' };

/** Opens the menu of the page and chooses a verb of it. */
async function verb(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name, exact: true }).click();
}

async function of(page: Page, button: string, name: string): Promise<void> {
  await page.getByRole('button', { name: button, exact: true }).click();
  await page.getByRole('menuitem', { name, exact: true }).click();
}

async function open(page: Page, name: string): Promise<void> {
  await page.goto('/vms');
  await vmRow(page, name).getByRole('link', { name }).click();
  await expect(heading(page, name)).toBeVisible();
}

async function answer(dialog: Locator, button: string): Promise<void> {
  await dialog.getByRole('button', { name: button, exact: true }).click();
  await expect(dialog).toBeHidden();
}

test('a clone is started, kept in a snapshot, taken back and deleted', async ({ page, rig }) => {
  const CLONE = 'a clone of the demo';
  await signIn(page, rig.admin);
  await open(page, ORIGINAL);
  await verb(page, 'Clone');
  const clone = page.getByRole('dialog', { name: `Clone ${ORIGINAL}` });
  await clone.getByLabel('Name').fill('');
  await clone.getByRole('button', { name: 'Clone', exact: true }).click();
  await expect(clone.getByLabel('Name')).toHaveAccessibleDescription(/Please fill this in/);
  await clone.getByLabel('Name').fill(CLONE);
  await answer(clone, 'Clone');
  await expect(toast(page, `${CLONE} was made.`)).toBeVisible();
  await open(page, CLONE);

  await test.step('its life cycle', async () => {
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await expect(page.getByText('Running', { exact: true })).toBeVisible();
    await page.getByRole('button', { name: 'More actions' }).click();
    const clones = page.getByRole('menuitem', { name: 'Clone', exact: true });
    await expect(clones).toBeDisabled();
    await expect(clones).toContainText('Stop it first.');
    await page.getByRole('menuitem', { name: 'Pause', exact: true }).click();
    await expect(page.getByText('Paused', { exact: true })).toBeVisible();
    await verb(page, 'Continue');
    await expect(page.getByText('Running', { exact: true })).toBeVisible();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    const question = page.getByRole('dialog', { name: `Stop ${CLONE}?` });
    await question.getByRole('radio', { name: 'Force off' }).check();
    await answer(question, 'Stop');
    await expect(page.getByText('Halted', { exact: true })).toBeVisible();
  });

  await test.step('a snapshot, and back to it', async () => {
    await region(page, 'Snapshots').getByRole('button', { name: 'Take snapshot' }).click();
    const form = page.getByRole('dialog', { name: `Take a snapshot of ${CLONE}` });
    await form.getByLabel('Name').fill('before the change');
    await answer(form, 'Take snapshot');
    const row = page.getByRole('table', { name: 'Snapshots' }).getByRole('row', { name: /before the change/ });
    await expect(row).toBeVisible();
    await row.getByRole('button', { name: 'Go back to before the change' }).click();
    const question = page.getByRole('dialog', { name: `Take ${CLONE} back to before the change?` });
    await expect(question).toContainText('is lost');
    await answer(question, 'Go back');
    await expect(toast(page, `${CLONE} is as it was at before the change.`)).toBeVisible();
    await row.getByRole('button', { name: 'Delete before the change' }).click();
    await answer(page.getByRole('dialog', { name: 'Delete the snapshot before the change?' }), 'Delete');
    await expect(page.getByText('No snapshots.')).toBeVisible();
  });

  await test.step('deleting names what is lost', async () => {
    await verb(page, 'Delete');
    const question = page.getByRole('dialog', { name: `Delete ${CLONE}?` });
    await expect(question.getByRole('listitem').first()).toContainText('GiB');
    await expect(question.getByRole('radio', { name: /^Delete/ })).toBeChecked();
    await answer(question, 'Delete');
    await expect(toast(page, `${CLONE} was deleted.`)).toBeVisible();
    await expect(heading(page, 'Virtual machines')).toBeVisible();
    await expect(vmRow(page, CLONE)).toHaveCount(0);
  });
});

test('disks and interfaces of a machine', async ({ page, rig }) => {
  await signIn(page, rig.admin);
  await open(page, ORIGINAL);
  const disks = page.getByRole('table', { name: 'Disks' });
  const interfaces = page.getByRole('table', { name: 'Network interfaces' });

  await test.step('a disk is made, grows, leaves and comes back', async () => {
    await page.getByRole('button', { name: 'New disk' }).click();
    const form = page.getByRole('dialog', { name: `New disk for ${ORIGINAL}` });
    await form.getByLabel('Name').fill('extra space');
    await form.getByLabel('Size').fill('2');
    await form.getByLabel('Storage').click();
    await page.getByRole('option').first().click();
    await answer(form, 'Add');
    const row = disks.getByRole('row', { name: /extra space/ });
    await expect(row).toContainText('2 GiB');
    await of(page, 'Actions for disk extra space', 'Resize');
    const resize = page.getByRole('dialog', { name: 'Resize extra space' });
    await resize.getByLabel('Size').fill('1');
    await resize.getByRole('button', { name: 'Resize', exact: true }).click();
    await expect(resize.getByLabel('Size')).toHaveAccessibleDescription(/only grow/);
    await resize.getByLabel('Size').fill('3');
    await answer(resize, 'Resize');
    await expect(row).toContainText('3 GiB');
    await of(page, 'Actions for disk extra space', 'Detach');
    await answer(page.getByRole('dialog', { name: `Detach extra space from ${ORIGINAL}?` }), 'Detach');
    await expect(row).toHaveCount(0);
    await page.getByRole('button', { name: 'Attach disk' }).click();
    const attach = page.getByRole('dialog', { name: `Attach a disk to ${ORIGINAL}` });
    await choose(page, attach.getByLabel('Disk'), 'extra', /extra space/);
    await answer(attach, 'Attach');
    await expect(row).toBeVisible();
  });

  await test.step('an interface is added, moved and removed', async () => {
    const before = await interfaces.getByRole('row').count();
    await page.getByRole('button', { name: 'New interface' }).click();
    const form = page.getByRole('dialog', { name: `New interface for ${ORIGINAL}` });
    await form.getByLabel('Network').click();
    await page.getByRole('option').first().click();
    await answer(form, 'Add');
    await expect(interfaces.getByRole('row')).toHaveCount(before + 1);
    const last = page.getByRole('button', { name: /^Actions for interface/ }).last();
    await last.click();
    await expect(page.getByRole('menuitem', { name: 'Connect', exact: true })).toContainText('It is not running.');
    await page.getByRole('menuitem', { name: 'Change network', exact: true }).click();
    const move = page.getByRole('dialog', { name: /^Network of interface/ });
    await move.getByLabel('Network').click();
    const other = page.getByRole('option').last();
    const name = (await other.locator('span').first().innerText()).trim();
    await other.click();
    await answer(move, 'Save');
    await expect(interfaces.getByRole('row').last()).toContainText(name);
    await last.click();
    await page.getByRole('menuitem', { name: 'Remove', exact: true }).click();
    await answer(page.getByRole('dialog', { name: /^Remove interface/ }), 'Remove');
    await expect(interfaces.getByRole('row')).toHaveCount(before);
  });
});

test('a viewer sees why nothing can be done', async ({ page, another, rig }) => {
  await signIn(page, rig.admin);
  await addUser(page, VICTOR);
  await grant(page, VICTOR.name, 'Viewer', ORIGINAL);
  const his = await another();
  await enter(his, VICTOR);
  const reason = /Your account may only look at this machine/;
  const small = vmRow(his, ORIGINAL).getByRole('button', { name: `Start ${ORIGINAL}`, exact: true });
  await expect(small).toBeDisabled();
  await expect(small).toHaveAttribute('title', reason);
  await vmRow(his, ORIGINAL).getByRole('link', { name: ORIGINAL }).click();
  const start = his.getByRole('button', { name: 'Start', exact: true });
  await expect(start).toBeDisabled();
  await expect(start).toHaveAccessibleDescription(reason);
  await his.getByRole('button', { name: 'More actions' }).click();
  for (const [name, why] of [
    ['Take snapshot', reason],
    ['Delete', /Only an administrator of this machine/],
  ] as const) {
    const item = his.getByRole('menuitem', { name, exact: true });
    await expect(item).toBeDisabled();
    await expect(item).toContainText(why);
  }
  await his.keyboard.press('Escape');
  await test.step('an operator may, at once', async () => {
    await grant(page, VICTOR.name, 'Operator', ORIGINAL);
    await expect(start).toBeEnabled();
  });
  await remove(page, 'Users', VICTOR.name);
});

test('the page, its menus and its forms are accessible', async ({ page, rig }) => {
  test.slow();
  await signIn(page, rig.admin);
  await open(page, ORIGINAL);
  await page.getByRole('button', { name: 'More actions' }).click();
  await expect(page.getByRole('menuitem', { name: 'Delete', exact: true })).toBeVisible();
  await expectAccessible(page, 'the menu of a machine');
  await page.getByRole('menuitem', { name: 'Copy to a storage', exact: true }).click();
  const form = page.getByRole('dialog', { name: `Copy ${ORIGINAL}` });
  await form.getByRole('button', { name: 'Copy', exact: true }).click();
  await expectAccessible(page, 'a form with a fault');
  await form.getByLabel('Storage').click();
  await expect(page.getByRole('option').first()).toBeVisible();
  await expectAccessible(page, 'a form with a list to choose from');
  await page.keyboard.press('Escape');
  await form.getByRole('button', { name: 'Cancel' }).click();
  await verb(page, 'Delete');
  await expect(page.getByRole('dialog', { name: `Delete ${ORIGINAL}?` })).toBeVisible();
  await expectAccessible(page, 'the question before a machine is deleted');
});
