import { describe, expect, it } from 'vitest';
import { difference, hasOneTimePassword, matches, providersOf, usersByName } from './people';

const user = (email: string, more: object = {}) => ({ id: email, email, permission: 'none' as const, ...more });

describe('matches', () => {
  it.each([
    ['', ['anything'], true],
    ['  ', ['anything'], true],
    ['ali', ['Alice'], true],
    ['ops ali', ['alice', 'ops, dev'], true],
    ['ops bob', ['alice', 'ops, dev'], false],
    ['helene', ['Hélène'], true],
    ['a b', ['a', undefined], false],
  ] as const)('%o in %o: %s', (typed, texts, expected) => expect(matches(typed, ...texts)).toBe(expected));
});

it('sorts names as people do', () => {
  const names = usersByName(['node10', 'Bob', 'node9', 'alice'].map((name) => user(name))).map((one) => one.email);
  expect(names).toEqual(['alice', 'Bob', 'node9', 'node10']);
});

it('says what changes between two lists', () => {
  expect(difference(['a', 'b'], ['b', 'c', 'c'])).toEqual({ added: ['c'], removed: ['a'] });
  expect(difference(['a'], ['a'])).toEqual({ added: [], removed: [] });
});

it('reads what an account has', () => {
  expect(hasOneTimePassword(user('a', { preferences: { otp: '* obfuscated *' } }))).toBe(true);
  expect(hasOneTimePassword(user('a', { preferences: { theme: 'dark' } }))).toBe(false);
  expect(providersOf(user('a', { authProviders: { 'auth-ldap': { id: 'x' } } }))).toEqual(['auth-ldap']);
  expect(providersOf(user('a'))).toEqual([]);
});
