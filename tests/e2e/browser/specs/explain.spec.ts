// Why somebody may do something, or may not: asked on the page, with the way to the entry that decides.
import { expectAccessible } from '../support/axe.ts';
import { addGroup, addUser, choose, grant, item, remove } from '../support/people.ts';
import { expectNoSidewaysScrolling, go, signIn } from '../support/person.ts';
import { POOLS, recordedVms } from '../support/rig.ts';
import { expect, type Page, test } from '../support/test.ts';

const VM =
  recordedVms(POOLS[0]).find((vm, _, all) => all.filter((one) => one.name === vm.name).length === 1)?.name ?? '';
const ELSA = { name: 'elsa', password: 'elsa-and-her-password' };

const operation = (page: Page, name: string) => item(page, `Operations on ${VM}`, name);

test('an administrator asks why', async ({ page, rig }) => {
  test.setTimeout(240_000);
  await signIn(page, rig.admin);
  await addUser(page, ELSA);
  await addGroup(page, 'Starters', [ELSA.name]);
  await go(page, 'Rights');
  await page.getByRole('link', { name: 'Explain', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Explain rights' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Whose right to what?' })).toBeVisible();
  await expectAccessible(page, 'explain, nothing asked');

  await test.step('without a right the object does not exist', async () => {
    await choose(page, page.getByRole('combobox', { name: 'Person' }), ELSA.name, ELSA.name);
    await choose(page, page.getByRole('combobox', { name: 'Object' }), VM, VM);
    await expect(page.getByRole('status', { name: `${ELSA.name} does not see ${VM}` })).toBeVisible();
    await expect(operation(page, 'vm.start')).toContainText('Refused');
    await expect(operation(page, 'vm.start')).toContainText(`Nothing shows the object to ${ELSA.name}.`);
  });

  await test.step('a right of her group is the reason, with a link to it', async () => {
    await grant(page, 'Starters', 'Operator', VM);
    await page.goBack();
    await expect(page.getByRole('heading', { level: 1, name: 'Explain rights' })).toBeVisible();
    await expect(page.getByRole('combobox', { name: 'Object' })).toHaveValue(VM);
    await expect(page.getByRole('status', { name: `${ELSA.name} sees ${VM}` })).toBeVisible();
    const start = operation(page, 'vm.start');
    await expect(start).toContainText('Allowed');
    await expect(start).toContainText(`${ELSA.name} is in the group Starters, which is Operator of ${VM}.`);
    const rename = operation(page, 'vm.set');
    await expect(rename).toContainText('Refused');
    await expect(rename).toContainText('Nothing grants it: no entry gives the role Admin, no privilege allows it.');
    await expect(rename).toContainText('update:name_label');
    await expectAccessible(page, 'explain');
  });

  await test.step('the list is narrowed down', async () => {
    await page.getByRole('textbox', { name: 'Search operations' }).fill('vm.st');
    await expect(operation(page, 'vm.set')).toHaveCount(0);
    await page.getByRole('radio', { name: 'Refused', exact: true }).check({ force: true });
    await expect(operation(page, 'vm.start')).toHaveCount(0);
    await page.getByRole('textbox', { name: 'Search operations' }).fill('nothing like that');
    await expect(page.getByText('No operation matches')).toBeVisible();
    await page.getByRole('button', { name: 'Clear search' }).click();
    await page.getByRole('radio', { name: 'All', exact: true }).check({ force: true });
  });

  await test.step('on a phone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await expect(operation(page, 'vm.start')).toBeVisible();
    await expectNoSidewaysScrolling(page);
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  await operation(page, 'vm.start').getByRole('link', { name: 'Show the entry of Starters' }).click();
  await expect(item(page, 'Rights of Starters', `Operator: ${VM}`)).toBeVisible();
  await remove(page, 'Groups', 'Starters').catch(async (error: unknown) => {
    // The last group leaves no list behind.
    if ((await page.getByText('No groups yet').count()) === 0) throw error;
  });
  await remove(page, 'Users', ELSA.name);
});
