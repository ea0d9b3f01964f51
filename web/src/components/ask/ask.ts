// `ask({...})`: a verb that needs more than a yes. One place draws the form, keeps it open while the call runs, and shows in
// it what the daemon refused.
import type { Query, Row } from '../../live/watch';

export type Values = Readonly<Record<string, string | boolean>>;
/** What was picked, as it was found. */
export type Picked = Readonly<Record<string, Row | undefined>>;

interface Common {
  name: string;
  label: string;
  description?: string;
  required?: boolean;
}

export type Field = Common &
  (
    | { kind: 'text'; initial?: string; placeholder?: string }
    /** A number of GiB. */
    | { kind: 'gib'; initial?: string; min?: number }
    | { kind: 'check'; initial?: boolean }
    | { kind: 'choice'; options: readonly { value: string; label: string }[]; initial: string }
    /** An object, found by its name while one types. */
    | { kind: 'pick'; query: (picked: Picked) => Query; hint?: (row: Row) => string }
  );

export interface Asking {
  title: string;
  text?: string;
  verb: string;
  fields: readonly Field[];
  /** Does it; the dialog closes when it is done. */
  run: (values: Values, picked: Picked) => Promise<unknown>;
}

let current: Asking | undefined;
const handlers = new Set<() => void>();

function publish(next: Asking | undefined): void {
  current = next;
  for (const handler of handlers) handler();
}

export const ask = (asking: Asking): void => publish(asking);
export const dismiss = (): void => publish(undefined);
export const getAsking = (): Asking | undefined => current;
export const subscribeAsking = (handler: () => void): (() => void) => {
  handlers.add(handler);
  return () => handlers.delete(handler);
};

export const word = (values: Values, name: string): string => String(values[name] ?? '').trim();
export const flag = (values: Values, name: string): boolean => values[name] === true;

export const GIB = 2 ** 30;

/** Bytes of a number of GiB that somebody typed; undefined when it is none. */
export function bytesOf(typed: string): number | undefined {
  const value = Number(typed.replace(',', '.'));
  return typed.trim() !== '' && Number.isFinite(value) && value > 0 ? Math.round(value * GIB) : undefined;
}
