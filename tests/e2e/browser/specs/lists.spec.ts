// The lists of everything: what was recorded is what is shown; looked for with words, filters and clicks; live.
import { bodyRows, expectCount, go, searchBox, signIn, vmRow, vmTable } from '../support/person.ts';
import { control, POOLS, recorded, recordedPoolName, recordedVms, records } from '../support/rig.ts';
import { expect, test } from '../support/test.ts';

const ALL = POOLS.flatMap((pool) => recordedVms(pool));
const POOL = recordedPoolName(POOLS[0]);
const OTHER = recordedPoolName(POOLS[1]);

test('every kind has its list, and every object its row', async ({ page, rig }) => {
  await signIn(page, rig.admin);
  for (const [link, type] of [
    ['Pools', 'pool'],
    ['Hosts', 'host'],
    ['Storage', 'SR'],
    ['Networks', 'network'],
  ] as const) {
    await test.step(link, async () => {
      const names = POOLS.flatMap((pool) => recorded(pool, type).map((one) => String(one['name_label'])));
      await go(page, link);
      await expectCount(page, link, names.length);
      for (const name of new Set(names)) {
        const many = names.filter((one) => one === name).length;
        const cells = page
          .getByRole('table', { name: link, exact: true })
          .getByRole('row')
          .filter({ has: page.getByRole('cell', { name, exact: true }).first() });
        await expect.poll(() => cells.count(), `${link}: ${name}`).toBeGreaterThanOrEqual(many);
      }
    });
  }
});

test('words, filters, and what is wrong with them', async ({ page, rig }) => {
  await signIn(page, rig.admin);
  await expectCount(page, 'Virtual machines', ALL.length);

  await test.step('a word is found anywhere', async () => {
    await searchBox(page).fill('jarvis');
    await expect(vmRow(page, 'jarvis')).toBeVisible();
    await expectCount(page, 'Virtual machines', 1);
  });

  await test.step('a filter', async () => {
    await searchBox(page).fill('!power_state:Running');
    await expectCount(page, 'Virtual machines', ALL.filter((vm) => vm.state !== 'Running').length);
    await expect(page).toHaveURL(/q=.*power_state/);
    await page.reload();
    await expect(searchBox(page)).toHaveValue('!power_state:Running');
    await expectCount(page, 'Virtual machines', ALL.filter((vm) => vm.state !== 'Running').length);
  });

  await test.step('one that is not understood: where, and the rows stay', async () => {
    await searchBox(page).fill('power_state:Running )x');
    const fault = page.getByRole('alert');
    await expect(fault).toContainText('Not understood from character 21 on');
    await expect(searchBox(page)).toHaveAccessibleDescription(/Not understood/);
    await expect(bodyRows(page, 'Virtual machines').first()).toBeVisible();
    await searchBox(page).fill('CPUs:number:>many');
    await expect(fault).toContainText('value must be a number');
  });

  await test.step('help offers examples and properties', async () => {
    await page.getByRole('button', { name: 'Clear search' }).click();
    await page.getByRole('button', { name: 'Help with the search' }).click();
    const help = page.getByRole('dialog', { name: 'Help with the search' });
    await help.getByRole('button', { name: /^power_state:Running CPUs:number:>=4/ }).click();
    await expect(help).toBeHidden();
    await expect(searchBox(page)).toHaveValue('power_state:Running CPUs:number:>=4');
    await expect(page.getByRole('alert')).toHaveCount(0);
    await page.getByRole('button', { name: 'Help with the search' }).click();
    await help.getByRole('button', { name: 'power_state', exact: true }).click();
    await expect(searchBox(page)).toHaveValue('power_state:Running CPUs:number:>=4 power_state:');
  });

  await test.step('nothing matches, and back', async () => {
    await searchBox(page).fill('no such thing anywhere');
    await expect(page.getByText('No virtual machine matches')).toBeVisible();
    await page.getByRole('button', { name: 'Clear all filters' }).click();
    await expectCount(page, 'Virtual machines', ALL.length);
  });
});

test('quick filters stand in the address, with how many they would find', async ({ page, rig }) => {
  await signIn(page, rig.admin);
  const halted = ALL.filter((vm) => vm.state === 'Halted').length;
  await page.getByRole('radio', { name: `Halted ${halted}` }).check({ force: true });
  await expectCount(page, 'Virtual machines', halted);
  await expect(page).toHaveURL(/state=Halted/);
  await page.getByRole('radio', { name: `All ${ALL.length}` }).check({ force: true });
  await expectCount(page, 'Virtual machines', ALL.length);
  await page.getByRole('combobox', { name: 'Pool' }).click();
  await page.getByRole('option', { name: OTHER }).click();
  await expectCount(page, 'Virtual machines', recordedVms(POOLS[1]).length);
  await expect(page).toHaveURL(/pool=/);
  await page.goBack();
  await expect(page).not.toHaveURL(/pool=/);
});

test('columns sort', async ({ page, rig }) => {
  await signIn(page, rig.admin);
  // The box to choose the machine stands first.
  const first = bodyRows(page, 'Virtual machines').first().getByRole('cell').nth(1);
  const header = (name: string) => vmTable(page).getByRole('columnheader', { name });
  const names = ALL.map((vm) => vm.name).toSorted(new Intl.Collator('en', { numeric: true }).compare);
  await expect(header('Name')).toHaveAttribute('aria-sort', 'ascending');
  await expect(first).toHaveText(names[0] ?? '');
  await header('Name').getByRole('button').click();
  await expect(header('Name')).toHaveAttribute('aria-sort', 'descending');
  await expect(first).toHaveText(names.at(-1) ?? '');
  await header('State').getByRole('button').click();
  await expect(header('State')).toHaveAttribute('aria-sort', 'ascending');
  await expect(bodyRows(page, 'Virtual machines').first().getByText('Halted', { exact: true })).toBeVisible();
  await expect(page).toHaveURL(/sort=state/);
});

test('the tree leads from pools to hosts, and counts machines', async ({ page, rig }) => {
  await signIn(page, rig.admin);
  const tree = page.getByRole('list', { name: 'Pools and hosts' });
  const toggle = tree.getByRole('button', { name: `Hosts of ${OTHER}` });
  await expect(toggle).toHaveAttribute('aria-expanded', 'true');
  await expect(
    tree
      .getByRole('listitem')
      .filter({ hasText: POOL })
      .getByTitle(`${recordedVms(POOLS[0]).length} machines`)
      .first(),
  ).toBeVisible();
  await toggle.click();
  await expect(tree.getByRole('link', { name: 'grimsby', exact: true })).toHaveCount(0);
  await toggle.click();
  await tree.getByRole('link', { name: 'grimsby', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'grimsby' })).toBeVisible();
  await tree.getByRole('link', { name: POOL }).click();
  await expect(page.getByRole('heading', { level: 1, name: POOL })).toBeVisible();
});

test('a change made elsewhere is there without a reload, also in the order', async ({ page, rig }) => {
  const [sim] = rig.sims;
  const [vm] = recordedVms(POOLS[0]);
  if (!sim || !vm) throw new Error('the rig has no pool');
  const [reference] = Object.entries(await records(sim, 'VM')).find(([, one]) => one['name_label'] === vm.name) ?? [];
  const rename = (value: string) => control(sim, 'set', { class: 'VM', ref: reference, field: 'name_label', value });
  await signIn(page, rig.admin);
  await expect(vmRow(page, vm.name)).toBeVisible();
  await rename('000 first of all');
  await expect(bodyRows(page, 'Virtual machines').first().getByRole('cell').nth(1)).toHaveText('000 first of all');
  await rename(vm.name);
  await expect(vmRow(page, vm.name)).toBeVisible();
});
