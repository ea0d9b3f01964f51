// A machine moves to another pool: what is missing there is asked for before anything is sent.
import { expectAccessible } from '../support/axe.ts';
import { choose } from '../support/people.ts';
import { expectNoSidewaysScrolling, signIn, vmRow } from '../support/person.ts';
import { expect, test } from '../support/test.ts';

/** It runs in the second pool, with three interfaces; the first pool has no network like that of one of them. */
const VM = 'Windows Vista JA';
const UNKNOWN = 'Pool-wide network associated with eth2';

test('what the other pool lacks is asked for', async ({ page, rig }) => {
  const sent: { method: string; params: Record<string, unknown> }[] = [];
  page.on('websocket', (socket) =>
    socket.on('framesent', ({ payload }) => {
      const call = JSON.parse(String(payload)) as (typeof sent)[number];
      if (call.method === 'vm.migrate') sent.push(call);
    }),
  );
  await signIn(page, rig.admin);
  await vmRow(page, VM).getByRole('link', { name: VM }).click();
  await expect(page.getByRole('table', { name: 'Network interfaces' }).getByRole('row')).toHaveCount(3 + 1);
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Migrate', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: `Migrate ${VM}` });
  const box = (name: string) => dialog.getByRole('combobox', { name, exact: true });
  const networks = dialog.getByRole('combobox', { name: /^Network of interface \d/ });
  const migrate = dialog.getByRole('button', { name: 'Migrate', exact: true });

  await migrate.click();
  await expect(box('Host')).toHaveAccessibleDescription(/Please fill this in/);

  await test.step('within the pool nothing else is needed', async () => {
    await choose(page, box('Host'), 'grimsby', /^grimsby/);
    await expect(dialog.getByText('Without one they stay where they are.')).toBeVisible();
    await expect(networks).toHaveCount(0);
  });

  await test.step('in another pool the disks and interfaces need new places', async () => {
    await choose(page, box('Host'), 'berlin', /^berlin/);
    await expect(box('Move its disks to')).toHaveValue('Local storage');
    await expect(networks).toHaveCount(3);
    await migrate.click();
    const missing = dialog.getByRole('alert').filter({ hasText: 'Still missing' });
    await expect(missing).toContainText(/^Still missing: Network of interface \d\.$/);
    await expect(dialog.getByText(`Now: ${UNKNOWN}`)).toBeVisible();
    await dialog.getByRole('button', { name: 'Clear Move its disks to' }).click();
    await expect(missing).toContainText(/^Still missing: Storage of 0, Network of interface \d\.$/);
    await expectAccessible(page, 'a move to another pool, incomplete');
    await page.setViewportSize({ width: 390, height: 844 });
    await expectNoSidewaysScrolling(page);
    await page.setViewportSize({ width: 1280, height: 800 });
    expect(sent).toEqual([]);
  });
});
