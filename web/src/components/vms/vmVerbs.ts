// The life cycle of a VM: asks where something is lost, calls, and tells the result. The new state does not come back here
// but through the feed, as for everybody else.
import type { Surroundings, Verdict } from '../../can/can';
import { can } from '../../can/can';
import { formatBytes, t, tm } from '../../i18n/i18n';
import { client } from '../../live/live';
import { readOnce } from '../../live/once';
import { text, type VmFacts } from '../../live/vm';
import { type Choice, confirm } from '../../ui/confirm';
import { toast } from '../../ui/toast';
import { errorText } from '../errorText';
import { number } from '../objects/cells';
import { quote } from '../objects/filter';

type Way = 'clean' | 'force';

export const reasonOf = (verdict: Verdict): string | undefined => (verdict.yes ? undefined : tm(verdict.reason));

export type SimpleVerb = 'pause' | 'unpause' | 'suspend' | 'resume';
type Verb = 'start' | 'stop' | 'restart' | 'delete' | 'convert' | SimpleVerb;

/** Returns whether it was done. */
async function run(vm: VmFacts, verb: Verb, call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    toast.success(t(`vm.${verb}.done`, { name: vm.name }));
    return true;
  } catch (error) {
    toast.error(errorText(error), t(`vm.${verb}.failed`, { name: vm.name }));
    return false;
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

export async function simpleVerb(vm: VmFacts, verb: SimpleVerb): Promise<void> {
  await run(vm, verb, () => client.call(`vm.${verb}`, { id: vm.id }));
}

/** Names, sizes and places of the disks of a VM, as lines to read. */
async function diskLines(vm: VmFacts): Promise<string[]> {
  const disks = await readOnce({
    type: 'VBD',
    filter: `VM:${quote(vm.id)}`,
    sort: [{ by: 'position' }],
    fields: ['is_cd_drive', 'VDI', 'VDI.name_label', 'VDI.size', 'VDI.$SR.name_label'],
  });
  return disks
    .filter((disk) => disk['is_cd_drive'] !== true && disk['VDI'] !== undefined)
    .map((disk, place) =>
      [
        text(disk['VDI.name_label']) || t('vm.delete.disk', { number: place }),
        formatBytes(number(disk, 'VDI.size') ?? 0),
        text(disk['VDI.$SR.name_label']),
      ]
        .filter(Boolean)
        .join(' · '),
    );
}

/** Returns whether it is gone. */
export async function deleteVm(vm: VmFacts): Promise<boolean> {
  let disks: string[];
  try {
    disks = await diskLines(vm);
  } catch (error) {
    toast.error(errorText(error), t('vm.delete.failed', { name: vm.name }));
    return false;
  }
  const on = vm.powerState !== 'Halted';
  const choices: Choice<'all' | 'keep'>[] = [
    { value: 'all', label: t('vm.delete.all', { count: disks.length }), description: t('vm.delete.allText') },
    { value: 'keep', label: t('vm.delete.keep'), description: t('vm.delete.keepText') },
  ];
  const way = await confirm<'all' | 'keep' | 'yes'>({
    title: t('vm.delete.title', { name: vm.name }),
    text: [on && t('vm.delete.running'), t('vm.delete.text'), disks.length > 0 && t('vm.delete.itsDisks')]
      .filter(Boolean)
      .join(' '),
    details: disks,
    verb: t('action.delete'),
    cancel: t('action.cancel'),
    close: t('action.close'),
    danger: true,
    ...(disks.length > 0 && { choices }),
  });
  if (!way) return false;
  return run(vm, 'delete', () => client.call('vm.delete', { id: vm.id, deleteDisks: way !== 'keep' }));
}

/** Returns whether it is a template now. */
export async function convertVm(vm: VmFacts): Promise<boolean> {
  const sure = await confirm({
    title: t('vm.convert.title', { name: vm.name }),
    text: t('vm.convert.text'),
    verb: t('vm.convert.verb'),
    cancel: t('action.cancel'),
    close: t('action.close'),
    danger: true,
  });
  return sure ? run(vm, 'convert', () => client.call('vm.convert', { id: vm.id })) : false;
}
