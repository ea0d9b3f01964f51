// A strip across the page for a state that lasts.
import type { ReactNode } from 'react';
import classes from './Banner.module.css';

export interface BannerProps {
  tone: 'warn' | 'bad' | 'quiet';
  icon: ReactNode;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  /** Its words change all the time (a countdown): do not read each change aloud. */
  silent?: boolean;
}

export function Banner({ tone, icon, title, children, action, silent = false }: BannerProps) {
  return (
    <div className={classes['banner']} data-tone={tone} role={silent ? 'group' : 'status'} aria-label={title}>
      <span className={classes['icon']} aria-hidden="true">
        {icon}
      </span>
      <div className={classes['words']}>
        <strong>{title}</strong>
        {children && <div>{children}</div>}
      </div>
      {action && <div className={classes['action']}>{action}</div>}
    </div>
  );
}
