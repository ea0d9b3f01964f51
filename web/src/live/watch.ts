// One live list: the daemon filters, sorts and projects, and sends the window that is looked at and what changes in it.
// The page never holds more than a window, whatever the size of the fleet.
//
// One question is under way at a time; while it is, the newest wish waits, and notifications wait too: an answer counts
// for the moment of its revision, so what was told before that moment is dropped and what came after it is applied.
import type { ApiClient } from '../api/client';
import { ConnectionError } from '../api/errors';
import type { Notifications, Schemas } from '../api/methods';
import { RowStore, same, type Scheduler } from './rowStore';

export type Row = Schemas['WatchRow'];
export type Sort = Schemas['WatchSort'];

/** What is asked. Fields and sort keys are paths with dots that walk over ids: `$pool.name_label`. */
export interface Query {
  type: string | readonly string[];
  fields: readonly string[];
  filter?: string | undefined;
  sort?: readonly Sort[] | undefined;
}

export interface List {
  /** Objects that match; undefined until the first answer. */
  total: number | undefined;
  /** Place of the first id in the whole list. */
  start: number;
  ids: readonly string[];
  /** The question that this answers: while a newer one is under way, still the older. */
  query: Query | undefined;
  /** The answer to a newer question is awaited. */
  pending: boolean;
  /** Why the newest question has no answer. Rows of the one before it stay. */
  error: unknown;
}

/** Rows of a window: a screen of rows three times over, so that it moves seldom while somebody scrolls. */
export const WINDOW = 150;

/** Rows of the first window of a list: a screen of them and the margin, so that they are there sooner. */
export const FIRST = 60;

/** Rows that must be there beyond those that are looked at, else the window moves. */
const MARGIN = 30;

/** Notifications kept while an answer is under way: ten seconds of them. Beyond it the question is asked again. */
const HELD = 200;

const NOTHING: List = { total: undefined, start: 0, ids: [], query: undefined, pending: true, error: undefined };

let names = 0;

type Client = Pick<ApiClient, 'call' | 'on' | 'onOnline' | 'getState'>;

export class Watch {
  readonly rows: RowStore<Row>;
  readonly #client: Client;
  /** Unique among those of this page; the daemon forgets them with the socket. */
  readonly #name = `w${(names += 1)}`;
  #query: Query | undefined;
  #window = { start: 0, count: WINDOW };
  /** Rows of the windows after the first one. */
  #count = WINDOW;
  #list: List = NOTHING;
  /** What readers see: the list as of the last frame. */
  #shown: List = NOTHING;
  #handlers = new Set<() => void>();
  #framePending = false;
  /** Grows with each opening and each connection, so that an answer for an earlier one is ignored. */
  #life = 0;
  #flying = false;
  #again = false;
  #held: Notifications['inventory.watch'][] = [];
  #revision = 0;
  #leave: (() => void)[] = [];

  constructor(
    client: Client,
    private readonly scheduler: Scheduler = { frame: (callback) => requestAnimationFrame(callback) },
  ) {
    this.#client = client;
    this.rows = new RowStore(scheduler);
  }

  /** Asks; or asks something else, from the start of the list: `first` rows, and `count` of them once it is scrolled. */
  open(query: Query, count = WINDOW, first = count): void {
    if (this.#query && this.#count === count && same(this.#query, query)) return;
    const fresh = this.#query === undefined;
    this.#query = query;
    this.#count = count;
    this.#window = { start: 0, count: first };
    if (fresh) {
      this.#leave = [
        this.#client.on('inventory.watch', (change) => this.#receive(change)),
        // A reconnection is a new beginning: the daemon has forgotten the window.
        this.#client.onOnline(() => this.#restart()),
      ];
    }
    this.#send();
  }

  /** Asks the same once more, after a failure. */
  readonly retry = (): void => this.#send();

  close(): void {
    if (this.#query === undefined) return;
    this.#life += 1;
    this.#flying = false;
    this.#again = false;
    this.#held = [];
    this.#query = undefined;
    for (const leave of this.#leave.splice(0)) leave();
    // Without a connection the daemon has forgotten it already.
    if (this.#client.getState().kind !== 'online') return;
    this.#client.call('inventory.unwatch', { watch: this.#name }).catch(() => undefined);
  }

  /** Says which rows are looked at, from and to included; moves the window when it is too close to its edge. */
  show(first: number, last: number): void {
    const { start } = this.#window;
    const total = this.#list.total ?? Number.POSITIVE_INFINITY;
    const from = Math.max(0, first - MARGIN);
    const to = Math.min(total, last + MARGIN);
    if (from >= start && to <= start + this.#window.count) return;
    const count = this.#count;
    const next = Math.max(0, Math.min(Math.round((first + last - count) / 2), total - count));
    if (next === start && count === this.#window.count) return;
    this.#window = { start: next, count };
    if (this.#query) this.#send();
  }

  readonly getList = (): List => this.#shown;

  readonly subscribeList = (handler: () => void): (() => void) => {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  };

  #restart(): void {
    this.#life += 1;
    this.#flying = false;
    this.#held = [];
    this.#send();
  }

  #send(): void {
    const query = this.#query;
    // Without a connection: with the next one everything is asked anyway, and twice would be half as fast.
    if (!query || this.#client.getState().kind !== 'online') return;
    if (this.#flying) {
      this.#again = true;
      return;
    }
    this.#flying = true;
    this.#again = false;
    // A window that moves is no news.
    if (!this.#list.pending && this.#list.query !== query) this.#publish({ ...this.#list, pending: true });
    const life = this.#life;
    const mine = () => life === this.#life;
    const { type, fields, filter, sort } = query;
    this.#client
      .call('inventory.watch', {
        watch: this.#name,
        type: typeof type === 'string' ? type : [...type],
        fields: [...fields],
        window: this.#window,
        ...(filter && { filter }),
        ...(sort?.length && { sort: [...sort] }),
      })
      .then(
        (answer) => mine() && this.#accept(query, answer),
        (error: unknown) => mine() && this.#fail(error),
      );
  }

  #accept(query: Query, answer: Schemas['WatchAnswer']): void {
    const { total, start, ids, rows, revision } = answer;
    this.#revision = revision;
    this.rows.apply(Object.values(rows));
    this.#list = { total, start, ids, query, pending: false, error: undefined };
    const held = this.#held;
    this.#held = [];
    this.#flying = false;
    for (const change of held) if (change.revision > revision) this.#apply(change);
    this.rows.keep(new Set(this.#list.ids));
    this.#publish(this.#list);
    if (this.#again) this.#send();
  }

  #fail(error: unknown): void {
    this.#flying = false;
    // What waits is of the window before, which a refused question leaves as it was.
    const held = this.#held;
    this.#held = [];
    for (const change of held) this.#apply(change);
    if (this.#again) {
      this.#send();
      return;
    }
    // The connection comes back by itself, and with it the question.
    if (error instanceof ConnectionError && this.#client.getState().kind !== 'online') return;
    this.#publish({ ...this.#list, pending: false, error });
  }

  #receive(change: Notifications['inventory.watch']): void {
    if (change.watch !== this.#name) return;
    if (!this.#flying) {
      if (change.revision >= this.#revision) this.#apply(change);
      return;
    }
    this.#held.push(change);
    if (this.#held.length > HELD) {
      this.#held = [];
      this.#again = true;
    }
  }

  #apply(change: Notifications['inventory.watch']): void {
    this.#revision = change.revision;
    if (change.set) this.rows.apply(Object.values(change.set));
    const { total, start, ids } = change;
    if (ids) this.rows.keep(new Set(ids));
    else if (total === this.#list.total && start === this.#list.start) return;
    this.#list = { ...this.#list, total, start, ids: ids ?? this.#list.ids };
    if (this.#framePending) return;
    this.#framePending = true;
    this.scheduler.frame(() => {
      this.#framePending = false;
      this.#publish(this.#list);
    });
  }

  #publish(list: List): void {
    this.#list = list;
    if (same(list, this.#shown)) return;
    this.#shown = list;
    for (const handler of this.#handlers) handler();
  }
}
