// May this be done to this VM now? Yes, or the reason, which the disabled button shows. The daemon decides in the end;
// this only saves people a click that would fail.
import type { Message, MessageKey } from '../i18n/i18n';
import type { VmFacts } from '../live/vm';
import { allowed, type Level, type Rights } from './rights';

export type Verdict = { yes: true } | { yes: false; reason: Message };

/** What surrounds the VM: our own connection, the daemon's connection to the pool, and who we are. */
export interface Surroundings {
  online: boolean;
  poolConnected: boolean;
  /** Without them everything is allowed. */
  rights?: Rights | undefined;
}

const YES: Verdict = { yes: true };
const no = (key: MessageKey, params?: Message['params']): Verdict => ({ yes: false, reason: { key, params } });
const FINE: Surroundings = { online: true, poolConnected: true };

type Subject = Pick<VmFacts, 'id' | 'containerId' | 'poolId' | 'powerState' | 'operations' | 'blocked' | 'deaf'>;

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

/** The action is in the words of privileges. */
function permitted(vm: Subject, around: Surroundings, action: string, level: Level = 'operate'): Verdict {
  return allowed(around.rights, [vm.id, vm.containerId, vm.poolId], { level, resource: 'vm', action });
}

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
  return first(reachable(around), permitted(vm, around, 'start'), state, idle(vm), unblocked(vm, 'start'));
}

const alive = (vm: Subject): Verdict => (vm.powerState === 'Halted' ? no('can.vm.notRunning') : YES);
const awake = (vm: Subject): Verdict =>
  first(
    alive(vm),
    vm.powerState === 'Suspended' ? no('can.vm.suspended') : vm.powerState === 'Paused' ? no('can.vm.paused') : YES,
  );
const listening = (vm: Subject): Verdict => (vm.deaf ? no('can.vm.noTools') : YES);

function stopClean(vm: Subject, around: Surroundings = FINE): Verdict {
  return first(
    reachable(around),
    permitted(vm, around, 'shutdown:clean'),
    awake(vm),
    idle(vm),
    unblocked(vm, 'clean_shutdown'),
    listening(vm),
  );
}

/** Forcing is the way out of a clean shutdown that hangs. */
function stopForce(vm: Subject, around: Surroundings = FINE): Verdict {
  const cut = ['clean_shutdown', 'clean_reboot', 'shutdown'];
  return first(
    reachable(around),
    permitted(vm, around, 'shutdown:hard'),
    alive(vm),
    idle(vm, cut),
    unblocked(vm, 'hard_shutdown'),
  );
}

function restartClean(vm: Subject, around: Surroundings = FINE): Verdict {
  return first(
    reachable(around),
    permitted(vm, around, 'reboot:clean'),
    awake(vm),
    idle(vm),
    unblocked(vm, 'clean_reboot'),
    listening(vm),
  );
}

function restartForce(vm: Subject, around: Surroundings = FINE): Verdict {
  return first(
    reachable(around),
    permitted(vm, around, 'reboot:hard'),
    awake(vm),
    idle(vm, ['clean_shutdown', 'clean_reboot']),
    unblocked(vm, 'hard_reboot'),
  );
}

/** Either way will do; when neither does, the reason is that of the forced one, which asks for less. */
const either = (clean: Verdict, force: Verdict): Verdict => (clean.yes ? clean : force);

type Judge = (vm: Subject, around?: Surroundings) => Verdict;

/** A verb that one state allows; every other state has its reason. */
function inState(
  action: string,
  operation: string,
  reasons: Partial<Record<VmFacts['powerState'], MessageKey>>,
  level: Level = 'operate',
): Judge {
  return (vm, around = FINE) => {
    const reason = reasons[vm.powerState];
    return first(
      reachable(around),
      permitted(vm, around, action, level),
      reason ? no(reason) : YES,
      idle(vm),
      unblocked(vm, operation),
    );
  };
}

const NOT_PAUSED = { Running: 'can.vm.notPaused', Halted: 'can.vm.notPaused', Suspended: 'can.vm.notPaused' } as const;
const NOT_AWAKE = { Halted: 'can.vm.notRunning', Suspended: 'can.vm.suspended', Paused: 'can.vm.paused' } as const;
const NOT_SAVED = {
  Running: 'can.vm.notSuspended',
  Halted: 'can.vm.notSuspended',
  Paused: 'can.vm.notSuspended',
} as const;
const AWAKE = { Running: 'can.vm.stopFirst', Paused: 'can.vm.stopFirst' } as const;
const NOT_HALTED = { ...AWAKE, Suspended: 'can.vm.stopFirst' } as const;

const suspend = inState('suspend', 'suspend', NOT_AWAKE);

export const canVm = {
  start,
  stopClean,
  stopForce,
  stop: (vm: Subject, around: Surroundings = FINE): Verdict => either(stopClean(vm, around), stopForce(vm, around)),
  restartClean,
  restartForce,
  restart: (vm: Subject, around: Surroundings = FINE): Verdict =>
    either(restartClean(vm, around), restartForce(vm, around)),
  pause: inState('pause', 'pause', NOT_AWAKE),
  unpause: inState('unpause', 'unpause', NOT_PAUSED),
  suspend: (vm: Subject, around: Surroundings = FINE): Verdict => first(suspend(vm, around), listening(vm)),
  resume: inState('resume', 'resume', NOT_SAVED),
  snapshot: inState('snapshot', 'snapshot', {}),
  revert: inState('revert-snapshot', 'revert', {}),
  clone: inState('clone', 'clone', AWAKE, 'administrate'),
  copy: inState('', 'copy', AWAKE, 'administrate'),
  convert: inState('', 'make_into_template', NOT_HALTED, 'administrate'),
  migrate: inState('migrate-send', 'pool_migrate', NOT_AWAKE, 'administrate'),
  /** Deleting switches off what runs. */
  delete: inState('delete', 'destroy', {}, 'administrate'),
  /** Disks, interfaces, tags, the order of boot. */
  change: (vm: Subject, around: Surroundings = FINE): Verdict =>
    first(reachable(around), permitted(vm, around, 'update', 'administrate')),
  /** Plugging in and out. */
  operate: (vm: Subject, around: Surroundings = FINE): Verdict =>
    first(reachable(around), permitted(vm, around, 'connect')),
};
