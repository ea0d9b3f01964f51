// Plugins that misbehave, beside one that people need: they fail alone, their page says how, and the sign-in works on.
import { account, openPlugin, refusal, signIn, signOut, trySignIn } from '../support/person.ts';
import { enable, fillLdap, LDAP, ldapScope, purge, saveAndGrant } from '../support/plugin.ts';
import { expect, test } from '../support/test.ts';

/** Each is asked for one sign-in; what it does then, and what its page says afterwards. */
const HOSTILE = [
  { name: 'Hostile: trap', says: /trap|panic|unreachable/i },
  { name: 'Hostile: endless-loop', says: /time|cpu|second|stopped/i },
  { name: 'Hostile: memory-bomb', says: /memory/i },
  { name: 'Hostile: giant-result', says: /large|big|limit|size|bytes|MiB/i },
  { name: 'Hostile: ungranted-ldap', says: /grant/i },
] as const;

test('plugins that misbehave fail alone, and their pages say how', async ({ page, another, rig, faults }) => {
  const [alice] = rig.ldap.users;
  if (!alice) throw new Error('the directory has nobody in it');
  await signIn(page, rig.admin);

  await openPlugin(page, LDAP);
  await fillLdap(page, rig.ldap);
  await saveAndGrant(page, ldapScope(rig.ldap));
  await enable(page, LDAP);

  for (const { name } of HOSTILE) {
    await openPlugin(page, name);
    await enable(page, name);
  }

  const visitor = await another();
  await visitor.goto('/login');
  for (const [at, { name, says }] of HOSTILE.entries()) {
    await test.step(name, async () => {
      // Names of their own: after a refusal the same name has to wait for two seconds.
      await trySignIn(visitor, { name: `visitor-${at}`, password: 'whatever' }, name);
      await expect(visitor.getByRole('button', { name: 'Sign in' })).not.toHaveAttribute('data-loading', 'true', {
        timeout: 20_000,
      });
      await expect(refusal(visitor)).toBeVisible({ timeout: 20_000 });
      await openPlugin(page, name);
      const lastError = page.getByRole('region', { name: 'Last error' });
      await expect(lastError).not.toContainText('No error so far.');
      await expect(lastError).toContainText(says);
      await expect(page.getByRole('region', { name: 'Statistics' })).toContainText('Failures');
      console.log(`${name}: ${(await lastError.innerText()).replaceAll(/\s*\n\s*/g, ' | ')}`);
      await visitor.reload();
    });
  }

  await test.step('one that fails again and again is left alone for a while', async () => {
    const trap = 'Hostile: trap';
    await openPlugin(page, trap);
    const state = page.getByText('Backing off', { exact: true });
    for (let again = 0; again < 10 && !(await state.isVisible()); again += 1) {
      await trySignIn(visitor, { name: `patient-${again}`, password: 'whatever' }, trap);
      await expect(refusal(visitor)).toBeVisible({ timeout: 20_000 });
      await visitor.reload();
    }
    await expect(state).toBeVisible();
  });

  await test.step('people of the directory get in as before', async () => {
    await trySignIn(visitor, alice);
    await expect(account(visitor, alice)).toBeVisible({ timeout: 20_000 });
    await signOut(visitor, alice);
    await trySignIn(visitor, rig.admin);
    await expect(account(visitor, rig.admin)).toBeVisible();
  });

  for (const name of [LDAP, ...HOSTILE.map((plugin) => plugin.name)]) {
    await openPlugin(page, name);
    if (name === LDAP) await purge(page);
    else await page.getByRole('button', { name: 'Disable', exact: true }).click();
    await expect(page.getByRole('button', { name: 'Enable', exact: true })).toBeVisible();
  }
  expect(faults).toEqual([]);
});
