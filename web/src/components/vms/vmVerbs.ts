// What can be done to a VM from the list: asks where something is lost, calls, and tells the result. The new state does
// not come back here but through the feed, as for everybody else.
import type { Surroundings, Verdict } from '../../can/can';
import { can } from '../../can/can';
import { t, tm } from '../../i18n/i18n';
import { client } from '../../live/live';
import type { VmFacts } from '../../live/vm';
import { type Choice, confirm } from '../../ui/confirm';
import { toast } from '../../ui/toast';
import { errorText } from '../errorText';

type Way = 'clean' | 'force';

export const reasonOf = (verdict: Verdict): string | undefined => (verdict.yes ? undefined : tm(verdict.reason));

async function run(vm: VmFacts, verb: 'start' | 'stop' | 'restart', call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
    toast.success(t(`vm.${verb}.done`, { name: vm.name }));
  } catch (error) {
    toast.error(errorText(error), t(`vm.${verb}.failed`, { name: vm.name }));
  }
}

async function ask(vm: VmFacts, verb: 'stop' | 'restart', clean: Verdict, force: Verdict): Promise<Way | undefined> {
  const choices: Choice<Way>[] = [
    {
      value: 'clean',
      label: t(`vm.${verb}.clean`),
      description: t(`vm.${verb}.cleanText`),
      disabledReason: reasonOf(clean),
    },
    {
      value: 'force',
      label: t(`vm.${verb}.force`),
      description: t(`vm.${verb}.forceText`),
      disabledReason: reasonOf(force),
    },
  ];
  return confirm({
    title: t(`vm.${verb}.title`, { name: vm.name }),
    verb: t(`action.${verb}`),
    cancel: t('action.cancel'),
    close: t('action.close'),
    danger: true,
    choices,
  });
}

export async function startVm(vm: VmFacts): Promise<void> {
  await run(vm, 'start', () => client.call('vm.start', { id: vm.id }));
}

export async function stopVm(vm: VmFacts, around: Surroundings): Promise<void> {
  const way = await ask(vm, 'stop', can.vm.stopClean(vm, around), can.vm.stopForce(vm, around));
  if (way) await run(vm, 'stop', () => client.call('vm.stop', { id: vm.id, ...(way === 'force' && { force: true }) }));
}

export async function restartVm(vm: VmFacts, around: Surroundings): Promise<void> {
  const way = await ask(vm, 'restart', can.vm.restartClean(vm, around), can.vm.restartForce(vm, around));
  if (way)
    await run(vm, 'restart', () => client.call('vm.restart', { id: vm.id, ...(way === 'force' && { force: true }) }));
}
