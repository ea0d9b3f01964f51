// Accounts and groups as the pages show them: what they are called, what is looked for, what a change consists of.
import type { Schemas } from '../../api/methods';

export type User = Schemas['User'];
export type Group = Schemas['Group'];

/** Rows that are drawn; whoever has more searches. */
export const DRAWN = 200;

/** Options that a list to choose from offers at once. */
export const OFFERED = 50;

const fold = (text: string): string => text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();

/** Whether each typed word is somewhere in these texts, whatever its case and accents. */
export function matches(typed: string, ...texts: readonly (string | undefined)[]): boolean {
  const all = fold(texts.filter((text) => text !== undefined).join('\n'));
  return fold(typed)
    .split(/\s+/)
    .every((word) => all.includes(word));
}

export const byText =
  <T>(text: (one: T) => string) =>
  (a: T, b: T): number =>
    text(a).localeCompare(text(b), undefined, { numeric: true, sensitivity: 'base' });

export const usersByName = (users: readonly User[]): User[] => users.toSorted(byText((user) => user.email));
export const groupsByName = (groups: readonly Group[]): Group[] => groups.toSorted(byText((group) => group.name));

/** Who vouches for an account or fills a group belongs to it. */
export const providersOf = (user: User): string[] => Object.keys(user.authProviders ?? {});

export const hasOneTimePassword = (user: User): boolean => user.preferences?.['otp'] !== undefined;

/** What must be added to and removed from `before` to make it `after`. */
export function difference(
  before: readonly string[],
  after: readonly string[],
): { added: string[]; removed: string[] } {
  const [old, next] = [new Set(before), new Set(after)];
  return { added: [...next].filter((id) => !old.has(id)), removed: [...old].filter((id) => !next.has(id)) };
}
