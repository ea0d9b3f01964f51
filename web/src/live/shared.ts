// Whether an account sees anything at all. Rights come and go: what they show is watched, and follows without a reload.
import type { Schemas } from '../api/methods';
import { useWatch } from './useWatch';

/** Undefined until it is known. */
export function useShared(user: Schemas['User'] | undefined): boolean | undefined {
  const admin = user?.permission === 'admin';
  // A window without rows tells the total, and nothing else.
  const [, { total }] = useWatch(
    !user || admin ? undefined : { type: ['pool', 'host', 'VM', 'SR', 'network', 'VM-template'], fields: [] },
    0,
  );
  if (admin) return true;
  return total === undefined ? undefined : total > 0;
}
