// The resource sets of who is signed in. They change with what machines use: read again when a page shows them.
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
