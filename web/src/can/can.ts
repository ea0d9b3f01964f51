// `can.vm.start(vm)` answers yes or a reason.
import { canPlugin } from './plugin';
import { canVm } from './vm';

export type { Surroundings, Verdict } from './vm';
export const can = { vm: canVm, plugin: canPlugin };
