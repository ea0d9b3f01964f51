// One pool: what it has, its hosts and storage.
import { Link } from '@tanstack/react-router';
import { formatNumber, useT } from '../../i18n/i18n';
import { countOf, useCounts } from '../../live/counts';
import { text } from '../../live/vm';
import { Columns } from '../../ui/Page';
import { HostState, MeterCell, number, TextCell } from '../objects/cells';
import { quote } from '../objects/filter';
import { KINDS } from '../objects/kinds';
import { ObjectFrame } from './ObjectFrame';
import { CountLinks, ObjectLink, Properties, RowLink } from './parts';
import { Relation } from './Relation';
import { coresText } from './shared';

const FIELDS = [
  'master',
  'master.name_label',
  'master.productBrand',
  'master.version',
  'default_SR',
  'default_SR.name_label',
  'HA_enabled',
  'auto_poweron',
  'cpus.cores',
  'cpus.sockets',
  'migrationCompression',
];

export function PoolPage({ id }: { id: string }) {
  const t = useT();
  const counts = useCounts(['type'], `$pool:${quote(id)}`);
  const inPool = `$pool:${quote(id)}`;
  return (
    <ObjectFrame kind="pools" id={id} fields={FIELDS}>
      {(row, around) => (
        <Columns
          main={
            <>
              <CountLinks label={t('detail.contents')}>
                {(['hosts', 'vms', 'srs', 'networks'] as const).map((name) => {
                  const kind = KINDS[name];
                  if (kind.to === '/pools') return null;
                  return (
                    <li key={name}>
                      <Link to={kind.to} search={{ pool: id }}>
                        <strong>{counts ? formatNumber(countOf(counts, { type: kind.type })) : '–'}</strong>
                        {t(`nav.${name}`)}
                      </Link>
                    </li>
                  );
                })}
              </CountLinks>
              <Relation
                title={t('nav.hosts')}
                empty={t('list.empty.hosts')}
                all={{ to: '/hosts', search: { pool: id } }}
                query={{
                  type: 'host',
                  filter: inPool,
                  sort: [{ by: 'name_label' }],
                  fields: ['name_label', 'power_state', 'enabled', 'address', 'memory.usage', 'memory.size'],
                }}
                columns={[
                  { label: t('col.name'), cell: (host) => <RowLink row={host} /> },
                  { label: t('col.state'), cell: (host) => <HostState row={host} stale={!around.poolConnected} /> },
                  { label: t('col.address'), minor: true, cell: (host) => <TextCell value={host['address']} /> },
                  {
                    label: t('col.memory'),
                    end: true,
                    minor: true,
                    cell: (host) => (
                      <MeterCell used={number(host, 'memory.usage')} size={number(host, 'memory.size')} />
                    ),
                  },
                ]}
              />
              <Relation
                title={t('nav.srs')}
                empty={t('list.empty.srs')}
                all={{ to: '/srs', search: { pool: id } }}
                query={{
                  type: 'SR',
                  filter: inPool,
                  sort: [{ by: 'shared', descending: true }, { by: 'name_label' }],
                  fields: ['name_label', 'SR_type', 'shared', 'physical_usage', 'size'],
                }}
                columns={[
                  { label: t('col.name'), cell: (sr) => <RowLink row={sr} /> },
                  { label: t('col.type'), minor: true, cell: (sr) => text(sr['SR_type']) },
                  {
                    label: t('col.shared'),
                    minor: true,
                    cell: (sr) => (sr['shared'] === true ? t('cell.shared') : t('cell.local')),
                  },
                  {
                    label: t('col.usage'),
                    end: true,
                    cell: (sr) => <MeterCell used={number(sr, 'physical_usage')} size={number(sr, 'size')} />,
                  },
                ]}
              />
            </>
          }
          side={
            <Properties
              row={row}
              items={[
                [
                  t('col.master'),
                  <ObjectLink key="m" type="host" id={row['master']} name={row['master.name_label']} />,
                ],
                [
                  t('col.defaultSr'),
                  row['default_SR'] !== undefined && (
                    <ObjectLink key="s" type="SR" id={row['default_SR']} name={row['default_SR.name_label']} />
                  ),
                ],
                [t('col.cpus'), coresText(t, row)],
                [t('col.version'), `${text(row['master.productBrand'])} ${text(row['master.version'])}`.trim()],
                [t('col.ha'), row['HA_enabled'] === true ? t('cell.on') : t('cell.off')],
                [t('detail.autoPoweron'), row['auto_poweron'] === true && t('cell.yes')],
                [t('detail.compression'), row['migrationCompression'] === true && t('cell.yes')],
              ]}
            />
          }
        />
      )}
    </ObjectFrame>
  );
}
