// The access lists as the page shows them: by account or group, with the names of what they are about.
import type { Schemas } from '../../api/methods';
import { byText, type Group, type User } from './people';

export type Acl = Schemas['Acl'];

export const ROLES = ['viewer', 'operator', 'admin'] as const satisfies Schemas['Role'][];

/** What somebody may be given a role on; what belongs to it (disks, snapshots, interfaces) follows. */
export const GRANTABLE = ['pool', 'host', 'SR', 'network', 'VM', 'VM-template'] as const;

/** What an entry may be about: other clients grant on more. */
export const NAMED = [...GRANTABLE, 'VM-snapshot', 'VDI', 'VDI-snapshot', 'PIF', 'VIF'] as const;

export interface Subject {
  id: string;
  kind: 'user' | 'group' | 'gone';
  name: string;
  /** An administrator may do everything, whatever stands here. */
  admin: boolean;
}

export interface Section {
  subject: Subject;
  entries: Acl[];
}

export function subjectOf(id: string, users: readonly User[], groups: readonly Group[]): Subject {
  const group = groups.find((one) => one.id === id);
  if (group) return { id, kind: 'group', name: group.name, admin: false };
  const user = users.find((one) => one.id === id);
  if (user) return { id, kind: 'user', name: user.email, admin: user.permission === 'admin' };
  return { id, kind: 'gone', name: id, admin: false };
}

/** Whose entries somebody has: their own, and those of the groups that they are in. */
export function standsFor(who: string, groups: readonly Group[]): Set<string> {
  return new Set([who, ...groups.filter((group) => group.users.includes(who)).map((group) => group.id)]);
}

/** Entries by who has them: groups first, then people, then those that nobody knows any more. */
export function sections(entries: readonly Acl[], subject: (id: string) => Subject): Section[] {
  const by = new Map<string, Section>();
  for (const entry of entries) {
    let section = by.get(entry.subject);
    if (!section) by.set(entry.subject, (section = { subject: subject(entry.subject), entries: [] }));
    section.entries.push(entry);
  }
  const order = { group: 0, user: 1, gone: 2 };
  const byName = byText((one: Section) => one.subject.name);
  return [...by.values()].toSorted((a, b) => order[a.subject.kind] - order[b.subject.kind] || byName(a, b));
}

/** The first so many entries, in whole or cut sections. */
export function firstOf(all: readonly Section[], most: number): Section[] {
  let left = most;
  const shown: Section[] = [];
  for (const { subject, entries } of all) {
    if (left <= 0) break;
    shown.push({ subject, entries: entries.slice(0, left) });
    left -= entries.length;
  }
  return shown;
}
