// The list of VMs: sorted by TanStack Table from the store's snapshot, drawn by TanStack Virtual, so 10,000 rows cost
// what the visible ones cost. A grid of divs with table roles; wide, without the lesser columns, or as cards.
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import {
  createColumnHelper,
  createSortedRowModel,
  type Row,
  rowSortingFeature,
  type SortingState,
  tableFeatures,
  useTable,
} from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef } from 'react';
import { type MessageKey, useT } from '../../i18n/i18n';
import { inventory } from '../../live/live';
import type { VmRow } from '../../live/rows';
import { useElementSize } from '../../ui/hooks';
import { VmRowView } from './VmRowView';
import { SORTABLE, type SortColumn } from './vmSearch';
import classes from './VmTable.module.css';

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel(), sortFns: {} });
const helper = createColumnHelper<typeof features, VmRow>();

/** "web-2" before "web-10". */
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

const byText = (a: Row<typeof features, VmRow>, b: Row<typeof features, VmRow>, column: string): number =>
  collator.compare(a.getValue<string>(column), b.getValue<string>(column)) ||
  collator.compare(a.original.name, b.original.name);

const byNumber = (a: Row<typeof features, VmRow>, b: Row<typeof features, VmRow>, column: string): number =>
  a.getValue<number>(column) - b.getValue<number>(column) || collator.compare(a.original.name, b.original.name);

const nameOf = (store: typeof inventory.pools, id: string | undefined): string =>
  (id === undefined ? undefined : store.get(id)?.name) ?? '';

const columns = helper.columns([
  helper.accessor('name', { id: 'name', sortFn: byText }),
  helper.accessor('powerState', { id: 'state', sortFn: byText }),
  helper.accessor((vm) => `${nameOf(inventory.pools, vm.poolId)}\u0000${nameOf(inventory.hosts, vm.hostId)}`, {
    id: 'where',
    sortFn: byText,
  }),
  helper.accessor('cpus', { id: 'cpus', sortFn: byNumber, sortDescFirst: false }),
  helper.accessor('memory', { id: 'memory', sortFn: byNumber, sortDescFirst: false }),
  helper.accessor((vm) => vm.addresses[0] ?? '', { id: 'addresses', sortFn: byText }),
]);

const LABELS: Record<SortColumn, MessageKey> = {
  name: 'vm.name',
  state: 'vm.state',
  where: 'vm.where',
  cpus: 'vm.cpus',
  memory: 'vm.memory',
  addresses: 'vm.addresses',
};

const HEIGHT = { wide: 46, medium: 52, card: 100 } as const;

interface Props {
  vms: readonly VmRow[];
  sorting: SortingState;
  onSort: (column: SortColumn) => void;
  online: boolean;
  gone: ReadonlySet<string>;
}

export function VmTable({ vms, sorting, onSort, online, gone }: Props) {
  const t = useT();
  const { ref: measure, width } = useElementSize();
  const mode = width >= 940 || width === 0 ? 'wide' : width >= 640 ? 'medium' : 'card';
  const table = useTable({
    features,
    columns,
    data: vms,
    getRowId: (row) => row.id,
    state: { sorting },
    enableSortingRemoval: false,
  });
  const rows = table.getRowModel().rows;
  const shown: SortColumn[] = mode === 'wide' ? [...SORTABLE] : ['name', 'state', 'where'];
  const sorted = sorting[0];
  return (
    <div
      ref={measure}
      className={classes['frame']}
      role="table"
      aria-label={t('nav.vms')}
      aria-rowcount={rows.length + 1}
    >
      <div role="rowgroup" className={classes['head']}>
        <div role="row" aria-rowindex={1} className={classes['row']} data-mode={mode} data-head>
          {shown.map((column) => {
            const direction = sorted?.id === column ? (sorted.desc ? 'descending' : 'ascending') : undefined;
            return (
              <div
                key={column}
                role="columnheader"
                aria-sort={direction ?? 'none'}
                data-column={column}
                className={column === 'cpus' || column === 'memory' ? classes['number'] : undefined}
              >
                <button type="button" className={classes['sort']} onClick={() => onSort(column)}>
                  {t(LABELS[column])}
                  {direction === 'ascending' && <IconArrowUp size={13} aria-hidden />}
                  {direction === 'descending' && <IconArrowDown size={13} aria-hidden />}
                </button>
              </div>
            );
          })}
          <div role="columnheader" className={classes['actions']}>
            <span className={classes['hidden']}>{t('vm.actions')}</span>
          </div>
        </div>
      </div>
      <Rows key={mode} ids={rows.map((row) => row.id)} mode={mode} online={online} gone={gone} />
    </div>
  );
}

/** The visible rows. A new one per mode, because heights that were measured in one do not fit another. */
function Rows({
  ids,
  mode,
  online,
  gone,
}: { ids: readonly string[]; mode: keyof typeof HEIGHT } & Pick<Props, 'online' | 'gone'>) {
  const t = useT();
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: ids.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => HEIGHT[mode],
    overscan: 10,
    getItemKey: (index) => ids[index] ?? index,
  });
  return (
    // Scrolled by keyboard, so it must take the focus.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div ref={scroller} className={classes['scroller']} role="rowgroup" aria-label={t('nav.vms')} tabIndex={0}>
      <div className={classes['canvas']} style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map((item) => {
          const id = ids[item.index];
          return (
            id !== undefined && (
              <VmRowView
                key={id}
                id={id}
                rowIndex={item.index + 2}
                offset={item.start}
                mode={mode}
                online={online}
                gone={gone}
              />
            )
          );
        })}
      </div>
    </div>
  );
}
