import { describe, expect, it } from 'vitest';
import type { Group, User } from './people';
import { byIds } from '../objects/filter';
import { type Acl, firstOf, sections, standsFor, subjectOf } from './rights';

const users: User[] = [
  { id: 'u1', email: 'bob', permission: 'none' },
  { id: 'u2', email: 'alice', permission: 'none' },
  { id: 'u3', email: 'root', permission: 'admin' },
];
const groups: Group[] = [
  { id: 'g1', name: 'ops', users: ['u1', 'u2'] },
  { id: 'g2', name: 'dev', users: ['u2'] },
];
const entry = (subject: string, object: string, action = 'viewer'): Acl => ({
  id: `${subject} ${object} ${action}`,
  subject,
  object,
  action,
});

describe('subjects', () => {
  it('are groups, accounts, or gone', () => {
    const of = (id: string) => subjectOf(id, users, groups);
    expect(of('g1')).toMatchObject({ kind: 'group', name: 'ops', admin: false });
    expect(of('u3')).toMatchObject({ kind: 'user', name: 'root', admin: true });
    expect(of('x')).toMatchObject({ kind: 'gone', name: 'x' });
  });

  it('have what their groups have', () => {
    expect(standsFor('u2', groups)).toEqual(new Set(['u2', 'g1', 'g2']));
    expect(standsFor('g1', groups)).toEqual(new Set(['g1']));
  });
});

describe('sections', () => {
  const all = [entry('u1', 'a'), entry('x', 'a'), entry('u2', 'a'), entry('g1', 'a'), entry('u1', 'b')];
  const made = sections(all, (id) => subjectOf(id, users, groups));

  it('come in the order of groups, people, and the gone', () => {
    expect(made.map((one) => one.subject.name)).toEqual(['ops', 'alice', 'bob', 'x']);
    expect(made[2]?.entries.map((one) => one.object)).toEqual(['a', 'b']);
  });

  it('are cut after so many entries', () => {
    expect(firstOf(made, 3).map((one) => one.entries.length)).toEqual([1, 1, 1]);
    expect(firstOf(made, 100)).toEqual(made);
    expect(firstOf(made, 0)).toEqual([]);
  });
});

it('asks for objects by id', () => {
  expect(byIds([])).toBeUndefined();
  expect(byIds(['a"b'])).toBe(String.raw`id:"a\"b"`);
  expect(byIds(['a', 'b'])).toBe('id:|("a" "b")');
});
