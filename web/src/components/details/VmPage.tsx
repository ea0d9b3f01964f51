// One virtual machine: how it fares, its disks, interfaces and snapshots.
import { formatBytes, formatNumber, useT } from '../../i18n/i18n';
import { useSet } from '../../live/sets';
import { text, VM_FIELDS, vmFacts } from '../../live/vm';
import type { Row } from '../../live/watch';
import { Columns } from '../../ui/Page';
import { number, VmState } from '../objects/cells';
import { dateOf } from '../objects/kinds';
import { SetLink } from '../sets/SetLink';
import { Stats } from '../stats/Stats';
import { VmDisks, VmDrives } from '../vms/VmDisks';
import { VmInterfaces } from '../vms/VmInterfaces';
import { VmMenu } from '../vms/VmMenu';
import { VmSnapshots } from '../vms/VmSnapshots';
import { ObjectFrame } from './ObjectFrame';
import { ObjectLink, Properties } from './parts';

const FIELDS = [
  ...VM_FIELDS,
  '$container.name_label',
  'CPUs.number',
  'CPUs.max',
  'memory.size',
  'mainIpAddress',
  'addresses',
  'os_version.name',
  'pvDriversVersion',
  'auto_poweron',
  'high_availability',
  'startTime',
  'installTime',
  'boot.firmware',
  'boot.order',
  'notes',
  'resourceSet',
];

const bytes = (value: number | undefined): string => (value === undefined ? '–' : formatBytes(value));

export function VmPage({ id }: { id: string }) {
  return (
    <ObjectFrame
      kind="vms"
      id={id}
      fields={FIELDS}
      state={(row, around) => <VmState row={row} stale={!around.poolConnected} />}
      actions={(row, around) => (
        <VmMenu
          vm={vmFacts(row)}
          around={around}
          bootOrder={row['virtualizationMode'] === 'hvm' ? text(row['boot.order']) : undefined}
        />
      )}
    >
      {(row, around) => (
        <Columns
          main={
            <>
              <Stats
                kind="vm"
                id={id}
                off={row['power_state'] === 'Running' || row['power_state'] === 'Paused' ? undefined : 'stats.vmOff'}
              />
              <VmDisks vm={vmFacts(row)} around={around} />
              <VmDrives vm={vmFacts(row)} around={around} />
              <VmInterfaces vm={vmFacts(row)} around={around} />
              <VmSnapshots vm={vmFacts(row)} around={around} />
            </>
          }
          side={<VmProperties row={row} />}
        />
      )}
    </ObjectFrame>
  );
}

function VmProperties({ row }: { row: Row }) {
  const t = useT();
  const set = useSet(text(row['resourceSet']));
  const addresses = [...new Set(Object.values(row['addresses'] ?? {}).map(text))].filter(Boolean);
  const onHost = row['$container'] !== row['$pool'];
  return (
    <Properties
      row={row}
      items={[
        [t('col.pool'), <ObjectLink key="p" type="pool" id={row['$pool']} name={row['$pool.name_label']} />],
        [
          t('col.host'),
          onHost && <ObjectLink key="h" type="host" id={row['$container']} name={row['$container.name_label']} />,
        ],
        [t('new.set'), set && <SetLink key="s" id={set.id} />],
        [t('col.cpus'), formatNumber(number(row, 'CPUs.number') ?? 0)],
        [t('col.memory'), bytes(number(row, 'memory.size'))],
        [t('col.addresses'), addresses.length > 0 && addresses.join(', ')],
        [t('detail.os'), text(row['os_version.name'])],
        [
          t('detail.tools'),
          row['xenTools'] === false ? t('detail.noTools') : text(row['pvDriversVersion']) || undefined,
        ],
        [t('detail.virtualization'), text(row['virtualizationMode'])],
        [t('detail.firmware'), text(row['boot.firmware'])],
        [t('detail.autoPoweron'), row['auto_poweron'] === true && t('cell.yes')],
        [t('detail.ha'), text(row['high_availability'])],
        [t('detail.started'), row['power_state'] === 'Running' && dateOf(row['startTime'])],
        [t('detail.installed'), dateOf(row['installTime'])],
        [t('detail.notes'), text(row['notes'])],
      ]}
    />
  );
}
