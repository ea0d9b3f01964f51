// Start, Stop, Restart of one row.
import { IconPlayerPlay, IconPower, IconRotateClockwise } from '@tabler/icons-react';
import { useState } from 'react';
import { can, type Surroundings } from '../../can/can';
import { useT } from '../../i18n/i18n';
import type { VmFacts } from '../../live/vm';
import { RowButton } from '../../ui/Button';
import { reasonOf, restartVm, startVm, stopVm } from './vmVerbs';

/** Made once: a row that changes then leaves them alone. */
const ICONS = {
  start: <IconPlayerPlay size={17} aria-hidden />,
  stop: <IconPower size={17} aria-hidden />,
  restart: <IconRotateClockwise size={17} aria-hidden />,
};

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
        {ICONS.start}
      </RowButton>
      <RowButton
        label={t('vm.stop.label', { name: vm.name })}
        disabledReason={reasonOf(can.vm.stop(vm, around))}
        busy={busy === 'stop'}
        tone="danger"
        onClick={run('stop', () => stopVm(vm, around))}
      >
        {ICONS.stop}
      </RowButton>
      <RowButton
        label={t('vm.restart.label', { name: vm.name })}
        disabledReason={reasonOf(can.vm.restart(vm, around))}
        busy={busy === 'restart'}
        tone="danger"
        onClick={run('restart', () => restartVm(vm, around))}
      >
        {ICONS.restart}
      </RowButton>
    </>
  );
}
