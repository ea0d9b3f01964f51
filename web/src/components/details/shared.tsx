// What is shown alike on the pages of several kinds: the interfaces of hosts, whether something is attached.
import { formatNumber, type t as translate, useT } from '../../i18n/i18n';
import { text } from '../../live/vm';
import type { Row } from '../../live/watch';
import { number } from '../objects/cells';
import { quote } from '../objects/filter';
import { ObjectLink } from './parts';
import { Relation, type RelationColumn } from './Relation';

export const attachedColumn = (t: typeof translate, minor = false): RelationColumn => ({
  label: t('col.attached'),
  minor,
  cell: (row) => (row['attached'] === true ? t('cell.yes') : t('cell.no')),
});

/** Old releases do not tell the sockets; a pool that is not connected tells neither. */
export function coresText(t: typeof translate, row: Row): string | undefined {
  const [cores = 0, sockets = 0] = [number(row, 'cpus.cores'), number(row, 'cpus.sockets')];
  if (cores === 0) return undefined;
  if (sockets === 0) return t('cell.cores', { count: cores });
  return t('detail.coresSockets', { cores: formatNumber(cores), sockets: formatNumber(sockets) });
}

/** The interfaces of one host, or of all hosts on one network; the page's own object needs no column. */
export function Pifs({ of, id }: { of: 'host' | 'network'; id: string }) {
  const t = useT();
  const device = (pif: Row) => {
    const vlan = number(pif, 'vlan') ?? -1;
    return [text(pif['device']), vlan >= 0 && t('detail.vlan', { number: String(vlan) })].filter(Boolean).join(' · ');
  };
  return (
    <Relation
      title={t('detail.pifs')}
      empty={of === 'host' ? t('detail.noInterfaces') : t('detail.noPifs')}
      query={{
        type: 'PIF',
        filter: `$${of}:${quote(id)}`,
        sort: [...(of === 'host' ? [] : [{ by: '$host.name_label' }]), { by: 'device' }, { by: 'vlan' }],
        fields: [
          'device',
          'vlan',
          'ip',
          'mac',
          'carrier',
          ...(of === 'host' ? ['$network', '$network.name_label'] : ['$host', '$host.name_label']),
        ],
      }}
      columns={[
        ...(of === 'host'
          ? []
          : [
              {
                label: t('col.host'),
                cell: (pif: Row) => <ObjectLink type="host" id={pif['$host']} name={pif['$host.name_label']} />,
              },
            ]),
        { label: t('col.device'), cell: device },
        ...(of === 'network'
          ? []
          : [
              {
                label: t('col.network'),
                cell: (pif: Row) => (
                  <ObjectLink type="network" id={pif['$network']} name={pif['$network.name_label']} />
                ),
              },
            ]),
        { label: t('col.address'), minor: of === 'network', cell: (pif) => text(pif['ip']) || '–' },
        { label: t('col.mac'), minor: true, cell: (pif) => text(pif['mac']) },
        {
          label: t('col.link'),
          minor: of === 'host',
          cell: (pif) => (pif['carrier'] === true ? t('detail.linkUp') : t('detail.linkDown')),
        },
      ]}
    />
  );
}
