// What happens under an open page: the connection breaks, what somebody may do is changed.
import { account, bodyRows, expectCount, signIn, trySignIn, vmRow, vmTable } from '../support/person.ts';
import { control, POOLS, recordedVms, records } from '../support/rig.ts';
import { expect, type Page, test } from '../support/test.ts';

const ALL = POOLS.flatMap((pool) => recordedVms(pool)).length;

/** Calls a method of the API as whoever is signed in on this page. */
function call(page: Page, method: string, params: object): Promise<unknown> {
  return page.evaluate(
    ([name, given]) =>
      new Promise<unknown>((done, fail) => {
        const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/api/`);
        socket.addEventListener('open', () =>
          socket.send(JSON.stringify({ jsonrpc: '2.0', id: 'test', method: name, params: given })),
        );
        socket.addEventListener('message', ({ data }) => {
          const answer = JSON.parse(String(data)) as { id?: string; result?: unknown; error?: { message: string } };
          if (answer.id !== 'test') return;
          socket.close();
          if (answer.error) fail(new Error(answer.error.message));
          else done(answer.result);
        });
      }),
    [method, params] as const,
  );
}

test('a broken connection mends itself, and what was missed is there', async ({ page, rig }) => {
  const [sim] = rig.sims;
  const [vm] = recordedVms(POOLS[0]);
  if (!sim || !vm) throw new Error('the rig has no pool');
  const [reference] = Object.entries(await records(sim, 'VM')).find(([, one]) => one['name_label'] === vm.name) ?? [];
  const rename = (value: string) => control(sim, 'set', { class: 'VM', ref: reference, field: 'name_label', value });
  let away = false;
  const sockets: { close: () => Promise<void> }[] = [];
  await page.routeWebSocket(/\/api\/$/, (socket) => {
    if (away) {
      void socket.close();
      return;
    }
    socket.connectToServer();
    sockets.push(socket);
  });
  await signIn(page, rig.admin);
  await expect(vmRow(page, vm.name)).toBeVisible();

  away = true;
  for (const socket of sockets.splice(0)) await socket.close();
  const banner = page.getByRole('group', { name: 'Reconnecting to Xylem' });
  await expect(banner).toBeVisible();
  await expect(page.getByRole('status').filter({ hasText: 'Offline' })).toBeVisible();
  await expectCount(page, 'Virtual machines', ALL);
  await rename('renamed while the page was away');
  away = false;
  await expect(banner).toHaveCount(0, { timeout: 30_000 });
  await expect(vmRow(page, 'renamed while the page was away')).toBeVisible();
  await rename(vm.name);
  await expect(vmRow(page, vm.name)).toBeVisible();
});

test('whose rights change sees it without a reload', async ({ page, another, rig }) => {
  await signIn(page, rig.admin);
  const person = { name: `visitor-${Date.now()}`, password: 'a good password' };
  const id = await call(page, 'user.create', { email: person.name, password: person.password });
  const other = await another();
  await other.goto('/login');
  await trySignIn(other, person);
  await expect(account(other, person)).toBeVisible({ timeout: 30_000 });
  await expect(other.getByText('nothing has been shared with you yet')).toBeVisible();
  await call(page, 'user.set', { id, permission: 'admin' });
  await expect(vmTable(other)).toBeVisible();
  await expect(bodyRows(other, 'Virtual machines')).not.toHaveCount(0);
  await call(page, 'user.set', { id, permission: 'none' });
  await expect(other.getByText('nothing has been shared with you yet')).toBeVisible();
  await expect(vmTable(other)).toHaveCount(0);
  await call(page, 'user.delete', { id });
  await expect(other.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

test('scripts come compressed, and as they are to who takes no coding', async ({ page, rig, request }) => {
  const script = page.waitForResponse((answer) => /\/assets\/index-.*\.js$/.test(answer.url()));
  await page.goto(rig.url);
  const coded = await script;
  expect(coded.headers()['content-encoding']).toMatch(/^(br|gzip)$/);
  expect(coded.headers()['vary']).toBe('accept-encoding');
  const plain = await request.get(coded.url(), { headers: { 'accept-encoding': 'identity' } });
  expect(plain.headers()['content-encoding']).toBeUndefined();
  expect(plain.headers()['etag']).not.toBe(coded.headers()['etag']);
  expect(await coded.text()).toBe(await plain.text());
});
