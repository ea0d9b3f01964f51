// Tokens as people know them: sessions of browsers, and those made for programs.
import type { Schemas } from '../../api/methods';

export type Token = Schemas['Token'];

const DAY = 86_400_000;

/** Validities that are offered, in days; half a year is the longest that the daemon takes. */
export const VALIDITIES = [1, 7, 30, 90, 182] as const;
export const DEFAULT_VALIDITY = 30;
export const inMilliseconds = (days: number): number => days * DAY;

const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:A|iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Headless)?Chrom(?:e|ium)\/|\bCriOS\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\bAndroid\b/, 'Android'],
  [/\b(?:iPhone|iPad)\b/, 'iOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];

export interface Browser {
  browser: string | undefined;
  system: string | undefined;
}

/** A sign-in page leaves the browser's own words as the description; other tokens are none of a browser. */
export function browserOf(token: Pick<Token, 'description' | 'client'>): Browser | undefined {
  const words = token.description;
  if (token.client || !words?.startsWith('Mozilla/')) return undefined;
  const first = (known: typeof BROWSERS) => known.find(([pattern]) => pattern.test(words))?.[1];
  return { browser: first(BROWSERS), system: first(SYSTEMS) };
}

/** The last use from any address. */
export function lastUse(token: Token): { address: string; time: number } | undefined {
  const uses = Object.entries(token.last_uses ?? {}).map(([address, { timestamp }]) => ({ address, time: timestamp }));
  return uses.toSorted((a, b) => b.time - a.time)[0];
}

export const isOver = (token: Token, now: number): boolean => token.expiration <= now;

/** Newest first, those of programs and those of browsers apart. */
export function sorted(tokens: readonly Token[]): { programs: Token[]; browsers: Token[] } {
  const all = tokens.toSorted((a, b) => b.created_at - a.created_at);
  return {
    programs: all.filter((token) => !browserOf(token)),
    browsers: all.filter((token) => browserOf(token) !== undefined),
  };
}
