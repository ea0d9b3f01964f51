// The disks of a VM, and its drives for discs.
import {
  IconDisc,
  IconDiscOff,
  IconDots,
  IconLink,
  IconPlug,
  IconPlugOff,
  IconPlus,
  IconResize,
  IconTrash,
  IconUnlink,
} from '@tabler/icons-react';
import { can, type Surroundings } from '../../can/can';
import { formatBytes, type t as translate, useT } from '../../i18n/i18n';
import { client } from '../../live/live';
import { text, type VmFacts } from '../../live/vm';
import type { Query, Row } from '../../live/watch';
import { ActionMenu } from '../../ui/ActionMenu';
import { Button } from '../../ui/Button';
import { toast } from '../../ui/toast';
import { errorText } from '../errorText';
import { ObjectLink } from '../details/parts';
import { Relation, type RelationColumn } from '../details/Relation';
import { attachedColumn } from '../details/shared';
import { number } from '../objects/cells';
import { quote } from '../objects/filter';
import { act, sure } from './act';
import { askAttachDisk, askInsertCd, askNewDisk, askResizeDisk } from './vmForms';
import { reasonOf } from './vmVerbs';
import classes from './vms.module.css';

interface Props {
  vm: VmFacts;
  around: Surroundings;
}

export function VmDisks({ vm, around }: Props) {
  const t = useT();
  const change = reasonOf(can.vm.change(vm, around));
  return (
    <Relation
      title={t('detail.disks')}
      empty={t('detail.noDisks')}
      query={devicesOf(vm, '!is_cd_drive?')}
      actions={
        <div className={classes['buttons']}>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconPlus size={15} aria-hidden />}
            disabledReason={change}
            onClick={() => askNewDisk(vm)}
          >
            {t('disk.add.menu')}
          </Button>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconLink size={15} aria-hidden />}
            disabledReason={change}
            onClick={() => askAttachDisk(vm)}
          >
            {t('disk.attach.menu')}
          </Button>
        </div>
      }
      columns={[
        ...commonColumns(t),
        {
          label: t('col.size'),
          end: true,
          cell: (disk) => {
            const size = number(disk, 'VDI.size');
            return size === undefined ? '–' : formatBytes(size);
          },
        },
        { label: t('col.actions'), end: true, cell: (disk) => <DiskMenu vm={vm} around={around} disk={disk} /> },
      ]}
    />
  );
}

export function VmDrives({ vm, around }: Props) {
  const t = useT();
  return (
    <Relation
      title={t('detail.drives')}
      empty=""
      hiddenWhenEmpty
      query={devicesOf(vm, 'is_cd_drive?')}
      columns={[
        ...commonColumns(t),
        { label: t('col.actions'), end: true, cell: (drive) => <DriveMenu vm={vm} around={around} drive={drive} /> },
      ]}
    />
  );
}

const devicesOf = (vm: VmFacts, which: string): Query => ({
  type: 'VBD',
  filter: `VM:${quote(vm.id)} ${which}`,
  sort: [{ by: 'position' }],
  fields: ['position', 'device', 'attached', 'VDI', 'VDI.name_label', 'VDI.size', 'VDI.$SR', 'VDI.$SR.name_label'],
});

const commonColumns = (t: typeof translate): RelationColumn[] => [
  {
    label: t('col.name'),
    cell: (device) =>
      text(device['VDI.name_label']) || (device['VDI'] === undefined ? t('detail.emptyDrive') : text(device['VDI'])),
  },
  { label: t('col.device'), minor: true, cell: (device) => text(device['device']) || text(device['position']) },
  {
    label: t('col.sr'),
    minor: true,
    cell: (device) => <ObjectLink type="SR" id={device['VDI.$SR']} name={device['VDI.$SR.name_label']} />,
  },
  attachedColumn(t, true),
];

function DriveMenu({ vm, around, drive }: Props & { drive: Row }) {
  const t = useT();
  const operate = reasonOf(can.vm.operate(vm, around));
  const empty = drive['VDI'] === undefined;
  const name = text(drive['VDI.name_label']);
  return (
    <span className={classes['actions']}>
      <ActionMenu
        label={t('cd.actions')}
        icon={<IconDots size={17} aria-hidden />}
        actions={[
          {
            id: 'insert',
            label: t('cd.insert.menu'),
            icon: <IconDisc size={16} aria-hidden />,
            disabledReason: operate,
            run: () =>
              void askInsertCd(vm).catch((error: unknown) => toast.error(errorText(error), t('cd.insert.failed'))),
          },
          {
            id: 'eject',
            label: t('cd.eject.menu'),
            icon: <IconDiscOff size={16} aria-hidden />,
            disabledReason: operate ?? (empty ? t('cd.empty') : undefined),
            run: () =>
              act(() => client.call('vm.ejectCd', { id: vm.id }), t('cd.eject.done', { name }), t('cd.eject.failed')),
          },
        ]}
      />
    </span>
  );
}

function DiskMenu({ vm, around, disk }: Props & { disk: Row }) {
  const t = useT();
  const name = text(disk['VDI.name_label']) || text(disk['device']) || text(disk['position']);
  const change = reasonOf(can.vm.change(vm, around));
  const running = vm.powerState === 'Running';
  const attached = disk['attached'] === true;
  const plug = (verb: 'connect' | 'disconnect') =>
    act(
      () => client.call(`vbd.${verb}`, { id: disk.id }),
      t(`disk.${verb}.done`, { name }),
      t(`disk.${verb}.failed`, { name }),
    );

  async function detach() {
    const yes = await sure({
      title: t('disk.detach.title', { name, vm: vm.name }),
      text: t('disk.detach.text'),
      verb: t('disk.detach.verb'),
    });
    if (!yes) return;
    act(
      () => client.call('vbd.delete', { id: disk.id }),
      t('disk.detach.done', { name }),
      t('disk.detach.failed', { name }),
    );
  }

  async function remove() {
    const yes = await sure({
      title: t('disk.delete.title', { name }),
      text: t('disk.delete.text'),
      details: [
        [name, formatBytes(number(disk, 'VDI.size') ?? 0), text(disk['VDI.$SR.name_label'])]
          .filter(Boolean)
          .join(' · '),
      ],
      verb: t('action.delete'),
    });
    if (!yes) return;
    act(
      () => client.call('vdi.delete', { id: text(disk['VDI']) }),
      t('disk.delete.done', { name }),
      t('disk.delete.failed', { name }),
    );
  }

  return (
    <span className={classes['actions']}>
      <ActionMenu
        label={t('disk.actions', { name })}
        icon={<IconDots size={17} aria-hidden />}
        actions={[
          attached && running
            ? {
                id: 'disconnect',
                label: t('disk.disconnect.verb'),
                icon: <IconPlugOff size={16} aria-hidden />,
                disabledReason: change,
                run: () => plug('disconnect'),
              }
            : {
                id: 'connect',
                label: t('disk.connect.verb'),
                icon: <IconPlug size={16} aria-hidden />,
                disabledReason: change ?? (running ? undefined : t('can.vm.notRunning')),
                run: () => plug('connect'),
              },
          {
            id: 'resize',
            label: t('disk.resize.menu'),
            icon: <IconResize size={16} aria-hidden />,
            disabledReason: change ?? (running && attached ? t('disk.resize.attached') : undefined),
            run: () => askResizeDisk(disk),
          },
          {
            id: 'detach',
            label: t('disk.detach.menu'),
            icon: <IconUnlink size={16} aria-hidden />,
            danger: true,
            disabledReason: change ?? (running && attached ? t('disk.detach.attached') : undefined),
            run: () => void detach(),
          },
          {
            id: 'delete',
            label: t('disk.delete.menu'),
            icon: <IconTrash size={16} aria-hidden />,
            danger: true,
            disabledReason:
              change ??
              (disk['VDI'] === undefined
                ? t('detail.emptyDrive')
                : running && attached
                  ? t('disk.detach.attached')
                  : undefined),
            run: () => void remove(),
          },
        ]}
      />
    </span>
  );
}
