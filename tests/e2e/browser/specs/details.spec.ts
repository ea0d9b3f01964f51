// The pages of single objects: relations lead from one to the next, statistics are drawn, everything is live.
import { go, signIn, vmRow } from '../support/person.ts';
import { control, POOLS, recordedPoolName, recordedVms, records } from '../support/rig.ts';
import { expect, type Page, test } from '../support/test.ts';

const VM = 'jarvis';
const POOL = recordedPoolName(POOLS[0]);

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true });
const section = (page: Page, name: string | RegExp) => page.getByRole('region', { name });
const properties = (page: Page) => section(page, 'Properties');

test('from a machine to its network, storage, host and pool', async ({ page, rig }) => {
  await signIn(page, rig.admin);
  await vmRow(page, VM).getByRole('link', { name: VM }).click();
  await expect(heading(page, VM)).toBeVisible();
  await expect(page).toHaveURL(/\/vms\/[\w-]+$/);
  await expect(properties(page)).toContainText(POOL);

  const disks = page.getByRole('table', { name: 'Disks' });
  await expect(disks.getByRole('row')).toHaveCount(2 + 1);
  await expect(page.getByRole('heading', { name: 'Disks (2)' })).toBeVisible();
  // A drive is no disk.
  await expect(page.getByRole('table', { name: 'CD drives' })).toContainText('xs-tools.iso');
  const interfaces = page.getByRole('table', { name: 'Network interfaces' });
  await expect(interfaces.getByRole('row')).toHaveCount(2 + 1);
  await expect(page.getByText('No snapshots.')).toBeVisible();

  const network = interfaces.getByRole('link').first();
  const networkName = await network.innerText();
  await network.click();
  await expect(heading(page, networkName)).toBeVisible();
  await expect(page.getByRole('table', { name: 'Machines on it' }).getByRole('link', { name: VM })).toBeVisible();
  await page.goBack();

  const storage = disks.getByRole('link').first();
  const storageName = await storage.innerText();
  await storage.click();
  await expect(heading(page, storageName)).toBeVisible();
  await expect(page.getByRole('table', { name: 'Hosts' }).getByRole('link', { name: 'berlin' })).toBeVisible();
  await page.goBack();

  await properties(page).getByRole('link', { name: 'berlin' }).click();
  await expect(heading(page, 'berlin')).toBeVisible();
  await expect(page.getByRole('table', { name: 'Virtual machines' }).getByRole('link', { name: VM })).toBeVisible();
  await properties(page).getByRole('link', { name: POOL }).click();
  await expect(heading(page, POOL)).toBeVisible();
  const contents = page.getByRole('list', { name: 'What is in this pool' });
  await contents.getByRole('link', { name: `${recordedVms(POOLS[0]).length} Virtual machines` }).click();
  await expect(heading(page, 'Virtual machines')).toBeVisible();
  await expect(page).toHaveURL(/pool=/);
});

test('a machine changes under the eyes, and may go', async ({ page, rig }) => {
  const [sim] = rig.sims;
  if (!sim) throw new Error('the rig has no pool');
  const [reference] = Object.entries(await records(sim, 'VM')).find(([, vm]) => vm['name_label'] === VM) ?? [];
  const rename = (value: string) => control(sim, 'set', { class: 'VM', ref: reference, field: 'name_label', value });
  await signIn(page, rig.admin);
  await vmRow(page, VM).getByRole('link', { name: VM }).click();
  await expect(heading(page, VM)).toBeVisible();
  await rename('jarvis the second');
  await expect(heading(page, 'jarvis the second')).toBeVisible();
  await rename(VM);
  await expect(heading(page, VM)).toBeVisible();
  await expect(page.getByRole('button', { name: 'Start', exact: true })).toBeDisabled();
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page
    .getByRole('dialog', { name: `Stop ${VM}?` })
    .getByRole('button', { name: 'Cancel' })
    .click();

  await page.goto('/vms/00000000-0000-0000-0000-000000000000');
  await expect(page.getByText('No such virtual machine')).toBeVisible();
});

for (const [kind, open] of [
  ['machine', (page: Page) => vmRow(page, VM).getByRole('link', { name: VM }).click()],
  [
    'host',
    (page: Page) => go(page, 'Hosts').then(() => page.getByRole('table').getByRole('link', { name: 'berlin' }).click()),
  ],
] as const) {
  test(`statistics of a ${kind}`, async ({ page, rig }) => {
    await signIn(page, rig.admin);
    await open(page);
    const statistics = section(page, 'Live statistics');
    const cpu = statistics.getByRole('img', { name: /^CPU\. Now: / });
    await expect(cpu).toBeVisible({ timeout: 20_000 });
    await expect(statistics.getByRole('img', { name: /^Memory\. Now: .*[GM]iB/ })).toBeVisible();
    // Drawn, not only there: the canvas has ink.
    const ink = () =>
      cpu.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
        const { data } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
        return data.some((value, index) => index % 4 === 3 && value > 0);
      });
    await expect.poll(ink).toBe(true);

    for (const step of ['1 min', '1 h', '1 day', '5 s']) {
      await statistics.getByRole('radio', { name: step }).check({ force: true });
      await expect(cpu).toBeVisible({ timeout: 20_000 });
    }

    await statistics.getByRole('button', { name: 'Show as tables' }).click();
    const table = statistics.getByRole('table', { name: 'CPU' });
    await expect(table.getByRole('row').nth(1).getByRole('cell').first()).toHaveText(/%$|–/);
    await expect.poll(() => table.getByRole('row').count()).toBeGreaterThan(10);
  });
}

test('a machine that is off has no statistics, and says why', async ({ page, rig }) => {
  await signIn(page, rig.admin);
  await vmRow(page, 'Demo Linux VM (1)').getByRole('link').click();
  await expect(page.getByText('No statistics: the machine is not running.')).toBeVisible();
});
