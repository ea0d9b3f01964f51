// A pool goes away and comes back: the list says so, says when it is tried again, and mends itself.
import { signIn, vmRow, vmTable } from '../support/person.ts';
import { control, POOLS, recordedPoolName, recordedVms, records } from '../support/rig.ts';
import { expect, test } from '../support/test.ts';

const POOL = recordedPoolName(POOLS[0]);
const [VM] = recordedVms(POOLS[0]);
const ALL = POOLS.flatMap((pool) => recordedVms(pool)).length;

test('a pool that cannot be reached is shown as it was last seen, and recovers by itself', async ({ page, rig }) => {
  const [sim] = rig.sims;
  if (!sim || !VM) throw new Error('the rig has no pool');
  const [reference] = Object.entries(await records(sim, 'VM')).find(([, vm]) => vm['name_label'] === VM.name) ?? [];
  if (!reference) throw new Error(`the simulator has no ${VM.name}`);
  const rename = (name: string) =>
    control(sim, 'set', { class: 'VM', ref: reference, field: 'name_label', value: name });
  const banner = page.getByRole('group', { name: `${POOL} is not connected` });
  const row = vmRow(page, VM.name);

  await signIn(page, rig.admin);
  await expect(row).toBeVisible();
  await expect(banner).toHaveCount(0);

  await test.step('gone: since when, why, and when it is tried again', async () => {
    await control(sim, 'pause');
    await control(sim, 'drop-connections');
    await expect(banner).toContainText('Shown as of');
    await expect(banner).toContainText(/cannot be reached: /);
    await expect(banner).toContainText(/Next attempt in \d+ s/);
    console.log(`banner: ${(await banner.innerText()).replaceAll(/\s*\n\s*/g, ' | ')}`);
  });

  await test.step('the list stays, but its verbs wait for the pool', async () => {
    await expect(vmTable(page).getByRole('row')).toHaveCount(ALL + 1);
    const stop = row.getByRole('button', { name: `Stop ${VM.name}`, exact: true });
    await expect(stop).toBeDisabled();
    await expect(stop).toHaveAttribute('title', 'Not possible while the pool is not connected.');
  });

  await test.step('back: what changed meanwhile is there, without a reload', async () => {
    await rename('renamed while nobody looked');
    await control(sim, 'resume');
    await expect(banner).toHaveCount(0, { timeout: 30_000 });
    await expect(vmRow(page, 'renamed while nobody looked')).toBeVisible();
    await expect(row).toHaveCount(0);
    await rename(VM.name);
    await expect(row).toBeVisible();
    await expect(row.getByRole('button', { name: `Stop ${VM.name}`, exact: true })).toBeEnabled();
  });

  await test.step('a dropped session and lost events end in the same list', async () => {
    await control(sim, 'kill-sessions');
    await rename('renamed without a session');
    await expect(vmRow(page, 'renamed without a session')).toBeVisible({ timeout: 30_000 });
    await control(sim, 'lose-events');
    await rename(VM.name);
    await expect(row).toBeVisible({ timeout: 30_000 });
    await expect(vmTable(page).getByRole('row')).toHaveCount(ALL + 1);
  });
});
