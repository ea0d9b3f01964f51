// What a VM's verbs need to know about it, out of a row of a window.
import type { Row } from './watch';

export type PowerState = 'Running' | 'Halted' | 'Paused' | 'Suspended';

export interface VmFacts {
  id: string;
  name: string;
  powerState: PowerState;
  poolId: string;
  /** Its host, or its pool while it is bound to none. */
  containerId: string;
  /** Names of the operations under way, each once. */
  operations: readonly string[];
  /** Operation to the reason that an administrator gave. */
  blocked: Readonly<Record<string, string>>;
  /** It runs without guest tools on full virtualisation: a clean shutdown cannot reach it. */
  deaf: boolean;
}

/** The fields that `vmFacts` reads. */
export const VM_FIELDS = [
  'name_label',
  'power_state',
  '$pool',
  '$container',
  'current_operations',
  'blockedOperations',
  'xenTools',
  'virtualizationMode',
] as const;

const STATES: readonly unknown[] = ['Running', 'Halted', 'Paused', 'Suspended'] satisfies PowerState[];

export const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const texts = (value: unknown): Record<string, string> =>
  typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, member]) => [key, text(member)]))
    : {};

export function vmFacts(row: Row): VmFacts {
  const state = row['power_state'];
  return {
    id: row.id,
    name: text(row['name_label']),
    powerState: STATES.includes(state) ? (state as PowerState) : 'Halted',
    poolId: text(row['$pool']),
    containerId: text(row['$container']),
    operations: [...new Set(Object.values(texts(row['current_operations'])))].toSorted(),
    blocked: texts(row['blockedOperations']),
    deaf: state === 'Running' && row['xenTools'] === false && row['virtualizationMode'] === 'hvm',
  };
}
