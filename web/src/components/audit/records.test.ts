import { describe, expect, it } from 'vitest';
import { type AuditRecord, durationOf, errorOf, hasFailed, joined, recordsOf, whatOf } from './records';

const record = (id: string, event: string, data: unknown, subject = {}): AuditRecord => ({
  id,
  previousId: 'before',
  time: 1,
  event,
  subject: { userName: 'ann', ...subject },
  data,
});
const call = record('1', 'apiCall', { method: 'vm.start', params: { id: 'VM-7' }, duration: 12 });
const failed = record('2', 'apiCall', { method: 'vm.stop', error: { code: 2, message: 'not allowed' } });
const refused = record('3', 'signInFailed', { reason: 'wrong' }, { userName: 'bob', userIp: '10.1.2.3' });
const all = [call, failed, refused];

describe('recordsOf', () => {
  it.each([
    ['', 'all', ['1', '2', '3']],
    ['', 'calls', ['1', '2']],
    ['', 'failed', ['2', '3']],
    ['ann vm-7', 'all', ['1']],
    ['10.1.2', 'all', ['3']],
    ['ANN', 'failed', ['2']],
    ['nothing', 'all', []],
  ] as const)('%o, %s', (typed, shown, found) => {
    expect(recordsOf(all, typed, shown).map((one) => one.id)).toEqual(found);
  });
});

it('reads what a record tells', () => {
  expect(all.map(whatOf)).toEqual(['vm.start', 'vm.stop', 'signInFailed']);
  expect(all.map(hasFailed)).toEqual([false, true, true]);
  expect([errorOf(failed), errorOf(call), durationOf(call), durationOf(refused)]).toEqual([
    'not allowed',
    undefined,
    12,
    undefined,
  ]);
});

it('joins pages that overlap by one', () => {
  expect(
    joined([
      [call, failed],
      [failed, refused],
    ]).map((one) => one.id),
  ).toEqual(['1', '2', '3']);
});
