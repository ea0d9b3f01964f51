// The one place that knows the socket: typed calls, notifications, reconnection.
//
//   idle --start--> connecting --open, session.getUser--> online --close--> waiting --timer, session is valid--> connecting
//                       \-- the daemon knows no user --> signed-out <-- the session is over --/
//
// A reconnection is a new beginning: whoever keeps a copy of live data listens to `onOnline` and reads it again.
import { ApiError, ConnectionError } from './errors';
import type { Methods, Notifications, Schemas } from './methods';

export type ConnectionState =
  | { kind: 'idle' }
  /** `attempt` counts from 0; above that an earlier connection was lost or could not be made. */
  | { kind: 'connecting'; attempt: number }
  | { kind: 'online'; user: Schemas['User'] }
  /** `retryAt` in milliseconds since the epoch. */
  | { kind: 'waiting'; attempt: number; retryAt: number }
  | { kind: 'signed-out' };

export interface ClientOptions {
  url: string;
  /** Says whether the session still counts; throws when the daemon does not answer. A browser cannot see why an upgrade failed. */
  hasSession: () => Promise<boolean>;
  createSocket?: (url: string) => WebSocket;
  /** Milliseconds before attempt n (from 1). */
  backoff?: (attempt: number) => number;
  openTimeout?: number;
  callTimeout?: number;
  /** How long a call waits for a connection before it fails as offline. */
  offlineTimeout?: number;
}

interface Pending {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
  timer: ReturnType<typeof setTimeout>;
}

type Handler<K extends keyof Notifications> = (params: Notifications[K]) => void;

/** Quick first, then up to 15 s, with jitter so that a restarted daemon is not met by all browsers at once. */
const defaultBackoff = (attempt: number): number =>
  Math.min(15_000, 300 * 2 ** (attempt - 1)) * (0.75 + Math.random() / 2);

export class ApiClient {
  #options: Required<ClientOptions>;
  #state: ConnectionState = { kind: 'idle' };
  #socket: WebSocket | undefined;
  #pending = new Map<number, Pending>();
  #nextId = 1;
  /** Grows with each start and stop, so that an answer for an earlier life is ignored. */
  #life = 0;
  #attempt = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #stateHandlers = new Set<(state: ConnectionState) => void>();
  #onlineHandlers = new Set<(user: Schemas['User']) => void>();
  #handlers: { [K in keyof Notifications]?: Set<Handler<K>> } = {};

  constructor(options: ClientOptions) {
    this.#options = {
      createSocket: (url) => new WebSocket(url),
      backoff: defaultBackoff,
      openTimeout: 10_000,
      // Starting a VM waits for the hypervisor; minutes are normal on a loaded pool.
      callTimeout: 180_000,
      offlineTimeout: 10_000,
      ...options,
    };
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** For useSyncExternalStore. */
  readonly getState = (): ConnectionState => this.#state;

  readonly subscribeState = (handler: (state: ConnectionState) => void): (() => void) => {
    this.#stateHandlers.add(handler);
    return () => this.#stateHandlers.delete(handler);
  };

  /** Called each time the socket is open and signed in: the moment to read everything again. */
  onOnline(handler: (user: Schemas['User']) => void): () => void {
    this.#onlineHandlers.add(handler);
    return () => this.#onlineHandlers.delete(handler);
  }

  on<K extends keyof Notifications>(name: K, handler: Handler<K>): () => void {
    const handlers = (this.#handlers[name] ??= new Set() as never) as Set<Handler<K>>;
    handlers.add(handler);
    return () => handlers.delete(handler);
  }

  /** Connects, and stays connected until `stop`. Does nothing when that is already so. */
  start(): void {
    if (this.#state.kind !== 'idle' && this.#state.kind !== 'signed-out') return;
    this.#life += 1;
    this.#attempt = 0;
    this.#open();
  }

  stop(): void {
    this.#life += 1;
    this.#drop('offline');
    this.#setState({ kind: 'idle' });
  }

  /** Ends the wait before the next attempt. */
  retryNow(): void {
    if (this.#state.kind === 'waiting') void this.#reconnect(this.#life);
  }

  /**
   * Asks the daemon for a sign of life, and reconnects without one: a laptop that slept, or a lost network, leaves a
   * socket that looks open.
   */
  async probe(timeout = 5_000): Promise<void> {
    if (this.#state.kind === 'waiting') return this.retryNow();
    if (this.#state.kind !== 'online') return;
    const life = this.#life;
    const socket = this.#socket;
    try {
      await this.#send('session.getUser', {}, timeout);
    } catch (error) {
      if (error instanceof ConnectionError && life === this.#life && socket === this.#socket) this.#lost(life);
    }
  }

  /** Calls a method; waits for the connection first, if there is none. */
  async call<K extends keyof Methods>(method: K, params: Methods[K]['params']): Promise<Methods[K]['result']> {
    if (this.#state.kind !== 'online') await this.#untilOnline();
    return this.#send(method, params, this.#options.callTimeout);
  }

  #untilOnline(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error) => {
        clearTimeout(timer);
        unsubscribe();
        if (error) reject(error);
        else resolve();
      };
      const timer = setTimeout(() => settle(new ConnectionError('offline')), this.#options.offlineTimeout);
      const check = (state: ConnectionState) => {
        if (state.kind === 'online') settle();
        else if (state.kind === 'signed-out') settle(new ConnectionError('signed-out'));
      };
      const unsubscribe = this.subscribeState(check);
      check(this.#state);
    });
  }

  #send<K extends keyof Methods>(
    method: K,
    params: Methods[K]['params'],
    timeout: number,
  ): Promise<Methods[K]['result']> {
    const socket = this.#socket;
    if (!socket || socket.readyState !== 1) return Promise.reject(new ConnectionError('offline'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new ConnectionError('timeout'));
      }, timeout);
      this.#pending.set(id, { resolve: (result) => resolve(result as Methods[K]['result']), reject, timer });
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  #open(): void {
    const life = this.#life;
    this.#setState({ kind: 'connecting', attempt: this.#attempt });
    let socket: WebSocket;
    try {
      socket = this.#options.createSocket(this.#options.url);
    } catch {
      this.#lost(life);
      return;
    }
    this.#socket = socket;
    const current = () => life === this.#life && socket === this.#socket;
    const timer = setTimeout(() => current() && this.#lost(life), this.#options.openTimeout);
    socket.addEventListener('open', () => {
      if (current()) void this.#signedIn(life, socket, timer);
    });
    socket.addEventListener('message', (event: MessageEvent) => {
      if (current() && typeof event.data === 'string') this.#receive(event.data);
    });
    socket.addEventListener('close', () => {
      clearTimeout(timer);
      if (current()) this.#lost(life);
    });
    // A `close` always follows; without a listener some environments throw.
    socket.addEventListener('error', () => undefined);
  }

  /** The socket is open: learn who the cookie makes us. */
  async #signedIn(life: number, socket: WebSocket, timer: ReturnType<typeof setTimeout>): Promise<void> {
    try {
      const user = await this.#send('session.getUser', {}, this.#options.openTimeout);
      if (life !== this.#life || socket !== this.#socket) return;
      clearTimeout(timer);
      this.#attempt = 0;
      this.#setState({ kind: 'online', user });
      for (const handler of this.#onlineHandlers) handler(user);
    } catch (error) {
      if (life !== this.#life || socket !== this.#socket) return;
      clearTimeout(timer);
      // An answer, but not a user: the cookie is gone or no longer counts.
      if (error instanceof ApiError) this.#signedOut();
      else this.#lost(life);
    }
  }

  #receive(text: string): void {
    let message: { id?: unknown; result?: unknown; error?: unknown; method?: unknown; params?: unknown };
    try {
      message = JSON.parse(text) as typeof message;
    } catch {
      return;
    }
    if (typeof message.method === 'string') {
      const handlers = this.#handlers[message.method as keyof Notifications] as Set<Handler<never>> | undefined;
      handlers?.forEach((handler) => handler(message.params as never));
      return;
    }
    const pending = typeof message.id === 'number' ? this.#pending.get(message.id) : undefined;
    if (!pending) return;
    this.#pending.delete(message.id as number);
    clearTimeout(pending.timer);
    if (message.error === undefined) {
      pending.resolve(message.result);
      return;
    }
    const error = message.error as { code?: number; message?: string; data?: unknown };
    pending.reject(new ApiError(error.code ?? -32_000, error.message ?? 'unknown error', error.data));
  }

  #lost(life: number): void {
    if (life !== this.#life) return;
    this.#drop('lost');
    this.#attempt += 1;
    const delay = this.#options.backoff(this.#attempt);
    this.#retryTimer = setTimeout(() => void this.#reconnect(life), delay);
    this.#setState({ kind: 'waiting', attempt: this.#attempt, retryAt: Date.now() + delay });
  }

  async #reconnect(life: number): Promise<void> {
    if (life !== this.#life) return;
    clearTimeout(this.#retryTimer);
    this.#setState({ kind: 'connecting', attempt: this.#attempt });
    let valid: boolean;
    try {
      valid = await this.#options.hasSession();
    } catch {
      this.#lost(life);
      return;
    }
    if (life !== this.#life) return;
    if (valid) this.#open();
    else this.#signedOut();
  }

  #signedOut(): void {
    this.#life += 1;
    this.#drop('signed-out');
    this.#setState({ kind: 'signed-out' });
  }

  /** Closes the socket and answers everyone who waits on it. */
  #drop(kind: ConnectionError['kind']): void {
    clearTimeout(this.#retryTimer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const call of pending) {
      clearTimeout(call.timer);
      call.reject(new ConnectionError(kind));
    }
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    for (const handler of this.#stateHandlers) handler(state);
  }
}
