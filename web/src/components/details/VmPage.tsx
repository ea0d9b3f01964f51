// One virtual machine: how it fares, its disks, interfaces and snapshots.
import { IconPlayerPlay, IconPower, IconRotateClockwise } from '@tabler/icons-react';
import { useState } from 'react';
import { can, type Surroundings } from '../../can/can';
import { formatBytes, formatNumber, useT } from '../../i18n/i18n';
import { text, VM_FIELDS, type VmFacts, vmFacts } from '../../live/vm';
import { Button } from '../../ui/Button';
import { Columns } from '../../ui/Page';
import { number, VmState } from '../objects/cells';
import { quote } from '../objects/filter';
import { dateOf } from '../objects/kinds';
import { Stats } from '../stats/Stats';
import { reasonOf, restartVm, startVm, stopVm } from '../vms/vmVerbs';
import { ObjectFrame } from './ObjectFrame';
import { ObjectLink, Properties } from './parts';
import { Relation } from './Relation';
import { attachedColumn } from './shared';

const FIELDS = [
  ...VM_FIELDS,
  '$container',
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
  'notes',
];

const bytes = (value: number | undefined): string => (value === undefined ? '–' : formatBytes(value));

export function VmPage({ id }: { id: string }) {
  const t = useT();
  return (
    <ObjectFrame
      kind="vms"
      id={id}
      fields={FIELDS}
      state={(row, around) => <VmState row={row} stale={!around.poolConnected} />}
      actions={(row, around) => <Verbs vm={vmFacts(row)} around={around} />}
    >
      {(row) => {
        const addresses = [...new Set(Object.values(row['addresses'] ?? {}).map(text))].filter(Boolean);
        const onHost = row['$container'] !== row['$pool'];
        return (
          <Columns
            main={
              <>
                <Stats
                  kind="vm"
                  id={id}
                  off={row['power_state'] === 'Running' || row['power_state'] === 'Paused' ? undefined : 'stats.vmOff'}
                />
                <Relation
                  title={t('detail.disks')}
                  empty={t('detail.noDisks')}
                  query={{
                    type: 'VBD',
                    filter: `VM:${quote(id)}`,
                    sort: [{ by: 'position' }],
                    fields: [
                      'position',
                      'device',
                      'is_cd_drive',
                      'read_only',
                      'attached',
                      'VDI',
                      'VDI.name_label',
                      'VDI.size',
                      'VDI.$SR',
                      'VDI.$SR.name_label',
                    ],
                  }}
                  columns={[
                    {
                      label: t('col.name'),
                      cell: (disk) =>
                        text(disk['VDI.name_label']) ||
                        (disk['VDI'] === undefined ? t('detail.emptyDrive') : text(disk['VDI'])),
                    },
                    {
                      label: t('col.device'),
                      cell: (disk) =>
                        [text(disk['device']) || text(disk['position']), disk['is_cd_drive'] === true && t('detail.cd')]
                          .filter(Boolean)
                          .join(' · '),
                    },
                    {
                      label: t('col.sr'),
                      minor: true,
                      cell: (disk) => <ObjectLink type="SR" id={disk['VDI.$SR']} name={disk['VDI.$SR.name_label']} />,
                    },
                    attachedColumn(t, true),
                    { label: t('col.size'), end: true, cell: (disk) => bytes(number(disk, 'VDI.size')) },
                  ]}
                />
                <Relation
                  title={t('detail.interfaces')}
                  empty={t('detail.noInterfaces')}
                  query={{
                    type: 'VIF',
                    filter: `$VM:${quote(id)}`,
                    sort: [{ by: 'device' }],
                    fields: ['device', 'MAC', 'MTU', 'attached', '$network', '$network.name_label'],
                  }}
                  columns={[
                    { label: t('col.device'), cell: (vif) => text(vif['device']) },
                    {
                      label: t('col.network'),
                      cell: (vif) => (
                        <ObjectLink type="network" id={vif['$network']} name={vif['$network.name_label']} />
                      ),
                    },
                    { label: t('col.mac'), cell: (vif) => text(vif['MAC']) },
                    attachedColumn(t, true),
                  ]}
                />
                <Relation
                  title={t('detail.snapshots')}
                  empty={t('detail.noSnapshots')}
                  query={{
                    type: 'VM-snapshot',
                    filter: `$snapshot_of:${quote(id)}`,
                    sort: [{ by: 'snapshot_time', descending: true }],
                    fields: ['name_label', 'snapshot_time', 'power_state'],
                  }}
                  columns={[
                    { label: t('col.name'), cell: (snapshot) => text(snapshot['name_label']) },
                    { label: t('col.time'), end: true, cell: (snapshot) => dateOf(snapshot['snapshot_time']) ?? '–' },
                  ]}
                />
              </>
            }
            side={
              <Properties
                row={row}
                items={[
                  [t('col.pool'), <ObjectLink key="p" type="pool" id={row['$pool']} name={row['$pool.name_label']} />],
                  [
                    t('col.host'),
                    onHost && (
                      <ObjectLink key="h" type="host" id={row['$container']} name={row['$container.name_label']} />
                    ),
                  ],
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
            }
          />
        );
      }}
    </ObjectFrame>
  );
}

function Verbs({ vm, around }: { vm: VmFacts; around: Surroundings }) {
  const t = useT();
  const [busy, setBusy] = useState<'start' | 'stop' | 'restart'>();
  const run = (verb: 'start' | 'stop' | 'restart', action: () => Promise<void>) => () => {
    setBusy(verb);
    void action().finally(() => setBusy(undefined));
  };
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconPlayerPlay size={16} aria-hidden />}
        disabledReason={reasonOf(can.vm.start(vm, around))}
        loading={busy === 'start'}
        onClick={run('start', () => startVm(vm))}
      >
        {t('action.start')}
      </Button>
      <Button
        variant="default"
        leftSection={<IconPower size={16} aria-hidden />}
        disabledReason={reasonOf(can.vm.stop(vm, around))}
        loading={busy === 'stop'}
        onClick={run('stop', () => stopVm(vm, around))}
      >
        {t('action.stop')}
      </Button>
      <Button
        variant="default"
        leftSection={<IconRotateClockwise size={16} aria-hidden />}
        disabledReason={reasonOf(can.vm.restart(vm, around))}
        loading={busy === 'restart'}
        onClick={run('restart', () => restartVm(vm, around))}
      >
        {t('action.restart')}
      </Button>
    </>
  );
}
