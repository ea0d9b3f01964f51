// @vitest-environment node
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket as NodeSocket, WebSocketServer } from 'ws';
import { ApiClient, type ClientOptions, type ConnectionState } from './client';
import { ApiError, ConnectionError, fieldErrors } from './errors';

type Answer = (params: unknown, socket: NodeSocket) => unknown;
const USER = { id: 'u', email: 'admin', permission: 'admin' };

let server: WebSocketServer;
let methods: Record<string, Answer>;
let sessions: boolean | 'unreachable';
let client: ApiClient;
const NEVER = Symbol('never answers');

function listen(port = 0): Promise<WebSocketServer> {
  return new Promise((resolve) => {
    const started: WebSocketServer = new WebSocketServer({ host: '127.0.0.1', port }, () => resolve(started));
    started.on('connection', (socket) =>
      socket.on('message', (data: Buffer) => {
        const { id, method, params } = JSON.parse(data.toString()) as { id: number; method: string; params: unknown };
        const answer = methods[method];
        try {
          if (!answer) throw new ApiError(-32_601, `method not found: ${method}`, method);
          const result = answer(params, socket);
          if (result !== NEVER) socket.send(JSON.stringify({ jsonrpc: '2.0', id, result }));
        } catch (error) {
          const { code, message, data: detail } = error as ApiError;
          socket.send(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, data: detail } }));
        }
      }),
    );
  });
}

const stop = (): Promise<void> => {
  for (const socket of server.clients) socket.terminate();
  return new Promise((resolve) => server.close(() => resolve()));
};

function connect(options: Partial<ClientOptions> = {}): ApiClient {
  client = new ApiClient({
    url: `ws://127.0.0.1:${(server.address() as AddressInfo | null)?.port}/api/`,
    createSocket: (url) => new NodeSocket(url) as unknown as WebSocket,
    hasSession: () => (sessions === 'unreachable' ? Promise.reject(new Error('no answer')) : Promise.resolve(sessions)),
    backoff: () => 5,
    ...options,
  });
  client.start();
  return client;
}

/** Waits for a state; fails by the test's own time-out. */
function until<K extends ConnectionState['kind']>(kind: K): Promise<Extract<ConnectionState, { kind: K }>> {
  return new Promise((resolve) => {
    const check = (state: ConnectionState) => {
      if (state.kind === kind) resolve(state as Extract<ConnectionState, { kind: K }>);
    };
    client.subscribeState(check);
    check(client.state);
  });
}

beforeEach(async () => {
  methods = { 'session.getUser': () => USER };
  sessions = true;
  server = await listen();
});

afterEach(async () => {
  client.stop();
  await stop();
});

describe('calls', () => {
  it('wait for the connection, carry parameters by name, and give the result', async () => {
    methods['vm.start'] = (params) => ({ got: params });
    await expect(connect().call('vm.start', { id: 'v' })).resolves.toEqual({ got: { id: 'v' } });
  });

  it('fail with code, message and data', async () => {
    methods['plugin.configure'] = () => {
      throw new ApiError(10, 'invalid parameters', { errors: [{ instancePath: '/a', message: 'no' }] });
    };
    const error: unknown = await connect()
      .call('plugin.configure', { id: 'p', configuration: {} })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: 10, message: 'invalid parameters' });
    expect(fieldErrors(error)).toEqual([{ instancePath: '/a', message: 'no' }]);
  });

  it('fail as lost when the connection breaks under them', async () => {
    methods['vm.start'] = (_params, socket) => {
      socket.terminate();
      return NEVER;
    };
    await expect(connect().call('vm.start', { id: 'v' })).rejects.toMatchObject({ kind: 'lost' });
  });

  it('fail as offline when no connection comes in time', async () => {
    const { port } = server.address() as AddressInfo;
    await stop();
    connect({ offlineTimeout: 20, url: `ws://127.0.0.1:${port}/api/` });
    await expect(client.call('vm.start', { id: 'v' })).rejects.toMatchObject({ kind: 'offline' });
    server = await listen();
  });

  it('fail when no answer comes in time', async () => {
    methods['vm.start'] = () => NEVER;
    await expect(connect({ callTimeout: 20 }).call('vm.start', { id: 'v' })).rejects.toMatchObject({ kind: 'timeout' });
  });
});

describe('connection', () => {
  it('comes back after a restart of the daemon, and says so to those who keep copies', async () => {
    connect();
    const online = vi.fn();
    client.onOnline(online);
    await until('online');
    const { port } = server.address() as AddressInfo;
    await stop();
    await until('waiting');
    server = await listen(port);
    await expect(client.call('session.getUser', {})).resolves.toEqual(USER);
    expect(online).toHaveBeenCalledTimes(2);
    expect(client.state).toEqual({ kind: 'online', user: USER });
  });

  it('keeps trying while the daemon does not answer at all', async () => {
    connect();
    await until('online');
    sessions = 'unreachable';
    for (const socket of server.clients) socket.terminate();
    const third = new Promise<void>((resolve) => {
      client.subscribeState((state) => {
        if (state.kind === 'waiting' && state.attempt >= 3) resolve();
      });
    });
    await third;
    sessions = true;
    await until('online');
  });

  it('ends when the session is over', async () => {
    connect();
    await until('online');
    sessions = false;
    for (const socket of server.clients) socket.terminate();
    await until('signed-out');
    await expect(client.call('vm.start', { id: 'v' })).rejects.toMatchObject({ kind: 'signed-out' });
  });

  it('ends when the daemon knows no user for it', async () => {
    methods['session.getUser'] = () => {
      throw new ApiError(-32_000, 'unknown error from the peer');
    };
    connect();
    await until('signed-out');
  });

  it('notices a socket that only looks open', async () => {
    connect();
    await until('online');
    methods['session.getUser'] = () => NEVER;
    const probed = client.probe(20);
    await until('waiting');
    methods['session.getUser'] = () => USER;
    await probed;
    await until('online');
  });

  it('stays closed after stop, and opens again after start', async () => {
    connect();
    await until('online');
    client.stop();
    expect(client.state.kind).toBe('idle');
    client.start();
    await until('online');
  });
});

describe('notifications', () => {
  it('reach their handlers until these leave; nonsense is ignored', async () => {
    connect();
    const heard = vi.fn();
    const leave = client.on('plugins', heard);
    await until('online');
    const [socket] = server.clients;
    const tell = (ids: string[]) =>
      socket?.send(JSON.stringify({ jsonrpc: '2.0', method: 'plugins', params: { ids } }));
    socket?.send('not json');
    socket?.send(JSON.stringify({ jsonrpc: '2.0', id: 999, result: 1 }));
    tell(['a']);
    // The socket keeps order: an answer that came later proves that the notification is here.
    await client.call('session.getUser', {});
    expect(heard).toHaveBeenCalledExactlyOnceWith({ ids: ['a'] });
    leave();
    tell(['b']);
    await client.call('session.getUser', {});
    expect(heard).toHaveBeenCalledTimes(1);
  });
});

it('errors have names', () => {
  expect(String(new ConnectionError('lost'))).toContain('ConnectionError');
});
