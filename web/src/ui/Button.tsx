// Buttons that explain themselves: one that cannot be pressed stays reachable, and says why on hover, focus and press.
import {
  ActionIcon as MantineActionIcon,
  Button as MantineButton,
  type ButtonProps as MantineButtonProps,
  Tooltip,
} from '@mantine/core';
import { type ComponentPropsWithRef, type ReactNode, useId } from 'react';
import classes from './Button.module.css';
import { toast } from './toast';

export { CopyButton, Tooltip } from '@mantine/core';

type NativeProps = Omit<ComponentPropsWithRef<'button'>, 'color' | 'style'>;
export type ButtonProps = MantineButtonProps &
  NativeProps & {
    /** Why it cannot be pressed now. */
    disabledReason?: string | undefined;
  };

export function Button({ disabledReason, onClick, ...rest }: ButtonProps) {
  const reasonId = useId();
  if (disabledReason === undefined) return <MantineButton onClick={onClick} {...rest} />;
  return (
    <>
      <Tooltip label={disabledReason} multiline maw={320} events={{ hover: true, focus: true, touch: true }}>
        <MantineButton
          {...rest}
          aria-disabled
          aria-describedby={reasonId}
          data-disabled
          type="button"
          onClick={(event) => {
            event.preventDefault();
            toast.info(disabledReason);
          }}
        />
      </Tooltip>
      <span id={reasonId} className={classes['hidden']}>
        {disabledReason}
      </span>
    </>
  );
}

export type IconButtonProps = NativeProps & {
  /** Its accessible name. */
  label: string;
  disabledReason?: string | undefined;
  tone?: 'plain' | 'danger';
  busy?: boolean;
  children: ReactNode;
};

/** For rows: a plain button without a floating tooltip, because a long list has hundreds of them. */
export function RowButton({
  label,
  disabledReason,
  tone = 'plain',
  busy,
  onClick,
  children,
  ...rest
}: IconButtonProps) {
  const off = disabledReason !== undefined;
  return (
    <button
      type="button"
      {...rest}
      className={classes['row']}
      data-tone={tone}
      data-busy={busy || undefined}
      aria-label={label}
      aria-disabled={off || undefined}
      title={disabledReason ?? label}
      onClick={off ? () => toast.info(disabledReason) : onClick}
    >
      {children}
    </button>
  );
}

export function IconButton({
  label,
  disabledReason,
  tone = 'plain',
  busy,
  onClick,
  children,
  ...rest
}: IconButtonProps) {
  const off = disabledReason !== undefined;
  return (
    <Tooltip label={disabledReason ?? label}>
      <MantineActionIcon
        {...rest}
        variant="subtle"
        color={tone === 'danger' ? 'red' : 'gray'}
        size="lg"
        loading={busy ?? false}
        aria-label={label}
        aria-disabled={off || undefined}
        data-disabled={off || undefined}
        onClick={off ? () => toast.info(disabledReason) : onClick}
      >
        {children}
      </MantineActionIcon>
    </Tooltip>
  );
}
