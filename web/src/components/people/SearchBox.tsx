// A box that narrows a list down while one types.
import { IconSearch, IconX } from '@tabler/icons-react';
import { useT } from '../../i18n/i18n';
import { IconButton } from '../../ui/Button';
import { TextInput } from '../../ui/input';
import classes from './people.module.css';

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

export function SearchBox({ label, value, onChange }: Props) {
  const t = useT();
  return (
    <TextInput
      className={classes['search']}
      aria-label={label}
      placeholder={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={
        value !== '' && (
          <IconButton label={t('filter.clear')} onClick={() => onChange('')}>
            <IconX size={15} aria-hidden />
          </IconButton>
        )
      }
      spellCheck={false}
      autoComplete="off"
    />
  );
}

/** Said below a list that is cut off. */
export function More({ count }: { count: number }) {
  const t = useT();
  return count > 0 ? <p className={classes['more']}>{t('people.more', { count })}</p> : null;
}
