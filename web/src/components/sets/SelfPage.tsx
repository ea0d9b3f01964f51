// What somebody with a resource set sees first: how much room is left in each, and the machines of it.
import { IconChartPie, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useT } from '../../i18n/i18n';
import { readAgain, setsQuery } from '../../live/queries';
import { text } from '../../live/vm';
import { useRows } from '../../live/useWatch';
import { Blank } from '../../ui/Blank';
import { Button } from '../../ui/Button';
import { Card, Page } from '../../ui/Page';
import { RowLink } from '../details/parts';
import { Relation } from '../details/Relation';
import { BytesCell, number, NumberCell, TextCell, VmState } from '../objects/cells';
import { quote } from '../objects/filter';
import { byText } from '../people/people';
import { QueryState } from '../QueryState';
import { Limits } from './Limits';
import type { ResourceSet } from './limits';

export function SelfPage() {
  const t = useT();
  const query = useQuery(setsQuery);
  return (
    <Page title={t('nav.self')} description={t('self.text')}>
      <QueryState query={query}>
        {(sets) =>
          sets.length === 0 ? (
            <Blank icon={<IconChartPie size={26} />} title={t('self.none')} text={t('self.noneText')} />
          ) : (
            sets.toSorted(byText((set) => set.name)).map((set) => <OwnSet key={set.id} set={set} />)
          )
        }
      </QueryState>
    </Page>
  );
}

function OwnSet({ set }: { set: ResourceSet }) {
  const t = useT();
  const navigate = useNavigate();
  const machines = { type: 'VM', filter: `resourceSet:${quote(set.id)}` };
  // What is used changes when machines come and go.
  const [, { total }] = useRows({ ...machines, fields: [] }, 0);
  useEffect(() => {
    if (total !== undefined) void readAgain('sets');
  }, [total]);
  return (
    <>
      <Card
        title={set.name}
        actions={
          <Button
            leftSection={<IconPlus size={16} aria-hidden />}
            aria-label={t('self.newIn', { name: set.name })}
            onClick={() => void navigate({ to: '/vms/new', search: { set: set.id } })}
          >
            {t('new.open')}
          </Button>
        }
      >
        <Limits set={set} label={t('sets.limitsOf', { name: set.name })} />
      </Card>
      <Relation
        title={t('self.machines', { name: set.name })}
        empty={t('self.noMachines')}
        query={{
          ...machines,
          sort: [{ by: 'name_label' }],
          fields: ['name_label', 'power_state', 'current_operations', 'CPUs.number', 'memory.size', 'mainIpAddress'],
        }}
        columns={[
          { label: t('col.name'), cell: (vm) => <RowLink row={vm} /> },
          { label: t('col.state'), cell: (vm) => <VmState row={vm} stale={false} /> },
          { label: t('col.addresses'), minor: true, cell: (vm) => <TextCell value={text(vm['mainIpAddress'])} /> },
          {
            label: t('col.cpus'),
            end: true,
            minor: true,
            cell: (vm) => <NumberCell value={number(vm, 'CPUs.number')} />,
          },
          { label: t('col.memory'), end: true, cell: (vm) => <BytesCell value={number(vm, 'memory.size')} /> },
        ]}
      />
    </>
  );
}
