// Validates a form against a schema that arrives at run time, by interpreting it: the policy forbids compiling code,
// which the form library's own validator (ajv) does.
import { type OutputUnit, type Schema, Validator } from '@cfworker/json-schema';
import {
  createErrorHandler,
  type CustomValidator,
  type ErrorTransformer,
  getDefaultFormState,
  type RJSFSchema,
  type RJSFValidationError,
  toErrorSchema,
  type UiSchema,
  unwrapErrorHandler,
  type ValidationData,
  validationDataMerge,
  type ValidatorType,
} from '@rjsf/utils';
import { t } from '../i18n/i18n';
import { pathOf } from './pointer';

const DRAFT = '2020-12';
const compiled = new WeakMap<object, Validator>();

function compile(schema: RJSFSchema): Validator {
  let validator = compiled.get(schema);
  if (!validator) compiled.set(schema, (validator = new Validator(schema as Schema, DRAFT, false)));
  return validator;
}

/** Removes the `undefined` members that a form leaves behind: to the schema they would be there. */
const clean = (data: unknown): unknown => (data === undefined ? null : (JSON.parse(JSON.stringify(data)) as unknown));

/** Keywords that only say that something below them failed. */
const CONTAINERS = new Set([
  'properties',
  'items',
  'prefixItems',
  'allOf',
  '$ref',
  'if',
  'additionalProperties',
  'dependentSchemas',
]);

/** The branch of a oneOf/anyOf that an error stands in. */
const branch = (error: OutputUnit): string | undefined =>
  /^(.*\/(?:oneOf|anyOf)\/\d+)(?:\/|$)/.exec(error.keywordLocation)?.[1];

/** Keeps the leaves; of a oneOf/anyOf only the branch whose `const` discriminator matched. */
export function relevant(errors: readonly OutputUnit[]): OutputUnit[] {
  const dead = new Set(errors.filter((error) => error.keyword === 'const').map(branch));
  const live = errors.filter((error) => {
    const own = branch(error);
    return !CONTAINERS.has(error.keyword) && !(own !== undefined && dead.has(own));
  });
  const explained = (error: OutputUnit) =>
    live.some((other) => other !== error && other.keywordLocation.startsWith(`${error.keywordLocation}/`));
  return live.filter((error) => !((error.keyword === 'oneOf' || error.keyword === 'anyOf') && explained(error)));
}

/** The commonest faults in the reader's language; the rest as the validator words it. */
function words(error: OutputUnit): string {
  const limit = /(?:is less than|is greater than|than) (-?\d+(?:\.\d+)?)/.exec(error.error)?.[1] ?? '';
  switch (error.keyword) {
    case 'required':
      return t('form.required');
    case 'minLength':
      return t('form.tooShort');
    case 'maxLength':
      return t('form.tooLong');
    case 'minimum':
      return limit ? t('form.minimum', { limit }) : error.error;
    case 'maximum':
      return limit ? t('form.maximum', { limit }) : error.error;
    case 'pattern':
      return t('form.pattern');
    case 'format':
      return t('form.format', { format: /format "([^"]+)"/.exec(error.error)?.[1] ?? '' });
    case 'type':
      return t('form.type');
    default:
      return error.error;
  }
}

export function toFormError(error: OutputUnit): RJSFValidationError {
  const path = pathOf(decodeURIComponent(error.instanceLocation.slice(1)));
  const missing = error.keyword === 'required' ? /"([^"]+)"/.exec(error.error)?.[1] : undefined;
  if (missing) path.push(missing);
  return {
    name: error.keyword,
    property: `.${path.join('.')}`,
    message: words(error),
    stack: `${path.join('.')}: ${error.error}`,
    schemaPath: error.keywordLocation,
    params: {},
  };
}

export const validator: ValidatorType = {
  rawValidation<Result>(schema: RJSFSchema, data?: unknown) {
    try {
      return { errors: compile(schema).validate(clean(data)).errors as Result[] };
    } catch (error) {
      return { errors: [] as Result[], validationError: error as Error };
    }
  },

  isValid(schema: RJSFSchema, data: unknown, root: RJSFSchema) {
    try {
      const whole = { ...schema, $defs: root.$defs, definitions: root.definitions } as Schema;
      return new Validator(whole, DRAFT, true).validate(clean(data)).valid;
    } catch {
      return false;
    }
  },

  validateFormData(
    data: unknown,
    schema: RJSFSchema,
    custom?: CustomValidator,
    transform?: ErrorTransformer,
    uiSchema?: UiSchema,
  ): ValidationData<unknown> {
    let errors = relevant(compile(schema).validate(clean(data)).errors).map(toFormError);
    if (transform) errors = transform(errors, uiSchema);
    const result: ValidationData<unknown> = { errors, errorSchema: toErrorSchema(errors) };
    if (!custom) return result;
    const state: unknown = getDefaultFormState(this, schema, data, schema, true);
    const handled = custom(state, createErrorHandler(state), uiSchema, result.errorSchema);
    return validationDataMerge(result, unwrapErrorHandler(handled));
  },
};
