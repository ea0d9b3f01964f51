// One storage: how full it is, which hosts reach it, its disks.
import { formatBytes, useT } from '../../i18n/i18n';
import { text } from '../../live/vm';
import { Columns } from '../../ui/Page';
import { BytesCell, MeterCell, number } from '../objects/cells';
import { quote } from '../objects/filter';
import { ObjectFrame } from './ObjectFrame';
import { ObjectLink, Properties } from './parts';
import { Relation } from './Relation';
import { attachedColumn } from './shared';

const FIELDS = [
  'SR_type',
  'content_type',
  'shared',
  'size',
  'physical_usage',
  'usage',
  'allocationStrategy',
  'inMaintenanceMode',
  '$container',
  '$container.name_label',
];

export function SrPage({ id }: { id: string }) {
  const t = useT();
  return (
    <ObjectFrame kind="srs" id={id} fields={FIELDS}>
      {(row) => (
        <Columns
          main={
            <>
              <Relation
                title={t('detail.vdis')}
                empty={t('detail.noDisks')}
                query={{
                  type: 'VDI',
                  filter: `$SR:${quote(id)}`,
                  sort: [{ by: 'name_label' }],
                  fields: ['name_label', 'name_description', 'size', 'usage'],
                }}
                columns={[
                  { label: t('col.name'), cell: (vdi) => text(vdi['name_label']) || vdi.id },
                  { label: t('col.description'), minor: true, cell: (vdi) => text(vdi['name_description']) },
                  {
                    label: t('col.usage'),
                    end: true,
                    minor: true,
                    cell: (vdi) => <BytesCell value={number(vdi, 'usage')} />,
                  },
                  { label: t('col.size'), end: true, cell: (vdi) => <BytesCell value={number(vdi, 'size')} /> },
                ]}
              />
              <Relation
                title={t('detail.pbds')}
                empty={t('detail.noPbds')}
                query={{
                  type: 'PBD',
                  filter: `SR:${quote(id)}`,
                  sort: [{ by: 'host.name_label' }],
                  fields: ['attached', 'host', 'host.name_label'],
                }}
                columns={[
                  {
                    label: t('col.host'),
                    cell: (pbd) => <ObjectLink type="host" id={pbd['host']} name={pbd['host.name_label']} />,
                  },
                  attachedColumn(t),
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
                  row['$container'] !== row['$pool'] && (
                    <ObjectLink key="h" type="host" id={row['$container']} name={row['$container.name_label']} />
                  ),
                ],
                [t('col.type'), text(row['SR_type'])],
                [t('detail.content'), text(row['content_type'])],
                [t('col.shared'), row['shared'] === true ? t('cell.shared') : t('cell.local')],
                [
                  t('col.usage'),
                  (number(row, 'size') ?? 0) > 0 && (
                    <MeterCell key="u" used={number(row, 'physical_usage')} size={number(row, 'size')} />
                  ),
                ],
                [t('detail.allocated'), formatBytes(number(row, 'usage') ?? 0)],
                [t('detail.allocation'), text(row['allocationStrategy'])],
                [t('detail.maintenance'), row['inMaintenanceMode'] === true && t('cell.yes')],
              ]}
            />
          }
        />
      )}
    </ObjectFrame>
  );
}
