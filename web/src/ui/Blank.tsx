// What stands where nothing can stand: empty, failed, denied, unknown. A picture, a sentence, a way on.
import { Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './Blank.module.css';

export interface BlankProps {
  icon: ReactNode;
  title: string;
  text?: ReactNode;
  action?: ReactNode;
  /** The page has no other title. */
  main?: boolean;
  role?: 'status' | 'alert';
}

export function Blank({ icon, title, text, action, main = false, role }: BlankProps) {
  return (
    <div className={classes['blank']} role={role}>
      <div className={classes['icon']} aria-hidden="true">
        {icon}
      </div>
      <Title order={main ? 1 : 2} size="h2">
        {title}
      </Title>
      {text && (
        <Text c="dimmed" size="sm" maw={460}>
          {text}
        </Text>
      )}
      {action && <div className={classes['action']}>{action}</div>}
    </div>
  );
}
