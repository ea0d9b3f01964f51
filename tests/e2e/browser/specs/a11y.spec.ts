// Every page and dialog in both colour schemes: no violation that axe knows of. That no page breaks its
// Content-Security-Policy is watched in every test (support/test.ts); here every page is opened once.
import { expectAccessible } from '../support/axe.ts';
import {
  expectNoSidewaysScrolling,
  go,
  openProfile,
  refusal,
  searchBox,
  signIn,
  toast,
  trySignIn,
  vmRow,
  vmTable,
} from '../support/person.ts';
import { addUser, choose, remove } from '../support/people.ts';
import { LDAP, openTest } from '../support/plugin.ts';
import { POOLS, recordedVms } from '../support/rig.ts';
import { expect, type Page, test } from '../support/test.ts';

const STOPPABLE = recordedVms(POOLS[0])[0]?.name ?? '';

// Nothing here depends on another: both workers take part.
// Every look takes axe seconds.
test.describe.configure({ mode: 'parallel', timeout: 360_000 });

async function close(page: Page): Promise<void> {
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
}

test('sign-in page', async ({ page }) => {
  await page.goto('/login');
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await expectAccessible(page, 'sign-in');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByLabel('Username')).toHaveAccessibleDescription(/Please fill this in/);
  await expectAccessible(page, 'sign-in, incomplete');
  await trySignIn(page, { name: 'nobody-here', password: 'wrong' });
  await expect(refusal(page)).toBeVisible();
  await expectAccessible(page, 'sign-in, refused');
});

test('machines and servers', async ({ page, rig }) => {
  await page.goto('/login');
  await trySignIn(page, rig.admin);
  await expect(page.getByRole('dialog', { name: 'Choose your own password' })).toBeVisible();
  await expectAccessible(page, 'the question for a new password');
  await page.getByRole('button', { name: 'Later' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);

  await expect(vmTable(page)).toBeVisible();
  await expectAccessible(page, 'virtual machines');
  await page.getByRole('button', { name: `Stop ${STOPPABLE}`, exact: true }).click();
  await expect(page.getByRole('dialog')).toBeVisible();
  await expectAccessible(page, 'the question before a stop');
  await close(page);
  await page.getByRole('button', { name: /^Account: / }).click();
  await expect(page.getByRole('menuitem', { name: 'Sign out' })).toBeVisible();
  await expectAccessible(page, 'account menu');
  await page.keyboard.press('Escape');
  await searchBox(page).fill('no such machine');
  await expect(page.getByText('No virtual machine matches')).toBeVisible();
  await expectAccessible(page, 'virtual machines, none found');

  await go(page, 'Servers');
  await expect(page.getByRole('list', { name: 'Servers' }).getByRole('listitem')).toHaveCount(POOLS.length);
  await expectAccessible(page, 'servers');
  await page.getByRole('button', { name: 'Add server' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
  await expectAccessible(page, 'adding a server');
  await close(page);
});

test('lists and what is in them', async ({ page, rig }) => {
  await signIn(page, rig.admin);
  for (const [link, kind] of [
    ['Hosts', 'host'],
    ['Pools', 'pool'],
    ['Storage', 'storage'],
    ['Networks', 'network'],
  ] as const) {
    await go(page, link);
    const table = page.getByRole('table', { name: link, exact: true });
    await expect(table.getByRole('link').first()).toBeVisible();
    await expectAccessible(page, link);
    await table.getByRole('link').first().click();
    await expect(page.getByRole('region', { name: 'Properties' })).toBeVisible();
    await expect(page.getByRole('status', { name: 'Loading…' })).toHaveCount(0);
    await expectAccessible(page, `a ${kind}`);
  }
});

test('a machine, looked for and looked at', async ({ page, rig }) => {
  await signIn(page, rig.admin);
  await page.getByRole('button', { name: 'Help with the search' }).click();
  await expect(page.getByRole('dialog', { name: 'Help with the search' })).toBeVisible();
  await expectAccessible(page, 'help with the search');
  await page.keyboard.press('Escape');
  await searchBox(page).fill('power_state:');
  await expect(page.getByRole('alert')).toContainText('Not understood');
  await expectAccessible(page, 'a search that is not understood');
  await searchBox(page).fill('');
  await vmRow(page, STOPPABLE).getByRole('link', { name: STOPPABLE }).click();
  await expect(page.getByRole('img', { name: /^CPU/ })).toBeVisible({ timeout: 20_000 });
  await expectAccessible(page, 'a virtual machine');
  await page.getByRole('button', { name: 'Show as tables' }).click();
  await expect(page.getByRole('table', { name: 'CPU' })).toBeVisible();
  await expectAccessible(page, 'statistics as tables');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Find or do something' }).fill(STOPPABLE);
  await expect(page.getByRole('option', { name: STOPPABLE }).first()).toBeVisible();
  await expectAccessible(page, 'command palette');
});

test('plugins', async ({ page, rig }) => {
  await signIn(page, rig.admin);
  await go(page, 'Plugins');
  await expect(page.getByRole('link', { name: LDAP })).toBeVisible();
  await expectAccessible(page, 'plugins');
  await page.getByRole('link', { name: LDAP }).click();
  await page.getByRole('textbox', { name: 'Host', exact: true }).fill('dc1.example.org');
  await page.getByLabel('Search base').fill('dc=example,dc=org');
  await expectAccessible(page, 'a plugin');
  const dialog = await openTest(page, LDAP);
  await expectAccessible(page, 'testing a plugin');
  await dialog.getByRole('button', { name: 'Run test' }).click();
  await expect(dialog.getByRole('region', { name: 'This test needs permissions' })).toBeVisible();
  await expectAccessible(page, 'testing a plugin, permissions needed');
  await dialog.getByRole('button', { name: 'Allow for this test' }).click();
  await expect(dialog.getByRole('region', { name: 'Result of the test' })).toBeVisible({ timeout: 20_000 });
  await expectAccessible(page, 'testing a plugin, failed');
  await close(page);
  await page.getByLabel('Search base').fill('');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByLabel('Search base')).toHaveAccessibleDescription(/Please fill this in/);
  await expectAccessible(page, 'a plugin, incomplete');

  await page.goto('/settings/plugins/no-such-plugin');
  await expect(page.getByText('No such plugin')).toBeVisible();
  await expectAccessible(page, 'no such plugin');
  await page.goto('/nowhere');
  await expect(page.getByText('There is nothing here')).toBeVisible();
  await expectAccessible(page, 'no such page');
});

test('people and what they may do', async ({ page, rig }) => {
  await signIn(page, rig.admin);
  const carol = { name: 'carol', password: 'carol-and-her-password' };
  await addUser(page, carol);
  await expectAccessible(page, 'users');
  await page.getByRole('button', { name: `Edit ${carol.name}` }).click();
  await page.getByRole('dialog').getByLabel('Username').fill('');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await expectAccessible(page, 'editing a user, incomplete');
  await close(page);

  await go(page, 'Groups');
  await expectAccessible(page, 'groups');
  await page.getByRole('button', { name: 'Add group' }).click();
  const group = page.getByRole('dialog', { name: 'Add a group' });
  await choose(page, group.getByLabel('Members'), carol.name, carol.name);
  await group.getByLabel('Name', { exact: true }).click();
  await expectAccessible(page, 'adding a group');
  await close(page);

  await go(page, 'Rights');
  await expectAccessible(page, 'rights');
  await page.getByRole('button', { name: 'Grant a right' }).click();
  const right = page.getByRole('dialog', { name: 'Grant a right' });
  await right.getByLabel('On what').fill(STOPPABLE);
  await expect(page.getByRole('option', { name: STOPPABLE }).first()).toBeVisible();
  await expectAccessible(page, 'granting a right');
  await page.getByRole('option', { name: STOPPABLE }).first().click();
  await right.getByRole('radio', { name: 'Viewer' }).click();
  await right.getByRole('button', { name: 'Grant', exact: true }).click();
  await expectAccessible(page, 'granting a right, incomplete');
  await close(page);

  await go(page, 'Tokens');
  await expect(page.getByRole('list', { name: 'Signed in with a browser' })).toBeVisible();
  await expectAccessible(page, 'tokens');
  await openProfile(page, rig.admin);
  await expectAccessible(page, 'profile');
  await page.getByRole('button', { name: 'Set up' }).click();
  await expect(page.getByRole('img', { name: 'Code for the authenticator app' })).toBeVisible();
  await expectAccessible(page, 'setting up one-time passwords');
  await close(page);
  await remove(page, 'Users', carol.name);
});

test('on a phone', async ({ another, rig }) => {
  const page = await another({ viewport: { width: 390, height: 844 }, hasTouch: true });
  await signIn(page, rig.admin);
  await expect(vmTable(page)).toBeVisible();
  await expectAccessible(page, 'virtual machines, narrow');
  await page.getByRole('button', { name: 'Open navigation' }).click();
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible();
  await expectAccessible(page, 'navigation, narrow');
  await page.keyboard.press('Escape');
  for (const link of ['Hosts', 'Pools', 'Storage', 'Networks'] as const) {
    await go(page, link);
    const first = page.getByRole('table', { name: link, exact: true }).getByRole('link').first();
    await expect(first).toBeVisible();
    await expectNoSidewaysScrolling(page);
    await first.click();
    await expect(page.getByRole('region', { name: 'Properties' })).toBeVisible();
    await expectAccessible(page, `one of ${link}, narrow`);
    await expectNoSidewaysScrolling(page);
  }
  await go(page, 'Servers');
  await expectAccessible(page, 'servers, narrow');
  for (const link of ['Users', 'Groups', 'Rights', 'Tokens'] as const) {
    await go(page, link);
    await expectAccessible(page, `${link}, narrow`);
    await expectNoSidewaysScrolling(page);
  }
  await go(page, 'Plugins');
  await page.getByRole('link', { name: LDAP }).click();
  await expect(page.getByLabel('Host')).toBeVisible();
  await expectAccessible(page, 'a plugin, narrow');
  await expectNoSidewaysScrolling(page);
});

test('in French', async ({ another, rig }) => {
  const page = await another({ locale: 'fr-FR' });
  await page.goto('/login');
  await page.getByLabel('Nom d’utilisateur').or(page.getByLabel("Nom d'utilisateur")).fill(rig.admin.name);
  await expect(page.locator('html')).toHaveAttribute('lang', 'fr');
  await expectAccessible(page, 'connexion');
  await expect(toast(page, 'Sign in')).toHaveCount(0);
});
