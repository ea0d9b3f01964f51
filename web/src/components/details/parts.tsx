// Pieces that the pages about single objects share.
import type { ReactNode } from 'react';
import { useT } from '../../i18n/i18n';
import { text } from '../../live/vm';
import type { Row } from '../../live/watch';
import { Tag } from '../../ui/Badge';
import { Card, Facts } from '../../ui/Page';
import { nameOf } from '../objects/cells';
import { ObjectAnchor, type Paged } from '../objects/ObjectAnchor';
import classes from './details.module.css';

export function ObjectLink({ type, id, name }: { type: Paged; id: unknown; name: unknown }) {
  if (typeof id !== 'string') return <>–</>;
  return (
    <ObjectAnchor type={type} id={id}>
      {text(name) || id}
    </ObjectAnchor>
  );
}

/** The row itself as a link to its page. */
export const RowLink = ({ row }: { row: Row }) => (
  <ObjectLink type={row.type as Paged} id={row.id} name={nameOf(row)} />
);

/** Pairs of name and value; without a value a pair is left out. The id comes last. */
export function Properties({ row, items }: { row: Row; items: readonly (readonly [string, ReactNode])[] }) {
  const t = useT();
  const tags = Array.isArray(row['tags']) ? row['tags'].map(text) : [];
  const known = items.filter(([, value]) => value !== undefined && value !== '' && value !== false);
  return (
    <Card title={t('detail.properties')}>
      <div className={classes['facts']}>
        <Facts
          items={[
            ...known,
            ...(tags.length > 0
              ? [
                  [
                    t('col.tags'),
                    <span key="tags" className={classes['tags']}>
                      {tags.map((tag) => (
                        <Tag key={tag}>{tag}</Tag>
                      ))}
                    </span>,
                  ] as const,
                ]
              : []),
            [
              t('detail.id'),
              <span key="id" className={classes['mono']}>
                {row.id}
              </span>,
            ],
          ]}
        />
      </div>
    </Card>
  );
}

export function CountLinks({ label, children }: { label: string; children: ReactNode }) {
  return (
    <ul className={classes['counts']} aria-label={label}>
      {children}
    </ul>
  );
}
