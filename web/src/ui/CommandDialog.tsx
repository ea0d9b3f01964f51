// A box to type in and a list to choose from: a combobox over a list box, so that screen readers hear what is chosen.
// (Mantine's Spotlight marks the choice with colour only, and loses it when the results change.)
import { Modal } from '@mantine/core';
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import classes from './CommandDialog.module.css';

export interface Command {
  id: string;
  group: string;
  label: string;
  /** Beside the label, smaller. */
  hint?: string | undefined;
  icon: ReactNode;
  run: () => void;
}

export interface CommandDialogProps {
  opened: boolean;
  onClose: () => void;
  label: string;
  placeholder: string;
  query: string;
  onQuery: (query: string) => void;
  commands: readonly Command[];
  /** When there is nothing to choose. */
  nothing: string;
  footer?: ReactNode;
}

export function CommandDialog(props: CommandDialogProps) {
  return (
    <Modal.Root
      opened={props.opened}
      onClose={props.onClose}
      size={620}
      yOffset="12vh"
      transitionProps={{ duration: 80 }}
    >
      <Modal.Overlay backgroundOpacity={0.5} />
      <Modal.Content aria-label={props.label} radius="lg">
        <Inside {...props} />
      </Modal.Content>
    </Modal.Root>
  );
}

function Inside({ onClose, label, placeholder, query, onQuery, commands, nothing, footer }: CommandDialogProps) {
  const list = useId();
  const box = useRef<HTMLDivElement>(null);
  // By name, not by place: results that arrive later must not move the choice to something else.
  const [chosen, setChosen] = useState<string>();
  const found = commands.findIndex((command) => command.id === chosen);
  const place = found === -1 ? 0 : found;
  const current = commands[place];
  const optionId = (id: string) => `${list}-${id.replaceAll(/[^\w-]/g, '_')}`;
  useEffect(() => {
    if (current) document.getElementById(optionId(current.id))?.scrollIntoView({ block: 'nearest' });
  });
  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    command.run();
  };
  const move = (step: number) => setChosen(commands[(place + step + commands.length) % commands.length]?.id);
  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'ArrowDown') move(1);
    else if (event.key === 'ArrowUp') move(-1);
    else if (event.key === 'Enter') run(current);
    else return;
    event.preventDefault();
  }
  const groups = [...new Set(commands.map((command) => command.group))];
  return (
    <>
      <input
        className={classes['input']}
        role="combobox"
        aria-label={label}
        aria-expanded={commands.length > 0}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={current && optionId(current.id)}
        placeholder={placeholder}
        value={query}
        data-autofocus
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => {
          setChosen(undefined);
          onQuery(event.currentTarget.value);
        }}
        onKeyDown={onKeyDown}
      />
      <div ref={box} id={list} role="listbox" aria-label={label} className={classes['list']}>
        {groups.map((group) => (
          <div key={group} role="group" aria-label={group}>
            <div className={classes['group']} aria-hidden="true">
              {group}
            </div>
            {commands
              .filter((command) => command.group === group)
              .map((command) => (
                // The input keeps the focus and handles the keys.
                // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
                <div
                  key={command.id}
                  id={optionId(command.id)}
                  role="option"
                  aria-selected={command === current}
                  className={classes['option']}
                  onMouseDown={(event) => event.preventDefault()}
                  onMouseMove={() => command !== current && setChosen(command.id)}
                  onClick={() => run(command)}
                >
                  <span className={classes['icon']} aria-hidden="true">
                    {command.icon}
                  </span>
                  <span className={classes['label']}>{command.label}</span>
                  {command.hint && <span className={classes['hint']}>{command.hint}</span>}
                </div>
              ))}
          </div>
        ))}
      </div>
      {commands.length === 0 && (
        <p className={classes['nothing']} role="status">
          {nothing}
        </p>
      )}
      {footer && <div className={classes['footer']}>{footer}</div>}
    </>
  );
}
