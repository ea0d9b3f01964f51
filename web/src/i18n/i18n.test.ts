import { describe, expect, it } from 'vitest';
import { en } from './en';
import { fr } from './fr';
import { format, formatBytes, type MessageKey, type Text } from './i18n';

const keys = Object.keys(en) as MessageKey[];
const forms = (text: Text): string[] => (typeof text === 'string' ? [text] : [text.one, text.other]);
const places = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').toSorted();

describe('catalogues', () => {
  it('have the same keys', () => {
    expect(Object.keys(fr).toSorted()).toEqual([...keys].toSorted());
  });

  it.each(keys)('%s is complete in French', (key) => {
    expect(forms(fr[key]).length).toBe(forms(en[key]).length);
    forms(en[key]).forEach((text, index) => {
      const french = forms(fr[key])[index] ?? '';
      expect(text.trim()).not.toBe('');
      expect(french.trim()).not.toBe('');
      expect(places(french)).toEqual(places(text));
    });
  });

  it('are used: no key is left over', () => {
    const sources = import.meta.glob('../**/*.{ts,tsx}', { query: '?raw', import: 'default', eager: true });
    const code = Object.entries(sources)
      .filter(([path]) => !/\/(?:en|fr)(?:\.ts$|\/)|\.test\./.test(path))
      .map(([, text]) => text)
      .join('\n');
    // Keys made of parts: `vm.${verb}.done`.
    const patterns = [...code.matchAll(/`([a-z][\w.-]*\.\$\{[^`]*)`/gi)].map(
      (match) => new RegExp(`^${(match[1] ?? '').replaceAll('.', '\\.').replaceAll(/\$\{[^}]*\}/g, '[\\w-]+')}$`),
    );
    const unused = keys.filter((key) => !code.includes(`'${key}'`) && !patterns.some((pattern) => pattern.test(key)));
    expect(unused).toEqual([]);
  });
});

describe('format', () => {
  it.each([
    ['{count} machines', { count: 1234 }, 'en', '1,234 machines'],
    [{ one: '{count} machine', other: '{count} machines' }, { count: 1 }, 'en', '1 machine'],
    [{ one: '{count} machine', other: '{count} machines' }, { count: 0 }, 'en', '0 machines'],
    // In French zero is singular.
    [{ one: '{count} machine', other: '{count} machines' }, { count: 0 }, 'fr', '0 machine'],
    ['Stop {name}?', { name: '<b>{x}</b>' }, 'en', 'Stop <b>{x}</b>?'],
    ['{missing}', {}, 'en', '{missing}'],
  ] as const)('%o with %o in %s', (text, params, locale, expected) => {
    expect(format(text, params, locale)).toBe(expected);
  });
});

it.each([
  [0, '0 B'],
  [1023, '1,023 B'],
  [1024, '1 KiB'],
  [1_610_612_736, '1.5 GiB'],
  [2 ** 30 - 300_000, '1 GiB'],
  [1023 * 2 ** 20, '1,023 MiB'],
  [100 * 2 ** 20 + 1, '100 MiB'],
])('formatBytes %d: %s', (bytes, expected) => expect(formatBytes(bytes)).toBe(expected));
