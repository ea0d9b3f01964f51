import { describe, expect, it } from 'vitest';
import { humanise, localised, merged, STORED, tidy, uiSchemaOf, wantsPlaintext } from './schema';
import { toErrorTree, withoutStored } from './SchemaForm';

describe('uiSchemaOf', () => {
  it('reads the hints', () => {
    const ui = uiSchemaOf({
      type: 'object',
      'x-order': ['b'],
      properties: {
        a: { type: 'string', 'x-secret': true },
        password: { type: 'string' },
        passwordPolicy: { type: 'object', properties: {} },
        cert: { type: 'string', 'x-multiline': true },
        legacy: { type: 'string', $multiline: true },
        level: { type: 'string', enum: ['x'], enumNames: ['X'] },
        base: { type: 'string', examples: ['dc=org'] },
        mode: { oneOf: [{ properties: { kind: { const: 'k' } } }] },
        names: { type: 'array', items: { type: 'string' } },
      },
    });
    expect(ui).toEqual({
      'ui:order': ['b', '*'],
      a: { 'ui:widget': 'password' },
      password: { 'ui:widget': 'password' },
      cert: { 'ui:widget': 'textarea' },
      legacy: { 'ui:widget': 'textarea' },
      level: { 'ui:enumNames': ['X'] },
      base: { 'ui:placeholder': 'dc=org' },
      mode: { oneOf: [{ kind: { 'ui:widget': 'hidden' } }] },
      names: { items: { 'ui:options': { label: false } } },
    });
  });
});

it('puts texts of another language in their places and titles where there are none', () => {
  const schema = { properties: { server: { type: 'object', properties: { host: { title: 'Server' }, userId: {} } } } };
  const french = localised(schema, { '/properties/server/properties/host/title': 'Serveur', '/nowhere/title': 'x' });
  expect(french).toEqual({
    properties: {
      server: {
        type: 'object',
        title: 'Server',
        properties: { host: { title: 'Serveur' }, userId: { title: 'User id' } },
      },
    },
  });
  expect(schema.properties.server.properties.host.title).toBe('Server');
});

it.each([
  ['userIdAttribute', 'User id attribute'],
  ['base_dn', 'Base dn'],
  ['uri', 'Uri'],
])('humanise %s', (name, expected) => expect(humanise(name)).toBe(expected));

it('lays presets over what is typed, and sends nothing empty', () => {
  expect(
    merged({ server: { host: 'h', port: 1 }, list: [1, 2] }, { server: { port: 636 }, list: [3], f: 'x' }),
  ).toEqual({
    server: { host: 'h', port: 636 },
    list: [3],
    f: 'x',
  });
  expect(tidy({ a: '', b: undefined, c: [{ d: '', e: 0 }], f: false })).toEqual({ c: [{ e: 0 }], f: false });
});

it.each([
  [{ server: { host: 'x', tls: 'none' } }, true],
  [{ server: { host: 'x', tls: false } }, true],
  [{ uri: 'ldap://x' }, true],
  [{ uri: 'ldaps://x' }, false],
  [{ server: { host: 'x', tls: 'starttls' }, comment: 'none' }, false],
  [undefined, false],
])('wantsPlaintext %o: %s', (configuration, expected) => expect(wantsPlaintext(configuration)).toBe(expected));

describe("the daemon's findings", () => {
  it('stand at their fields', () => {
    const tree = toErrorTree([
      { instancePath: '/server/host', message: 'unknown host' },
      { instancePath: '/bind', keyword: 'required', params: { missingProperty: 'dn' }, message: 'is required' },
      { instancePath: '', message: 'does not fit together' },
      { instancePath: '/list/0/a~1b', message: 'odd' },
    ]);
    expect(tree).toEqual({
      __errors: ['does not fit together'],
      server: { host: { __errors: ['unknown host'] } },
      bind: { dn: { __errors: ['is required'] } },
      list: { '0': { 'a/b': { __errors: ['odd'] } } },
    });
  });

  it('do not judge the marker of a stored secret', () => {
    const error = (property: string) => ({ property, stack: '', name: 'maxLength' });
    const data = { bind: { password: STORED }, base: 'x' };
    expect(withoutStored([error('.bind.password'), error('.base')], data)).toEqual([error('.base')]);
  });
});
