// What people do to machines: from making one to deleting it, with its snapshots, disks and interfaces.
import { expectAccessible } from '../support/axe.ts';
import { addUser, choose, grant, remove } from '../support/people.ts';
import { enter, expectCount, signIn, toast, vmRow } from '../support/person.ts';
import { expect, type Locator, type Page, test } from '../support/test.ts';

const ORIGINAL = 'Demo Linux VM (1)';
const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true });
const region = (page: Page, name: string) => page.getByRole('region', { name: new RegExp(`^${name}`) }).first();
/** A box to choose from; its list has the same name. */
const box = (within: Page | Locator, name: string) => within.getByRole('combobox', { name, exact: true });
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

test('a machine is made by the keyboard alone, from a template, with a cloud configuration', async ({ page, rig }) => {
  const NAME = 'made by keys';
  await signIn(page, rig.admin);
  await page.getByRole('button', { name: 'New machine' }).focus();
  await page.keyboard.press('Enter');
  await expect(heading(page, 'New virtual machine')).toBeVisible();
  await expectAccessible(page, 'a new machine, empty');
  await page.getByRole('button', { name: 'Create machine' }).focus();
  await page.keyboard.press('Enter');
  await expect(box(page, 'Template')).toHaveAccessibleDescription(/Please fill this in/);

  await box(page, 'Template').focus();
  await page.keyboard.type('Demo Linux');
  await expect(page.getByRole('option', { name: /^Demo Linux VM/ }).first()).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const name = page.getByLabel('Name', { exact: true }).first();
  await expect(name).toBeVisible();
  await name.focus();
  await page.keyboard.type(NAME);
  await page.getByLabel('CPUs').focus();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('2');
  // The default storage of the recorded pool is nearly full.
  for (const size of await page.getByLabel('Size').all()) {
    await size.focus();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('0.05');
  }
  await page.getByLabel('Cloud configuration').focus();
  await page.keyboard.type('Write one');
  await expect(page.getByLabel('User data')).toHaveValue(/hostname: \{name\}/);
  await expectAccessible(page, 'a new machine, filled in');
  await page.getByRole('button', { name: 'Create machine' }).focus();
  await page.keyboard.press('Enter');
  await expect(heading(page, NAME)).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText('Running', { exact: true })).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole('table', { name: 'Disks' })).toContainText('CloudConfig');

  await test.step('a snapshot, back to it, and the end', async () => {
    await page.getByRole('button', { name: 'Take snapshot' }).click();
    const form = page.getByRole('dialog', { name: `Take a snapshot of ${NAME}` });
    await form.getByLabel('Name').fill('first day');
    await answer(form, 'Take snapshot');
    await page.getByRole('button', { name: 'Go back to first day' }).click();
    await answer(page.getByRole('dialog', { name: `Take ${NAME} back to first day?` }), 'Go back');
    await expect(toast(page, `${NAME} is as it was at first day.`)).toBeVisible();
    await verb(page, 'Delete');
    await answer(page.getByRole('dialog', { name: `Delete ${NAME}?` }), 'Delete');
    await expect(heading(page, 'Virtual machines')).toBeVisible();
    await expect(vmRow(page, NAME)).toHaveCount(0);
  });
});

test('a machine that cannot be made says why', async ({ page, rig }) => {
  await signIn(page, rig.admin);
  await page.goto('/vms/new');
  await choose(page, box(page, 'Template'), 'Xen API SDK', /^Xen API SDK/);
  await page.getByLabel('Name', { exact: true }).first().fill('never made');
  await page.getByRole('button', { name: 'New interface' }).click();
  await page.getByRole('button', { name: 'Create machine' }).click();
  await expect(box(page, 'Network of interface 2')).toHaveAccessibleDescription(/Please fill this in/);
  await page.getByRole('button', { name: 'Remove interface 2' }).click();
  const group = page.getByRole('group', { name: 'Disk number 1' });
  await group.getByLabel('Size').fill('900000');
  if ((await box(group, 'Storage').inputValue()) === '') {
    await box(group, 'Storage').click();
    await page.getByRole('listbox').getByRole('option').first().click();
  }
  await page.getByRole('button', { name: 'Create machine' }).click();
  const fault = page.getByRole('alert').filter({ hasText: 'The machine was not made' });
  await expect(fault).toContainText('The storage has not enough free space.', { timeout: 60_000 });
  await expect(page.getByLabel('Name', { exact: true }).first()).toHaveValue('never made');
});

test('many machines at once, each with its result', async ({ page, rig }) => {
  test.slow();
  const NAMES = ['many one', 'many two', 'many three'];
  await signIn(page, rig.admin);
  await open(page, ORIGINAL);
  for (const name of NAMES) {
    await verb(page, 'Clone');
    const clone = page.getByRole('dialog', { name: `Clone ${ORIGINAL}` });
    await clone.getByLabel('Name').fill(name);
    await answer(clone, 'Clone');
  }
  await page.goto('/vms');
  await page.getByRole('textbox', { name: 'Search virtual machines' }).fill('name_label:many');
  await expectCount(page, 'Virtual machines', NAMES.length);
  const results = page.getByRole('dialog', { name: 'Results' });
  const bar = page.getByRole('region', { name: 'Chosen machines' });
  const result = (name: string) => results.getByRole('listitem').filter({ hasText: name });
  const close = async () => {
    await page.keyboard.press('Escape');
    await expect(results).toBeHidden();
  };

  await test.step('two are started', async () => {
    await page.getByRole('checkbox', { name: `Choose ${NAMES[0]}` }).check();
    await page.getByRole('checkbox', { name: `Choose ${NAMES[1]}` }).focus();
    await page.keyboard.press('Space');
    await expect(bar).toContainText('2 chosen');
    await bar.getByRole('button', { name: 'Start' }).click();
    await expect(results).toContainText('2 done, 0 failed, 0 left out, 0 to go.', { timeout: 60_000 });
    await close();
    await expect(bar).toBeHidden();
  });

  await test.step('of all three one can be started; the others say why not', async () => {
    await page.getByRole('checkbox', { name: 'Choose all' }).check();
    await expect(bar).toContainText('3 chosen');
    await expectAccessible(page, 'a list with chosen machines');
    await bar.getByRole('button', { name: 'Start' }).click();
    await expect(results).toContainText('1 done, 0 failed, 2 left out, 0 to go.', { timeout: 60_000 });
    await expect(result(NAMES[0] ?? '')).toContainText('It is running already.');
    await expectAccessible(page, 'the results');
    await close();
    await expect(bar).toContainText('2 chosen');
  });

  await test.step('tagged, kept and deleted', async () => {
    await bar.getByRole('button', { name: 'Choose none' }).click();
    await page.getByRole('checkbox', { name: 'Choose all' }).check();
    await bar.getByRole('button', { name: 'Tag' }).click();
    const tag = page.getByRole('dialog', { name: 'Tag 3 machines' });
    await tag.getByLabel('Tag').fill('a-bunch');
    await answer(tag, 'Tag');
    await expect(results).toContainText('3 done', { timeout: 60_000 });
    await close();
    await page.getByRole('textbox', { name: 'Search virtual machines' }).fill('tags:a-bunch');
    await expectCount(page, 'Virtual machines', NAMES.length);
    await page.getByRole('checkbox', { name: 'Choose all' }).check();
    await bar.getByRole('button', { name: 'Snapshot' }).click();
    await answer(page.getByRole('dialog', { name: 'Take a snapshot of 3 machines' }), 'Snapshot');
    await expect(results).toContainText('3 done', { timeout: 60_000 });
    await close();
    await page.getByRole('checkbox', { name: 'Choose all' }).check();
    await bar.getByRole('button', { name: 'Delete' }).click();
    const question = page.getByRole('dialog', { name: 'Delete 3 machines?' });
    for (const name of NAMES) await expect(question).toContainText(name);
    await answer(question, 'Delete');
    await expect(results).toContainText('3 done', { timeout: 60_000 });
    await close();
    await expect(page.getByText('No virtual machine matches')).toBeVisible();
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
    await of(page, 'Actions for disk extra space', 'Delete');
    const question = page.getByRole('dialog', { name: 'Delete the disk extra space?' });
    await expect(question).toContainText('extra space · 3 GiB');
    await answer(question, 'Delete');
    await expect(toast(page, 'The disk extra space was deleted.')).toBeVisible();
    await expect(row).toHaveCount(0);
  });

  await test.step('a disc goes into the drive and out again', async () => {
    const drive = page.getByRole('table', { name: 'CD drives' }).getByRole('row').last();
    await of(page, 'Actions for the CD drive', 'Insert a disc');
    const form = page.getByRole('dialog', { name: `Insert a disc into ${ORIGINAL}` });
    await form.getByRole('button', { name: 'Insert', exact: true }).click();
    await expect(form.getByLabel('Disc')).toHaveAccessibleDescription(/Please fill this in/);
    await choose(page, form.getByLabel('Disc'), 'debian-31r4', /^debian-31r4-i386-netinst.iso/);
    await answer(form, 'Insert');
    await expect(drive).toContainText('debian-31r4-i386-netinst.iso');
    await of(page, 'Actions for the CD drive', 'Eject');
    await expect(drive).toContainText('Empty drive');
    await page.getByRole('button', { name: 'Actions for the CD drive' }).click();
    await expect(page.getByRole('menuitem', { name: 'Eject', exact: true })).toContainText('The drive is empty.');
    await page.keyboard.press('Escape');
  });

  await test.step('an interface is added, moved and removed', async () => {
    await expect(interfaces).toBeVisible();
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
