// The single fields of a schema form. Each draws its own label, so that screen readers and tests find it by name.
import {
  ariaDescribedByIds,
  type BaseInputTemplateProps,
  enumOptionsIndexForValue,
  enumOptionsValueForIndex,
  type WidgetProps,
} from '@rjsf/utils';
import { useState } from 'react';
import { useT } from '../i18n/i18n';
import { Button } from '../ui/Button';
import { Checkbox, Input, NumberInput, PasswordInput, Select, TagsInput, Textarea, TextInput } from '../ui/input';
import { Group, Stack } from '../ui/layout';
import { required as requiredMark } from '../ui/required';
import { Text } from '../ui/text';
import { STORED } from './schema';

type Common = Pick<
  WidgetProps,
  | 'id'
  | 'label'
  | 'hideLabel'
  | 'required'
  | 'disabled'
  | 'readonly'
  | 'rawErrors'
  | 'schema'
  | 'options'
  | 'placeholder'
>;

function common(props: Common) {
  const { id, label, hideLabel, required, disabled, readonly, rawErrors, schema, options, placeholder } = props;
  const description = options.description ?? schema.description;
  return {
    id,
    label: hideLabel ? undefined : label,
    'aria-label': hideLabel ? label : undefined,
    ...requiredMark(required),
    disabled: disabled ?? false,
    readOnly: readonly ?? false,
    placeholder: placeholder ?? '',
    description: typeof description === 'string' ? description : undefined,
    error: rawErrors && rawErrors.length > 0 ? rawErrors.join(' ') : undefined,
    'aria-describedby': ariaDescribedByIds(id),
  };
}

/** Text and numbers. The form library names the type; the browser's own checks stay out of it. */
export function BaseInput(props: BaseInputTemplateProps) {
  const { value, onChange, schema, options } = props;
  const { 'aria-describedby': _, ...shared } = common(props);
  const empty: unknown = options.emptyValue;
  if (schema.type === 'number' || schema.type === 'integer') {
    return (
      <NumberInput
        {...shared}
        value={typeof value === 'number' ? value : ''}
        onChange={(next) => onChange(next === '' ? empty : typeof next === 'number' ? next : Number(next))}
        allowDecimal={schema.type === 'number'}
        min={schema.minimum}
        max={schema.maximum}
        clampBehavior="none"
        styles={{ wrapper: { maxWidth: 220 } }}
      />
    );
  }
  return (
    <TextInput
      {...shared}
      value={typeof value === 'string' ? value : ''}
      onChange={(event) => onChange(event.currentTarget.value === '' ? empty : event.currentTarget.value)}
      autoComplete="off"
      spellCheck={false}
    />
  );
}

/**
 * A secret: stored ones are never shown, only replaced. The marker for "stored" is kept as the value, so that saving
 * without touching the field keeps the secret.
 */
export function SecretWidget(props: WidgetProps) {
  const { value, onChange } = props;
  const t = useT();
  const { 'aria-describedby': _, ...shared } = common(props);
  const [replacing, setReplacing] = useState(false);
  const [hadStored, setHadStored] = useState(value === STORED);
  if (value === STORED && !hadStored) setHadStored(true);
  if (value === STORED) {
    return (
      <Input.Wrapper
        label={shared.label}
        description={shared.description}
        error={shared.error}
        labelProps={shared.labelProps}
        labelElement="div"
      >
        <Group gap="sm" mt={4}>
          <Text size="sm" c="dimmed">
            •••••••• {t('form.stored')}
          </Text>
          <Button
            type="button"
            variant="default"
            size="xs"
            aria-label={t('form.replaceNamed', { name: props.label })}
            disabled={shared.disabled}
            onClick={() => {
              setReplacing(true);
              onChange(undefined);
            }}
          >
            {t('form.replace')}
          </Button>
        </Group>
      </Input.Wrapper>
    );
  }
  return (
    <Stack gap={6} align="stretch">
      <PasswordInput
        {...shared}
        value={typeof value === 'string' ? value : ''}
        onChange={(event) => onChange(event.currentTarget.value === '' ? undefined : event.currentTarget.value)}
        autoComplete="new-password"
        autoFocus={replacing}
        visibilityToggleButtonProps={{ 'aria-label': t('form.showSecret') }}
      />
      {hadStored && (
        <div>
          <Button
            type="button"
            variant="subtle"
            size="compact-xs"
            onClick={() => {
              setReplacing(false);
              onChange(STORED);
            }}
          >
            {t('form.keepStored')}
          </Button>
        </div>
      )}
    </Stack>
  );
}

export function TextareaWidget(props: WidgetProps) {
  const { value, onChange } = props;
  const { 'aria-describedby': _, ...shared } = common(props);
  return (
    <Textarea
      {...shared}
      value={typeof value === 'string' ? value : ''}
      onChange={(event) => onChange(event.currentTarget.value === '' ? undefined : event.currentTarget.value)}
      autosize
      minRows={3}
      maxRows={12}
      spellCheck={false}
      styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: '0.8125rem' } }}
    />
  );
}

export function CheckboxWidget(props: WidgetProps) {
  const { value, onChange } = props;
  const {
    'aria-describedby': _a,
    'aria-required': _b,
    labelProps: _d,
    placeholder: _c,
    readOnly,
    ...shared
  } = common(props);
  return (
    <Checkbox
      {...shared}
      disabled={shared.disabled || readOnly}
      checked={value === true}
      onChange={(event) => onChange(event.currentTarget.checked)}
      mt={4}
    />
  );
}

export function SelectWidget(props: WidgetProps) {
  const { value, onChange, options, multiple, required, schema } = props;
  const { 'aria-describedby': _, ...shared } = common(props);
  const choices = options.enumOptions ?? [];
  if (multiple) {
    const chosen = Array.isArray(value) ? value.map(String) : [];
    return (
      <Checkbox.Group
        label={shared.label}
        description={shared.description}
        error={shared.error}
        value={chosen}
        onChange={(next) =>
          onChange(choices.filter((choice) => next.includes(String(choice.value))).map((c) => c.value as unknown))
        }
      >
        <Stack gap={6} mt={6}>
          {choices.map((choice) => (
            <Checkbox
              key={String(choice.value)}
              value={String(choice.value)}
              label={choice.label}
              disabled={shared.disabled}
            />
          ))}
        </Stack>
      </Checkbox.Group>
    );
  }
  const index = enumOptionsIndexForValue(value, choices);
  const clearable = !required && schema.default === undefined;
  return (
    <Select
      {...shared}
      data={choices.map((choice, at) => ({ value: String(at), label: choice.label }))}
      value={typeof index === 'string' ? index : null}
      onChange={(next) => onChange(next === null ? undefined : enumOptionsValueForIndex(next, choices))}
      clearable={clearable}
      allowDeselect={clearable}
      checkIconPosition="right"
    />
  );
}

/** A list of plain texts, typed one after the other. */
export function TagsWidget(props: WidgetProps) {
  const { value, onChange } = props;
  const { 'aria-describedby': _, ...shared } = common(props);
  return <TagsInput {...shared} value={Array.isArray(value) ? value.map(String) : []} onChange={onChange} />;
}

export const widgets = {
  TextWidget: BaseInput as never,
  PasswordWidget: SecretWidget,
  TextareaWidget,
  CheckboxWidget,
  SelectWidget,
  RadioWidget: SelectWidget,
  CheckboxesWidget: SelectWidget,
  TagsWidget,
};
