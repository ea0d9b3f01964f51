import { describe, expect, it } from 'vitest';
import { addressOf, codeAt, isCode, newSecret, spaced } from './otp';

/** The secret of RFC 6238, appendix B, in Base32. */
const RFC = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

describe('codes', () => {
  // Those of the RFC have eight digits; these are their last six.
  it.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ])('at %d s: %s', (seconds, code) => {
    const now = seconds * 1_000;
    expect(codeAt(RFC, now)).toBe(code);
    expect([-30_000, 0, 30_000].map((shift) => isCode(RFC, code, now + shift))).toEqual([true, true, true]);
    expect([-60_000, 60_000].map((shift) => isCode(RFC, code, now + shift))).toEqual([false, false]);
  });

  it('may have a blank in them', () => expect(isCode(RFC, '287 082 ', 59_000)).toBe(true));
});

describe('secrets', () => {
  it('are Base32 (RFC 4648)', () => {
    expect(newSecret(new TextEncoder().encode('12345678901234567890'))).toBe(RFC);
    expect(newSecret()).toMatch(/^[A-Z2-7]{32}$/);
    expect(newSecret()).not.toBe(newSecret());
  });

  it('are written in fours', () => expect(spaced('ABCDEFGHIJ')).toBe('ABCD EFGH IJ'));

  it('have an address', () => {
    expect(addressOf('ABC', 'a b@c')).toBe('otpauth://totp/Xylem:a%20b%40c?secret=ABC&issuer=Xylem');
    expect(addressOf('ABC', 'x'.repeat(256)).length).toBeLessThan(130);
  });
});
