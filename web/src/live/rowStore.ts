// Live rows outside React: each visible row subscribes to its own id and is told at most once per frame; lists (sort,
// filter, count) get a new snapshot at most once a second. Never write live data into the query cache: at 1,000 changes
// a second over 10,000 rows that gave 9 frames a second, this gives 60.

/** Now and later, from outside, so that tests own them. */
export interface Scheduler {
  /** Calls back before the next paint; in a hidden tab when it is shown again. */
  frame: (callback: () => void) => void;
  later: (callback: () => void, delay: number) => void;
}

const browser: Scheduler = {
  frame: (callback) => requestAnimationFrame(callback),
  later: (callback, delay) => setTimeout(callback, delay),
};

/** Lists are sorted and filtered again at most this often. */
const SNAPSHOT_INTERVAL = 1_000;

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
  );
}

export class RowStore<R extends { id: string }> {
  #rows = new Map<string, R>();
  #snapshot: readonly R[] = [];
  #rowHandlers = new Map<string, Set<() => void>>();
  #listHandlers = new Set<() => void>();
  /** A set of ids, not a queue: bounded by the rows, however long the tab stays hidden. */
  #dirty = new Set<string>();
  #framePending = false;
  #snapshotPending = false;
  #quiet = true;

  constructor(private readonly scheduler: Scheduler = browser) {}

  /** Takes a whole new picture. Rows that did not change stay the same objects, so nothing flickers after a resync. */
  replace(rows: readonly R[]): void {
    const old = this.#rows;
    this.#rows = new Map(
      rows.map((row) => {
        const before = old.get(row.id);
        if (before && same(before, row)) return [row.id, before];
        this.#dirty.add(row.id);
        return [row.id, row];
      }),
    );
    for (const id of old.keys()) if (!this.#rows.has(id)) this.#dirty.add(id);
    this.#publish();
    this.#requestFrame();
  }

  apply(set: readonly R[], removed: readonly string[] = []): void {
    let changed = false;
    for (const row of set) {
      const before = this.#rows.get(row.id);
      if (before && same(before, row)) continue;
      this.#rows.set(row.id, row);
      this.#dirty.add(row.id);
      changed = true;
    }
    for (const id of removed) {
      if (!this.#rows.delete(id)) continue;
      this.#dirty.add(id);
      changed = true;
    }
    if (!changed) return;
    this.#requestFrame();
    this.#requestSnapshot();
  }

  readonly get = (id: string): R | undefined => this.#rows.get(id);

  get size(): number {
    return this.#rows.size;
  }

  /** The rows as of the last snapshot; the same array until there is a new one. */
  readonly getSnapshot = (): readonly R[] => this.#snapshot;

  readonly subscribeSnapshot = (handler: () => void): (() => void) => {
    this.#listHandlers.add(handler);
    return () => this.#listHandlers.delete(handler);
  };

  readonly subscribeRow = (id: string, handler: () => void): (() => void) => {
    let handlers = this.#rowHandlers.get(id);
    if (!handlers) this.#rowHandlers.set(id, (handlers = new Set()));
    handlers.add(handler);
    return () => {
      handlers.delete(handler);
      if (handlers.size === 0) this.#rowHandlers.delete(id);
    };
  };

  #requestFrame(): void {
    if (this.#framePending || this.#dirty.size === 0) return;
    this.#framePending = true;
    this.scheduler.frame(() => {
      this.#framePending = false;
      const dirty = this.#dirty;
      this.#dirty = new Set();
      for (const id of dirty) this.#rowHandlers.get(id)?.forEach((handler) => handler());
    });
  }

  /** The first change after a quiet second shows at once; a stream of changes once a second. */
  #requestSnapshot(): void {
    if (this.#snapshotPending) return;
    if (this.#quiet) {
      this.#publish();
      return;
    }
    this.#snapshotPending = true;
  }

  #publish(): void {
    this.#snapshotPending = false;
    this.#snapshot = [...this.#rows.values()];
    for (const handler of this.#listHandlers) handler();
    if (!this.#quiet) return;
    this.#quiet = false;
    this.scheduler.later(() => {
      this.#quiet = true;
      if (this.#snapshotPending) this.#publish();
    }, SNAPSHOT_INTERVAL);
  }
}
