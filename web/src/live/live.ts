// The page's one connection and what lives on it.
import { QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { ApiClient, type ConnectionState } from '../api/client';
import { ApiError, ConnectionError } from '../api/errors';
import { fetchSession } from '../api/http';
import type { Schemas } from '../api/methods';

const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/`;

export const client = new ApiClient({ url, hasSession: async () => (await fetchSession()) !== null });

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // Notifications say when something changed: no polling, no refetch on focus.
      staleTime: Number.POSITIVE_INFINITY,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      networkMode: 'always',
      retry: (count, error) => !(error instanceof ApiError) && !(error instanceof ConnectionError) && count < 2,
    },
    mutations: { networkMode: 'always', retry: false },
  },
});

/** The rows of every open tab are read again after a reconnection, so what was missed does not matter. */
client.onOnline((user) => {
  queryClient.setQueryData(['user'], user);
  if (user.permission !== 'admin') return;
  // The page watches windows: whole objects of everything that changes would only cost time.
  client.call('session.subscribe', { topics: ['servers', 'plugins'], all: false }).catch(() => undefined);
  void queryClient.invalidateQueries({ queryKey: ['servers'] });
  for (const key of ['plugins', 'users', 'groups', 'acls']) void queryClient.invalidateQueries({ queryKey: [key] });
});

client.on('servers', ({ items, removed = [] }) => {
  queryClient.setQueryData<Schemas['Server'][]>(['servers'], (old) => {
    if (!old) return old;
    const gone = new Set(removed);
    const known = old.filter((server) => !gone.has(server.id)).map((server) => items[server.id] ?? server);
    const ids = new Set(known.map((server) => server.id));
    return [...known, ...Object.values(items).filter((server) => !ids.has(server.id) && !gone.has(server.id))];
  });
  // A list that is under way may have been written before this: it would bring the old state back, so ask anew.
  if (queryClient.isFetching({ queryKey: ['servers'] }) > 0)
    void queryClient.invalidateQueries({ queryKey: ['servers'] });
});

// What this account may do was changed: the new state shows without a reload.
client.on('user', () => {
  client.call('session.getUser', {}).then(
    (user) => {
      if (user) queryClient.setQueryData(['user'], user);
    },
    () => undefined,
  );
  void queryClient.invalidateQueries({
    predicate: ({ queryKey }) => queryKey[0] !== 'user' && queryKey[0] !== 'session',
  });
});

client.on('plugins', () => void queryClient.invalidateQueries({ queryKey: ['plugins'] }));

// A laptop that wakes or a network that comes back: look at once instead of waiting for a time-out.
window.addEventListener('online', () => void client.probe());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') void client.probe();
});

export function useConnection(): ConnectionState {
  return useSyncExternalStore(client.subscribeState, client.getState);
}
