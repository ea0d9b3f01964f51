// The five lists: what each shows, how it is sorted, what one can look for.
import { IconBox, IconDatabase, IconNetwork, IconServer, IconStack2, type TablerIcon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Surroundings } from '../../can/can';
import type { Rights } from '../../can/rights';
import { formatBytes, formatNumber, formatTime, type MessageKey, t } from '../../i18n/i18n';
import { text, VM_FIELDS, vmFacts } from '../../live/vm';
import type { Row } from '../../live/watch';
import { BulkBar } from '../vms/BulkBar';
import { NewVmButton } from '../vms/NewVmButton';
import { VmActions } from '../vms/VmActions';
import {
  BytesCell,
  HostState,
  MeterCell,
  NameCell,
  Nothing,
  number,
  NumberCell,
  RefCell,
  TagsCell,
  TextCell,
  VmState,
  WhereCell,
  whereText,
} from './cells';
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

const name: Column = {
  id: 'name',
  label: 'col.name',
  width: 'minmax(180px, 3fr)',
  sort: ['name_label'],
  fields: ['name_label'],
  cell: (row) => <NameCell row={row} />,
};
const pool: Column = {
  id: 'pool',
  label: 'col.pool',
  width: 'minmax(110px, 1.8fr)',
  sort: ['$pool.name_label'],
  fields: ['$pool', '$pool.name_label'],
  cell: (row) => <RefCell type="pool" id={row['$pool']} name={row['$pool.name_label']} />,
};
const where: Column = {
  id: 'where',
  label: 'col.where',
  width: 'minmax(156px, 1.6fr)',
  sort: ['$pool.name_label', '$container.name_label'],
  fields: ['$pool', '$pool.name_label', '$container', '$container.name_label'],
  cell: (row) => <WhereCell row={row} />,
};
const tags: Column = {
  id: 'tags',
  label: 'col.tags',
  width: 'minmax(90px, 0.8fr)',
  from: 1_120,
  fields: ['tags'],
  cell: (row) => <TagsCell tags={row['tags']} />,
};
const description: Column = {
  id: 'description',
  label: 'col.description',
  width: 'minmax(120px, 1.4fr)',
  from: 1_000,
  sort: ['name_description'],
  fields: ['name_description'],
  cell: (row) => <TextCell value={row['name_description']} />,
};
const join = (...parts: (string | undefined | false)[]): string => parts.filter(Boolean).join(' · ');
const bytes = (value: number | undefined): string | undefined => (value === undefined ? undefined : formatBytes(value));

const vms: Kind = {
  name: 'vms',
  type: 'VM',
  to: '/vms',
  icon: IconStack2,
  columns: [
    { ...name, fields: VM_FIELDS },
    {
      id: 'state',
      label: 'col.state',
      width: '114px',
      sort: ['power_state'],
      fields: ['power_state', 'current_operations'],
      cell: (row, around) => <VmState row={row} stale={!around.poolConnected} />,
    },
    where,
    {
      id: 'cpus',
      label: 'col.cpus',
      width: '54px',
      from: 820,
      end: true,
      sort: ['CPUs.number'],
      fields: ['CPUs.number'],
      cell: (row) => <NumberCell value={number(row, 'CPUs.number')} />,
    },
    {
      id: 'memory',
      label: 'col.memory',
      width: '82px',
      from: 820,
      end: true,
      sort: ['memory.size'],
      fields: ['memory.size'],
      cell: (row) => <BytesCell value={number(row, 'memory.size')} />,
    },
    {
      id: 'addresses',
      label: 'col.addresses',
      width: 'minmax(112px, 0.9fr)',
      from: 900,
      sort: ['mainIpAddress'],
      fields: ['mainIpAddress', 'addresses'],
      cell: (row) => <TextCell value={row['mainIpAddress']} />,
    },
    tags,
  ],
  card: (row) => [
    whereText(row),
    join(
      t('vm.cpusShort', { count: number(row, 'CPUs.number') ?? 0 }),
      bytes(number(row, 'memory.size')),
      text(row['mainIpAddress']),
    ),
  ],
  states: {
    property: 'power_state',
    values: [
      ['Running', 'vm.state.Running'],
      ['Halted', 'vm.state.Halted'],
      ['Paused', 'vm.state.Paused'],
      ['Suspended', 'vm.state.Suspended'],
    ],
  },
  actions: (row, around) => <VmActions vm={vmFacts(row)} around={around} />,
  bulk: (props) => <BulkBar {...props} />,
  create: (rights) => <NewVmButton rights={rights} />,
  examples: [
    ['web', 'help.vms.word'],
    ['name_label:web*1', 'help.vms.glob'],
    ['power_state:Running CPUs:number:>=4', 'help.vms.number'],
    ['memory:size:>8589934592', 'help.vms.bytes'],
    ['|(tags:prod tags:test)', 'help.or'],
    ['!tags:backup', 'help.not'],
    ['auto_poweron?', 'help.vms.truthy'],
    ['name_label:/^db-[0-9]+$/i', 'help.regex'],
  ],
  properties: [
    'name_label',
    'name_description',
    'power_state',
    'tags',
    'CPUs:number',
    'memory:size',
    'mainIpAddress',
    'addresses',
    '$pool',
    '$container',
    'auto_poweron',
    'high_availability',
    'virtualizationMode',
    'os_version:name',
    'xenTools',
    'snapshots:length',
    'startTime',
    'id',
  ],
};

const hosts: Kind = {
  name: 'hosts',
  type: 'host',
  to: '/hosts',
  icon: IconServer,
  columns: [
    name,
    {
      id: 'state',
      label: 'col.state',
      width: '130px',
      sort: ['power_state', 'enabled'],
      fields: ['power_state', 'enabled'],
      cell: (row, around) => <HostState row={row} stale={!around.poolConnected} />,
    },
    pool,
    {
      id: 'address',
      label: 'col.address',
      width: 'minmax(104px, 0.7fr)',
      from: 760,
      sort: ['address'],
      fields: ['address'],
      cell: (row) => <TextCell value={row['address']} />,
    },
    {
      id: 'cpus',
      label: 'col.cores',
      width: '58px',
      from: 820,
      end: true,
      sort: ['cpus.cores'],
      fields: ['cpus.cores'],
      cell: (row) => <NumberCell value={number(row, 'cpus.cores')} />,
    },
    {
      id: 'memory',
      label: 'col.memory',
      width: '150px',
      sort: ['memory.usage'],
      fields: ['memory.usage', 'memory.size'],
      cell: (row) => <MeterCell used={number(row, 'memory.usage')} size={number(row, 'memory.size')} />,
    },
    {
      id: 'version',
      label: 'col.version',
      width: 'minmax(100px, 0.7fr)',
      from: 960,
      sort: ['productBrand', 'version'],
      fields: ['productBrand', 'version'],
      cell: (row) => <TextCell value={join(text(row['productBrand']), text(row['version'])).replace(' · ', ' ')} />,
    },
    tags,
  ],
  card: (row) => [
    join(text(row['$pool.name_label']), text(row['address'])),
    t('cell.memoryOf', {
      used: bytes(number(row, 'memory.usage')) ?? '–',
      size: bytes(number(row, 'memory.size')) ?? '–',
    }),
  ],
  states: {
    property: 'power_state',
    values: [
      ['Running', 'host.state.Running'],
      ['Halted', 'host.state.Halted'],
      ['Unknown', 'host.state.Unknown'],
    ],
  },
  examples: [
    ['lab', 'help.word'],
    ['!enabled?', 'help.hosts.disabled'],
    ['memory:usage:>103079215104', 'help.hosts.memory'],
    ['version:8.2*', 'help.hosts.version'],
    ['rebootRequired?', 'help.hosts.reboot'],
    ['|(tags:rack1 tags:rack2)', 'help.or'],
  ],
  properties: [
    'name_label',
    'name_description',
    'address',
    'hostname',
    'power_state',
    'enabled',
    'tags',
    'cpus:cores',
    'memory:size',
    'memory:usage',
    'version',
    'productBrand',
    'rebootRequired',
    'startTime',
    '$pool',
    'id',
  ],
};

const pools: Kind = {
  name: 'pools',
  type: 'pool',
  to: '/pools',
  icon: IconBox,
  columns: [
    name,
    {
      id: 'master',
      label: 'col.master',
      width: 'minmax(140px, 1.6fr)',
      sort: ['master.name_label'],
      fields: ['master', 'master.name_label'],
      cell: (row) => <RefCell type="host" id={row['master']} name={row['master.name_label']} />,
    },
    {
      id: 'cpus',
      label: 'col.cores',
      width: '64px',
      end: true,
      sort: ['cpus.cores'],
      fields: ['cpus.cores'],
      cell: (row) => <NumberCell value={number(row, 'cpus.cores')} />,
    },
    {
      id: 'sr',
      label: 'col.defaultSr',
      width: 'minmax(130px, 1.4fr)',
      from: 700,
      sort: ['default_SR.name_label'],
      fields: ['default_SR', 'default_SR.name_label'],
      cell: (row) => <RefCell type="SR" id={row['default_SR']} name={row['default_SR.name_label']} />,
    },
    {
      id: 'ha',
      label: 'col.ha',
      width: '128px',
      from: 860,
      sort: ['HA_enabled'],
      fields: ['HA_enabled'],
      cell: (row) => (row['HA_enabled'] === true ? t('cell.on') : t('cell.off')),
    },
    {
      id: 'version',
      label: 'col.version',
      width: 'minmax(100px, 0.9fr)',
      from: 760,
      sort: ['master.version'],
      fields: ['master.productBrand', 'master.version'],
      cell: (row) => <TextCell value={`${text(row['master.productBrand'])} ${text(row['master.version'])}`.trim()} />,
    },
    description,
    tags,
  ],
  card: (row) => [
    text(row['master.name_label']),
    join(
      number(row, 'cpus.cores') !== undefined && t('cell.cores', { count: number(row, 'cpus.cores') ?? 0 }),
      text(row['default_SR.name_label']),
    ),
  ],
  examples: [
    ['lab', 'help.word'],
    ['HA_enabled?', 'help.pools.ha'],
    ['cpus:cores:>=64', 'help.pools.cores'],
    ['!tags:prod', 'help.not'],
  ],
  properties: ['name_label', 'name_description', 'tags', 'cpus:cores', 'HA_enabled', 'auto_poweron', 'master', 'id'],
};

const srs: Kind = {
  name: 'srs',
  type: 'SR',
  to: '/srs',
  icon: IconDatabase,
  columns: [
    name,
    {
      id: 'type',
      label: 'col.type',
      width: '92px',
      sort: ['SR_type'],
      fields: ['SR_type'],
      cell: (row) => <TextCell value={row['SR_type']} />,
    },
    {
      id: 'shared',
      label: 'col.shared',
      width: '84px',
      from: 760,
      sort: ['shared'],
      fields: ['shared'],
      cell: (row) => (row['shared'] === true ? t('cell.shared') : t('cell.local')),
    },
    where,
    {
      id: 'usage',
      label: 'col.usage',
      width: '170px',
      sort: ['physical_usage'],
      fields: ['physical_usage', 'size'],
      cell: (row) => <MeterCell used={number(row, 'physical_usage')} size={number(row, 'size')} />,
    },
    {
      id: 'size',
      label: 'col.size',
      width: '90px',
      from: 1_000,
      end: true,
      sort: ['size'],
      fields: ['size'],
      cell: (row) => ((number(row, 'size') ?? 0) > 0 ? <BytesCell value={number(row, 'size')} /> : <Nothing />),
    },
    tags,
  ],
  card: (row) => [
    whereText(row),
    join(
      text(row['SR_type']),
      (number(row, 'size') ?? 0) > 0 &&
        t('cell.usedOf', {
          used: bytes(number(row, 'physical_usage')) ?? '–',
          size: bytes(number(row, 'size')) ?? '–',
        }),
    ),
  ],
  examples: [
    ['nfs', 'help.word'],
    ['shared? content_type:user', 'help.srs.shared'],
    ['size:>1099511627776', 'help.srs.size'],
    ['!SR_type:iso', 'help.srs.noIso'],
    ['inMaintenanceMode?', 'help.srs.maintenance'],
  ],
  properties: [
    'name_label',
    'name_description',
    'SR_type',
    'content_type',
    'shared',
    'size',
    'physical_usage',
    'usage',
    'allocationStrategy',
    'inMaintenanceMode',
    'tags',
    '$pool',
    '$container',
    'id',
  ],
};

const networks: Kind = {
  name: 'networks',
  type: 'network',
  to: '/networks',
  icon: IconNetwork,
  columns: [
    name,
    { ...description, from: 700 },
    pool,
    {
      id: 'bridge',
      label: 'col.bridge',
      width: 'minmax(80px, 0.7fr)',
      sort: ['bridge'],
      fields: ['bridge'],
      cell: (row) => <TextCell value={row['bridge']} />,
    },
    {
      id: 'mtu',
      label: 'col.mtu',
      width: '64px',
      from: 760,
      end: true,
      sort: ['MTU'],
      fields: ['MTU'],
      cell: (row) => <NumberCell value={number(row, 'MTU')} />,
    },
    {
      id: 'bonded',
      label: 'col.bonded',
      width: '80px',
      from: 900,
      sort: ['isBonded'],
      fields: ['isBonded'],
      cell: (row) => (row['isBonded'] === true ? t('cell.yes') : <Nothing />),
    },
    {
      id: 'nbd',
      label: 'col.nbd',
      width: '70px',
      from: 900,
      sort: ['nbd'],
      fields: ['nbd'],
      cell: (row) => (row['nbd'] === true ? t('cell.yes') : <Nothing />),
    },
    tags,
  ],
  card: (row) => [
    text(row['$pool.name_label']),
    join(text(row['bridge']), number(row, 'MTU') !== undefined && `MTU ${formatNumber(number(row, 'MTU') ?? 0)}`),
  ],
  examples: [
    ['vlan', 'help.word'],
    ['bridge:xenbr*', 'help.networks.bridge'],
    ['MTU:>1500', 'help.networks.mtu'],
    ['PIFs:length:0', 'help.networks.internal'],
    ['isBonded?', 'help.networks.bonded'],
  ],
  properties: [
    'name_label',
    'name_description',
    'bridge',
    'MTU',
    'tags',
    'automatic',
    'defaultIsLocked',
    'isBonded',
    'nbd',
    'PIFs:length',
    'VIFs:length',
    '$pool',
    'id',
  ],
};

export const KINDS: Record<KindName, Kind> = { pools, hosts, vms, srs, networks };

/** Each field once, for the question. */
export const fieldsOf = (kind: Kind): string[] => [...new Set(['$pool', ...kind.columns.flatMap((one) => one.fields)])];

export const dateOf = (seconds: unknown): string | undefined =>
  typeof seconds === 'number' && seconds > 0 ? formatTime(seconds * 1_000) : undefined;
