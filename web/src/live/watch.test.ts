import { describe, expect, it, vi } from 'vitest';
import type { ConnectionState } from '../api/client';
import { ApiError, ConnectionError } from '../api/errors';
import type { Methods, Notifications, Schemas } from '../api/methods';
import { type Row, Watch, WINDOW } from './watch';

type Asked = Methods['inventory.watch']['params'];
type Change = Notifications['inventory.watch'];

const user: Schemas['User'] = { id: 'u', email: 'admin', permission: 'admin' };
const query = { type: 'VM', fields: ['name_label'] };
const row = (id: string, name = id): Row => ({ id, type: 'VM', name_label: name });
const rows = (ids: string[]) => Object.fromEntries(ids.map((id) => [id, row(id)]));
const settle = () => new Promise((done) => setTimeout(done));

/** A daemon whose answers, notifications and frames the test deals out. */
function fake() {
  const asked: { params: Asked; resolve: (answer: Schemas['WatchAnswer']) => void; reject: (error: Error) => void }[] =
    [];
  const forgotten: string[] = [];
  let state: ConnectionState = { kind: 'online', user };
  const told = new Set<(change: Change) => void>();
  const connected = new Set<() => void>();
  let frames: (() => void)[] = [];
  const client = {
    getState: () => state,
    on: (_name: string, handler: (change: Change) => void) => {
      told.add(handler);
      return () => told.delete(handler);
    },
    onOnline: (handler: () => void) => {
      connected.add(handler);
      return () => connected.delete(handler);
    },
    call: (method: string, params: Asked) => {
      if (method === 'inventory.unwatch') {
        forgotten.push(params.watch);
        return Promise.resolve(true);
      }
      return new Promise((resolve, reject) => asked.push({ params, resolve, reject }));
    },
  };
  const watch = new Watch(client as never, { frame: (callback) => void frames.push(callback) });
  const last = () => {
    const one = asked.at(-1);
    if (!one) throw new Error('nothing was asked');
    return one;
  };
  return {
    watch,
    asked,
    forgotten,
    listeners: () => told.size + connected.size,
    async answer(ids: string[], more: Partial<Schemas['WatchAnswer']> = {}, which = last()) {
      const { watch: name, window } = which.params;
      which.resolve({
        watch: name,
        revision: 1,
        total: ids.length,
        start: window.start,
        ids,
        rows: rows(ids),
        ...more,
      });
      await settle();
    },
    async refuse(error: Error, which = last()) {
      which.reject(error);
      await settle();
    },
    tell(change: Partial<Change>) {
      for (const handler of told)
        handler({ watch: asked[0]?.params.watch ?? '', revision: 2, total: 2, start: 0, ...change });
    },
    frame() {
      const due = frames;
      frames = [];
      for (const callback of due) callback();
    },
    pendingFrames: () => frames.length,
    lose: () => (state = { kind: 'waiting', attempt: 1, retryAt: 0 }),
    reconnect() {
      state = { kind: 'online', user };
      for (const handler of connected) handler();
    },
  };
}

async function opened(ids = ['a', 'b']) {
  const f = fake();
  f.watch.open(query);
  await f.answer(ids);
  f.frame();
  return f;
}

describe('the first answer', () => {
  it('is the list', async () => {
    const f = fake();
    f.watch.open({ ...query, filter: 'web', sort: [{ by: 'name_label' }] });
    expect(f.watch.getList().total).toBeUndefined();
    expect(f.asked[0]?.params).toMatchObject({
      type: 'VM',
      filter: 'web',
      sort: [{ by: 'name_label' }],
      window: { start: 0, count: WINDOW },
    });
    await f.answer(['b', 'a'], { total: 7 });
    expect(f.watch.getList()).toMatchObject({ total: 7, start: 0, ids: ['b', 'a'], pending: false, error: undefined });
    expect(f.watch.rows.get('a')).toEqual(row('a'));
  });

  it('may be an error; asking again can mend it', async () => {
    const f = fake();
    f.watch.open(query);
    const error = new ApiError(10, 'parse error: expected end of input at position 3');
    await f.refuse(error);
    expect(f.watch.getList()).toMatchObject({ total: undefined, pending: false, error });
    f.watch.retry();
    await f.answer(['a']);
    expect(f.watch.getList()).toMatchObject({ total: 1, error: undefined });
  });
});

describe('notifications', () => {
  it('change rows once per frame, and only the readers of those rows', async () => {
    const f = await opened();
    const [a, b, list] = [vi.fn(), vi.fn(), vi.fn()];
    f.watch.rows.subscribeRow('a', a);
    f.watch.rows.subscribeRow('b', b);
    f.watch.subscribeList(list);
    for (let n = 0; n < 20; n += 1) f.tell({ revision: 2 + n, set: { a: row('a', `a ${n}`) } });
    expect(a).not.toHaveBeenCalled();
    expect(f.pendingFrames()).toBe(1);
    f.frame();
    expect(a).toHaveBeenCalledTimes(1);
    expect(f.watch.rows.get('a')).toEqual(row('a', 'a 19'));
    expect(b).not.toHaveBeenCalled();
    // The table is not drawn for a row.
    expect(list).not.toHaveBeenCalled();
  });

  it('change the order, bring and take rows', async () => {
    const f = await opened();
    f.tell({ ids: ['c', 'a'], set: { c: row('c') }, removed: ['b'] });
    f.frame();
    expect(f.watch.getList()).toMatchObject({ ids: ['c', 'a'], total: 2 });
    expect(f.watch.rows.get('c')).toEqual(row('c'));
    expect(f.watch.rows.get('b')).toBeUndefined();
    expect(f.watch.rows.size).toBe(2);
  });

  it('change the total without touching the window', async () => {
    const f = await opened();
    f.tell({ total: 9 });
    f.frame();
    expect(f.watch.getList()).toMatchObject({ total: 9, ids: ['a', 'b'] });
  });

  it('of another list, and of before the answer, are nothing', async () => {
    const f = await opened();
    f.tell({ watch: 'another', ids: [] });
    f.tell({ revision: 0, ids: [] });
    f.frame();
    expect(f.watch.getList().ids).toEqual(['a', 'b']);
  });

  it('that come while an answer is under way count from its revision on', async () => {
    const f = fake();
    f.watch.open(query);
    f.tell({ revision: 4, set: { a: row('a', 'too old') } });
    f.tell({ revision: 6, set: { b: row('b', 'newer') }, total: 3 });
    await f.answer(['a', 'b'], { revision: 5 });
    expect(f.watch.rows.get('a')).toEqual(row('a'));
    expect(f.watch.rows.get('b')).toEqual(row('b', 'newer'));
    f.frame();
    expect(f.watch.getList().total).toBe(3);
  });

  it('that are too many to keep make it ask again', async () => {
    const f = fake();
    f.watch.open(query);
    for (let n = 0; n < 300; n += 1) f.tell({ revision: n });
    await f.answer(['a'], { revision: 1 });
    expect(f.asked).toHaveLength(2);
  });
});

describe('the window', () => {
  const many = Array.from({ length: WINDOW }, (_, index) => `v${index}`);

  it('moves when somebody looks beyond its margin, one question at a time, to where they look last', async () => {
    const f = fake();
    f.watch.open(query);
    await f.answer(many, { total: 10_000 });
    f.watch.show(0, 20);
    f.watch.show(40, 60);
    expect(f.asked).toHaveLength(1);
    f.watch.show(130, 150);
    f.watch.show(4_000, 4_020);
    f.watch.show(9_000, 9_020);
    expect(f.asked).toHaveLength(2);
    await f.answer(many, { total: 10_000 });
    expect(f.asked).toHaveLength(3);
    const { start } = f.asked[2]?.params.window ?? { start: 0 };
    expect(start).toBeLessThanOrEqual(9_000 - 30);
    expect(start + WINDOW).toBeGreaterThanOrEqual(9_020 + 30);
    await f.answer(['z'], { total: 10_000 });
    expect(f.watch.getList().start).toBe(start);
    expect(f.watch.rows.size).toBe(1);
  });

  it('begins smaller where that was wanted, and grows when it is scrolled', async () => {
    const f = fake();
    f.watch.open(query, WINDOW, 60);
    expect(f.asked[0]?.params.window).toEqual({ start: 0, count: 60 });
    await f.answer(['a'], { total: 1_000 });
    f.watch.show(0, 15);
    expect(f.asked).toHaveLength(1);
    f.watch.show(20, 35);
    expect(f.asked[1]?.params.window).toEqual({ start: 0, count: WINDOW });
  });

  it('never reaches beyond the end', async () => {
    const f = fake();
    f.watch.open(query);
    await f.answer(many, { total: 200 });
    f.watch.show(180, 199);
    expect(f.asked.at(-1)?.params.window).toEqual({ start: 50, count: WINDOW });
    await f.answer(many, { total: 200 });
    f.watch.show(185, 199);
    expect(f.asked).toHaveLength(2);
  });
});

describe('another question', () => {
  it('keeps the rows until its answer is there, and starts at the top', async () => {
    const f = await opened();
    f.watch.open({ ...query, filter: 'x' });
    expect(f.watch.getList()).toMatchObject({ ids: ['a', 'b'], pending: true });
    expect(f.asked[1]?.params.watch).toBe(f.asked[0]?.params.watch);
    await f.answer(['c']);
    expect(f.watch.getList()).toMatchObject({ ids: ['c'], pending: false });
  });

  it('that is refused leaves the rows, and says so', async () => {
    const f = await opened();
    f.watch.open({ ...query, filter: 'x:' });
    const error = new ApiError(10, 'parse error');
    await f.refuse(error);
    expect(f.watch.getList()).toMatchObject({ ids: ['a', 'b'], pending: false, error });
    f.tell({ set: { a: row('a', 'still live') } });
    f.frame();
    expect(f.watch.rows.get('a')).toEqual(row('a', 'still live'));
  });

  it('typed quickly: only the last of those that wait is asked', async () => {
    const f = await opened();
    for (const filter of ['w', 'we', 'web']) f.watch.open({ ...query, filter });
    await f.answer(['a']);
    expect(f.asked.map(({ params }) => params.filter)).toEqual([undefined, 'w', 'web']);
  });

  it('that is the same is not asked', async () => {
    const f = await opened();
    f.watch.open({ ...query });
    expect(f.asked).toHaveLength(1);
  });
});

describe('the connection', () => {
  it('comes back: the same is asked anew, and the rows stay until the answer', async () => {
    const f = await opened();
    f.watch.show(0, 1);
    f.lose();
    f.reconnect();
    expect(f.asked).toHaveLength(2);
    expect(f.watch.getList().ids).toEqual(['a', 'b']);
    // The answer starts from revision 1 again: the daemon may be another one.
    await f.answer(['b', 'c'], { revision: 0 });
    f.frame();
    expect(f.watch.getList().ids).toEqual(['b', 'c']);
    expect(f.watch.rows.get('a')).toBeUndefined();
    f.tell({ revision: 1, set: { b: row('b', 'new') } });
    f.frame();
    expect(f.watch.rows.get('b')).toEqual(row('b', 'new'));
  });

  it('is not asked for before there is a connection, and then once', () => {
    const f = fake();
    f.lose();
    f.watch.open(query);
    expect(f.asked).toHaveLength(0);
    expect(f.watch.getList()).toMatchObject({ total: undefined, pending: true });
    f.reconnect();
    expect(f.asked).toHaveLength(1);
  });

  it('breaks under a question: no error, because the question is asked again', async () => {
    const f = fake();
    f.watch.open(query);
    f.lose();
    await f.refuse(new ConnectionError('lost'));
    expect(f.watch.getList()).toMatchObject({ total: undefined, error: undefined });
    f.reconnect();
    await f.answer(['a']);
    expect(f.watch.getList().total).toBe(1);
  });

  it('an answer of before it counts no more', async () => {
    const f = fake();
    f.watch.open(query);
    const [old] = f.asked;
    f.reconnect();
    await f.answer(['new']);
    await f.answer(['old'], {}, old);
    expect(f.watch.getList().ids).toEqual(['new']);
  });
});

it('closed, it is forgotten by the daemon and hears nothing', async () => {
  const f = await opened();
  f.watch.close();
  expect(f.forgotten).toEqual([f.asked[0]?.params.watch]);
  expect(f.listeners()).toBe(0);
  f.watch.close();
  expect(f.forgotten).toHaveLength(1);
});

it('opened again after a close, as React does in development, it asks again', async () => {
  const f = await opened();
  f.watch.close();
  f.watch.open(query);
  await f.answer(['a']);
  expect(f.watch.getList().ids).toEqual(['a']);
  expect(f.listeners()).toBe(2);
});
