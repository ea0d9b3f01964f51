// A button that opens a menu of verbs. One that cannot be done now stays there, with the reason under it, for the keyboard
// and screen readers too.
import { Menu } from '@mantine/core';
import { Fragment, type ReactNode, useRef } from 'react';
import classes from './ActionMenu.module.css';
import { Button, RowButton } from './Button';
import { toast } from './toast';

export interface MenuAction {
  id: string;
  label: string;
  icon?: ReactNode;
  danger?: boolean;
  disabledReason?: string | undefined;
  /** A line above it. */
  apart?: boolean;
  run: () => void;
}

export interface ActionMenuProps {
  label: string;
  /** Instead of the label: a small button of a row. */
  icon?: ReactNode;
  leftSection?: ReactNode;
  busy?: boolean;
  actions: readonly MenuAction[];
}

export function ActionMenu({ label, icon, leftSection, busy, actions }: ActionMenuProps) {
  const target = useRef<HTMLButtonElement>(null);
  function choose(run: () => void) {
    // A dialog that opens now gives the focus back to where it was: the item is gone by then.
    target.current?.focus();
    run();
  }
  return (
    <Menu position="bottom-end" width={290} withinPortal shadow="md">
      <Menu.Target>
        {icon ? (
          <RowButton ref={target} label={label} busy={busy ?? false}>
            {icon}
          </RowButton>
        ) : (
          <Button ref={target} variant="default" leftSection={leftSection} loading={busy ?? false}>
            {label}
          </Button>
        )}
      </Menu.Target>
      <Menu.Dropdown mah="70vh" className={classes['list'] ?? ''}>
        {actions.map(({ id, label: verb, icon: picture, danger, disabledReason, apart, run }) => (
          <Fragment key={id}>
            {apart && <Menu.Divider />}
            <Menu.Item
              leftSection={picture}
              className={classes['item'] ?? ''}
              data-danger={danger || undefined}
              aria-label={verb}
              aria-disabled={disabledReason !== undefined || undefined}
              aria-description={disabledReason}
              closeMenuOnClick={disabledReason === undefined}
              onClick={disabledReason === undefined ? () => choose(run) : () => toast.info(disabledReason)}
            >
              {verb}
              {disabledReason !== undefined && <span className={classes['reason']}>{disabledReason}</span>}
            </Menu.Item>
          </Fragment>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
