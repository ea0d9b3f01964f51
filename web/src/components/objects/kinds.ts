// The five lists: what each shows, how it is sorted, what one can look for.
import { formatTime } from '../../i18n/i18n';
import { hosts, pools } from './infrastructure';
import type { Kind, KindName } from './kind';
import { vms } from './machines';
import { networks, srs } from './resources';

export const KINDS: Record<KindName, Kind> = { pools, hosts, vms, srs, networks };

/** Each field once, for the question. */
export const fieldsOf = (kind: Kind): string[] => [...new Set(['$pool', ...kind.columns.flatMap((one) => one.fields)])];

export const dateOf = (seconds: unknown): string | undefined =>
  typeof seconds === 'number' && seconds > 0 ? formatTime(seconds * 1_000) : undefined;
