// The list of virtual machines.
import { IconStack2 } from '@tabler/icons-react';
import { t } from '../../i18n/i18n';
import { text, VM_FIELDS, vmFacts } from '../../live/vm';
import type { Row } from '../../live/watch';
import { SetLink } from '../sets/SetLink';
import { BulkBar } from '../vms/BulkBar';
import { NewVmButton } from '../vms/NewVmButton';
import { VmActions } from '../vms/VmActions';
import { BytesCell, NameCell, number, NumberCell, TextCell, VmState, whereText } from './cells';
import { bytes, join, type Kind, name, tags, where } from './kind';

/** Below the name, because most have none. */
function setOf(row: Row) {
  const id = text(row['resourceSet']);
  return id !== '' && <SetLink id={id} />;
}

export const vms: Kind = {
  name: 'vms',
  type: 'VM',
  to: '/vms',
  icon: IconStack2,
  columns: [
    { ...name, fields: [...VM_FIELDS, 'resourceSet'], cell: (row) => <NameCell row={row} second={setOf(row)} /> },
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
    'resourceSet',
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
