// The resource sets that this account may know of. They change with what machines use: read again when a page shows them.
import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '../api/methods';
import { setsQuery, useUser } from './queries';

/** Undefined until it is known. Administrators have none of their own: they see all sets, and need none. */
export function useOwnSets(): Schemas['ResourceSet'][] | undefined {
  const user = useUser();
  const { data, error } = useQuery({ ...setsQuery, enabled: user !== undefined && user.permission !== 'admin' });
  if (user?.permission === 'admin' || error) return [];
  return data;
}

/** The set of a machine, which may have none (an empty id); undefined also when it is none of one's own. Many rows ask: it is not read again for each. */
export const useSet = (id: string): Schemas['ResourceSet'] | undefined =>
  useQuery({ ...setsQuery, enabled: id !== '', staleTime: 60_000, refetchOnMount: true }).data?.find(
    (set) => set.id === id,
  );
