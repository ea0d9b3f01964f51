// Draws what `ask` asks for.
import { useEffect, useState, useSyncExternalStore } from 'react';
import { useT } from '../../i18n/i18n';
import type { Row } from '../../live/watch';
import { Dialog } from '../../ui/Dialog';
import { Checkbox, NativeSelect, NumberInput, TextInput } from '../../ui/input';
import { required } from '../../ui/required';
import { Text } from '../../ui/text';
import { DialogForm, useSave } from '../DialogForm';
import { type Asking, bytesOf, dismiss, type Field, getAsking, type Picked, subscribeAsking, type Values } from './ask';
import { ObjectSelect } from './ObjectSelect';

export function AskHost() {
  const t = useT();
  const asking = useSyncExternalStore(subscribeAsking, getAsking);
  const [last, setLast] = useState(asking);
  // The words stay while the dialog fades out.
  if (asking && asking !== last) setLast(asking);
  const [count, setCount] = useState(0);
  const [seen, setSeen] = useState(asking);
  if (asking && asking !== seen) {
    setSeen(asking);
    setCount(count + 1);
  }
  // Nobody else finishes what somebody began to fill in.
  useEffect(() => dismiss, []);
  const shown = asking ?? last;
  // There before it is asked for the first time: only then it knows where the focus was.
  return (
    <Dialog opened={asking !== undefined} onClose={dismiss} title={shown?.title ?? ''} closeLabel={t('action.close')}>
      {shown && <Form key={count} asking={shown} />}
    </Dialog>
  );
}

const initial = (field: Field): string | boolean => {
  if (field.kind === 'check') return field.initial ?? false;
  return field.kind === 'pick' ? '' : (field.initial ?? '');
};

function Form({ asking }: { asking: Asking }) {
  const t = useT();
  const [values, setValues] = useState<Values>(() =>
    Object.fromEntries(asking.fields.map((field) => [field.name, initial(field)])),
  );
  const [picked, setPicked] = useState<Readonly<Record<string, Row | undefined>>>({});
  const [tried, setTried] = useState(false);
  const run = useSave((given: { values: Values; picked: Picked }) => asking.run(given.values, given.picked));

  const faultOf = (field: Field): string | undefined => {
    if (field.kind === 'check' || field.kind === 'choice') return undefined;
    if (field.kind === 'pick') return field.required && !picked[field.name] ? t('form.required') : undefined;
    const typed = String(values[field.name] ?? '').trim();
    if (typed === '') return field.required ? t('form.required') : undefined;
    if (field.kind !== 'gib') return undefined;
    const bytes = bytesOf(typed);
    if (bytes === undefined) return t('ask.noSize');
    return field.min !== undefined && bytes < field.min ? t('ask.onlyGrows') : undefined;
  };

  function submit() {
    setTried(true);
    if (asking.fields.some((field) => faultOf(field) !== undefined)) return;
    run.mutate({ values, picked }, { onSuccess: dismiss });
  }

  return (
    <DialogForm verb={asking.verb} save={run} onSubmit={submit} onClose={dismiss}>
      {asking.text && <Text size="sm">{asking.text}</Text>}
      {asking.fields.map((field, place) => (
        <FieldInput
          key={field.name}
          field={field}
          first={place === 0}
          fault={tried ? faultOf(field) : undefined}
          value={values[field.name] ?? ''}
          onChange={(value) => setValues((old) => ({ ...old, [field.name]: value }))}
          picked={picked}
          onPick={(row) => setPicked((old) => ({ ...old, [field.name]: row }))}
        />
      ))}
    </DialogForm>
  );
}

interface FieldProps {
  field: Field;
  first: boolean;
  fault: string | undefined;
  value: string | boolean;
  onChange: (value: string | boolean) => void;
  picked: Picked;
  onPick: (row: Row | undefined) => void;
}

function FieldInput({ field, first, fault, value, onChange, picked, onPick }: FieldProps) {
  const common = { label: field.label, description: field.description, error: fault };
  const focus = { 'data-autofocus': first || undefined };
  switch (field.kind) {
    case 'check':
      return (
        <Checkbox
          label={field.label}
          description={field.description}
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
          {...focus}
        />
      );
    case 'choice':
      return (
        <NativeSelect
          {...common}
          data={[...field.options]}
          value={String(value)}
          onChange={(event) => onChange(event.currentTarget.value)}
          {...focus}
        />
      );
    case 'pick':
      return (
        <ObjectSelect
          {...common}
          required={field.required}
          query={field.query(picked)}
          hint={field.hint}
          value={picked[field.name]}
          onChange={onPick}
          autoFocus={first}
        />
      );
    case 'gib':
      return (
        <NumberInput
          {...common}
          {...required(field.required)}
          min={0}
          suffix=" GiB"
          value={String(value)}
          onChange={(next) => onChange(String(next))}
          {...focus}
        />
      );
    default:
      return (
        <TextInput
          {...common}
          {...required(field.required)}
          placeholder={field.placeholder}
          autoComplete="off"
          value={String(value)}
          onChange={(event) => onChange(event.currentTarget.value)}
          {...focus}
        />
      );
  }
}
