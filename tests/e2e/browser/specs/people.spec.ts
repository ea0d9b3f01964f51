// People: accounts, groups, what they were granted, one-time passwords and tokens.
import { createHmac } from 'node:crypto';
import { addGroup, addUser, grant, item, remove } from '../support/people.ts';
import {
  account,
  enter,
  expectCount,
  go,
  openProfile,
  signIn,
  signOut,
  toast,
  trySignIn,
  vmRow,
  vmTable,
} from '../support/person.ts';
import { POOLS, recordedVms } from '../support/rig.ts';
import { expect, test } from '../support/test.ts';

const VMS = recordedVms(POOLS[1]).filter((vm, _, all) => all.filter((one) => one.name === vm.name).length === 1);
const VM = VMS[0]?.name ?? '';
const PAULA = { name: 'paula', password: 'paula-and-her-password' };
const NOTHING = 'You are signed in, but nothing has been shared with you yet';

/** The code of a Base32 secret, by the words of RFC 6238; so many half minutes from now. */
function code(secret: string, steps = 0): string {
  const bits = Array.from(secret.replaceAll(/\s/g, ''), (letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  ).join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const digest = createHmac('sha1', key).update(counter).digest();
  const at = (digest.at(-1) ?? 0) & 15;
  return String((digest.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

test('a right on a machine for a group comes and goes under the eyes of its member', async ({ page, another, rig }) => {
  await signIn(page, rig.admin);
  await addUser(page, PAULA);
  await expect(item(page, 'Users', PAULA.name)).toContainText('In no group');

  await test.step('the same name twice is refused in the dialog', async () => {
    await page.getByRole('button', { name: 'Add user' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a user' });
    await dialog.getByLabel('Username').fill(PAULA.name.toUpperCase());
    await dialog.getByLabel('Password', { exact: true }).fill('short');
    await dialog.getByRole('button', { name: 'Create user' }).click();
    await expect(dialog.getByLabel('Password', { exact: true })).toHaveAccessibleDescription(/at least 8 characters/);
    await dialog.getByLabel('Password', { exact: true }).fill(PAULA.password);
    await dialog.getByRole('button', { name: 'Create user' }).click();
    await expect(dialog.getByLabel('Username')).toHaveAccessibleDescription(/account of this name already/, {
      timeout: 20_000,
    });
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  const hers = await another();
  await enter(hers, PAULA);
  await expect(hers.getByRole('heading', { name: NOTHING })).toBeVisible();
  await expect(hers.getByRole('navigation', { name: 'Main' })).toHaveCount(0);

  await test.step('a group of hers sees one machine', async () => {
    await addGroup(page, 'Operators', [PAULA.name]);
    await expect(item(page, 'Groups', 'Operators')).toContainText(`1 member · ${PAULA.name}`);
    await grant(page, 'Operators', 'Viewer', VM);
    await expect(item(page, 'Rights of Operators', `Viewer: ${VM}`)).toContainText('Virtual machine');
    await expect(vmTable(hers)).toBeVisible();
    await expectCount(hers, 'Virtual machines', 1);
    await expect(vmRow(hers, VM)).toBeVisible();
    await expect(hers.getByRole('link', { name: 'Settings' })).toHaveCount(0);
  });

  await test.step('pages of administrators are not hers', async () => {
    for (const path of ['users', 'groups', 'rights', 'tokens']) {
      await hers.goto(`/settings/${path}`);
      await expect(hers.getByText('Only administrators can open this page.').first()).toBeVisible();
    }
    await hers.goto('/vms');
    await expect(vmRow(hers, VM)).toBeVisible();
  });

  await test.step('what she has is found from her account, and by the name of the machine', async () => {
    await go(page, 'Users');
    await expect(item(page, 'Users', PAULA.name)).toContainText('Groups: Operators');
    await page.getByRole('link', { name: `Rights of ${PAULA.name}` }).click();
    await expect(item(page, 'Rights of Operators', `Viewer: ${VM}`)).toBeVisible();
    await expect(page.getByText('Through the group')).toBeVisible();
    await page.getByRole('button', { name: `Only ${PAULA.name}` }).click();
    await page.getByRole('textbox', { name: 'Search people, groups and objects' }).fill(VM);
    await expect(item(page, 'Rights of Operators', `Viewer: ${VM}`)).toBeVisible();
    await page.getByRole('textbox', { name: 'Search people, groups and objects' }).fill('nothing like that');
    await expect(page.getByText('No entry matches')).toBeVisible();
    await page.getByRole('button', { name: 'Clear search' }).click();
  });

  await test.step('without the right she sees nothing, without a reload', async () => {
    await page.getByRole('button', { name: `Remove: Operators, Viewer, ${VM}` }).click();
    const question = page.getByRole('dialog', { name: `Remove Viewer on ${VM}?` });
    await question.getByRole('button', { name: 'Remove', exact: true }).click();
    await expect(page.getByText('Nothing was granted yet')).toBeVisible();
    await expect(hers.getByRole('heading', { name: NOTHING })).toBeVisible();
  });

  await test.step('without the account she is signed out', async () => {
    await remove(page, 'Groups', 'Operators').catch(async (error: unknown) => {
      // The last group leaves no list behind.
      if ((await page.getByText('No groups yet').count()) === 0) throw error;
    });
    await remove(page, 'Users', PAULA.name);
    await expect(hers.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  });
});

test('one-time passwords and tokens of one’s own', async ({ page, another, rig }) => {
  const quentin = { name: 'quentin', password: 'quentin-and-his-password' };
  await signIn(page, rig.admin);
  await addUser(page, quentin);
  const his = await another();
  await enter(his, quentin);
  await openProfile(his, quentin);

  const secret = await test.step('set up, but only with the code of the app', async () => {
    await his.getByRole('button', { name: 'Set up' }).click();
    const dialog = his.getByRole('dialog', { name: 'Set up one-time passwords' });
    await expect(dialog.getByRole('img', { name: 'Code for the authenticator app' })).toBeVisible();
    const text = await dialog.getByLabel('Secret', { exact: true }).inputValue();
    await dialog.getByLabel('Six digits of the app').fill('12345');
    await dialog.getByRole('button', { name: 'Turn on' }).click();
    await expect(dialog.getByLabel('Six digits of the app')).toHaveAccessibleDescription(/other digits/);
    await dialog.getByLabel('Six digits of the app').fill(code(text));
    await dialog.getByRole('button', { name: 'Turn on' }).click();
    await expect(toast(his, 'One-time passwords are on.')).toBeVisible();
    await expect(his.getByRole('button', { name: 'Turn off' })).toBeVisible();
    return text;
  });

  await test.step('a token is shown once', async () => {
    await his.getByRole('button', { name: 'Create token' }).click();
    const dialog = his.getByRole('dialog', { name: 'Create a token' });
    await dialog.getByLabel('What it is for').fill('Nightly report');
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    const token = await dialog.getByLabel('Token', { exact: true }).inputValue();
    expect(token).toMatch(/^[\w-]{43}$/);
    const asked = await fetch(`${rig.url}/rest/v0/vms`, { headers: { cookie: `authenticationToken=${token}` } });
    expect(asked.status).toBe(200);
    await dialog.getByRole('button', { name: 'Done' }).click();
    await expect(his.getByText(token)).toHaveCount(0);
    await his.getByRole('button', { name: 'Delete Nightly report' }).click();
    const question = his.getByRole('dialog', { name: 'Delete the token Nightly report?' });
    await question.getByRole('button', { name: 'Delete', exact: true }).click();
    await expect(item(his, 'For programs', 'Nightly report')).toHaveCount(0);
    const refused = await fetch(`${rig.url}/rest/v0/vms`, { headers: { cookie: `authenticationToken=${token}` } });
    expect(refused.status).toBe(401);
  });

  await test.step('signing in asks for the code', async () => {
    await signOut(his, quentin);
    await trySignIn(his, quentin);
    const box = his.getByLabel('One-time password');
    await expect(box).toBeVisible({ timeout: 20_000 });
    await expect(box).toBeFocused();
    await box.fill(code(secret));
    await his.getByRole('button', { name: 'Sign in' }).click();
    await expect(account(his, quentin)).toBeVisible({ timeout: 20_000 });
  });

  await test.step('an administrator takes it away, and ends all sessions', async () => {
    await go(page, 'Users');
    await expect(item(page, 'Users', quentin.name)).toContainText('One-time password');
    await page.getByRole('button', { name: `Edit ${quentin.name}` }).click();
    const dialog = page.getByRole('dialog', { name: `Edit ${quentin.name}` });
    await dialog.getByLabel('Take its one-time passwords away').check();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(toast(page, `${quentin.name} was saved.`)).toBeVisible();
    await expect(item(page, 'Users', quentin.name)).not.toContainText('One-time password');
    await go(page, 'Tokens');
    await page.getByRole('combobox', { name: 'Account', exact: true }).fill(quentin.name);
    await page.getByRole('option', { name: quentin.name }).click();
    await page.getByRole('button', { name: 'End all tokens' }).click();
    const question = page.getByRole('dialog', { name: `End all tokens of ${quentin.name}?` });
    await question.getByRole('button', { name: 'End all tokens' }).click();
    await expect(his.getByRole('heading', { name: 'Sign in' })).toBeVisible();
    await enter(his, quentin);
  });
  await remove(page, 'Users', quentin.name);
});
