// What the lists keep of an object: a few flat fields, because 10,000 whole VMs are 59 MB of JSON.
import type { Schemas } from '../api/methods';

export interface VmRow {
  id: string;
  name: string;
  powerState: Schemas['Vm']['power_state'];
  poolId: string;
  /** The host it runs on or is bound to; undefined when that is the pool. */
  hostId: string | undefined;
  cpus: number;
  /** Bytes. */
  memory: number;
  /** Main address first. */
  addresses: readonly string[];
  /** Names of the operations under way, each once. */
  operations: readonly string[];
  /** Operation to the reason that an administrator gave. */
  blocked: Readonly<Record<string, string>>;
  /** It runs without guest tools on full virtualisation: a clean shutdown cannot reach it. */
  deaf: boolean;
}

export interface NamedRow {
  id: string;
  name: string;
}

export function vmRow(vm: Schemas['Vm']): VmRow {
  const addresses = [vm.mainIpAddress, ...Object.values(vm.addresses ?? {})].filter((address) => address !== undefined);
  return {
    id: vm.id,
    name: vm.name_label,
    powerState: vm.power_state,
    poolId: vm.$pool,
    hostId: vm.$container === vm.$pool ? undefined : vm.$container,
    cpus: vm.CPUs?.number ?? 0,
    memory: vm.memory?.size ?? 0,
    addresses: [...new Set(addresses)],
    operations: [...new Set(Object.values(vm.current_operations ?? {}))].toSorted(),
    blocked: vm.blockedOperations ?? {},
    deaf: vm.power_state === 'Running' && vm.xenTools === false && vm.virtualizationMode === 'hvm',
  };
}

export const isVm = (object: Schemas['XoObject']): object is Schemas['Vm'] => object.type === 'VM';
export const isPool = (object: Schemas['XoObject']): object is Schemas['Pool'] => object.type === 'pool';
export const isHost = (object: Schemas['XoObject']): object is Schemas['Host'] => object.type === 'host';
export const namedRow = (object: Schemas['Pool'] | Schemas['Host']): NamedRow => ({
  id: object.id,
  name: object.name_label,
});
