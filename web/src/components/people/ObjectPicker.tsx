// Boxes that find objects of the pools by name while one types: several, or one.
import { useState } from 'react';
import { useT } from '../../i18n/i18n';
import { text } from '../../live/vm';
import { useRows } from '../../live/useWatch';
import type { Row } from '../../live/watch';
import { MultiSelect, Select } from '../../ui/input';
import { required } from '../../ui/required';
import { nameOf } from '../objects/cells';
import { byIds, byName } from '../objects/filter';
import { kindText, ObjectIcon } from './objectKind';
import classes from './people.module.css';
import { OFFERED } from './people';

const FIELDS = ['name_label', '$pool.name_label'];

interface Option {
  value: string;
  label: string;
}

/** What is found by what was typed, and what was chosen, whether it is found now or not. */
function useOptions(types: readonly string[], typed: string, chosen: readonly string[]) {
  const t = useT();
  const names = byName(typed);
  const [rows, list] = useRows(
    { type: [...types], fields: FIELDS, sort: [{ by: 'name_label' }], ...(names !== '' && { filter: names }) },
    OFFERED,
  );
  const ids = byIds(chosen.toSorted());
  const [named] = useRows(
    ids === undefined ? undefined : { type: [...types], fields: FIELDS, filter: ids },
    Math.max(1, chosen.length),
  );
  const known = new Map([...named, ...rows].map((row) => [row.id, row]));
  const found = new Set(rows.map((row) => row.id));
  const options: Option[] = [
    ...rows.map((row) => ({ value: row.id, label: nameOf(row) })),
    ...chosen
      .filter((id) => !found.has(id))
      .map((id) => {
        const row = known.get(id);
        return { value: id, label: row ? nameOf(row) : id };
      }),
  ];
  return { known, options, nothing: list.total === undefined ? t('state.loading') : t('list.nothingFound') };
}

function OptionLine({ option, row }: { option: Option; row: Row | undefined }) {
  const t = useT();
  return (
    <div className={classes['option']}>
      <ObjectIcon type={row?.type} />
      <span>{option.label}</span>
      {row && <small>{kindText(t, row.type, text(row['$pool.name_label']))}</small>}
    </div>
  );
}

/** The daemon has filtered; here it would only be done once more, and worse. */
const asTheyAre = <T,>({ options }: { options: T }): T => options;

interface PickerProps {
  types: readonly string[];
  label: string;
  description?: string;
  placeholder: string;
  mandatory?: boolean;
  value: string[];
  onChange: (value: string[]) => void;
  error?: string | undefined;
}

export function ObjectPicker({
  types,
  label,
  description,
  placeholder,
  mandatory = false,
  value,
  onChange,
  error,
}: PickerProps) {
  const [typed, setTyped] = useState('');
  const { known, options, nothing } = useOptions(types, typed, value);
  return (
    <MultiSelect
      label={label}
      description={description}
      placeholder={value.length === 0 ? placeholder : undefined}
      {...(mandatory && required(true))}
      searchable
      hidePickedOptions
      data={options}
      filter={asTheyAre}
      searchValue={typed}
      onSearchChange={setTyped}
      value={value}
      onChange={onChange}
      renderOption={({ option }) => <OptionLine option={option} row={known.get(option.value)} />}
      nothingFoundMessage={nothing}
      error={error}
    />
  );
}

interface OneProps {
  types: readonly string[];
  label: string;
  placeholder: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}

export function ObjectSelect({ types, label, placeholder, value, onChange }: OneProps) {
  const [typed, setTyped] = useState('');
  const { known, options, nothing } = useOptions(types, typed, value === undefined ? [] : [value]);
  // The box shows the name of what was chosen: that is no search.
  const chosen = options.find((option) => option.value === value)?.label;
  return (
    <Select
      label={label}
      placeholder={placeholder}
      searchable
      clearable
      data={options}
      filter={asTheyAre}
      onSearchChange={(next) => setTyped(next === chosen ? '' : next)}
      value={value ?? null}
      onChange={(next) => onChange(next ?? undefined)}
      renderOption={({ option }) => <OptionLine option={option} row={known.get(option.value)} />}
      nothingFoundMessage={nothing}
    />
  );
}
