import { describe, expect, it } from 'vitest';
import type { ApiClient, ConnectionState } from '../api/client';
import { ConnectionError } from '../api/errors';
import type { Notifications, Schemas } from '../api/methods';
import { Inventory } from './inventory';

const now = { frame: (f: () => void) => f(), later: (f: () => void) => f() };
const vm = (id: string, power_state: Schemas['Vm']['power_state'] = 'Halted'): Schemas['Vm'] => ({
  id,
  type: 'VM',
  name_label: id,
  power_state,
  $pool: 'p',
});
const user: Schemas['User'] = { id: 'u', email: 'admin', permission: 'admin' };

/** A client whose answers the test holds back. */
function fake() {
  let online: (user: Schemas['User']) => void = () => undefined;
  let all: (change: Notifications['all']) => void = () => undefined;
  let state: (state: ConnectionState) => void = () => undefined;
  const waiting: { type: string; resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];
  const client = {
    onOnline: (handler: typeof online) => (online = handler),
    on: (_name: string, handler: typeof all) => (all = handler),
    subscribeState: (handler: typeof state) => (state = handler),
    call: (_method: string, { filter }: { filter: { type: string } }) =>
      new Promise((resolve, reject) => waiting.push({ type: filter.type, resolve, reject })),
  };
  const answer = async (vms: Schemas['Vm'][]) => {
    for (const { type, resolve } of waiting.splice(0)) {
      resolve(type === 'VM' ? Object.fromEntries(vms.map((one) => [one.id, one])) : {});
    }
    await Promise.resolve();
    await new Promise((done) => setTimeout(done));
  };
  return {
    inventory: new Inventory(client as unknown as ApiClient, now),
    connect: () => online(user),
    enter: (...items: Schemas['XoObject'][]) =>
      all({ type: 'enter', items: Object.fromEntries(items.map((one) => [one.id, one])) }),
    exit: (...ids: string[]) => all({ type: 'exit', items: Object.fromEntries(ids.map((id) => [id, 0])) }),
    signOut: () => state({ kind: 'signed-out' }),
    fail: async () => {
      for (const { reject } of waiting.splice(0)) reject(new ConnectionError('lost'));
      await new Promise((done) => setTimeout(done));
    },
    answer,
  };
}

describe('the picture', () => {
  it('applies what arrived while it was read, after it', async () => {
    const f = fake();
    f.connect();
    f.enter(vm('a', 'Running'), vm('late'));
    f.exit('b');
    expect(f.inventory.vms.size).toBe(0);
    await f.answer([vm('a'), vm('b')]);
    expect(f.inventory.getState().kind).toBe('ready');
    expect(f.inventory.vms.get('a')?.powerState).toBe('Running');
    expect(f.inventory.vms.get('b')).toBeUndefined();
    expect(f.inventory.vms.get('late')).toBeDefined();
  });

  it('keeps the old rows until the new ones are there, also when reading fails', async () => {
    const f = fake();
    f.connect();
    await f.answer([vm('a')]);
    f.connect();
    expect(f.inventory.vms.size).toBe(1);
    await f.fail();
    expect(f.inventory.getState().kind).toBe('ready');
    expect(f.inventory.vms.size).toBe(1);
    f.connect();
    await f.answer([vm('b')]);
    expect(f.inventory.vms.getSnapshot().map((row) => row.id)).toEqual(['b']);
  });

  it('drops a VM that became a template', async () => {
    const f = fake();
    f.connect();
    await f.answer([vm('a')]);
    f.enter({ id: 'a', type: 'VM-template' });
    expect(f.inventory.vms.size).toBe(0);
  });

  it('says so when the first reading fails', async () => {
    const f = fake();
    f.connect();
    await f.fail();
    expect(f.inventory.getState().kind).toBe('failed');
  });

  it('is empty after signing out', async () => {
    const f = fake();
    f.connect();
    await f.answer([vm('a')]);
    f.signOut();
    expect(f.inventory.vms.size).toBe(0);
    expect(f.inventory.getState().kind).toBe('loading');
  });
});
