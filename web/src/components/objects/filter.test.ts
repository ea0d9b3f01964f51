import { describe, expect, it } from 'vitest';
import { ApiError } from '../../api/errors';
import { byName, compose, exactly, faultOf, quote } from './filter';

describe('compose', () => {
  it.each([
    ['', {}, undefined],
    ['web', {}, 'web'],
    ['', { state: 'Running' }, 'power_state:/^Running$/'],
    ['"open', { state: 'Halted', pool: 'a-b' }, 'power_state:/^Halted$/ $pool:"a-b" "open'],
    ['a b', { tag: 'web=1/2 (x)' }, String.raw`tags:/^web=1\/2 \(x\)$/ a b`],
  ])('%j with %o is %j', (typed, quick, filter) => {
    const composed = compose(typed, quick);
    expect(composed.filter).toBe(filter);
    expect(filter?.slice(composed.offset) ?? '').toBe(typed);
  });
});

describe('faultOf', () => {
  it('places the error in what was typed', () => {
    const { offset } = compose('web x:', { state: 'Running' });
    const error = new ApiError(10, `parse error: expected end of input at position ${offset + 5}`);
    expect(faultOf(error, offset)?.position).toBe(5);
  });

  it('reads the text out of the details', () => {
    const error = new ApiError(10, 'invalid parameters', {
      errors: [{ instancePath: '/filter', message: 'parse error: expected end of input at position 2' }],
    });
    expect(faultOf(error, 0)?.position).toBe(2);
  });

  it('has no place for what has none', () => {
    expect(faultOf(new ApiError(10, 'value must be a number'), 0)).toEqual({
      message: 'value must be a number',
      position: undefined,
    });
  });

  it('is nothing for other errors', () =>
    expect(faultOf(new ApiError(2, 'not enough permissions'), 0)).toBeUndefined());
});

it('quotes', () => expect(quote(String.raw`a "b" \c`)).toBe(String.raw`"a \"b\" \\c"`));
it('exactly', () => expect(exactly('a.b/c')).toBe(String.raw`/^a\.b\/c$/`));
it('byName', () => expect(byName('  web 1')).toBe('name_label:"web" name_label:"1"'));
