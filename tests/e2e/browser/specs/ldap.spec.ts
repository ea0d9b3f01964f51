// The story that this whole system is for: an administrator turns a sandboxed plugin on from the page, people of a real
// directory get in through it, and off it is off.
import { expectAccessible } from '../support/axe.ts';
import { account, openPlugin, refusal, signIn, signOut, toast, trySignIn } from '../support/person.ts';
import {
  disable,
  enable,
  failedStep,
  fillLdap,
  LDAP,
  ldapScope,
  openTest,
  purge,
  resultOf,
  runTest,
  saveAndGrant,
} from '../support/plugin.ts';
import { expect, type Page, test } from '../support/test.ts';

/** Everything the page holds: markup, and what is typed or filled into fields. */
async function everythingIn(page: Page): Promise<string> {
  const typed = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLInputElement>('input, textarea')].map((field) => field.value).join('\n'),
  );
  return `${await page.content()}\n${typed}`;
}

test('an administrator lets people of a directory in, and out again', async ({ page, rig, faults }) => {
  const { ldap } = rig;
  const [alice] = ldap.users;
  if (!alice) throw new Error('the directory has nobody in it');
  const scope = ldapScope(ldap);
  const frames: string[] = [];
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => frames.push(String(payload))));

  await signIn(page, rig.admin);
  await openPlugin(page, LDAP);

  await test.step('before there is a configuration it cannot be enabled, and says so', async () => {
    const button = page.getByRole('button', { name: 'Enable', exact: true });
    await expect(button).toBeDisabled();
    await expect(button).toHaveAccessibleDescription('Save a configuration first.');
  });

  await test.step('an incomplete form is not sent; each fault stands at its field', async () => {
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await expect(page.getByRole('textbox', { name: 'Host' })).toHaveAccessibleDescription(/Please fill this in/);
    await expect(page.getByLabel('Search base')).toHaveAccessibleDescription(/Please fill this in/);
  });

  await fillLdap(page, ldap);
  const ca = page.getByLabel('CA certificate');
  const bindPassword = page.getByRole('group', { name: 'Service account' }).getByLabel('Password', { exact: true });

  const wrongPassword = await test.step('a wrong bind password', async () => {
    await bindPassword.fill('not-the-password');
    const dialog = await openTest(page, LDAP);
    await test.step('nothing runs before the permission for this one call is given', async () => {
      await dialog.getByRole('button', { name: 'Run test' }).click();
      await expect(dialog.getByRole('region', { name: 'This test needs permissions' })).toContainText(scope);
      await expect(dialog.getByRole('region', { name: 'Result of the test' })).toHaveCount(0);
    });
    await test.step('the permission alone does not open this machine', async () => {
      await dialog.getByRole('button', { name: 'Allow for this test' }).click();
      expect(failedStep(await resultOf(dialog)).text).toMatch(/loopback/i);
    });
    const failed = failedStep(await runTest(dialog, scope));
    await expect(dialog.getByText('The test failed: 1 step did not pass.')).toBeVisible();
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await expect(dialog).toBeHidden();
    return failed.text;
  });
  expect(wrongPassword).toMatch(/password/i);

  const wrongCa = await test.step('a wrong CA', async () => {
    await bindPassword.fill(ldap.bindPassword);
    await ca.fill(ldap.otherCa);
    const dialog = await openTest(page, LDAP);
    const failed = failedStep(await runTest(dialog, scope));
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await expect(dialog).toBeHidden();
    return failed.text;
  });
  expect(wrongCa).toMatch(/certificate/i);
  expect(wrongCa).not.toMatch(/password/i);
  expect(wrongCa).not.toBe(wrongPassword);
  console.log(`wrong bind password: ${wrongPassword}`);
  console.log(`wrong CA: ${wrongCa}`);

  await test.step('all right: every step passes, with a person and without', async () => {
    await ca.fill(ldap.ca);
    const dialog = await openTest(page, LDAP);
    const alone = await runTest(dialog, scope);
    expect(alone.filter((step) => step.outcome !== 'Passed')).toEqual([]);
    await dialog.getByLabel('Name of a person').fill(alice.name);
    await dialog.getByLabel('Their password', { exact: true }).fill(alice.password);
    const steps = await runTest(dialog, scope);
    console.log(steps.map((step) => step.text).join('\n'));
    expect(steps.filter((step) => step.outcome !== 'Passed')).toEqual([]);
    expect(steps.length).toBeGreaterThan(alone.length);
    await expect(dialog.getByText('The test passed.')).toBeVisible();
    await dialog.getByLabel('Their password', { exact: true }).fill('not-hers');
    expect(failedStep(await runTest(dialog, scope)).text).toMatch(/password/i);
    await dialog.getByRole('button', { name: 'Close' }).last().click();
  });

  await test.step('the permissions of tests were for those calls alone', async () => {
    const permissions = page.getByRole('region', { name: 'Permissions' });
    await expect(permissions.getByText('Granted', { exact: true })).toHaveCount(0);
    await expect(
      page.getByRole('region', { name: 'Activity' }).getByText(`allowed for one test: ${scope}`).first(),
    ).toBeVisible();
  });

  await test.step('save, grant, enable', async () => {
    await saveAndGrant(page, scope);
    await enable(page, LDAP);
    await expect(page.getByText('Enabled', { exact: true })).toBeVisible();
  });

  await test.step('the stored secret does not come back', async () => {
    frames.length = 0;
    await page.reload();
    const group = page.getByRole('group', { name: 'Service account' });
    await expect(group.getByText('Stored')).toBeVisible();
    await expect(group.getByRole('button', { name: 'Replace: Password' })).toBeVisible();
    await expect(page.getByLabel('Search base')).toHaveValue(ldap.base);
    expect(await everythingIn(page)).not.toContain(ldap.bindPassword);
    expect(frames.length).toBeGreaterThan(0);
    expect(frames.filter((frame) => frame.includes(ldap.bindPassword))).toEqual([]);
    // Saving again without typing it keeps it: the sign-in below needs it.
    await page.getByLabel('Timeout (seconds)').fill('6');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await expect(toast(page, 'The configuration was saved.')).toBeVisible();
  });

  await signOut(page, rig.admin);

  await test.step('a person of the directory gets in, and sees nothing', async () => {
    await trySignIn(page, alice);
    await expect(account(page, alice)).toBeVisible();
    await expect(
      page.getByRole('heading', { name: 'You are signed in, but nothing has been shared with you yet' }),
    ).toBeVisible();
    await expect(page.getByRole('navigation', { name: 'Main' })).toHaveCount(0);
    await expectAccessible(page, 'nothing shared');
    await page.goto('/settings/plugins');
    await expect(page.getByRole('link', { name: LDAP })).toHaveCount(0);
    await signOut(page, alice);
  });

  await test.step('the provider can be chosen; the wrong password is refused', async () => {
    await trySignIn(page, { name: 'bob', password: 'wrong' }, LDAP);
    await expect(refusal(page)).toBeVisible();
  });

  await test.step('disabled: she is refused, the local administrator gets in', async () => {
    await trySignIn(page, rig.admin);
    await openPlugin(page, LDAP);
    await disable(page, LDAP);
    await signOut(page, rig.admin);
    await trySignIn(page, alice);
    await expect(refusal(page)).toBeVisible();
    await trySignIn(page, rig.admin);
    await expect(account(page, rig.admin)).toBeVisible();
  });

  await test.step('purging forgets configuration, secret and permissions', async () => {
    await openPlugin(page, LDAP);
    await purge(page);
    await expect(page.getByRole('textbox', { name: 'Host' })).toHaveValue('');
    await expect(page.getByRole('button', { name: 'Replace: Password' })).toHaveCount(0);
  });
  expect(faults).toEqual([]);
});
