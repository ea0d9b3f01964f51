// A form made from a JSON schema: `value` in, `onChange` and `onSubmit` out, the daemon's own findings at their fields.
import RjsfForm, { type FormProps, type IChangeEvent } from '@rjsf/core';
import {
  deepEquals,
  type ErrorSchema,
  getDefaultFormState,
  type RJSFSchema,
  type RJSFValidationError,
  TranslatableString,
} from '@rjsf/utils';
import { type ReactNode, useEffect, useMemo } from 'react';
import type { Schemas } from '../api/methods';
import { t, useLocale } from '../i18n/i18n';
import { pathOf, valueAt } from './pointer';
import { localised, STORED, uiSchemaOf } from './schema';
import { templates } from './templates';
import { validator } from './validator';
import { widgets } from './widgets';

export type FormData = Record<string, unknown>;

export interface SchemaFormProps {
  /** Also the prefix of the fields' ids: two forms on a page need two. */
  id: string;
  schema: Record<string, unknown>;
  /** Texts of the schema in other languages, by language and JSON pointer. */
  texts?: Record<string, Record<string, string>> | undefined;
  value: FormData | undefined;
  /** Called for what a person changes, not for the defaults that the form fills in. */
  onChange: (value: FormData) => void;
  onSubmit: (value: FormData) => void;
  /** What the daemon found. */
  errors?: readonly Schemas['InvalidParameter'][];
  disabled?: boolean;
  /** The buttons. */
  children: ReactNode;
}

/** Puts the daemon's findings where the form library looks for them. */
export function toErrorTree(errors: readonly Schemas['InvalidParameter'][]): ErrorSchema {
  const root: ErrorSchema = {};
  for (const error of errors) {
    const path = pathOf(error.instancePath ?? '');
    const missing = error.keyword === 'required' ? error.params?.['missingProperty'] : undefined;
    if (typeof missing === 'string') path.push(missing);
    let node: ErrorSchema = root;
    for (const part of path) {
      const tree = node as Record<string, ErrorSchema>;
      node = tree[part] ??= {};
    }
    node.__errors = [...(node.__errors ?? []), error.message ?? t('form.invalidValue')];
  }
  return root;
}

/** A stored secret is not here to be judged: its marker may break the rules for its length. */
export function withoutStored(errors: RJSFValidationError[], data: unknown): RJSFValidationError[] {
  return errors.filter((error) => valueAt(data, (error.property ?? '').split('.').filter(Boolean)) !== STORED);
}

const translate: NonNullable<FormProps['translateString']> = (key, params) => {
  switch (key) {
    case TranslatableString.OptionPrefix:
    case TranslatableString.TitleOptionPrefix:
      return t('form.option', { number: params?.at(-1) ?? '' });
    case TranslatableString.ArrayItemTitle:
      return t('form.item');
    case TranslatableString.NewStringDefault:
      return '';
    default:
      return key;
  }
};

export function SchemaForm({
  id,
  schema,
  texts,
  value,
  onChange,
  onSubmit,
  errors,
  disabled = false,
  children,
}: SchemaFormProps) {
  const locale = useLocale();
  const own = useMemo<RJSFSchema>(() => {
    const copy = localised(schema, texts?.[locale]);
    // The card has the title and the description already.
    delete copy.title;
    delete copy.description;
    return copy;
  }, [schema, texts, locale]);
  // With the defaults in it from the start, the form has nothing to add and reports only what people do.
  const data = useMemo(() => getDefaultFormState(validator, own, value ?? {}, own) as FormData, [own, value]);
  const uiSchema = useMemo(() => uiSchemaOf(own), [own]);
  const extraErrors = useMemo(() => toErrorTree(errors ?? []), [errors]);
  // The daemon's findings come after the click on Save, which may be far below the field.
  useEffect(() => {
    if (!errors || errors.length === 0) return;
    document.getElementById(id)?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, [errors, id]);
  return (
    <RjsfForm
      id={id}
      idPrefix={id}
      schema={own}
      uiSchema={uiSchema}
      formData={data}
      validator={validator}
      templates={templates}
      widgets={widgets}
      extraErrors={extraErrors}
      extraErrorsBlockSubmit={false}
      // Validating on blur moves the layout under the pointer and eats the click on Save.
      liveValidate={false}
      noHtml5Validate
      focusOnFirstError
      disabled={disabled}
      // The findings stand in the form; without a handler they would go to the console too.
      onError={() => undefined}
      translateString={translate}
      transformErrors={(found) => withoutStored(found, data)}
      onChange={({ formData }: IChangeEvent<FormData>) => {
        if (!deepEquals(formData, data)) onChange(formData ?? {});
      }}
      onSubmit={({ formData }: IChangeEvent<FormData>) => onSubmit(formData ?? {})}
    >
      {children}
    </RjsfForm>
  );
}
