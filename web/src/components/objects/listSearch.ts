// What the address of a list holds. Apart from the list, so that reading an address does not load the table.
export interface ListSearch {
  /** The filter, as typed. */
  q?: string | undefined;
  state?: string | undefined;
  /** A pool's id. */
  pool?: string | undefined;
  tag?: string | undefined;
  /** A column's name. */
  sort?: string | undefined;
  desc?: boolean | undefined;
}

/** A search for 42 arrives as a number. */
const word = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) || undefined : undefined;

export const readListSearch = (search: Record<string, unknown>): ListSearch => ({
  q: word(search['q']),
  state: word(search['state']),
  pool: word(search['pool']),
  tag: word(search['tag']),
  sort: word(search['sort']),
  desc: search['desc'] === true ? true : undefined,
});
