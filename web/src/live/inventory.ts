// The picture of the pools in this browser: read whole at each connection, then kept by the `all` notifications.
// What arrives while the first read is under way waits behind it: the socket keeps order, so the end is the same.
import type { ApiClient } from '../api/client';
import type { Notifications } from '../api/methods';
import { isHost, isPool, isVm, type NamedRow, namedRow, type VmRow, vmRow } from './rows';
import { RowStore, type Scheduler } from './rowStore';

export type InventoryState = { kind: 'loading' } | { kind: 'ready' } | { kind: 'failed'; error: unknown };

export class Inventory {
  readonly vms: RowStore<VmRow>;
  readonly hosts: RowStore<NamedRow>;
  readonly pools: RowStore<NamedRow>;
  #client: ApiClient;
  #state: InventoryState = { kind: 'loading' };
  #handlers = new Set<() => void>();
  /** Notifications since the read began; undefined when none is under way. */
  #waiting: Notifications['all'][] | undefined;
  #round = 0;

  constructor(client: ApiClient, scheduler?: Scheduler) {
    this.#client = client;
    this.vms = new RowStore(scheduler);
    this.hosts = new RowStore(scheduler);
    this.pools = new RowStore(scheduler);
    client.onOnline((user) => {
      if (user.permission !== 'none') void this.load();
    });
    client.on('all', (change) => {
      if (this.#waiting) this.#waiting.push(change);
      else this.#apply(change);
    });
    client.subscribeState((state) => {
      // Another person may sign in next: nothing of this one stays.
      if (state.kind === 'signed-out' || state.kind === 'idle') this.#clear();
    });
  }

  readonly getState = (): InventoryState => this.#state;

  readonly subscribeState = (handler: () => void): (() => void) => {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  };

  /** Reads everything again and swaps it in at once; the old picture stays until then. */
  async load(): Promise<void> {
    const round = ++this.#round;
    this.#waiting = [];
    try {
      const [pools, hosts, vms] = await Promise.all(
        (['pool', 'host', 'VM'] as const).map((type) => this.#client.call('xo.getAllObjects', { filter: { type } })),
      );
      if (round !== this.#round) return;
      this.pools.replace(
        Object.values(pools ?? {})
          .filter(isPool)
          .map(namedRow),
      );
      this.hosts.replace(
        Object.values(hosts ?? {})
          .filter(isHost)
          .map(namedRow),
      );
      this.vms.replace(
        Object.values(vms ?? {})
          .filter(isVm)
          .map(vmRow),
      );
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting.forEach((change) => this.#apply(change));
      this.#setState({ kind: 'ready' });
    } catch (error) {
      if (round !== this.#round) return;
      this.#waiting = undefined;
      // After a lost connection the next `onOnline` reads again; the old picture is better than an error then.
      if (this.#state.kind !== 'ready') this.#setState({ kind: 'failed', error });
    }
  }

  #apply(change: Notifications['all']): void {
    if (change.type === 'exit') {
      const ids = Object.keys(change.items);
      this.vms.apply([], ids);
      this.hosts.apply([], ids);
      this.pools.apply([], ids);
      return;
    }
    const objects = Object.values(change.items);
    this.pools.apply(objects.filter(isPool).map(namedRow));
    this.hosts.apply(objects.filter(isHost).map(namedRow));
    // A VM that becomes a template or a snapshot changes its type: it leaves the list.
    const others = objects.filter((object) => !isVm(object)).map((object) => object.id);
    this.vms.apply(objects.filter(isVm).map(vmRow), others);
  }

  #clear(): void {
    this.#round += 1;
    this.#waiting = undefined;
    for (const store of [this.vms, this.hosts, this.pools]) store.replace([]);
    this.#setState({ kind: 'loading' });
  }

  #setState(state: InventoryState): void {
    this.#state = state;
    for (const handler of this.#handlers) handler();
  }
}
