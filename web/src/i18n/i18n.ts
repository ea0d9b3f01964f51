// Texts in the reader's language. A text is a sentence with {places}, or one per plural form chosen by {count}.
import { useSyncExternalStore } from 'react';
import { en } from './en';
import { fr } from './fr';

export type MessageKey = keyof typeof en;
export type Params = Readonly<Record<string, string | number>>;
/** A text that is not yet in a language. */
export interface Message {
  key: MessageKey;
  params?: Params | undefined;
}
export type Text = string | { readonly one: string; readonly other: string };
export type Catalogue = Readonly<Record<MessageKey, Text>>;

export const LOCALES = ['en', 'fr'] as const;
export type Locale = (typeof LOCALES)[number];

/** Each language names itself. */
export const LOCALE_NAMES: Record<Locale, string> = { en: 'English', fr: 'Français' };

const catalogues: Record<Locale, Catalogue> = { en, fr };
const STORAGE_KEY = 'xylem-locale';

const isLocale = (value: unknown): value is Locale => LOCALES.includes(value as Locale);

function firstLocale(): Locale {
  try {
    const stored = localStorage.getItem(STORAGE_KEY);
    if (isLocale(stored)) return stored;
  } catch {
    // Storage may be forbidden: the browser's languages decide.
  }
  return navigator.languages.map((tag) => tag.slice(0, 2)).find(isLocale) ?? 'en';
}

let locale: Locale = firstLocale();
const handlers = new Set<() => void>();

export const getLocale = (): Locale => locale;

export function setLocale(next: Locale): void {
  locale = next;
  document.documentElement.lang = next;
  try {
    localStorage.setItem(STORAGE_KEY, next);
  } catch {
    // It holds for this visit then.
  }
  for (const handler of handlers) handler();
}

document.documentElement.lang = locale;

const cache = new Map<string, unknown>();
function cached<T>(key: string, make: () => T): T {
  if (!cache.has(key)) cache.set(key, make());
  return cache.get(key) as T;
}

export function format(text: Text, params: Params = {}, language: Locale = locale): string {
  let sentence: string;
  if (typeof text === 'string') sentence = text;
  else {
    const rules = cached(`plural ${language}`, () => new Intl.PluralRules(language));
    sentence = rules.select(Number(params['count'])) === 'one' ? text.one : text.other;
  }
  return sentence.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = params[name];
    return value === undefined ? place : typeof value === 'number' ? formatNumber(value, language) : value;
  });
}

/** For texts outside components; inside, `useT` renders again when the language changes. */
export function t(key: MessageKey, params?: Params): string {
  return format(catalogues[locale][key], params);
}

export const tm = (message: Message): string => t(message.key, message.params);

const subscribe = (handler: () => void): (() => void) => {
  handlers.add(handler);
  return () => handlers.delete(handler);
};

export const useLocale = (): Locale => useSyncExternalStore(subscribe, getLocale);

export function useT(): typeof t {
  useLocale();
  return t;
}

/** A text that came with its languages, such as a plugin's name. */
export function localText(texts: { en?: string; fr?: string } | string | undefined): string | undefined {
  if (texts === undefined || typeof texts === 'string') return texts;
  return texts[locale] ?? texts.en;
}

export function formatNumber(value: number, language: Locale = locale, digits = 2): string {
  return cached(
    `number ${language} ${digits}`,
    () => new Intl.NumberFormat(language, { maximumFractionDigits: digits }),
  ).format(value);
}

const UNITS = { en: ['B', 'KiB', 'MiB', 'GiB', 'TiB'], fr: ['o', 'Kio', 'Mio', 'Gio', 'Tio'] } as const;

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 1023.5 MiB would be shown as 1,024 MiB.
  while (value >= 1023.5 && unit < 4) {
    value /= 1024;
    unit += 1;
  }
  return `${formatNumber(value, locale, value >= 100 ? 0 : 1)} ${UNITS[locale][unit]}`;
}

/** Milliseconds since the epoch as date and time; today only the time. */
export function formatTime(time: number): string {
  const date = new Date(time);
  const today = date.toDateString() === new Date().toDateString();
  return cached(
    `time ${locale} ${today}`,
    () => new Intl.DateTimeFormat(locale, { ...(today ? {} : { dateStyle: 'medium' }), timeStyle: 'medium' }),
  ).format(date);
}

/** 12.3 as `12.3 %`, the way the language writes it. */
export function formatPercent(percent: number): string {
  return cached(
    `percent ${locale}`,
    () => new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 }),
  ).format(percent / 100);
}

const MOMENTS = {
  seconds: { timeStyle: 'medium' },
  minutes: { timeStyle: 'short' },
  hours: { weekday: 'short', hour: 'numeric', minute: '2-digit' },
  days: { dateStyle: 'medium' },
} satisfies Record<string, Intl.DateTimeFormatOptions>;

const SHORT_MOMENTS = {
  seconds: { hour: 'numeric', minute: '2-digit' },
  minutes: { hour: 'numeric', minute: '2-digit' },
  hours: { month: 'short', day: 'numeric' },
  days: { month: 'short', day: 'numeric' },
} satisfies Record<string, Intl.DateTimeFormatOptions>;

/** Seconds since the epoch, as precise as points at this distance are; `short` for an axis. */
export function formatMoment(seconds: number, step: keyof typeof MOMENTS, short = false): string {
  return cached(
    `moment ${locale} ${step} ${short}`,
    () => new Intl.DateTimeFormat(locale, short ? SHORT_MOMENTS[step] : MOMENTS[step]),
  ).format(seconds * 1_000);
}
