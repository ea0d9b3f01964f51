// A list of any length: the daemon sorts and filters it and sends the window that is looked at, TanStack Virtual draws the
// rows in view, so 10,000 rows cost what the visible ones cost. A grid of divs with table roles; or cards when narrow.
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { defaultRangeExtractor, type Range, useVirtualizer } from '@tanstack/react-virtual';
import { type CSSProperties, type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useT } from '../../i18n/i18n';
import type { Rights } from '../../can/rights';
import type { List, Watch } from '../../live/watch';
import { useWidth } from '../../ui/hooks';
import type { Column, Kind } from './kind';
import { type Layout, ObjectRow } from './ObjectRow';
import classes from './ObjectTable.module.css';
import type { Selection } from './selection';
import { TickAll } from './TickAll';

/** Fixed, so that the place of a row is known without drawing it. */
const HEIGHT = { row: 46, card: 106 } as const;

/** Below it there is no room for columns. */
const CARDS = 600;

interface Props {
  kind: Kind;
  label: string;
  watch: Watch;
  list: List;
  sort: { column: string; descending: boolean };
  onSort: (column: string) => void;
  online: boolean;
  gone: ReadonlySet<string>;
  rights: Rights | undefined;
  selection: Selection | undefined;
}

export function ObjectTable({ kind, label, watch, list, sort, onSort, online, gone, rights, selection }: Props) {
  const [measure, width] = useWidth();
  const card = width > 0 && width < CARDS;
  // As text, because a few pixels more seldom make room for another column, and new columns draw every row.
  const fitting = kind.columns.flatMap(({ from = 0 }, place) => (width === 0 || from <= width ? [place] : [])).join();
  const columns = useMemo(() => {
    const places = fitting.split(',').map(Number);
    return kind.columns.filter((_, place) => places.includes(place));
  }, [kind, fitting]);
  const layout: Layout = useMemo(() => (card ? 'card' : { columns }), [card, columns]);
  const tracks = [
    ...(selection ? ['20px'] : []),
    ...columns.map((column) => column.width),
    ...(kind.actions ? ['110px'] : []),
  ].join(' ');
  const style: CSSProperties & Record<`--${string}`, string> = { '--columns': tracks };

  const scroller = useRef<HTMLDivElement | null>(null);
  const setScroller = useCallback(
    (element: HTMLDivElement | null) => {
      scroller.current = element;
      return measure(element);
    },
    [measure],
  );
  // The row that has the focus stays, also out of sight: else the focus would be lost with it.
  const [focused, setFocused] = useState<number>();
  const virtualizer = useVirtualizer({
    count: list.total ?? 0,
    getScrollElement: () => scroller.current,
    estimateSize: () => (card ? HEIGHT.card : HEIGHT.row),
    overscan: 8,
    scrollPaddingStart: 38,
    rangeExtractor: useCallback(
      (range: Range) => {
        const rows = defaultRangeExtractor(range);
        return focused === undefined || focused >= range.count || rows.includes(focused)
          ? rows
          : [...rows, focused].toSorted((a, b) => a - b);
      },
      [focused],
    ),
  });
  useEffect(() => virtualizer.measure(), [virtualizer, card]);

  // Another question is another list: its beginning is what one wants to see. A change of a row is not.
  const { query } = list;
  useEffect(() => {
    // To ask the element where it stands, or to move it, lays the new rows out before their time.
    if (virtualizer.scrollOffset) virtualizer.scrollToOffset(0);
  }, [virtualizer, query]);

  const { startIndex, endIndex } = virtualizer.range ?? { startIndex: 0, endIndex: 0 };
  useEffect(() => {
    if (!list.pending) watch.show(startIndex, endIndex);
  }, [watch, startIndex, endIndex, list.total, list.pending]);

  return (
    // Scrolled by keyboard, so it must take the focus; the handlers only follow it.
    // oxlint-disable jsx-a11y/no-noninteractive-tabindex, jsx-a11y/no-noninteractive-element-interactions
    <div
      ref={setScroller}
      className={classes['scroller']}
      role="table"
      aria-label={label}
      aria-rowcount={(list.total ?? 0) + 1}
      tabIndex={0}
      style={style}
      onFocus={(event) => {
        const row = event.target.closest('[data-body]')?.getAttribute('aria-rowindex');
        setFocused(row ? Number(row) - 2 : undefined);
      }}
      onBlur={() => setFocused(undefined)}
    >
      <Head
        kind={kind}
        columns={columns}
        card={card}
        sort={sort}
        onSort={onSort}
        tick={selection && <TickAll selection={selection} list={list} />}
      />
      <div role="rowgroup" className={classes['canvas']} style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map((item) => {
          const id = list.ids[item.index - list.start];
          return (
            <ObjectRow
              key={id ?? item.index}
              watch={watch}
              kind={kind}
              id={id}
              rowIndex={item.index + 2}
              offset={item.start}
              layout={layout}
              online={online}
              gone={gone}
              rights={rights}
              selection={selection}
            />
          );
        })}
      </div>
    </div>
  );
}

type HeadProps = Pick<Props, 'kind' | 'sort' | 'onSort'> & {
  columns: readonly Column[];
  card: boolean;
  tick: ReactNode;
};

function Head({ kind, columns, card, sort, onSort, tick }: HeadProps) {
  const t = useT();
  // A card has no columns, but people still want to sort.
  const shown = card ? kind.columns.filter((column) => column.sort).slice(0, 3) : columns;
  return (
    <div role="rowgroup" className={classes['head']}>
      <div
        role="row"
        aria-rowindex={1}
        className={card ? `${classes['row']} ${classes['headCard']}` : classes['row']}
        data-head
      >
        {tick && (
          <div role="columnheader" className={classes['tick']}>
            {tick}
          </div>
        )}
        {shown.map((column) => {
          const direction = sort.column === column.id ? (sort.descending ? 'descending' : 'ascending') : undefined;
          return (
            <div
              key={column.id}
              role="columnheader"
              aria-sort={column.sort ? (direction ?? 'none') : undefined}
              className={column.end && !card ? classes['end'] : undefined}
            >
              {column.sort ? (
                <button type="button" className={classes['sort']} onClick={() => onSort(column.id)}>
                  {t(column.label)}
                  {direction === 'ascending' && <IconArrowUp size={13} aria-hidden />}
                  {direction === 'descending' && <IconArrowDown size={13} aria-hidden />}
                </button>
              ) : (
                <span className={classes['label']}>{t(column.label)}</span>
              )}
            </div>
          );
        })}
        {kind.actions && !card && (
          <div role="columnheader">
            <span className={classes['hidden']}>{t('col.actions')}</span>
          </div>
        )}
      </div>
    </div>
  );
}
