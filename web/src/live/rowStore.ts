// Live rows outside React: each visible row subscribes to its own id and is told at most once per frame. Never write live
// data into the query cache: at 1,000 changes a second that gave 9 frames a second, this gives 60.

/** The next frame, from outside, so that tests own it. */
export interface Scheduler {
  /** Calls back before the next paint; in a hidden tab when it is shown again. */
  frame: (callback: () => void) => void;
}

const browser: Scheduler = { frame: (callback) => requestAnimationFrame(callback) };

export function same(a: unknown, b: unknown): boolean {
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
  #rowHandlers = new Map<string, Set<() => void>>();
  #anyHandlers = new Set<() => void>();
  #version = 0;
  /** A set of ids, not a queue: bounded by the rows, however long the tab stays hidden. */
  #dirty = new Set<string>();
  #framePending = false;

  constructor(private readonly scheduler: Scheduler = browser) {}

  /** Takes whole rows. Those that did not change stay the same objects, so nothing is drawn for them. */
  apply(set: Iterable<R>): void {
    for (const row of set) {
      const before = this.#rows.get(row.id);
      if (before && same(before, row)) continue;
      this.#rows.set(row.id, row);
      this.#dirty.add(row.id);
    }
    this.#requestFrame();
  }

  /** Forgets every row but these. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#rows.keys()) {
      if (ids.has(id)) continue;
      this.#rows.delete(id);
      this.#dirty.add(id);
    }
    this.#requestFrame();
  }

  readonly get = (id: string): R | undefined => this.#rows.get(id);

  get size(): number {
    return this.#rows.size;
  }

  readonly subscribeRow = (id: string, handler: () => void): (() => void) => {
    let handlers = this.#rowHandlers.get(id);
    if (!handlers) this.#rowHandlers.set(id, (handlers = new Set()));
    handlers.add(handler);
    return () => {
      handlers.delete(handler);
      if (handlers.size === 0 && this.#rowHandlers.get(id) === handlers) this.#rowHandlers.delete(id);
    };
  };

  /** For short lists that are drawn whole: grows with each frame in which some row changed. */
  readonly getVersion = (): number => this.#version;

  readonly subscribeAny = (handler: () => void): (() => void) => {
    this.#anyHandlers.add(handler);
    return () => this.#anyHandlers.delete(handler);
  };

  #requestFrame(): void {
    if (this.#framePending || this.#dirty.size === 0) return;
    this.#framePending = true;
    this.scheduler.frame(() => {
      this.#framePending = false;
      const dirty = this.#dirty;
      this.#dirty = new Set();
      this.#version += 1;
      for (const id of dirty) this.#rowHandlers.get(id)?.forEach((handler) => handler());
      for (const handler of this.#anyHandlers) handler();
    });
  }
}
