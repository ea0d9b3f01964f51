// The network interfaces of a VM.
import { IconDots, IconNetwork, IconPlug, IconPlugOff, IconPlus, IconTrash } from '@tabler/icons-react';
import { can, type Surroundings } from '../../can/can';
import { useT } from '../../i18n/i18n';
import { client } from '../../live/live';
import { text, type VmFacts } from '../../live/vm';
import type { Row } from '../../live/watch';
import { ActionMenu } from '../../ui/ActionMenu';
import { Button } from '../../ui/Button';
import { ObjectLink } from '../details/parts';
import { Relation } from '../details/Relation';
import { attachedColumn } from '../details/shared';
import { quote } from '../objects/filter';
import { act, sure } from './act';
import { askNetworkOf, askNewInterface } from './vmForms';
import { reasonOf } from './vmVerbs';
import classes from './vms.module.css';

interface Props {
  vm: VmFacts;
  around: Surroundings;
}

export function VmInterfaces({ vm, around }: Props) {
  const t = useT();
  return (
    <Relation
      title={t('detail.interfaces')}
      empty={t('detail.noInterfaces')}
      query={{
        type: 'VIF',
        filter: `$VM:${quote(vm.id)}`,
        sort: [{ by: 'device' }],
        fields: ['device', 'MAC', 'MTU', 'attached', '$network', '$network.name_label'],
      }}
      actions={
        <Button
          variant="default"
          size="xs"
          leftSection={<IconPlus size={15} aria-hidden />}
          disabledReason={reasonOf(can.vm.change(vm, around))}
          onClick={() => askNewInterface(vm)}
        >
          {t('vif.add.menu')}
        </Button>
      }
      columns={[
        { label: t('col.device'), cell: (vif) => text(vif['device']) },
        {
          label: t('col.network'),
          cell: (vif) => <ObjectLink type="network" id={vif['$network']} name={vif['$network.name_label']} />,
        },
        { label: t('col.mac'), minor: true, cell: (vif) => text(vif['MAC']) },
        attachedColumn(t, true),
        { label: t('col.actions'), end: true, cell: (vif) => <InterfaceMenu vm={vm} around={around} vif={vif} /> },
      ]}
    />
  );
}

function InterfaceMenu({ vm, around, vif }: Props & { vif: Row }) {
  const t = useT();
  const device = text(vif['device']);
  const change = reasonOf(can.vm.change(vm, around));
  const operate = reasonOf(can.vm.operate(vm, around));
  const running = vm.powerState === 'Running';
  const verb = vif['attached'] === true && running ? 'disconnect' : 'connect';

  async function remove() {
    const yes = await sure({
      title: t('vif.delete.title', { device, vm: vm.name }),
      text: t('vif.delete.text', { network: text(vif['$network.name_label']) }),
      verb: t('action.remove'),
    });
    if (!yes) return;
    act(
      () => client.call('vif.delete', { id: vif.id }),
      t('vif.delete.done', { device }),
      t('vif.delete.failed', { device }),
    );
  }

  return (
    <span className={classes['actions']}>
      <ActionMenu
        label={t('vif.actions', { device })}
        icon={<IconDots size={17} aria-hidden />}
        actions={[
          {
            id: verb,
            label: t(`vif.${verb}.verb`),
            icon: verb === 'connect' ? <IconPlug size={16} aria-hidden /> : <IconPlugOff size={16} aria-hidden />,
            disabledReason: operate ?? (running ? undefined : t('can.vm.notRunning')),
            run: () =>
              act(
                () => client.call(`vif.${verb}`, { id: vif.id }),
                t(`vif.${verb}.done`, { device }),
                t(`vif.${verb}.failed`, { device }),
              ),
          },
          {
            id: 'network',
            label: t('vif.network.menu'),
            icon: <IconNetwork size={16} aria-hidden />,
            disabledReason: change,
            run: () => askNetworkOf(vm, vif),
          },
          {
            id: 'delete',
            label: t('vif.delete.menu'),
            icon: <IconTrash size={16} aria-hidden />,
            danger: true,
            disabledReason: change,
            run: () => void remove(),
          },
        ]}
      />
    </span>
  );
}
