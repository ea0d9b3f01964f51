// What is read once and then kept by notifications: the keys and the readers, in one place.
import { infiniteQueryOptions, keepPreviousData, queryOptions, useMutation, useQuery } from '@tanstack/react-query';
import { fetchProviders, fetchSession } from '../api/http';
import type { Granularity, Methods, Schemas } from '../api/methods';
import { client, queryClient } from './live';

export const sessionQuery = queryOptions({ queryKey: ['session'], queryFn: fetchSession, retry: false });

export const userQuery = queryOptions({
  queryKey: ['user'],
  queryFn: () => client.call('session.getUser', {}),
});

export const providersQuery = queryOptions({
  queryKey: ['providers'],
  queryFn: fetchProviders,
  retry: 1,
  staleTime: 60_000,
});

export const serversQuery = queryOptions({
  queryKey: ['servers'],
  queryFn: () => client.call('server.getAll', {}),
});

export const pluginsQuery = queryOptions({
  queryKey: ['plugins'],
  queryFn: () => client.call('plugin.get', {}),
});

/** Nothing tells of changes to these: they are read when a page shows them, and again when somebody comes back to it. */
const REREAD = { staleTime: 0, refetchOnMount: 'always', refetchOnWindowFocus: true } as const;

export const usersQuery = queryOptions({
  queryKey: ['users'],
  queryFn: () => client.call('user.getAll', {}),
  ...REREAD,
});

export const groupsQuery = queryOptions({
  queryKey: ['groups'],
  queryFn: () => client.call('group.getAll', {}),
  ...REREAD,
});

export const aclsQuery = queryOptions({
  queryKey: ['acls'],
  queryFn: () => client.call('acl.get', {}),
  ...REREAD,
});

export const explainQuery = (user: string, object: string) =>
  queryOptions({
    queryKey: ['explain', user, object],
    queryFn: () => client.call('acl.explain', { user, object }),
    ...REREAD,
  });

/** The sets that this account may use; all of them for administrators. */
export const setsQuery = queryOptions({
  queryKey: ['sets'],
  queryFn: () => client.call('resourceSet.getAll', {}),
  ...REREAD,
});

export const rolesQuery = queryOptions({
  queryKey: ['roles'],
  queryFn: () => client.call('aclRole.getAll', {}),
  ...REREAD,
});

export const privilegesQuery = queryOptions({
  queryKey: ['privileges'],
  queryFn: () => client.call('aclPrivilege.getAll', {}),
  ...REREAD,
});

export const holdersQuery = (id: string) =>
  queryOptions({
    queryKey: ['holders', id],
    queryFn: () => client.call('aclRole.getHolders', { id }),
    ...REREAD,
  });

/** Records that are asked for at once. */
export const AUDIT_PAGE = 500;

/** Newest first; each page but the first begins with the last record of the page before. */
export const auditQuery = infiniteQueryOptions({
  queryKey: ['audit'],
  queryFn: ({ pageParam }) =>
    client.call('audit.getRecords', {
      maxRecords: AUDIT_PAGE,
      ...(pageParam !== undefined && { id: pageParam }),
    }),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (last) => (last.length === AUDIT_PAGE ? last.at(-1)?.id : undefined),
  staleTime: 0,
  refetchOnMount: 'always',
  // Every page would be read again, and the list would jump.
  refetchOnWindowFocus: false,
});

export const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: () => client.call('user.getAuthenticationTokens', {}),
  ...REREAD,
});

export const cloudConfigsQuery = queryOptions({
  queryKey: ['cloudConfigs'],
  queryFn: () => client.call('cloudConfig.getAll', {}),
  ...REREAD,
});

/** Seconds between two points, and so between two readings. */
export const STEPS: Record<Granularity, number> = { seconds: 5, minutes: 60, hours: 3_600, days: 86_400 };

/** Statistics are the one thing that is asked for again and again: at the pace of their points, by a page that is seen. */
export const statsQuery = (kind: 'host' | 'vm', id: string, granularity: Granularity) =>
  queryOptions({
    queryKey: ['stats', kind, id, granularity],
    queryFn: () =>
      kind === 'host'
        ? client.call('host.stats', { host: id, granularity })
        : client.call('vm.stats', { id, granularity }),
    refetchInterval: STEPS[granularity] * 1_000,
    refetchIntervalInBackground: false,
    staleTime: STEPS[granularity] * 500,
    gcTime: 60_000,
    retry: false,
    placeholderData: keepPreviousData,
  });

export function useUser(): Schemas['User'] | undefined {
  return useQuery(userQuery).data;
}

/** What can be read again after a change. */
export type Read =
  | 'servers'
  | 'plugins'
  | 'user'
  | 'users'
  | 'groups'
  | 'acls'
  | 'tokens'
  | 'sets'
  | 'roles'
  | 'privileges'
  | 'holders';

export const readAgain = (...keys: Read[]): Promise<unknown> =>
  Promise.all(keys.map((key) => queryClient.invalidateQueries({ queryKey: [key] })));

/** A call that changes something. Its effect comes back as a notification; `refresh` names what to read again anyway. */
export function useApiMutation<K extends keyof Methods>(method: K, ...refresh: Read[]) {
  return useMutation({
    mutationFn: (params: Methods[K]['params']) => client.call(method, params),
    onSettled: () => readAgain(...refresh),
  });
}

/** Several calls after each other that make one change; after a failure those before it stay done. */
export function useSteps<P>(steps: (params: P) => Promise<unknown>, ...refresh: Read[]) {
  return useMutation({ mutationFn: steps, onSettled: () => readAgain(...refresh) });
}
