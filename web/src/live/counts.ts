// How many objects there are, by some of their properties. Counted by the daemon; counted again when the number of objects
// changes, at most every second, and when somebody comes back to the page.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { Schemas } from '../api/methods';
import { client } from './live';
import { useWatch } from './useWatch';

export type Counts = readonly Schemas['Count'][];

/** Somebody who looks at the numbers sees each new one for a second. */
const PAUSE = 1_000;

export function useCounts(by: readonly string[], filter?: string, enabled = true): Counts | undefined {
  const { data, refetch } = useQuery({
    queryKey: ['counts', by, filter],
    queryFn: () => client.call('inventory.counts', { by: [...by], ...(filter && { filter }) }),
    enabled,
    retry: false,
    staleTime: PAUSE,
    refetchOnWindowFocus: true,
    placeholderData: keepPreviousData,
  });
  // A window without rows tells the total, and nothing else.
  const [, list] = useWatch(
    enabled ? { type: ['pool', 'host', 'VM', 'SR', 'network'], fields: [], filter } : undefined,
    0,
  );
  const { total } = list;
  useEffect(() => {
    if (total === undefined) return undefined;
    const timer = setTimeout(() => void refetch(), PAUSE);
    return () => clearTimeout(timer);
  }, [total, refetch]);
  return data;
}

/** Adds up the rows whose values are these. */
export function countOf(counts: Counts | undefined, wanted: Readonly<Record<string, unknown>>): number {
  const keys = Object.keys(wanted);
  return (counts ?? [])
    .filter((row) => keys.every((key) => row[key] === wanted[key]))
    .reduce((sum, row) => sum + row.count, 0);
}
