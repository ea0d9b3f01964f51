// The box above a list: words or a filter, help for it, and what is wrong with it, at its place.
import { IconHelpCircle, IconSearch, IconX } from '@tabler/icons-react';
import { memo, type ReactNode, useEffect, useRef, useState } from 'react';
import { useT } from '../../i18n/i18n';
import { RowButton } from '../../ui/Button';
import { TextInput } from '../../ui/input';
import { Popover } from '../../ui/popover';
import type { Fault } from './filter';
import classes from './FilterBox.module.css';
import type { Kind } from './kind';

/** A filter that is being typed is wrong most of the time: say so only when the typing stops. */
const PATIENCE = 500;

interface Props {
  kind: Kind;
  value: string;
  onChange: (value: string) => void;
  fault: Fault | undefined;
  children?: ReactNode;
}

export const FilterBox = memo(function FilterBox({ kind, value, onChange, fault, children }: Props) {
  const t = useT();
  const input = useRef<HTMLInputElement>(null);
  const shown = useAfterPause(fault, value);
  const insert = (text: string) => {
    onChange(text);
    input.current?.focus();
  };
  return (
    <search className={classes['tools']}>
      <div className={classes['box']}>
        <TextInput
          ref={input}
          aria-label={t(`list.search.${kind.name}`)}
          placeholder={t('filter.placeholder')}
          value={value}
          onChange={(event) => onChange(event.currentTarget.value)}
          spellCheck={false}
          autoCapitalize="none"
          autoComplete="off"
          error={shown && <FaultText fault={shown} value={value} />}
          errorProps={{ role: 'alert', className: classes['fault'] ?? '' }}
          leftSection={<IconSearch size={16} aria-hidden />}
          rightSectionWidth={74}
          rightSection={
            <div className={classes['right']}>
              {value !== '' && (
                <RowButton label={t('filter.clear')} onClick={() => insert('')}>
                  <IconX size={15} aria-hidden />
                </RowButton>
              )}
              <FilterHelp kind={kind} value={value} onInsert={insert} />
            </div>
          }
        />
      </div>
      {children}
    </search>
  );
});

function FaultText({ fault, value }: { fault: Fault; value: string }) {
  const t = useT();
  return (
    <>
      {fault.position === undefined ? (
        fault.message
      ) : (
        <>
          {t('filter.notUnderstood', { position: fault.position + 1 })} <code>{value.slice(0, fault.position)}</code>
          <code>
            <mark>{value.slice(fault.position) || ' '}</mark>
          </code>
        </>
      )}
      <span>{t('filter.hint')}</span>
    </>
  );
}

/** The fault, once the text has stood still for a moment; none at once. */
function useAfterPause(fault: Fault | undefined, value: string): Fault | undefined {
  const [settled, setSettled] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PATIENCE);
    return () => clearTimeout(timer);
  }, [value]);
  return settled === value ? fault : undefined;
}

function FilterHelp({ kind, value, onInsert }: { kind: Kind; value: string; onInsert: (text: string) => void }) {
  const t = useT();
  const [opened, setOpened] = useState(false);
  const use = (text: string) => {
    setOpened(false);
    onInsert(text);
  };
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-end" shadow="md" trapFocus returnFocus withinPortal>
      <Popover.Target>
        <RowButton label={t('filter.help')} onClick={() => setOpened(!opened)}>
          <IconHelpCircle size={17} aria-hidden />
        </RowButton>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('filter.help')}>
        <div className={classes['help']}>
          <p>{t('filter.helpText')}</p>
          <h2>{t('filter.examples')}</h2>
          <ul className={classes['examples']}>
            {kind.examples.map(([filter, meaning]) => (
              <li key={filter}>
                <button type="button" onClick={() => use(filter)}>
                  <code>{filter}</code>
                  <span>{t(meaning)}</span>
                </button>
              </li>
            ))}
          </ul>
          <h2>{t('filter.properties')}</h2>
          <ul className={classes['properties']}>
            {kind.properties.map((property) => (
              <li key={property}>
                <button type="button" onClick={() => use(`${value}${value === '' ? '' : ' '}${property}:`)}>
                  {property}
                </button>
              </li>
            ))}
          </ul>
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
