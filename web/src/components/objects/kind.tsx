// What a list is made of, and the columns that several lists have.
import type { TablerIcon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Surroundings } from '../../can/can';
import type { Rights } from '../../can/rights';
import { formatBytes, type MessageKey } from '../../i18n/i18n';
import type { Row } from '../../live/watch';
import { NameCell, RefCell, TagsCell, TextCell, WhereCell } from './cells';
import type { Paged } from './ObjectAnchor';
import type { Selection } from './selection';

export interface Column {
  id: string;
  label: MessageKey;
  /** A track of a CSS grid. */
  width: string;
  /** Width of the table, in pixels, from which there is room for it. */
  from?: number;
  end?: boolean;
  /** What to sort by; a column without it is not sortable. */
  sort?: readonly string[];
  fields: readonly string[];
  cell: (row: Row, around: Surroundings) => ReactNode;
}

export type KindName = 'pools' | 'hosts' | 'vms' | 'srs' | 'networks';

export interface Kind {
  name: KindName;
  type: Paged;
  to: '/pools' | '/hosts' | '/vms' | '/srs' | '/networks';
  icon: TablerIcon;
  columns: readonly Column[];
  /** The lines of a card, where the table is too narrow for columns. */
  card: (row: Row) => readonly [string, string];
  /** A quick filter on a property, with its values and their names. */
  states?: { property: string; values: readonly (readonly [string, MessageKey])[] };
  actions?: (row: Row, around: Surroundings) => ReactNode;
  /** What can be done to many at once. */
  bulk?: (props: {
    selection: Selection;
    online: boolean;
    gone: ReadonlySet<string>;
    rights: Rights | undefined;
  }) => ReactNode;
  /** The way to a new one. */
  create?: (rights: Rights | undefined) => ReactNode;
  examples: readonly (readonly [string, MessageKey])[];
  properties: readonly string[];
}

export const name: Column = {
  id: 'name',
  label: 'col.name',
  width: 'minmax(180px, 3fr)',
  sort: ['name_label'],
  fields: ['name_label'],
  cell: (row) => <NameCell row={row} />,
};
export const pool: Column = {
  id: 'pool',
  label: 'col.pool',
  width: 'minmax(110px, 1.8fr)',
  sort: ['$pool.name_label'],
  fields: ['$pool', '$pool.name_label'],
  cell: (row) => <RefCell type="pool" id={row['$pool']} name={row['$pool.name_label']} />,
};
export const where: Column = {
  id: 'where',
  label: 'col.where',
  width: 'minmax(156px, 1.6fr)',
  sort: ['$pool.name_label', '$container.name_label'],
  fields: ['$pool', '$pool.name_label', '$container', '$container.name_label'],
  cell: (row) => <WhereCell row={row} />,
};
export const tags: Column = {
  id: 'tags',
  label: 'col.tags',
  width: 'minmax(90px, 0.8fr)',
  from: 1_120,
  fields: ['tags'],
  cell: (row) => <TagsCell tags={row['tags']} />,
};
export const description: Column = {
  id: 'description',
  label: 'col.description',
  width: 'minmax(120px, 1.4fr)',
  from: 1_000,
  sort: ['name_description'],
  fields: ['name_description'],
  cell: (row) => <TextCell value={row['name_description']} />,
};
export const join = (...parts: (string | undefined | false)[]): string => parts.filter(Boolean).join(' · ');
export const bytes = (value: number | undefined): string | undefined =>
  value === undefined ? undefined : formatBytes(value);
