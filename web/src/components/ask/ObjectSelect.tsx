// Picks one object, found by its name while one types: the daemon filters, so a fleet of any size will do.
import { useState } from 'react';
import { useT } from '../../i18n/i18n';
import { useRows } from '../../live/useWatch';
import type { Query, Row } from '../../live/watch';
import { Select } from '../../ui/input';
import { required as marked } from '../../ui/required';
import { nameOf } from '../objects/cells';
import { byName } from '../objects/filter';
import classes from './ask.module.css';

/** Options that are offered at once. */
const OFFERED = 50;

export interface ObjectSelectProps {
  label: string;
  description?: string | undefined;
  placeholder?: string | undefined;
  query: Query;
  value: Row | undefined;
  onChange: (row: Row | undefined) => void;
  hint?: ((row: Row) => string) | undefined;
  required?: boolean | undefined;
  error?: string | undefined;
  autoFocus?: boolean;
  disabled?: boolean;
}

export function ObjectSelect(props: ObjectSelectProps) {
  const { label, description, placeholder, query, value, onChange, hint, required, error, autoFocus, disabled } = props;
  const t = useT();
  const [typed, setTyped] = useState('');
  // Once something is picked its name stands in the box; that is no search.
  const names = value && typed === nameOf(value) ? '' : byName(typed);
  const filter = [query.filter, names].filter(Boolean).join(' ');
  const [rows, list] = useRows({ ...query, filter: filter === '' ? undefined : filter }, OFFERED);
  const found = new Map(rows.map((row) => [row.id, row]));
  if (value) found.set(value.id, value);
  return (
    <Select
      label={label}
      description={description}
      placeholder={placeholder ?? t('ask.search')}
      {...marked(required)}
      searchable
      // To choose the same once more changes nothing.
      allowDeselect={false}
      clearable={!required}
      // For the keyboard, too: there is no other way back to nothing.
      clearButtonProps={{ 'aria-label': t('ask.clear', { label }), 'aria-hidden': false, tabIndex: 0 }}
      disabled={disabled ?? false}
      data={[...found.values()].map((row) => ({ value: row.id, label: nameOf(row) }))}
      // The daemon has filtered.
      filter={({ options }) => options}
      searchValue={typed}
      onSearchChange={setTyped}
      value={value?.id ?? null}
      onChange={(id) => onChange(id === null ? undefined : found.get(id))}
      renderOption={({ option }) => {
        const row = found.get(option.value);
        const more = row && hint?.(row);
        return (
          <div className={classes['option']}>
            <span>{option.label}</span>
            {more && <small>{more}</small>}
          </div>
        );
      }}
      nothingFoundMessage={list.total === undefined ? t('state.loading') : t('list.nothingFound')}
      error={error}
      // In a dialog that just opened the list would lie over the rest of it.
      openOnFocus={!autoFocus}
      data-autofocus={autoFocus || undefined}
    />
  );
}
