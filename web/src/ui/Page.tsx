// The frame of a page: one title, what can be done at its right, content below. And cards in it.
import { Text, Title } from '@mantine/core';
import { type ReactNode, useId } from 'react';
import classes from './Page.module.css';

export interface PageProps {
  title: ReactNode;
  /** Beside the title: a state, a count. */
  aside?: ReactNode;
  /** Above the title: the way back. */
  back?: ReactNode;
  description?: ReactNode;
  actions?: ReactNode;
  /** The content fills the height and scrolls by itself. */
  fill?: boolean;
  children: ReactNode;
}

export function Page({ title, aside, back, description, actions, fill = false, children }: PageProps) {
  return (
    <div className={classes['page']} data-fill={fill || undefined}>
      <header className={classes['header']}>
        <div className={classes['heading']}>
          {back}
          <div className={classes['titleLine']}>
            <Title order={1}>{title}</Title>
            {aside}
          </div>
          {description && (
            <Text c="dimmed" size="sm" maw={720} mt={4}>
              {description}
            </Text>
          )}
        </div>
        {actions && <div className={classes['actions']}>{actions}</div>}
      </header>
      {children}
    </div>
  );
}

export interface CardProps {
  title?: string;
  description?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
}

export function Card({ title, description, actions, children }: CardProps) {
  const id = useId();
  return (
    <section className={classes['card']} aria-labelledby={title ? id : undefined}>
      {title && (
        <div className={classes['cardHeader']}>
          <div>
            <Title order={2} id={id}>
              {title}
            </Title>
            {description && (
              <Text c="dimmed" size="sm" mt={2}>
                {description}
              </Text>
            )}
          </div>
          {actions && <div className={classes['actions']}>{actions}</div>}
        </div>
      )}
      {children}
    </section>
  );
}

/** Beside each other when there is room: the main thing, and what one glances at. */
export function Columns({ main, side }: { main: ReactNode; side: ReactNode }) {
  return (
    <div className={classes['columns']}>
      <div className={classes['column']}>{main}</div>
      <div className={classes['column']}>{side}</div>
    </div>
  );
}

/** Pairs of name and value. */
export function Facts({ items }: { items: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className={classes['facts']}>
      {items.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
