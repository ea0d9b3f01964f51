// A short live list of what belongs to an object. It shows the first ones; the rest is in the big list.
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useT } from '../../i18n/i18n';
import { useRows } from '../../live/useWatch';
import type { Query, Row } from '../../live/watch';
import { Skeleton } from '../../ui/feedback';
import { Card } from '../../ui/Page';
import { errorText } from '../errorText';
import type { ListSearch } from '../objects/listSearch';
import classes from './details.module.css';

/** More than a glance takes in; whoever wants all of them wants to search and sort, too. */
const MOST = 50;

export interface RelationColumn {
  label: string;
  end?: boolean;
  /** Not on a phone. */
  minor?: boolean;
  cell: (row: Row) => ReactNode;
}

interface Props {
  title: string;
  query: Query;
  columns: readonly RelationColumn[];
  empty: string;
  /** Most have none, and miss nothing. */
  hiddenWhenEmpty?: boolean;
  /** What can be done to the whole list. */
  actions?: ReactNode;
  /** Where all of them are listed. */
  all?: { to: '/vms' | '/hosts' | '/srs' | '/networks'; search: ListSearch };
}

export function Relation({ title, query, columns, empty, hiddenWhenEmpty = false, actions, all }: Props) {
  const t = useT();
  const [rows, list] = useRows(query, MOST);
  const { total } = list;
  if (hiddenWhenEmpty && !total && !list.error) return null;
  let content;
  if (total === undefined) {
    content = list.error ? (
      <p className={classes['empty']}>{errorText(list.error)}</p>
    ) : (
      <Skeleton height={60} radius="md" />
    );
  } else if (total === 0) {
    content = <p className={classes['empty']}>{empty}</p>;
  } else {
    content = (
      // Scrolls sideways on a phone, so it must take the focus.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      <div className={classes['scroll']} role="region" aria-label={title} tabIndex={0}>
        <table className={classes['table']} aria-label={title}>
          <thead>
            <tr>
              {columns.map((column) => (
                <th
                  key={column.label}
                  scope="col"
                  data-end={column.end || undefined}
                  data-minor={column.minor || undefined}
                >
                  {column.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.id}>
                {columns.map((column) => (
                  <td key={column.label} data-end={column.end || undefined} data-minor={column.minor || undefined}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    );
  }
  return (
    <Card title={total ? t('detail.titleCount', { title, count: total }) : title} actions={actions}>
      {content}
      {all && total !== undefined && total > 0 && (
        <Link to={all.to} search={all.search} className={classes['more']}>
          {t('detail.showAll', { count: total })}
        </Link>
      )}
      {!all && total !== undefined && total > rows.length && rows.length > 0 && (
        <p className={classes['empty']}>{t('detail.more', { count: total - rows.length })}</p>
      )}
    </Card>
  );
}
