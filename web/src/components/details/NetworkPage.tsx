// One network: the interfaces of hosts and machines on it.
import { formatNumber, useT } from '../../i18n/i18n';
import { text } from '../../live/vm';
import { Columns } from '../../ui/Page';
import { number } from '../objects/cells';
import { quote } from '../objects/filter';
import { ObjectFrame } from './ObjectFrame';
import { ObjectLink, Properties } from './parts';
import { Relation } from './Relation';
import { attachedColumn, Pifs } from './shared';

const FIELDS = ['bridge', 'MTU', 'automatic', 'defaultIsLocked', 'isBonded', 'nbd', 'insecureNbd'];

export function NetworkPage({ id }: { id: string }) {
  const t = useT();
  return (
    <ObjectFrame kind="networks" id={id} fields={FIELDS}>
      {(row) => (
        <Columns
          main={
            <>
              <Pifs of="network" id={id} />
              <Relation
                title={t('detail.vifs')}
                empty={t('detail.noVifs')}
                query={{
                  type: 'VIF',
                  filter: `$network:${quote(id)}`,
                  sort: [{ by: '$VM.name_label' }, { by: 'device' }],
                  fields: ['device', 'MAC', 'attached', '$VM', '$VM.name_label', '$VM.type'],
                }}
                columns={[
                  {
                    label: t('col.vm'),
                    cell: (vif) =>
                      // Templates and snapshots have no page.
                      vif['$VM.type'] === 'VM' ? (
                        <ObjectLink type="VM" id={vif['$VM']} name={vif['$VM.name_label']} />
                      ) : (
                        text(vif['$VM.name_label']) || '–'
                      ),
                  },
                  { label: t('col.device'), minor: true, cell: (vif) => text(vif['device']) },
                  { label: t('col.mac'), cell: (vif) => text(vif['MAC']) },
                  attachedColumn(t, true),
                ]}
              />
            </>
          }
          side={
            <Properties
              row={row}
              items={[
                [t('col.pool'), <ObjectLink key="p" type="pool" id={row['$pool']} name={row['$pool.name_label']} />],
                [t('col.bridge'), text(row['bridge'])],
                [t('col.mtu'), formatNumber(number(row, 'MTU') ?? 0)],
                [t('col.bonded'), row['isBonded'] === true && t('cell.yes')],
                [t('detail.automatic'), row['automatic'] === true && t('cell.yes')],
                [t('detail.locked'), row['defaultIsLocked'] === true && t('cell.yes')],
                [t('col.nbd'), (row['nbd'] === true || row['insecureNbd'] === true) && t('cell.yes')],
              ]}
            />
          }
        />
      )}
    </ObjectFrame>
  );
}
