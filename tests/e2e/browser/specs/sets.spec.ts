// Resource sets: what an administrator lets people use by themselves, and what those people see and do.
import { expectAccessible } from '../support/axe.ts';
import { addUser, choose, item, remove } from '../support/people.ts';
import { enter, expectNoSidewaysScrolling, go, openProfile, signIn, toast, vmTable } from '../support/person.ts';
import { expect, type Locator, type Page, test } from '../support/test.ts';

const SELMA = { name: 'selma', password: 'selma-and-her-password' };
const TILDA = { name: 'tilda', password: 'tilda-and-her-password' };
/** All of one pool. */
const TEMPLATE = 'Template from snapshot';
const STORAGE = 'iSCSI virtual disk storage';
const NETWORK = 'VLAN 2';

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true });
const limits = (within: Page | Locator, set: string) => within.getByRole('list', { name: `Limits of ${set}` });

/** Fills in the form of a new set; the list to choose from lies over what comes next. */
async function fill(page: Page, name: string, who: string): Promise<Locator> {
  await go(page, 'Resource sets');
  await page.getByRole('button', { name: 'Add resource set' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a resource set' });
  await dialog.getByLabel('Name', { exact: true }).fill(name);
  await choose(page, dialog.getByLabel('Who may use it'), who, who);
  const objects = dialog.getByLabel('What may be used');
  for (const object of [TEMPLATE, STORAGE, NETWORK]) await choose(page, objects, object, new RegExp(`^${object}`));
  await dialog.getByLabel('Name', { exact: true }).click();
  return dialog;
}

test('an administrator makes a set, changes it and takes it away', async ({ page, rig }) => {
  const SET = 'Small lab';
  await signIn(page, rig.admin);
  await addUser(page, SELMA);
  await go(page, 'Resource sets');
  await expectAccessible(page, 'resource sets');
  const dialog = await fill(page, SET, SELMA.name);

  await test.step('what is no amount is refused in the form', async () => {
    await dialog.getByLabel('CPUs').fill('4');
    await dialog.getByLabel('Memory').fill('8');
    await dialog.getByLabel('Machines', { exact: true }).fill('2');
    await dialog.getByLabel('Name', { exact: true }).fill(' ');
    await dialog.getByRole('button', { name: 'Create resource set' }).click();
    await expect(dialog.getByLabel('Name', { exact: true })).toHaveAccessibleDescription(/Please fill this in/);
    await expectAccessible(page, 'a new resource set');
    await dialog.getByLabel('Name', { exact: true }).fill(SET);
    await dialog.getByRole('button', { name: 'Create resource set' }).click();
    await expect(dialog).toBeHidden();
    await expect(toast(page, `${SET} was added.`)).toBeVisible();
  });

  const row = item(page, 'Resource sets', SET);
  await expect(row).toContainText(`For ${SELMA.name} · offers 3 objects`);
  await expect(limits(row, SET)).toContainText('0 of 4');
  await expect(limits(row, SET)).toContainText('8 GiB left');

  await test.step('by the keyboard: one limit goes, another one comes', async () => {
    await page.getByRole('button', { name: `Edit ${SET}` }).focus();
    await page.keyboard.press('Enter');
    const edit = page.getByRole('dialog', { name: `Edit ${SET}` });
    await expect(edit.getByLabel('Memory')).toHaveValue('8 GiB');
    await edit.getByLabel('CPUs').focus();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.press('Delete');
    await edit.getByLabel('Disk space').focus();
    await page.keyboard.type('100');
    await edit.getByLabel('Tags').focus();
    await page.keyboard.type('lab');
    await page.keyboard.press('Enter');
    await edit.getByRole('checkbox', { name: /^Share machines/ }).focus();
    await page.keyboard.press('Space');
    await edit.getByRole('button', { name: 'Save' }).focus();
    await page.keyboard.press('Enter');
    await expect(edit).toBeHidden();
    await expect(limits(row, SET)).not.toContainText('CPUs');
    await expect(limits(row, SET)).toContainText('100 GiB left');
    await expect(row).toContainText('Shared machines');
    await expectAccessible(page, 'resource sets with one');
  });

  await page.getByRole('button', { name: 'Count anew' }).click();
  await expect(toast(page, 'What is used of all sets was counted anew.')).toBeVisible();
  await page.getByRole('textbox', { name: 'Search sets and people' }).fill(SELMA.name);
  await expect(row).toBeVisible();
  await page.getByRole('textbox', { name: 'Search sets and people' }).fill('nothing like that');
  await expect(page.getByText('No set matches')).toBeVisible();
  await page.getByRole('button', { name: 'Clear search' }).click();

  await test.step('on a phone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await expect(row).toBeVisible();
    await expectNoSidewaysScrolling(page);
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  await page.getByRole('button', { name: `Delete ${SET}`, exact: true }).click();
  const question = page.getByRole('dialog', { name: `Delete ${SET}?` });
  await expect(question).toContainText('Its machines stay');
  await question.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(row).toHaveCount(0);
  await remove(page, 'Users', SELMA.name);
});

test('who has a set begins with it', async ({ page, another, rig }) => {
  const SET = 'Training';
  await signIn(page, rig.admin);
  await addUser(page, TILDA);
  const dialog = await fill(page, SET, TILDA.name);
  await dialog.getByLabel('Machines', { exact: true }).fill('2');
  await dialog.getByRole('button', { name: 'Create resource set' }).click();
  await expect(dialog).toBeHidden();

  const hers = await another();
  await enter(hers, TILDA);
  await expect(heading(hers, 'Your resources')).toBeVisible();
  await expect(limits(hers, SET)).toContainText('2 left');
  await expect(hers.getByText('No machine yet.')).toBeVisible();
  await expect(hers.getByRole('link', { name: 'Settings' })).toHaveCount(0);
  await expectAccessible(hers, 'one’s own resources');
  await openProfile(hers, TILDA);
  await go(hers, 'Your resources');
  await hers.getByRole('button', { name: `New machine in ${SET}` }).click();
  await expect(heading(hers, 'New virtual machine')).toBeVisible();
  await expect(hers.getByLabel('Resource set')).toContainText(SET);
  await expect(limits(hers, SET)).toContainText('0 of 2');

  await test.step('a machine of what is in the set', async () => {
    await choose(hers, hers.getByRole('combobox', { name: 'Template', exact: true }), 'Template', /^Template from/);
    await hers.getByLabel('Name', { exact: true }).first().fill('made in training');
    await expect(limits(hers, SET)).toContainText('1 left then');
    await expect(hers.getByRole('combobox', { name: 'Network of interface 1' })).toHaveValue(NETWORK);
    await hers.getByRole('checkbox', { name: 'Start it when it is made' }).uncheck();
    await hers.getByRole('button', { name: 'Create machine' }).click();
    await expect(heading(hers, 'made in training')).toBeVisible({ timeout: 60_000 });
    await hers.getByRole('region', { name: 'Properties' }).getByRole('link', { name: SET }).click();
    await expect(heading(hers, 'Your resources')).toBeVisible();
    await expect(limits(hers, SET)).toContainText('1 of 2');
    // The list names the set, and leads an administrator to it.
    await go(page, 'Virtual machines');
    await vmTable(page).getByRole('link', { name: SET, exact: true }).click();
    await expect(heading(page, 'Resource sets')).toBeVisible();
    await expect(page.getByRole('textbox', { name: 'Search sets and people' })).toHaveValue(SET);
    await expect(item(page, 'Resource sets', SET)).toBeVisible();
    const machines = hers.getByRole('table', { name: `Machines of ${SET}` });
    await machines.getByRole('link', { name: 'made in training' }).click();
    await hers.getByRole('button', { name: 'More actions' }).click();
    await hers.getByRole('menuitem', { name: 'Delete', exact: true }).click();
    await hers.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
    await expect(heading(hers, 'Virtual machines')).toBeVisible();
    await go(hers, 'Your resources');
    await expect(limits(hers, SET)).toContainText('0 of 2');
  });

  await test.step('without the set nothing of it is left', async () => {
    await remove(page, 'Resource sets', SET).catch(async (error: unknown) => {
      if ((await page.getByText('No resource sets yet').count()) === 0) throw error;
    });
    await hers.goto('/');
    await expect(hers.getByRole('heading', { name: /nothing has been shared with you yet/ })).toBeVisible();
    await remove(page, 'Users', TILDA.name);
  });
});
