// The audit log: who did what, found, looked at, verified and taken away as a file.
import { readFileSync } from 'node:fs';
import { expectAccessible } from '../support/axe.ts';
import { addUser, remove } from '../support/people.ts';
import { expectNoSidewaysScrolling, go, signIn } from '../support/person.ts';
import { expect, test } from '../support/test.ts';

const NORA = { name: 'nora', password: 'nora-and-her-password' };

test('what was done stands in the log', async ({ page, rig }) => {
  test.setTimeout(240_000);
  await signIn(page, rig.admin);
  await addUser(page, NORA);
  await go(page, 'Audit');
  const records = page.getByRole('list', { name: 'Records' });
  const row = records.getByRole('listitem').filter({ hasText: 'user.create' }).first();

  await test.step('what was done last is found, and shown with all it says but secrets', async () => {
    await page.getByRole('textbox', { name: 'Search people, operations, addresses' }).fill(`user.create ${NORA.name}`);
    await expect(records.getByRole('listitem')).toHaveCount(1);
    await expect(row).toContainText(rig.admin.name);
    await row.getByRole('button').click();
    const dialog = page.getByRole('dialog', { name: 'Record' });
    await expect(dialog).toContainText('apiCall');
    await expect(dialog.getByRole('region', { name: 'All of it' })).toContainText(NORA.name);
    await expect(dialog).not.toContainText(NORA.password);
    await expectAccessible(page, 'a record');
    await page.keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    await page.getByRole('textbox', { name: 'Search people, operations, addresses' }).fill('nothing like that');
    await expect(page.getByText('No record matches')).toBeVisible();
    await page.getByRole('button', { name: 'Clear search' }).click();
  });

  await test.step('it is what was written', async () => {
    await page.getByRole('button', { name: 'Verify' }).click();
    await expect(
      page.getByRole('status', { name: /^\d+ records? (?:is|are) as (?:it was|they were) written/ }),
    ).toBeVisible();
    await expect(page.getByRole('button', { name: 'Copy fingerprint' })).toBeVisible();
    await expectAccessible(page, 'audit');
  });

  await test.step('all of it, one record on each line', async () => {
    const downloading = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export' }).click();
    const path = await (await downloading).path();
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    const events = lines.map((line) => (JSON.parse(line) as { data?: { method?: string } }).data?.method);
    expect(events).toContain('user.create');
  });

  await test.step('on a phone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await expect(records.getByRole('listitem').first()).toBeVisible();
    await expectNoSidewaysScrolling(page);
    await page.setViewportSize({ width: 1280, height: 800 });
  });
  await remove(page, 'Users', NORA.name);
});
