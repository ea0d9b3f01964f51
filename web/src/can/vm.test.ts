import { describe, expect, it } from 'vitest';
import type { Schemas } from '../api/methods';
import type { VmFacts } from '../live/vm';
import { can, type Surroundings } from './can';
import type { Level } from './rights';
import type { canVm } from './vm';

const vm = (over: Partial<VmFacts> = {}): VmFacts => ({
  id: 'v',
  name: 'v',
  powerState: 'Halted',
  poolId: 'p',
  containerId: 'h',
  operations: [],
  blocked: {},
  deaf: false,
  ...over,
});
const running = (over: Partial<VmFacts> = {}) => vm({ powerState: 'Running', ...over });

const granted = (id: string, level: Level): Surroundings => ({
  online: true,
  poolConnected: true,
  rights: { granted: { [id]: { [level]: 1 } }, privileges: [] },
});
const privileged = (action: string, effect: 'allow' | 'deny', on = ''): Surroundings => ({
  online: true,
  poolConnected: true,
  rights: { granted: { [on]: { operate: 1 } }, privileges: [{ resource: 'vm', action, effect }] },
});

type Case = [keyof typeof canVm, VmFacts, true | string, Surroundings?];

const cases: Case[] = [
  ['start', vm(), true],
  ['start', running(), 'can.vm.alreadyRunning'],
  ['start', vm({ powerState: 'Suspended' }), 'can.vm.suspended'],
  ['start', vm({ powerState: 'Paused' }), 'can.vm.paused'],
  ['start', vm({ operations: ['start'] }), 'can.vm.busy'],
  ['start', vm({ operations: ['snapshot'] }), true],
  ['start', vm({ blocked: { start: 'true' } }), 'can.vm.blocked'],
  ['start', vm({ blocked: { start: 'kept for the auditors' } }), 'can.vm.blockedBecause'],
  ['start', vm(), 'can.offline', { online: false, poolConnected: true }],
  ['start', vm(), 'can.poolGone', { online: true, poolConnected: false }],
  ['stop', running(), true],
  ['stop', vm(), 'can.vm.notRunning'],
  ['stopClean', running({ deaf: true }), 'can.vm.noTools'],
  ['stopForce', running({ deaf: true }), true],
  ['stop', running({ deaf: true }), true],
  ['stopClean', running({ operations: ['clean_shutdown'] }), 'can.vm.busy'],
  ['stopForce', running({ operations: ['clean_shutdown'] }), true],
  ['stopForce', running({ operations: ['hard_shutdown'] }), 'can.vm.busy'],
  ['stopClean', vm({ powerState: 'Suspended' }), 'can.vm.suspended'],
  ['stopForce', vm({ powerState: 'Suspended' }), true],
  ['stopForce', running({ blocked: { hard_shutdown: '' } }), 'can.vm.blocked'],
  ['restart', running(), true],
  ['restart', vm(), 'can.vm.notRunning'],
  ['restartForce', vm({ powerState: 'Suspended' }), 'can.vm.suspended'],
  ['restart', running({ deaf: true, blocked: { hard_reboot: 'no' } }), 'can.vm.blockedBecause'],
  ['pause', running(), true],
  ['pause', vm(), 'can.vm.notRunning'],
  ['unpause', running(), 'can.vm.notPaused'],
  ['unpause', vm({ powerState: 'Paused' }), true],
  ['suspend', running({ deaf: true }), 'can.vm.noTools'],
  ['resume', vm(), 'can.vm.notSuspended'],
  ['resume', vm({ powerState: 'Suspended' }), true],
  ['clone', running(), 'can.vm.stopFirst'],
  ['clone', vm({ powerState: 'Suspended' }), true],
  ['convert', vm({ powerState: 'Suspended' }), 'can.vm.stopFirst'],
  ['migrate', vm(), 'can.vm.notRunning'],
  ['delete', running(), true],
  ['delete', vm({ blocked: { destroy: 'kept' } }), 'can.vm.blockedBecause'],
  ['snapshot', running({ operations: ['revert'] }), 'can.vm.busy'],
  ['start', vm(), 'can.needsOperator', granted('h', 'view')],
  ['start', vm(), true, granted('h', 'operate')],
  ['start', vm(), 'can.needsOperator', granted('elsewhere', 'operate')],
  ['delete', vm(), 'can.needsAdmin', granted('p', 'operate')],
  ['delete', vm(), true, granted('p', 'administrate')],
  ['delete', vm(), true, privileged('delete', 'allow')],
  ['stopClean', running(), true, privileged('shutdown', 'allow')],
  ['stopForce', running(), 'can.needsOperator', privileged('shutdown:clean', 'allow')],
  ['start', vm(), 'can.needsOperator', privileged('*', 'deny', 'h')],
];

describe('can.vm', () => {
  it.each(cases)('%s of %o is %s', (verb, subject, expected, around) => {
    const verdict = can.vm[verb](subject, around);
    expect(verdict.yes ? true : verdict.reason.key).toBe(expected);
  });
});

describe('can.plugin', () => {
  type Subject = Parameters<typeof can.plugin.enable>[0];
  const plugin: Subject = { state: 'installed', configurationSchema: {} };
  const asked: Schemas['Capability'] = { name: 'ldap', template: 'ldap:{}', resolved: ['ldap:a:1'], granted: false };
  it.each<[keyof typeof can.plugin, Subject, true | string]>([
    ['enable', plugin, 'can.plugin.notConfigured'],
    ['enable', { ...plugin, configuration: {}, state: 'disabled' }, true],
    [
      'enable',
      {
        ...plugin,
        state: 'configured',
        configuration: {},
        capabilities: [asked],
      },
      'can.plugin.needsGrant',
    ],
    ['enable', { state: 'installed' }, true],
    ['enable', { ...plugin, configuration: {}, loaded: true }, 'can.plugin.alreadyEnabled'],
    ['enable', { ...plugin, configuration: {}, state: 'incompatible' }, 'can.plugin.incompatible'],
    ['disable', { ...plugin, loaded: true }, true],
    ['disable', { ...plugin, loaded: true, unloadable: false }, 'can.plugin.notUnloadable'],
    ['purge', plugin, 'can.plugin.nothingStored'],
    ['test', { ...plugin, state: 'load-error' }, 'can.plugin.loadError'],
  ])('%s of %o is %s', (verb, subject, expected) => {
    const verdict = can.plugin[verb](subject);
    expect(verdict.yes ? true : verdict.reason.key).toBe(expected);
  });
});
