// What can be done to a VM, on its page: the three that people want most as buttons, all others in a menu.
import {
  IconArrowsRightLeft,
  IconCamera,
  IconCopy,
  IconCopyPlus,
  IconDots,
  IconListNumbers,
  IconMoon,
  IconPlayerPause,
  IconPlayerPlay,
  IconPower,
  IconRotateClockwise,
  IconSunrise,
  IconTemplate,
  IconTrash,
} from '@tabler/icons-react';
import { useRouter } from '@tanstack/react-router';
import { useState } from 'react';
import { can, type Surroundings } from '../../can/can';
import { useT } from '../../i18n/i18n';
import type { VmFacts } from '../../live/vm';
import { ActionMenu, type MenuAction } from '../../ui/ActionMenu';
import { Button } from '../../ui/Button';
import { MigrateDialog } from './MigrateDialog';
import { askBootOrder, askClone, askCopy, askSnapshot } from './vmForms';
import { convertVm, deleteVm, reasonOf, restartVm, type SimpleVerb, simpleVerb, startVm, stopVm } from './vmVerbs';

interface Props {
  vm: VmFacts;
  around: Surroundings;
  /** Undefined: it has none, because it does not boot as a machine of its own would. */
  bootOrder: string | undefined;
}

const SIMPLE = [
  ['pause', IconPlayerPause],
  ['unpause', IconPlayerPlay],
  ['suspend', IconMoon],
  ['resume', IconSunrise],
] as const satisfies readonly (readonly [SimpleVerb, unknown])[];

export function VmMenu({ vm, around, bootOrder }: Props) {
  const t = useT();
  const router = useRouter();
  const [busy, setBusy] = useState<string>();
  const [migrating, setMigrating] = useState(false);
  const run = (verb: string, action: () => Promise<unknown>) => () => {
    setBusy(verb);
    void action().finally(() => setBusy(undefined));
  };
  /** Unless somebody has gone elsewhere meanwhile. */
  const away = (done: boolean) =>
    done && router.history.location.pathname === `/vms/${vm.id}` ? router.navigate({ to: '/vms' }) : undefined;
  const actions: MenuAction[] = [
    ...SIMPLE.map(([verb, Icon]) => ({
      id: verb,
      label: t(`vm.${verb}.verb`),
      icon: <Icon size={16} aria-hidden />,
      disabledReason: reasonOf(can.vm[verb](vm, around)),
      run: run(verb, () => simpleVerb(vm, verb)),
    })),
    {
      id: 'snapshot',
      label: t('vm.snapshot.menu'),
      icon: <IconCamera size={16} aria-hidden />,
      disabledReason: reasonOf(can.vm.snapshot(vm, around)),
      apart: true,
      run: () => askSnapshot(vm),
    },
    {
      id: 'clone',
      label: t('vm.clone.menu'),
      icon: <IconCopy size={16} aria-hidden />,
      disabledReason: reasonOf(can.vm.clone(vm, around)),
      run: () => askClone(vm),
    },
    {
      id: 'copy',
      label: t('vm.copy.menu'),
      icon: <IconCopyPlus size={16} aria-hidden />,
      disabledReason: reasonOf(can.vm.copy(vm, around)),
      run: () => askCopy(vm),
    },
    {
      id: 'migrate',
      label: t('vm.migrate.menu'),
      icon: <IconArrowsRightLeft size={16} aria-hidden />,
      disabledReason: reasonOf(can.vm.migrate(vm, around)),
      run: () => setMigrating(true),
    },
    {
      id: 'boot',
      label: t('boot.menu'),
      icon: <IconListNumbers size={16} aria-hidden />,
      disabledReason: bootOrder === undefined ? t('boot.none') : reasonOf(can.vm.change(vm, around)),
      run: () => askBootOrder(vm, bootOrder ?? ''),
    },
    {
      id: 'convert',
      label: t('vm.convert.menu'),
      icon: <IconTemplate size={16} aria-hidden />,
      disabledReason: reasonOf(can.vm.convert(vm, around)),
      apart: true,
      run: run('convert', () => convertVm(vm).then(away)),
    },
    {
      id: 'delete',
      label: t('vm.delete.menu'),
      icon: <IconTrash size={16} aria-hidden />,
      danger: true,
      disabledReason: reasonOf(can.vm.delete(vm, around)),
      run: run('delete', () => deleteVm(vm).then(away)),
    },
  ];
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
      <ActionMenu
        label={t('vm.more')}
        leftSection={<IconDots size={16} aria-hidden />}
        busy={busy !== undefined && !['start', 'stop', 'restart'].includes(busy)}
        actions={actions}
      />
      <MigrateDialog vm={vm} opened={migrating} onClose={() => setMigrating(false)} />
    </>
  );
}
