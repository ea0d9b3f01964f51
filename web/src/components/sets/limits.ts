// How much there is of what: the limits of a resource set, as people type them and as the daemon has them.
import type { Schemas } from '../../api/methods';
import { formatBytes, formatNumber, t } from '../../i18n/i18n';
import { bytesOf, GIB } from '../ask/ask';

export type ResourceSet = Schemas['ResourceSet'];

export const LIMITS = ['vms', 'cpus', 'memory', 'disk', 'disks', 'snapshots'] as const;
export type Limited = (typeof LIMITS)[number];

/** An amount of several things. */
export type Amounts = Readonly<Partial<Record<string, number>>>;

export const isBytes = (name: string): boolean => name === 'memory' || name === 'disk';

export const amountText = (name: string, amount: number): string =>
  isBytes(name) ? formatBytes(amount) : formatNumber(amount);

/** What a limit is called; pools of addresses have no name here. */
export const limitName = (name: string): string => {
  const known = LIMITS.find((one) => one === name);
  return known ? t(`sets.limit.${known}`) : name;
};

export interface Use {
  name: string;
  used: number;
  /** Undefined: it is only counted. */
  total: number | undefined;
}

/** What is limited or used, in the order that people think in. */
export function usesOf({ limits }: Pick<ResourceSet, 'limits'>): Use[] {
  const names = [...LIMITS, ...Object.keys(limits).filter((name) => !LIMITS.some((one) => one === name))];
  return names.flatMap((name) => {
    const limit = limits[name];
    return limit ? [{ name, used: limit.usage, total: limit.total }] : [];
  });
}

/** What there is not enough of for this, and how much is missing. */
export function lacking({ limits }: Pick<ResourceSet, 'limits'>, needed: Amounts): { name: string; missing: number }[] {
  return Object.entries(needed).flatMap(([name, amount = 0]) => {
    const limit = limits[name];
    const missing = limit?.total === undefined ? 0 : limit.usage + amount - limit.total;
    return amount > 0 && missing > 0 ? [{ name, missing }] : [];
  });
}

/** Totals as people type them: GiB for bytes, nothing for what is not limited. */
export type Typed = Readonly<Record<Limited, string>>;

export function typedOf(set: Pick<ResourceSet, 'limits'> | undefined): Typed {
  const text = (name: Limited): string => {
    const total = set?.limits[name]?.total;
    if (total === undefined) return '';
    return String(isBytes(name) ? Math.round((total / GIB) * 100) / 100 : total);
  };
  return Object.fromEntries(LIMITS.map((name) => [name, text(name)])) as Typed;
}

/** Returns the total; undefined for none, and 'fault' for what is no amount. */
function totalOf(name: Limited, typed: string): number | undefined | 'fault' {
  const trimmed = typed.trim();
  if (trimmed === '') return undefined;
  if (Number(trimmed.replace(',', '.')) === 0) return 0;
  const total = isBytes(name) ? bytesOf(trimmed) : Number(trimmed);
  return total !== undefined && Number.isInteger(total) && total > 0 ? total : 'fault';
}

export const faultsOf = (typed: Typed): Limited[] => LIMITS.filter((name) => totalOf(name, typed[name]) === 'fault');

/** All totals: what was not touched stays to the byte, and so do limits that the form does not show. */
export function totalsOf(typed: Typed, before: Pick<ResourceSet, 'limits'> | undefined): Record<string, number> {
  const shown = typedOf(before);
  const totals: Record<string, number> = {};
  for (const [name, { total }] of Object.entries(before?.limits ?? {})) {
    const known = LIMITS.find((one) => one === name);
    if (total !== undefined && (!known || typed[known] === shown[known])) totals[name] = total;
  }
  for (const name of LIMITS) {
    if (name in totals) continue;
    const total = totalOf(name, typed[name]);
    if (typeof total === 'number') totals[name] = total;
  }
  return totals;
}
