// May this be done to this VM now? Yes, or the reason, which the disabled button shows. The daemon decides in the end;
// this only saves people a click that would fail.
import type { Message, MessageKey } from '../i18n/i18n';
import type { VmFacts } from '../live/vm';

export type Verdict = { yes: true } | { yes: false; reason: Message };

/** What surrounds the VM: our own connection, and the daemon's connection to the pool. */
export interface Surroundings {
  online: boolean;
  poolConnected: boolean;
}

const YES: Verdict = { yes: true };
const no = (key: MessageKey, params?: Message['params']): Verdict => ({ yes: false, reason: { key, params } });
const FINE: Surroundings = { online: true, poolConnected: true };

type Subject = Pick<VmFacts, 'powerState' | 'operations' | 'blocked' | 'deaf'>;

/** Operations that change the power state: while one runs, another one would only fail. */
const POWER = new Set([
  'start',
  'start_on',
  'clean_shutdown',
  'hard_shutdown',
  'shutdown',
  'clean_reboot',
  'hard_reboot',
  'suspend',
  'resume',
  'resume_on',
  'pause',
  'unpause',
  'pool_migrate',
  'migrate_send',
  'destroy',
  'revert',
]);

function reachable(around: Surroundings): Verdict {
  if (!around.online) return no('can.offline');
  if (!around.poolConnected) return no('can.poolGone');
  return YES;
}

/** Says no when an administrator blocked one of these operations of XAPI. */
function unblocked(vm: Subject, operation: string): Verdict {
  const why = vm.blocked[operation];
  if (why === undefined) return YES;
  return why === '' || why === 'true' ? no('can.vm.blocked') : no('can.vm.blockedBecause', { reason: why });
}

/** `except` names operations that this one may cut short. */
function idle(vm: Subject, except: readonly string[] = []): Verdict {
  const busy = vm.operations.find((operation) => POWER.has(operation) && !except.includes(operation));
  return busy === undefined ? YES : no('can.vm.busy', { operation: busy.replaceAll('_', ' ') });
}

function first(...verdicts: Verdict[]): Verdict {
  return verdicts.find((verdict) => !verdict.yes) ?? YES;
}

function start(vm: Subject, around: Surroundings = FINE): Verdict {
  const state: Verdict =
    vm.powerState === 'Halted'
      ? YES
      : vm.powerState === 'Running'
        ? no('can.vm.alreadyRunning')
        : vm.powerState === 'Suspended'
          ? no('can.vm.suspended')
          : no('can.vm.paused');
  return first(reachable(around), state, idle(vm), unblocked(vm, 'start'));
}

const alive = (vm: Subject): Verdict => (vm.powerState === 'Halted' ? no('can.vm.notRunning') : YES);
const awake = (vm: Subject): Verdict =>
  first(
    alive(vm),
    vm.powerState === 'Suspended' ? no('can.vm.suspended') : vm.powerState === 'Paused' ? no('can.vm.paused') : YES,
  );
const listening = (vm: Subject): Verdict => (vm.deaf ? no('can.vm.noTools') : YES);

function stopClean(vm: Subject, around: Surroundings = FINE): Verdict {
  return first(reachable(around), awake(vm), idle(vm), unblocked(vm, 'clean_shutdown'), listening(vm));
}

/** Forcing is the way out of a clean shutdown that hangs. */
function stopForce(vm: Subject, around: Surroundings = FINE): Verdict {
  const cut = ['clean_shutdown', 'clean_reboot', 'shutdown'];
  return first(reachable(around), alive(vm), idle(vm, cut), unblocked(vm, 'hard_shutdown'));
}

function restartClean(vm: Subject, around: Surroundings = FINE): Verdict {
  return first(reachable(around), awake(vm), idle(vm), unblocked(vm, 'clean_reboot'), listening(vm));
}

function restartForce(vm: Subject, around: Surroundings = FINE): Verdict {
  return first(
    reachable(around),
    awake(vm),
    idle(vm, ['clean_shutdown', 'clean_reboot']),
    unblocked(vm, 'hard_reboot'),
  );
}

/** Either way will do; when neither does, the reason is that of the forced one, which asks for less. */
const either = (clean: Verdict, force: Verdict): Verdict => (clean.yes ? clean : force);

export const canVm = {
  start,
  stopClean,
  stopForce,
  stop: (vm: Subject, around: Surroundings = FINE): Verdict => either(stopClean(vm, around), stopForce(vm, around)),
  restartClean,
  restartForce,
  restart: (vm: Subject, around: Surroundings = FINE): Verdict =>
    either(restartClean(vm, around), restartForce(vm, around)),
};
