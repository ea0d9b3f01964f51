// One host: how it fares, its machines, storage and interfaces.
import { formatBytes, useT } from '../../i18n/i18n';
import { text } from '../../live/vm';
import { Columns } from '../../ui/Page';
import { BytesCell, HostState, MeterCell, number, VmState } from '../objects/cells';
import { quote } from '../objects/filter';
import { dateOf } from '../objects/kinds';
import { Stats } from '../stats/Stats';
import { ObjectFrame } from './ObjectFrame';
import { ObjectLink, Properties, RowLink } from './parts';
import { Relation } from './Relation';
import { attachedColumn, coresText, Pifs } from './shared';

const FIELDS = [
  'power_state',
  'enabled',
  'address',
  'hostname',
  'cpus.cores',
  'cpus.sockets',
  'CPUs.modelname',
  'memory.usage',
  'memory.size',
  'productBrand',
  'version',
  'build',
  'startTime',
  'agentStartTime',
  'rebootRequired',
  'multipathing',
  'iscsiIqn',
  'license_expiry',
  '$pool.master',
];

export function HostPage({ id }: { id: string }) {
  const t = useT();
  return (
    <ObjectFrame
      kind="hosts"
      id={id}
      fields={FIELDS}
      state={(row, around) => <HostState row={row} stale={!around.poolConnected} />}
    >
      {(row, around) => (
        <Columns
          main={
            <>
              <Stats
                kind="host"
                id={id}
                off={row['power_state'] === 'Running' && around.poolConnected ? undefined : 'stats.hostOff'}
              />
              <Relation
                title={t('nav.vms')}
                empty={t('detail.noVmsHere')}
                all={{ to: '/vms', search: { q: `$container:${quote(id)}` } }}
                query={{
                  type: 'VM',
                  filter: `$container:${quote(id)}`,
                  sort: [{ by: 'name_label' }],
                  fields: [
                    'name_label',
                    'power_state',
                    'current_operations',
                    'CPUs.number',
                    'memory.size',
                    'mainIpAddress',
                  ],
                }}
                columns={[
                  { label: t('col.name'), cell: (vm) => <RowLink row={vm} /> },
                  { label: t('col.state'), cell: (vm) => <VmState row={vm} stale={!around.poolConnected} /> },
                  { label: t('col.address'), minor: true, cell: (vm) => text(vm['mainIpAddress']) || '–' },
                  {
                    label: t('col.memory'),
                    end: true,
                    minor: true,
                    cell: (vm) => <BytesCell value={number(vm, 'memory.size')} />,
                  },
                ]}
              />
              <Relation
                title={t('nav.srs')}
                empty={t('detail.noSrs')}
                query={{
                  type: 'PBD',
                  filter: `host:${quote(id)}`,
                  sort: [{ by: 'SR.name_label' }],
                  fields: ['attached', 'SR', 'SR.name_label', 'SR.SR_type', 'SR.physical_usage', 'SR.size'],
                }}
                columns={[
                  {
                    label: t('col.name'),
                    cell: (pbd) => <ObjectLink type="SR" id={pbd['SR']} name={pbd['SR.name_label']} />,
                  },
                  { label: t('col.type'), minor: true, cell: (pbd) => text(pbd['SR.SR_type']) },
                  attachedColumn(t),
                  {
                    label: t('col.usage'),
                    end: true,
                    cell: (pbd) => <MeterCell used={number(pbd, 'SR.physical_usage')} size={number(pbd, 'SR.size')} />,
                  },
                ]}
              />
              <Pifs of="host" id={id} />
            </>
          }
          side={
            <Properties
              row={row}
              items={[
                [t('col.pool'), <ObjectLink key="p" type="pool" id={row['$pool']} name={row['$pool.name_label']} />],
                [t('col.master'), row['$pool.master'] === id && t('cell.yes')],
                [t('col.address'), text(row['address'])],
                [t('detail.hostname'), text(row['hostname'])],
                [t('col.cpus'), coresText(t, row)],
                [t('detail.processor'), text(row['CPUs.modelname'])],
                [
                  t('col.memory'),
                  t('cell.usedOf', {
                    used: formatBytes(number(row, 'memory.usage') ?? 0),
                    size: formatBytes(number(row, 'memory.size') ?? 0),
                  }),
                ],
                [t('col.version'), `${text(row['productBrand'])} ${text(row['version'])}`.trim()],
                [t('detail.build'), text(row['build'])],
                [t('detail.started'), dateOf(row['startTime'])],
                [t('detail.agentStarted'), dateOf(row['agentStartTime'])],
                [t('detail.reboot'), row['rebootRequired'] === true && t('cell.yes')],
                [t('detail.multipathing'), row['multipathing'] === true && t('cell.yes')],
                [t('detail.iqn'), text(row['iscsiIqn'])],
                [t('detail.licence'), dateOf(row['license_expiry'])],
              ]}
            />
          }
        />
      )}
    </ObjectFrame>
  );
}
