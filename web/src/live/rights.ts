// What this account was granted, read once and again whenever the daemon says that the account was changed.
import { queryOptions, useQuery } from '@tanstack/react-query';
import type { Rights } from '../can/rights';
import { client } from './live';
import { useUser } from './queries';

const rightsQuery = (id: string) =>
  queryOptions({
    queryKey: ['rights', id],
    queryFn: async (): Promise<Rights> => {
      const [granted, privileges] = await Promise.all([
        client.call('acl.getCurrentPermissions', {}),
        client.call('user.getAclPrivileges', { id }),
      ]);
      return { granted, privileges };
    },
    refetchOnMount: true,
    staleTime: 60_000,
  });

/** Undefined: everything, or not known yet. */
export function useRights(): Rights | undefined {
  const user = useUser();
  const person = user && user.permission !== 'admin' ? user.id : undefined;
  return useQuery({ ...rightsQuery(person ?? ''), enabled: person !== undefined }).data;
}
