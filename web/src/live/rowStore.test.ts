import { describe, expect, it, vi } from 'vitest';
import { RowStore, type Scheduler } from './rowStore';

interface Row {
  id: string;
  value: number;
  tags?: string[];
}

/** Time stands still until a test says otherwise. */
function manual() {
  let frames: (() => void)[] = [];
  let timers: (() => void)[] = [];
  const scheduler: Scheduler = {
    frame: (callback) => void frames.push(callback),
    later: (callback) => void timers.push(callback),
  };
  const run = (list: (() => void)[]) => list.forEach((callback) => callback());
  return {
    scheduler,
    frame: () => {
      const due = frames;
      frames = [];
      run(due);
    },
    second: () => {
      const due = timers;
      timers = [];
      run(due);
    },
    frames: () => frames.length,
  };
}

function filled() {
  const time = manual();
  const store = new RowStore<Row>(time.scheduler);
  store.replace([
    { id: 'a', value: 1, tags: ['x'] },
    { id: 'b', value: 1 },
  ]);
  time.frame();
  time.second();
  return { store, time };
}

describe('rows', () => {
  it('tells a row once per frame, whatever the number of changes', () => {
    const { store, time } = filled();
    const heard = vi.fn();
    store.subscribeRow('a', heard);
    for (let value = 2; value < 100; value += 1) store.apply([{ id: 'a', value }]);
    expect(heard).not.toHaveBeenCalled();
    expect(time.frames()).toBe(1);
    time.frame();
    expect(heard).toHaveBeenCalledTimes(1);
    expect(store.get('a')?.value).toBe(99);
  });

  it('tells only the row that changed', () => {
    const { store, time } = filled();
    const a = vi.fn();
    const b = vi.fn();
    store.subscribeRow('a', a);
    const leave = store.subscribeRow('b', b);
    store.apply([{ id: 'a', value: 2 }]);
    time.frame();
    expect([a.mock.calls.length, b.mock.calls.length]).toEqual([1, 0]);
    leave();
    store.apply([], ['b']);
    time.frame();
    expect(b).not.toHaveBeenCalled();
  });

  it('is silent about a row that arrives unchanged', () => {
    const { store, time } = filled();
    const before = store.get('a');
    store.apply([{ id: 'a', value: 1, tags: ['x'] }]);
    expect(time.frames()).toBe(0);
    expect(store.get('a')).toBe(before);
  });
});

describe('snapshots', () => {
  it('show the first change at once and the next ones a second later', () => {
    const { store, time } = filled();
    const heard = vi.fn();
    store.subscribeSnapshot(heard);
    store.apply([{ id: 'c', value: 1 }]);
    expect(store.getSnapshot()).toHaveLength(3);
    store.apply([{ id: 'd', value: 1 }]);
    store.apply([], ['a']);
    expect(heard).toHaveBeenCalledTimes(1);
    time.second();
    expect(heard).toHaveBeenCalledTimes(2);
    expect(store.getSnapshot().map((row) => row.id)).toEqual(['b', 'c', 'd']);
  });

  it('stay the same array while nothing changes', () => {
    const { store, time } = filled();
    const before = store.getSnapshot();
    store.apply([{ id: 'b', value: 1 }], ['unknown']);
    time.second();
    expect(store.getSnapshot()).toBe(before);
  });

  it('after a resync hold the new rows, and the old objects where nothing changed', () => {
    const { store, time } = filled();
    const [a, gone] = [vi.fn(), vi.fn()];
    const kept = store.get('a');
    store.subscribeRow('a', a);
    store.subscribeRow('b', gone);
    store.replace([
      { id: 'a', value: 1, tags: ['x'] },
      { id: 'n', value: 7 },
    ]);
    time.frame();
    expect(store.get('a')).toBe(kept);
    expect(a).not.toHaveBeenCalled();
    expect(gone).toHaveBeenCalledTimes(1);
    expect(store.getSnapshot().map((row) => row.id)).toEqual(['a', 'n']);
  });
});
