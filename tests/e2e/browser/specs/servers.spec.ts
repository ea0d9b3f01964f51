// The servers: how each connection fares, and what to do about one that does not.
import { go, signIn, toast, vmTable } from '../support/person.ts';
import { POOLS, recordedPoolName, recordedVms } from '../support/rig.ts';
import { expect, type Page, test } from '../support/test.ts';

const ALL = POOLS.flatMap((pool) => recordedVms(pool)).length;

const server = (page: Page, name: string) =>
  page.getByRole('list', { name: 'Servers' }).getByRole('listitem', { name, exact: true });

async function add(page: Page, host: string, label: string, anyCertificate = false): Promise<void> {
  await page.getByRole('button', { name: 'Add server' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a server' });
  await dialog.getByLabel('Host').fill(host);
  await dialog.getByLabel('User').fill('root');
  await dialog.getByLabel('Server password', { exact: true }).fill('a-secret-of-the-pool');
  await dialog.getByLabel('Label').fill(label);
  if (anyCertificate) await dialog.getByLabel('Accept any certificate').check();
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect(toast(page, `${label} was added.`)).toBeVisible();
}

async function remove(page: Page, label: string): Promise<void> {
  await server(page, label)
    .getByRole('button', { name: `Remove ${label}` })
    .click();
  const question = page.getByRole('dialog', { name: `Remove ${label}?` });
  await question.getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(server(page, label)).toHaveCount(0);
}

test('servers are listed, refused with a reason, and removed', async ({ page, rig }) => {
  const [sim] = rig.sims;
  if (!sim) throw new Error('the rig has no pool');
  const port = new URL(sim.url).port;
  await signIn(page, rig.admin);
  await go(page, 'Servers');

  await test.step('both pools are connected, and show their certificate', async () => {
    for (const pool of POOLS) {
      await expect(server(page, recordedPoolName(pool)).getByText('Connected', { exact: true })).toBeVisible();
    }
    await expect(server(page, recordedPoolName(POOLS[0]))).toContainText(fingerprint(sim.fingerprint));
  });

  await test.step('nobody listens there', async () => {
    await add(page, '127.0.0.1:1', 'Nowhere');
    const error = server(page, 'Nowhere').getByRole('group', { name: 'Last error' });
    await expect(error).toContainText('127.0.0.1:1 cannot be reached: Connection refused');
    await expect(error).toContainText(/Next attempt in \d+ s/);
    console.log(`nowhere: ${(await error.innerText()).replaceAll(/\s*\n\s*/g, ' | ')}`);
    await remove(page, 'Nowhere');
  });

  await test.step('the same host twice is refused in the dialog', async () => {
    await page.getByRole('button', { name: 'Add server' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a server' });
    await dialog.getByLabel('Host').fill('twice.invalid');
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await expect(dialog.getByLabel('Server password', { exact: true })).toHaveAccessibleDescription(
      /Please fill this in/,
    );
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await expect(dialog).toBeHidden();
  });

  await test.step('a certificate that nobody vouches for: its fingerprint is shown, and can be trusted', async () => {
    await add(page, `localhost:${port}`, 'Unverified');
    const error = server(page, 'Unverified').getByRole('group', { name: 'Last error' });
    await expect(error).toContainText('shows a certificate that this system does not trust');
    await expect(server(page, 'Unverified')).toContainText(fingerprint(sim.fingerprint));
    console.log(`unverified: ${(await server(page, 'Unverified').innerText()).replaceAll(/\s*\n\s*/g, ' | ')}`);
    await page.getByRole('button', { name: 'Trust the certificate of Unverified' }).click();
    const question = page.getByRole('dialog', { name: 'Trust this certificate of Unverified?' });
    await expect(question).toContainText(fingerprint(sim.fingerprint));
    await question.getByRole('button', { name: 'Trust', exact: true }).click();
    await test.step('then the password is wrong, and the page says so', async () => {
      await expect(error).toContainText('the pool refuses the user name or the password of root');
    });
    console.log(`wrong password: ${(await error.innerText()).replaceAll(/\s*\n\s*/g, ' | ')}`);
    await expect(page.getByText('a-secret-of-the-pool')).toHaveCount(0);
    await remove(page, 'Unverified');
  });

  await test.step('a server that is switched off takes its machines along, and brings them back', async () => {
    const name = recordedPoolName(POOLS[0]);
    const item = server(page, name);
    await item.getByRole('switch', { name: `Enabled: ${name}` }).click();
    const off = page.getByRole('list', { name: 'Servers' }).getByRole('listitem').filter({ hasText: 'Disabled' });
    await expect(off).toHaveCount(1);
    await go(page, 'Virtual machines');
    await expect(vmTable(page).getByRole('row')).toHaveCount(recordedVms(POOLS[1]).length + 1);
    await go(page, 'Servers');
    await off.getByRole('switch').click();
    await expect(server(page, name).getByText('Connected', { exact: true })).toBeVisible();
    await go(page, 'Virtual machines');
    await expect(vmTable(page).getByRole('row')).toHaveCount(ALL + 1);
  });
});

/** Fingerprints are written with and without colons, in both cases. */
function fingerprint(hex: string): RegExp {
  const pairs = hex.replaceAll(':', '').match(/../g) ?? [];
  return new RegExp(pairs.join(':?'), 'i');
}
