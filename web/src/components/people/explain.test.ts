import { describe, expect, it } from 'vitest';
import { type Explained, type Line, linesOf, nameIn, sees } from './explain';

const line = (operation: string | undefined, allowed: boolean, ...privileges: string[]): Line => ({
  ...(operation !== undefined && { operation, description: `Does ${operation}.` }),
  level: 'operate',
  privileges,
  allowed,
  visible: true,
  reasons: [],
});
const lines = [
  line(undefined, true, 'read'),
  line('vm.start', false, 'start'),
  line('vm.set', true, 'update:name_label'),
];
const explained: Explained = {
  user: 'u',
  object: 'o',
  operations: lines,
  objects: { o: { type: 'VM', name: 'web' }, p: { type: 'VBD', name: null } },
  resourceSets: [],
};

describe('linesOf', () => {
  it.each([
    ['', 'all', [undefined, 'vm.start', 'vm.set']],
    ['', 'refused', ['vm.start']],
    ['VM does', 'all', ['vm.start', 'vm.set']],
    ['name_label', 'allowed', ['vm.set']],
    ['name_label', 'refused', []],
  ] as const)('%o, %s', (typed, shown, found) => {
    expect(linesOf(lines, typed, shown).map((one) => one.operation)).toEqual(found);
  });
});

it('names what has a name', () => {
  expect([nameIn(explained, 'o'), nameIn(explained, 'p'), nameIn(explained, 'gone')]).toEqual(['web', 'p', 'gone']);
  expect(sees(explained)).toBe(true);
});
