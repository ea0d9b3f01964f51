// Start, Stop, Restart of one row.
import { IconPlayerPlay, IconPower, IconRotateClockwise } from '@tabler/icons-react';
import { useState } from 'react';
import { can, type Surroundings } from '../../can/can';
import { useT } from '../../i18n/i18n';
import type { VmFacts } from '../../live/vm';
import { RowButton } from '../../ui/Button';
import { reasonOf, restartVm, startVm, stopVm } from './vmVerbs';

export function VmActions({ vm, around }: { vm: VmFacts; around: Surroundings }) {
  const t = useT();
  const [busy, setBusy] = useState<'start' | 'stop' | 'restart'>();
  const run = (verb: 'start' | 'stop' | 'restart', action: () => Promise<void>) => () => {
    setBusy(verb);
    void action().finally(() => setBusy(undefined));
  };
  return (
    <>
      <RowButton
        label={t('vm.start.label', { name: vm.name })}
        disabledReason={reasonOf(can.vm.start(vm, around))}
        busy={busy === 'start'}
        onClick={run('start', () => startVm(vm))}
      >
        <IconPlayerPlay size={17} aria-hidden />
      </RowButton>
      <RowButton
        label={t('vm.stop.label', { name: vm.name })}
        disabledReason={reasonOf(can.vm.stop(vm, around))}
        busy={busy === 'stop'}
        tone="danger"
        onClick={run('stop', () => stopVm(vm, around))}
      >
        <IconPower size={17} aria-hidden />
      </RowButton>
      <RowButton
        label={t('vm.restart.label', { name: vm.name })}
        disabledReason={reasonOf(can.vm.restart(vm, around))}
        busy={busy === 'restart'}
        tone="danger"
        onClick={run('restart', () => restartVm(vm, around))}
      >
        <IconRotateClockwise size={17} aria-hidden />
      </RowButton>
    </>
  );
}
