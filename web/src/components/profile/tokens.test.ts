import { describe, expect, it } from 'vitest';
import { browserOf, isOver, lastUse, sorted, type Token } from './tokens';

const token = (id: string, more: Partial<Token> = {}): Token => ({
  id,
  user_id: 'u',
  created_at: 1_000,
  expiration: 2_000,
  ...more,
});

describe('browserOf', () => {
  it.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', 'Firefox', 'Linux'],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36',
      'Chrome',
      'Windows',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36 Edg/143.0',
      'Edge',
      'Windows',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15',
      'Safari',
      'macOS',
    ],
    [
      'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Mobile Safari/537.36',
      'Chrome',
      'Android',
    ],
    ['Mozilla/5.0 (something new)', undefined, undefined],
  ])('%s', (description, browser, system) => expect(browserOf({ description })).toEqual({ browser, system }));

  it('leaves programs alone', () => {
    expect(browserOf({ description: 'xo-cli@1.0 - host - linux' })).toBeUndefined();
    expect(browserOf({})).toBeUndefined();
    expect(browserOf({ description: 'Mozilla/5.0', client: { id: 'c' } })).toBeUndefined();
  });
});

it('knows the last use', () => {
  expect(lastUse(token('a'))).toBeUndefined();
  const uses = { '192.0.2.1': { timestamp: 5 }, '192.0.2.2': { timestamp: 7 }, '192.0.2.3': { timestamp: 6 } };
  expect(lastUse(token('a', { last_uses: uses }))).toEqual({ address: '192.0.2.2', time: 7 });
});

it('sorts programs and browsers apart, the newest first', () => {
  const description = 'Mozilla/5.0 (X11; Linux) Firefox/1';
  const { programs, browsers } = sorted([
    token('a', { created_at: 1 }),
    token('b', { created_at: 3 }),
    token('c', { description }),
  ]);
  expect([programs.map((one) => one.id), browsers.map((one) => one.id)]).toEqual([['b', 'a'], ['c']]);
});

it('knows what is over', () => {
  expect([isOver(token('a'), 1_999), isOver(token('a'), 2_000)]).toEqual([false, true]);
});
