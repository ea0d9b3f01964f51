// Records of the audit log as the page shows them.
import type { Schemas } from '../../api/methods';
import { matches } from '../people/people';

export type AuditRecord = Schemas['AuditRecord'];

export type Shown = 'all' | 'calls' | 'failed';

const member = (data: unknown, name: string): unknown =>
  typeof data === 'object' && data !== null ? (data as Readonly<Record<string, unknown>>)[name] : undefined;

const words = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** What was done: the operation of a call, else the event itself. */
export const methodOf = (record: AuditRecord): string | undefined => words(member(record.data, 'method'));
export const whatOf = (record: AuditRecord): string => methodOf(record) ?? record.event;

export const errorOf = (record: AuditRecord): string | undefined =>
  words(member(member(record.data, 'error'), 'message'));
export const hasFailed = (record: AuditRecord): boolean =>
  member(record.data, 'error') !== undefined || /failed|denied/i.test(record.event);

export function durationOf(record: AuditRecord): number | undefined {
  const duration = member(record.data, 'duration');
  return typeof duration === 'number' ? duration : undefined;
}

export const whoOf = (record: AuditRecord): string | undefined => words(record.subject['userName']);
export const addressOf = (record: AuditRecord): string | undefined => words(record.subject['userIp']);

export function recordsOf(all: readonly AuditRecord[], typed: string, shown: Shown): readonly AuditRecord[] {
  if (typed.trim() === '' && shown === 'all') return all;
  return all.filter((record) => {
    if (shown === 'calls' && record.event !== 'apiCall') return false;
    if (shown === 'failed' && !hasFailed(record)) return false;
    if (typed.trim() === '') return true;
    return matches(typed, whoOf(record), addressOf(record), record.event, JSON.stringify(record.data), record.id);
  });
}

/** The next page begins with the last record of this one. */
export function joined(pages: readonly (readonly AuditRecord[])[]): AuditRecord[] {
  return pages.flatMap((page, place) => (place === 0 ? page : page.slice(1)));
}
