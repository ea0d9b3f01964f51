// Reads what a plugin's schema says about its form: which fields are secret, long, ordered, in which language.
import type { RJSFSchema, UiSchema } from '@rjsf/utils';
import { pathOf, valueAt } from './pointer';

/** Stands for a stored secret, both ways: sent back, it means "keep what is stored". The value is XO's. */
export const STORED = 'obfuscated-q3oi6d9X8uenGvdLnHk2';

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The names that the daemon masks whatever the schema says. */
const SECRET_NAME = /password|^(?:token|passphrase|encryptionKey)$/i;

export const isSecret = (schema: Json, name: string): boolean =>
  schema['x-secret'] === true ||
  schema['format'] === 'password' ||
  (schema['type'] === 'string' && SECRET_NAME.test(name));

/** Makes the form library's instructions from the schema's own hints. */
export function uiSchemaOf(schema: unknown, name = ''): UiSchema {
  if (!isObject(schema)) return {};
  const ui: UiSchema = {};
  if (isSecret(schema, name)) ui['ui:widget'] = 'password';
  else if (schema['x-multiline'] === true || schema['$multiline'] === true) ui['ui:widget'] = 'textarea';
  else if ('const' in schema) ui['ui:widget'] = 'hidden';
  if (Array.isArray(schema['x-order'])) ui['ui:order'] = [...(schema['x-order'] as string[]), '*'];
  if (Array.isArray(schema['enumNames'])) ui['ui:enumNames'] = schema['enumNames'] as string[];
  const examples = schema['examples'];
  if (Array.isArray(examples) && typeof examples[0] === 'string') ui['ui:placeholder'] = examples[0];
  if (isObject(schema['properties'])) {
    for (const [key, child] of Object.entries(schema['properties'])) {
      const below = uiSchemaOf(child, key);
      if (Object.keys(below).length > 0) ui[key] = below;
    }
  }
  if (isObject(schema['items'])) {
    ui['items'] = uiSchemaOf(schema['items'], name);
    // A list of plain values: the list's own label is enough.
    if (!isObject(schema['items']['properties']) && schema['items']['type'] !== 'object') {
      ui['items']['ui:options'] = { label: false };
    }
  }
  for (const keyword of ['oneOf', 'anyOf'] as const) {
    const branches = schema[keyword];
    if (Array.isArray(branches)) ui[keyword] = branches.map((branch) => uiSchemaOf(branch));
  }
  return ui;
}

/** Makes a title of a field's name: `bindDn` is "Bind dn". */
export const humanise = (name: string): string => {
  const words = name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll(/[_-]+/g, ' ')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** Gives fields without a title one that reads well, and puts another language's texts in their places. */
export function localised(schema: Json, texts: Record<string, string> | undefined): RJSFSchema {
  const copy = structuredClone(schema);
  for (const [pointer, text] of Object.entries(texts ?? {})) {
    const path = pathOf(pointer);
    const last = path.pop();
    const parent = valueAt(copy, path);
    if (last !== undefined && (isObject(parent) || Array.isArray(parent))) (parent as Json)[last] = text;
  }
  title(copy);
  return copy;
}

function title(schema: unknown): void {
  if (!isObject(schema)) return;
  if (isObject(schema['properties'])) {
    for (const [key, child] of Object.entries(schema['properties'])) {
      if (isObject(child) && typeof child['title'] !== 'string') child['title'] = humanise(key);
      title(child);
    }
  }
  title(schema['items']);
  for (const keyword of ['oneOf', 'anyOf', 'allOf']) {
    const branches = schema[keyword];
    if (Array.isArray(branches)) branches.forEach(title);
  }
}

/** Lays a preset over what is typed already; lists are taken whole. */
export function merged(base: unknown, over: unknown): unknown {
  if (!isObject(base) || !isObject(over)) return over;
  const result: Json = { ...base };
  for (const [key, value] of Object.entries(over)) result[key] = key in base ? merged(base[key], value) : value;
  return result;
}

/** What is sent: without empty texts and members that the form left undefined. */
export function tidy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidy);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined && member !== '')
      .map(([key, member]) => [key, tidy(member)]),
  );
}

/** True when any server in this configuration is spoken to without encryption: its grant needs `plaintext`. */
export function wantsPlaintext(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(wantsPlaintext);
  if (!isObject(value)) return false;
  return Object.entries(value).some(([key, member]) => {
    if (/^(?:tls|security|encryption|secure)$/i.test(key)) {
      return (
        member === false || (typeof member === 'string' && /^(?:none|off|plain|plaintext|disabled|no)$/i.test(member))
      );
    }
    if (/^(?:url|uri|server|origin)$/i.test(key) && typeof member === 'string')
      return /^(?:http|ldap):\/\//i.test(member);
    return wantsPlaintext(member);
  });
}
