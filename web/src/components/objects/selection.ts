// Which rows of a list are chosen. Outside React: a tick draws its own row and the bar above the list, nothing else.
import { useMemo, useState, useSyncExternalStore } from 'react';

/** More than anybody reads the results of; each is a call of its own. */
export const MOST_CHOSEN = 500;

export class Selection {
  #ids: ReadonlySet<string> = new Set();
  readonly #handlers = new Set<() => void>();

  readonly getIds = (): ReadonlySet<string> => this.#ids;

  readonly subscribe = (handler: () => void): (() => void) => {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  };

  set(ids: Iterable<string>): void {
    this.#ids = new Set(ids);
    for (const handler of this.#handlers) handler();
  }

  /** Returns false when there are as many as can be. */
  toggle(id: string): boolean {
    const next = new Set(this.#ids);
    if (!next.delete(id)) {
      if (next.size >= MOST_CHOSEN) return false;
      next.add(id);
    }
    this.set(next);
    return true;
  }
}

export function useSelection(): Selection {
  const [selection] = useState(() => new Selection());
  return selection;
}

export const useChosen = (selection: Selection): ReadonlySet<string> =>
  useSyncExternalStore(selection.subscribe, selection.getIds);

/** Whether one row is chosen; draws only when that changes. */
export function useIsChosen(selection: Selection | undefined, id: string): boolean {
  const [subscribe, get] = useMemo(
    () => [selection?.subscribe ?? (() => () => undefined), () => selection?.getIds().has(id) ?? false] as const,
    [selection, id],
  );
  return useSyncExternalStore(subscribe, get);
}
