// Texts of the filter language: what the page writes into it by itself, and what is said of a text that does not parse.
import { ApiError, CODE, fieldErrors } from '../../api/errors';

/** A string that is taken as it is, whatever is in it. */
export const quote = (text: string): string => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;

/** A pattern that matches this text and nothing longer. */
export const exactly = (text: string): string => `/^${text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)}$/`;

/** What the quick filters ask for. */
export interface Quick {
  state?: string | undefined;
  pool?: string | undefined;
  tag?: string | undefined;
}

export interface Composed {
  filter: string | undefined;
  /** Characters before what was typed. */
  offset: number;
}

/** What was typed comes last: a quote that is still open must not swallow the rest. */
export function compose(typed: string, quick: Quick, stateProperty = 'power_state'): Composed {
  const parts = [
    quick.state !== undefined && `${stateProperty}:${exactly(quick.state)}`,
    quick.pool !== undefined && `$pool:${quote(quick.pool)}`,
    quick.tag !== undefined && `tags:${exactly(quick.tag)}`,
  ].filter((part) => part !== false);
  const before = parts.length > 0 ? `${parts.join(' ')} ` : '';
  const filter = `${before}${typed}`.trimEnd();
  return { filter: filter === '' ? undefined : filter, offset: before.length };
}

export interface Fault {
  /** Place in what was typed; undefined when the daemon named none. */
  position: number | undefined;
  message: string;
}

/** Returns what is wrong with the filter; undefined when the error is about something else. */
export function faultOf(error: unknown, offset: number): Fault | undefined {
  if (!(error instanceof ApiError) || error.code !== CODE.invalidParameters) return undefined;
  const texts = [error.message, ...fieldErrors(error).map((one) => one.message ?? '')];
  const message =
    texts.find((text) => /parse error|must be a number|regular expression/i.test(text)) ?? texts.at(-1) ?? '';
  const place = /at position (\d+)/.exec(message)?.[1];
  return { message, position: place === undefined ? undefined : Math.max(0, Number(place) - offset) };
}

/** Plain words, as a filter on names: for places that look for one thing by its name. */
export const byName = (typed: string): string =>
  typed
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => `name_label:${quote(word)}`)
    .join(' ');

/** A filter for objects with these ids; none without ids. */
export function byIds(ids: readonly string[]): string | undefined {
  const [first] = ids;
  if (first === undefined) return undefined;
  return ids.length === 1 ? `id:${quote(first)}` : `id:|(${ids.map(quote).join(' ')})`;
}
