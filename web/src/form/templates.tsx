// How the fields of a schema form are put together: labels come with the fields, groups get a heading by depth, lists
// get words on their buttons.
import {
  type ArrayFieldItemTemplateProps,
  type ArrayFieldTemplateProps,
  type ErrorListProps,
  type FieldTemplateProps,
  type MultiSchemaFieldTemplateProps,
  type ObjectFieldTemplateProps,
  type TemplatesType,
} from '@rjsf/utils';
import { IconArrowDown, IconArrowUp, IconPlus, IconTrash } from '@tabler/icons-react';
import { useT } from '../i18n/i18n';
import { Button, RowButton } from '../ui/Button';
import { Alert } from '../ui/feedback';
import { Input } from '../ui/input';
import { Text, Title } from '../ui/text';
import classes from './form.module.css';
import { BaseInput } from './widgets';

const Nothing = () => null;

/** The depth of a field, from its path; the page's cards use levels 1 and 2. */
const level = (path: readonly unknown[]): 3 | 4 | 5 => Math.min(5, 2 + Math.max(1, path.length)) as 3 | 4 | 5;

function FieldTemplate({ id, hidden, children, rawErrors, schema, displayLabel, errors }: FieldTemplateProps) {
  if (hidden) return <div hidden>{children}</div>;
  // A single field shows its faults itself; a group or a list cannot.
  const own = schema.type === 'object' || schema.type === 'array' || !displayLabel;
  return (
    <div id={`${id}__field`} className={classes['field']}>
      {children}
      {own && rawErrors && rawErrors.length > 0 && schema.type !== 'boolean' && errors && (
        <Input.Error role="alert">{rawErrors.join(' ')}</Input.Error>
      )}
    </div>
  );
}

function ObjectFieldTemplate({
  title,
  description,
  properties,
  fieldPathId,
  schema,
  onAddProperty,
  readonly,
  disabled,
}: ObjectFieldTemplateProps) {
  const t = useT();
  const root = fieldPathId.path.length === 0;
  // The form library numbers items as "Servers-1".
  const heading = typeof fieldPathId.path.at(-1) === 'number' ? title.replace(/-(\d+)$/, ' $1') : title;
  const shown = properties.filter((property) => !property.hidden);
  const fields = (
    <div className={classes['fields']} data-endpoint={'x-endpoint' in schema || undefined}>
      {properties.map((property) => (
        <div
          key={property.name}
          className={property.hidden ? classes['gone'] : classes['cell']}
          data-name={property.name}
        >
          {property.content}
        </div>
      ))}
      {schema.additionalProperties !== undefined && schema.additionalProperties !== false && (
        <Button type="button" variant="default" size="xs" onClick={onAddProperty} disabled={readonly || disabled}>
          {t('form.add')}
        </Button>
      )}
    </div>
  );
  if (root) return fields;
  return (
    <fieldset className={classes['group']} data-empty={shown.length === 0 || undefined}>
      {heading && (
        <legend>
          <Title order={level(fieldPathId.path)} size="sm">
            {heading}
          </Title>
        </legend>
      )}
      {typeof description === 'string' && description !== '' && (
        <Text size="xs" c="dimmed" mb="xs">
          {description}
        </Text>
      )}
      {fields}
    </fieldset>
  );
}

function ArrayFieldTemplate({
  title,
  items,
  canAdd,
  onAddClick,
  schema,
  required,
  disabled,
  readonly,
}: ArrayFieldTemplateProps) {
  const t = useT();
  return (
    <Input.Wrapper
      label={title}
      description={schema.description}
      labelProps={{ 'data-required': required || undefined }}
      labelElement="div"
    >
      <div className={classes['list']} {...(items.length > 0 && { role: 'list', 'aria-label': title })}>
        {items}
        {items.length === 0 && (
          <Text size="sm" c="dimmed">
            {t('form.emptyList')}
          </Text>
        )}
      </div>
      {canAdd && (
        <Button
          type="button"
          variant="default"
          size="xs"
          mt="xs"
          leftSection={<IconPlus size={14} aria-hidden />}
          disabled={disabled || readonly}
          onClick={onAddClick}
        >
          {t('form.addTo', { name: title })}
        </Button>
      )}
    </Input.Wrapper>
  );
}

function ArrayFieldItemTemplate({ children, buttonsProps, hasToolbar, index }: ArrayFieldItemTemplateProps) {
  const t = useT();
  const { hasMoveUp, hasMoveDown, hasRemove, onMoveUpItem, onMoveDownItem, onRemoveItem, disabled, readonly } =
    buttonsProps;
  const off = disabled || readonly;
  const number = index + 1;
  return (
    <div className={classes['item']} role="listitem">
      <div className={classes['itemBody']}>{children}</div>
      {hasToolbar && !off && (
        <div className={classes['toolbar']}>
          {(hasMoveUp || hasMoveDown) && (
            <>
              <RowButton label={t('form.moveUp', { number })} onClick={onMoveUpItem} disabled={!hasMoveUp}>
                <IconArrowUp size={16} aria-hidden />
              </RowButton>
              <RowButton label={t('form.moveDown', { number })} onClick={onMoveDownItem} disabled={!hasMoveDown}>
                <IconArrowDown size={16} aria-hidden />
              </RowButton>
            </>
          )}
          {hasRemove && (
            <RowButton label={t('form.remove', { number })} tone="danger" onClick={onRemoveItem}>
              <IconTrash size={16} aria-hidden />
            </RowButton>
          )}
        </div>
      )}
    </div>
  );
}

function MultiSchemaFieldTemplate({ selector, optionSchemaField }: MultiSchemaFieldTemplateProps) {
  return (
    <div className={classes['fields']}>
      {selector}
      {optionSchemaField}
    </div>
  );
}

/** Faults that belong to no field; those of fields stand at the fields. */
function ErrorListTemplate({ errors }: ErrorListProps) {
  const t = useT();
  const rootless = errors.filter((error) => error.property === undefined || error.property === '.');
  return (
    <Alert color="red" variant="light" title={t('form.invalid')} mb="md" role="alert">
      {rootless.map((error) => (
        <div key={error.stack}>{error.message}</div>
      ))}
    </Alert>
  );
}

export const templates: Partial<TemplatesType> = {
  BaseInputTemplate: BaseInput,
  FieldTemplate,
  ObjectFieldTemplate,
  ArrayFieldTemplate,
  ArrayFieldItemTemplate,
  MultiSchemaFieldTemplate,
  ErrorListTemplate,
  // The fields draw these themselves.
  DescriptionFieldTemplate: Nothing,
  FieldErrorTemplate: () => <span />,
  TitleFieldTemplate: Nothing,
};
