// Watches as hooks: one per component, closed with it.
import { useEffect, useLayoutEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { client } from './live';
import { type List, type Query, type Row, Watch, WINDOW } from './watch';

/** Keeps a list live while the component stands. Its rows change without drawing the component: see `useRow`, `useRows`. */
export function useWatch(query: Query | undefined, count = WINDOW, first = count): readonly [Watch, List] {
  const [watch] = useState(() => new Watch(client));
  // Questions are compared by what they say, so callers need not remember them.
  const text = JSON.stringify(query);
  const asked = useMemo(() => (text === undefined ? undefined : (JSON.parse(text) as Query)), [text]);
  // Before the other effects, so that rows are asked for before what is counted.
  useLayoutEffect(() => {
    if (asked) watch.open(asked, count, first);
    else watch.close();
  }, [watch, asked, count, first]);
  useEffect(() => () => watch.close(), [watch]);
  return [watch, useSyncExternalStore(watch.subscribeList, watch.getList)];
}

/** One row; draws the component when it changes. */
export function useRow(watch: Watch, id: string): Row | undefined {
  const subscribe = useMemo(() => (handler: () => void) => watch.rows.subscribeRow(id, handler), [watch, id]);
  return useSyncExternalStore(subscribe, () => watch.rows.get(id));
}

const none: readonly Row[] = [];

/** A short list whole: draws the component when anything in it changes. */
export function useRows(query: Query | undefined, count = WINDOW): readonly [readonly Row[], List, Watch] {
  const [watch, list] = useWatch(query, count);
  const version = useSyncExternalStore(watch.rows.subscribeAny, watch.rows.getVersion);
  const rows = useMemo(
    () => list.ids.map((id) => watch.rows.get(id)).filter((row) => row !== undefined),
    // The version stands for what the rows hold.
    // oxlint-disable-next-line react/exhaustive-deps
    [watch, list.ids, version],
  );
  return [query ? rows : none, list, watch];
}
