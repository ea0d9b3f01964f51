// The pictures of the README: sign-in page, list of VMs, a plugin whose test has passed; light and dark, wide and narrow.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { openPlugin, signIn, vmTable } from './support/person.ts';
import { fillLdap, LDAP, ldapScope, openTest, runTest } from './support/plugin.ts';
import { expect, type Page, test } from './support/test.ts';

const FOLDER = resolve(process.env['XYLEM_SCREENS'] ?? resolve(import.meta.dirname, '../../../web/screenshots'));

// The pictures show what people have: plugins that misbehave are for tests.
test.use({ hostile: false });

const SIZES = { wide: { width: 1280, height: 860 }, narrow: { width: 390, height: 844 } };

async function take(page: Page, name: string): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', colorScheme);
    await page.screenshot({
      path: resolve(FOLDER, `${name}-${colorScheme}.png`),
      animations: 'disabled',
      caret: 'hide',
    });
  }
}

for (const [size, viewport] of Object.entries(SIZES)) {
  test(size, async ({ another, rig }) => {
    const [alice] = rig.ldap.users;
    if (!alice) throw new Error('the directory has nobody in it');
    const page = await another({ viewport });
    const name = (what: string) => (size === 'wide' ? what : `${what}-${size}`);
    await page.goto('/login');
    await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
    await take(page, name('sign-in'));

    await signIn(page, rig.admin);
    await expect(vmTable(page)).toBeVisible();
    await page.mouse.move(0, 0);
    await take(page, name('vms'));

    await openPlugin(page, LDAP);
    await fillLdap(page, rig.ldap);
    const dialog = await openTest(page, LDAP);
    await dialog.getByLabel('Name of a person').fill(alice.name);
    await dialog.getByLabel('Their password', { exact: true }).fill(alice.password);
    await runTest(dialog, ldapScope(rig.ldap));
    await dialog.getByRole('region', { name: 'Result of the test' }).scrollIntoViewIfNeeded();
    await take(page, name('plugin'));
  });
}
