import type { RJSFSchema } from '@rjsf/utils';
import { describe, expect, it } from 'vitest';
import { validator } from './validator';

const schema: RJSFSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['server', 'base'],
  properties: {
    server: {
      type: 'object',
      required: ['host'],
      properties: { host: { type: 'string', minLength: 1 }, port: { type: 'integer', minimum: 1, maximum: 65_535 } },
    },
    base: { type: 'string' },
    hooks: { type: 'array', items: { type: 'object', properties: { url: { type: 'string', format: 'uri' } } } },
    'odd/na~me': { type: 'string', maxLength: 2 },
    mode: {
      oneOf: [
        {
          type: 'object',
          required: ['kind', 'name'],
          properties: { kind: { const: 'attribute' }, name: { type: 'string' } },
        },
        {
          type: 'object',
          required: ['kind', 'base'],
          properties: { kind: { const: 'search' }, base: { type: 'string' } },
        },
      ],
    },
  },
};

const good = { server: { host: 'dc1', port: 636 }, base: 'dc=org' };
const findings = (data: unknown) =>
  validator.validateFormData(data, schema).errors.map((error) => `${error.property} ${error.name}`);

describe('validateFormData', () => {
  it.each([
    [good, []],
    [{}, ['.server required', '.base required']],
    [{ ...good, server: {} }, ['.server.host required']],
    [{ ...good, server: { host: '', port: 0 } }, ['.server.host minLength', '.server.port minimum']],
    [{ ...good, server: { host: 'a', port: 'x' } }, ['.server.port type']],
    [{ ...good, hooks: [{ url: 'no url' }] }, ['.hooks.0.url format']],
    [{ ...good, 'odd/na~me': 'long' }, ['.odd/na~me maxLength']],
    // A field that was emptied is undefined: not there, instead of an extra property.
    [{ ...good, unknown: undefined }, []],
    // Only the branch that the discriminator names is reported.
    [{ ...good, mode: { kind: 'search' } }, ['.mode.base required']],
    [{ ...good, mode: { kind: 'search', base: 'x' } }, []],
  ])('%o: %o', (data, expected) => {
    expect(findings(data)).toEqual(expected);
  });

  it('puts the errors at their fields, in words', () => {
    const { errorSchema } = validator.validateFormData({ ...good, server: {} }, schema);
    expect(errorSchema).toEqual({ server: { host: { __errors: ['Please fill this in.'] } } });
    const range = validator.validateFormData({ ...good, server: { host: 'a', port: 70_000 } }, schema);
    expect(range.errors[0]?.message).toBe('The largest value is 65535.');
  });
});

describe('isValid', () => {
  it('finds definitions of the root', () => {
    const root = { $defs: { port: { type: 'integer' } } } as RJSFSchema;
    expect(validator.isValid({ $ref: '#/$defs/port' }, 1, root)).toBe(true);
    expect(validator.isValid({ $ref: '#/$defs/port' }, 'x', root)).toBe(false);
    expect(validator.isValid({ $ref: '#/$defs/nowhere' }, 1, root)).toBe(false);
  });
});

it('compiles nothing: the page has no right to eval', () => {
  const original = globalThis.Function;
  globalThis.Function = (() => {
    throw new Error('eval');
  }) as unknown as FunctionConstructor;
  try {
    expect(findings({ ...good, hooks: [{ url: 'https://example.org' }] })).toEqual([]);
  } finally {
    globalThis.Function = original;
  }
});
