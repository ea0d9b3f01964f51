// Roles of fine rights: made, given, felt by who has them, changed and taken away.
import { expectAccessible } from '../support/axe.ts';
import { addUser, choose, item, remove } from '../support/people.ts';
import { enter, expectCount, expectNoSidewaysScrolling, go, signIn, toast, vmRow } from '../support/person.ts';
import { expect, test } from '../support/test.ts';

const RUTH = { name: 'ruth', password: 'ruth-and-her-password' };
const ROLE = 'Looks at demos';
const VM = 'Demo Linux VM (1)';

test('a role is made, given, changed and taken away', async ({ page, another, rig }) => {
  await signIn(page, rig.admin);
  await addUser(page, RUTH);
  await go(page, 'Rights');
  await page.getByRole('link', { name: 'Roles', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Roles' })).toBeVisible();
  await expectAccessible(page, 'roles');
  await page.getByRole('button', { name: 'Add role' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a role' });
  const line = (number: number) => dialog.getByRole('group', { name: `Privilege ${number}` });

  await test.step('a privilege that says nothing, and one that the daemon refuses', async () => {
    await dialog.getByLabel('Name', { exact: true }).fill(ROLE);
    await choose(page, dialog.getByLabel('Who has it'), RUTH.name, RUTH.name);
    await dialog.getByLabel('Name', { exact: true }).click();
    await dialog.getByRole('button', { name: 'Add privilege' }).click();
    await line(1).getByLabel('Action').fill('');
    await dialog.getByRole('button', { name: 'Create role' }).click();
    await expect(line(1).getByLabel('Action')).toHaveAccessibleDescription(/Please fill this in/);
    await line(1).getByLabel('Action').fill('dance');
    await dialog.getByRole('button', { name: 'Create role' }).click();
    await expect(dialog.getByRole('alert')).toContainText('the action must be * or one of');
    await expectAccessible(page, 'a new role, refused');
  });

  await test.step('what failed on the way is not made twice', async () => {
    await choose(page, line(1).getByLabel('Action'), 'rea', /^read$/);
    await line(1).getByLabel('Filter').fill('name_label:"Demo Linux VM (1)"');
    await dialog.getByRole('button', { name: 'Create role' }).click();
    await expect(dialog).toBeHidden();
    await expect(toast(page, `${ROLE} was added.`)).toBeVisible();
    await expect(page.getByText('1 role', { exact: true })).toBeVisible();
  });
  const row = item(page, 'Roles', ROLE);
  await expect(row).toContainText('Allows read on vm');
  await expect(row).toContainText(`Given to ${RUTH.name}`);

  const hers = await another();
  await enter(hers, RUTH);
  await expectCount(hers, 'Virtual machines', 1);
  await expect(vmRow(hers, VM)).toBeVisible();
  await expect(vmRow(hers, VM).getByRole('button', { name: `Start ${VM}`, exact: true })).toBeDisabled();

  await test.step('by the keyboard: she may start it, at once', async () => {
    await page.getByRole('button', { name: `Edit ${ROLE}` }).focus();
    await page.keyboard.press('Enter');
    const edit = page.getByRole('dialog', { name: `Edit ${ROLE}` });
    await edit.getByRole('button', { name: 'Add privilege' }).focus();
    await page.keyboard.press('Enter');
    const second = edit.getByRole('group', { name: 'Privilege 2' });
    await second.getByLabel('Action').focus();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('start');
    await page.keyboard.press('Tab');
    await edit.getByRole('button', { name: 'Save' }).focus();
    await page.keyboard.press('Enter');
    await expect(edit).toBeHidden();
    await expect(row).toContainText('Allows start on vm');
    await expect(vmRow(hers, VM).getByRole('button', { name: `Start ${VM}`, exact: true })).toBeEnabled();
  });

  await test.step('copied, and the copy deleted', async () => {
    await page.getByRole('button', { name: `Copy ${ROLE}`, exact: true }).click();
    const copy = item(page, 'Roles', `${ROLE} (copy)`);
    await expect(copy).toContainText('Nobody has it yet');
    await expect(copy).toContainText('Allows start on vm');
    await expectAccessible(page, 'two roles');
    await page.getByRole('button', { name: `Delete ${ROLE} (copy)` }).click();
    await page
      .getByRole('dialog', { name: `Delete ${ROLE} (copy)?` })
      .getByRole('button', { name: 'Delete', exact: true })
      .click();
    await expect(copy).toHaveCount(0);
  });

  await test.step('on a phone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.getByRole('button', { name: `Edit ${ROLE}` }).click();
    await expect(page.getByRole('group', { name: 'Privilege 2' })).toBeVisible();
    await expectAccessible(page, 'a role, narrow');
    await expectNoSidewaysScrolling(page);
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  await test.step('without the role she has nothing', async () => {
    await page.getByRole('button', { name: `Delete ${ROLE}`, exact: true }).click();
    await page
      .getByRole('dialog', { name: `Delete ${ROLE}?` })
      .getByRole('button', { name: 'Delete', exact: true })
      .click();
    await expect(page.getByText('No roles yet')).toBeVisible();
    await expect(hers.getByRole('heading', { name: /nothing has been shared with you yet/ })).toBeVisible();
  });
  await remove(page, 'Users', RUTH.name);
});
