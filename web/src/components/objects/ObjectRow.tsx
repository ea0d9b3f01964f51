// One object in a list: subscribes to its own row, so a change draws this row and nothing else.
import { memo, type ReactNode } from 'react';
import type { Surroundings } from '../../can/can';
import type { Rights } from '../../can/rights';
import { useLocale, useT } from '../../i18n/i18n';
import { text } from '../../live/vm';
import { useRow } from '../../live/useWatch';
import type { Row, Watch } from '../../live/watch';
import { toast } from '../../ui/toast';
import { nameOf } from './cells';
import type { Column, Kind } from './kind';
import classes from './ObjectTable.module.css';
import { MOST_CHOSEN, type Selection, useIsChosen } from './selection';

/** Columns, or a card where there is no room for them. */
export type Layout = { columns: readonly Column[] } | 'card';

export interface ObjectRowProps {
  watch: Watch;
  kind: Kind;
  /** Undefined while it is fetched: it came into view faster than the daemon could answer. */
  id: string | undefined;
  /** From 1; the header is row 1 of the table, so the first object is 2. */
  rowIndex: number;
  offset: number;
  layout: Layout;
  online: boolean;
  /** Pools that the daemon cannot reach. */
  gone: ReadonlySet<string>;
  rights: Rights | undefined;
  /** Rows can be chosen. */
  selection: Selection | undefined;
}

export const ObjectRow = memo(function ObjectRow(props: ObjectRowProps) {
  const { watch, kind, id, rowIndex, offset, layout, online, gone, rights, selection } = props;
  useLocale();
  const row = useRow(watch, id ?? '');
  const around: Surroundings = { online, poolConnected: !(row && gone.has(poolOf(row))), rights };
  return (
    <div
      role="row"
      aria-rowindex={rowIndex}
      className={layout === 'card' ? `${classes['row']} ${classes['card']}` : classes['row']}
      data-body
      data-stale={!around.poolConnected || undefined}
      data-tick={selection !== undefined || undefined}
      aria-busy={row ? undefined : true}
      style={{ top: offset }}
    >
      {selection && <Tick selection={selection} row={row} />}
      {cells(kind, row, layout, around)}
    </div>
  );
});

function Tick({ selection, row }: { selection: Selection; row: Row | undefined }) {
  const t = useT();
  const chosen = useIsChosen(selection, row?.id ?? '');
  return (
    <div role="cell" className={classes['tick']}>
      {row && (
        <input
          type="checkbox"
          aria-label={t('bulk.choose', { name: nameOf(row) })}
          checked={chosen}
          onChange={() => {
            if (!selection.toggle(row.id)) toast.info(t('bulk.most', { count: MOST_CHOSEN }));
          }}
        />
      )}
    </div>
  );
}

const poolOf = (row: Row): string => (row.type === 'pool' ? row.id : text(row['$pool']));

function cells(kind: Kind, row: Row | undefined, layout: Layout, around: Surroundings): ReactNode {
  if (!row) {
    return (
      <div role="cell">
        <div className={classes['ghost']} />
      </div>
    );
  }
  const actions = kind.actions && (
    <div
      role="cell"
      className={layout === 'card' ? `${classes['actions']} ${classes['areaActions']}` : classes['actions']}
    >
      {kind.actions(row, around)}
    </div>
  );
  if (layout !== 'card') {
    return (
      <>
        {layout.columns.map((column) => (
          <div key={column.id} role="cell" className={column.end ? classes['end'] : undefined}>
            {column.cell(row, around)}
          </div>
        ))}
        {actions}
      </>
    );
  }
  const [where, sizes] = kind.card(row);
  const cellOf = (id: string) => kind.columns.find((column) => column.id === id)?.cell(row, around);
  const state = cellOf('state');
  return (
    <>
      <div role="cell" className={classes['areaName']}>
        {cellOf('name')}
      </div>
      {state && (
        <div role="cell" className={classes['areaState']}>
          {state}
        </div>
      )}
      <div role="cell" className={`${classes['dim']} ${classes['areaWhere']}`} title={where}>
        {where}
      </div>
      <div role="cell" className={`${classes['dim']} ${classes['areaSizes']}`} title={sizes}>
        {sizes}
      </div>
      {actions}
    </>
  );
}
