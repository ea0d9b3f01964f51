// The snapshots of a VM: take one, go back to one, delete one.
import { IconArrowBackUp, IconCamera, IconTrash } from '@tabler/icons-react';
import { can, type Surroundings } from '../../can/can';
import { useT } from '../../i18n/i18n';
import { client } from '../../live/live';
import { text, type VmFacts } from '../../live/vm';
import type { Row } from '../../live/watch';
import { Button, RowButton } from '../../ui/Button';
import { Relation } from '../details/Relation';
import { nameOf } from '../objects/cells';
import { quote } from '../objects/filter';
import { dateOf } from '../objects/kinds';
import { act, sure } from './act';
import { askSnapshot } from './vmForms';
import { reasonOf } from './vmVerbs';
import classes from './vms.module.css';

export function VmSnapshots({ vm, around }: { vm: VmFacts; around: Surroundings }) {
  const t = useT();

  async function revert(snapshot: Row) {
    const name = nameOf(snapshot);
    const yes = await sure({
      title: t('snapshot.revert.title', { vm: vm.name, name }),
      text: t('snapshot.revert.text', { time: dateOf(snapshot['snapshot_time']) ?? '–' }),
      verb: t('snapshot.revert.verb'),
    });
    if (!yes) return;
    const params = { vm: vm.name, name };
    act(
      () => client.call('vm.revert', { snapshot: snapshot.id }),
      t('snapshot.revert.done', params),
      t('snapshot.revert.failed', params),
    );
  }

  async function remove(snapshot: Row) {
    const name = nameOf(snapshot);
    const yes = await sure({
      title: t('snapshot.delete.title', { name }),
      text: t('snapshot.delete.text'),
      verb: t('action.delete'),
    });
    if (!yes) return;
    act(
      () => client.call('vm.delete', { id: snapshot.id }),
      t('snapshot.delete.done', { name }),
      t('snapshot.delete.failed', { name }),
    );
  }

  return (
    <Relation
      title={t('detail.snapshots')}
      empty={t('detail.noSnapshots')}
      query={{
        type: 'VM-snapshot',
        filter: `$snapshot_of:${quote(vm.id)}`,
        sort: [{ by: 'snapshot_time', descending: true }],
        fields: ['name_label', 'name_description', 'snapshot_time', 'power_state'],
      }}
      actions={
        <Button
          variant="default"
          size="xs"
          leftSection={<IconCamera size={15} aria-hidden />}
          disabledReason={reasonOf(can.vm.snapshot(vm, around))}
          onClick={() => askSnapshot(vm)}
        >
          {t('vm.snapshot.menu')}
        </Button>
      }
      columns={[
        { label: t('col.name'), cell: (snapshot) => text(snapshot['name_label']) },
        { label: t('col.description'), minor: true, cell: (snapshot) => text(snapshot['name_description']) },
        { label: t('col.time'), end: true, cell: (snapshot) => dateOf(snapshot['snapshot_time']) ?? '–' },
        {
          label: t('col.actions'),
          end: true,
          cell: (snapshot) => (
            <span className={classes['actions']}>
              <RowButton
                label={t('snapshot.revert.label', { name: nameOf(snapshot) })}
                disabledReason={reasonOf(can.vm.revert(vm, around))}
                onClick={() => void revert(snapshot)}
              >
                <IconArrowBackUp size={17} aria-hidden />
              </RowButton>
              <RowButton
                label={t('snapshot.delete.label', { name: nameOf(snapshot) })}
                tone="danger"
                disabledReason={reasonOf(can.vm.change(vm, around))}
                onClick={() => void remove(snapshot)}
              >
                <IconTrash size={17} aria-hidden />
              </RowButton>
            </span>
          ),
        },
      ]}
    />
  );
}
