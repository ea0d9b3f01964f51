// A machine moves to another pool: what is missing there is asked for before anything is sent.
import { expectAccessible } from '../support/axe.ts';
import { choose } from '../support/people.ts';
import { expectNoSidewaysScrolling, signIn, toast, vmRow } from '../support/person.ts';
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

test('a machine moves to another pool, and its page goes along', async ({ page, rig }) => {
  test.setTimeout(240_000);
  const TEMPLATE = 'Demo Linux VM (1)';
  const NAME = 'on the move';
  const verb = async (name: string) => {
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name, exact: true }).click();
  };
  const open = async (name: string) => {
    await page.goto('/vms');
    await vmRow(page, name).getByRole('link', { name }).click();
    await expect(page.getByRole('heading', { level: 1, name, exact: true })).toBeVisible();
  };
  await signIn(page, rig.admin);
  await open(TEMPLATE);
  await verb('Clone');
  const clone = page.getByRole('dialog', { name: `Clone ${TEMPLATE}` });
  await clone.getByLabel('Name').fill(NAME);
  await clone.getByRole('button', { name: 'Clone', exact: true }).click();
  await expect(clone).toBeHidden();
  await open(NAME);
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await expect(page.getByText('Running', { exact: true })).toBeVisible();

  await verb('Migrate');
  const dialog = page.getByRole('dialog', { name: `Migrate ${NAME}` });
  await choose(page, dialog.getByRole('combobox', { name: 'Host', exact: true }), 'berlin', /^berlin/);
  const storage = dialog.getByRole('combobox', { name: 'Move its disks to', exact: true });
  await expect(storage).toHaveValue('Local storage');
  // That one is nearly full.
  await choose(page, storage, 'Berlin', /^Berlin_storage/);
  const networks = dialog.getByRole('combobox', { name: /^Network of interface \d/ });
  await expect(networks).toHaveCount(3);
  for (const network of await networks.all()) {
    if ((await network.inputValue()) === '') await choose(page, network, 'VLAN', 'VLAN 1');
  }
  await dialog.getByRole('button', { name: 'Migrate', exact: true }).click();
  await expect(dialog).toBeHidden({ timeout: 60_000 });
  await expect(toast(page, `${NAME} now runs on berlin.`)).toBeVisible();
  await open(NAME);
  const properties = page.getByRole('region', { name: 'Properties' });
  await expect(properties.getByRole('link', { name: 'berlin' })).toBeVisible();
  await expect(page.getByRole('table', { name: 'Disks' })).toContainText('Berlin_storage');
  await expect(page.getByRole('table', { name: 'Network interfaces' })).toContainText('VLAN 1');

  await verb('Delete');
  const question = page.getByRole('dialog', { name: `Delete ${NAME}?` });
  await question.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Virtual machines' })).toBeVisible();
  await expect(vmRow(page, NAME)).toHaveCount(0);
});
