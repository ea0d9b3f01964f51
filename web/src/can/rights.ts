// May this account do this to this object? The daemon decides; here only what it has told of the account is read, so that
// a button can say why it would be refused.
import type { Schemas } from '../api/methods';
import type { Verdict } from './vm';

export type Level = 'view' | 'operate' | 'administrate';

/** What an account was granted: levels by object, and privileges of its roles. */
export interface Rights {
  granted: Schemas['Granted'];
  privileges: readonly Schemas['Privilege'][];
}

export interface Need {
  level: Level;
  /** Type of the object and what is done to it, in the words of privileges. */
  resource: string;
  action: string;
}

/** `shutdown` covers `shutdown:clean`. */
const covers = (known: string, action: string): boolean =>
  known === '*' || known === action || action.startsWith(`${known}:`);

/** `ids` are the object and what it belongs to. Administrators have no `rights` here: they may do everything. */
export function allowed(rights: Rights | undefined, ids: readonly string[], need: Need): Verdict {
  if (!rights) return { yes: true };
  const about = rights.privileges.filter((one) => one.resource === need.resource && covers(one.action, need.action));
  const refused: Verdict = {
    yes: false,
    reason: { key: need.level === 'administrate' ? 'can.needsAdmin' : 'can.needsOperator' },
  };
  // Which objects a selector means only the daemon can tell: without a word about all of them, it is asked.
  if (about.some((one) => one.effect === 'deny' && one.selector === undefined)) return refused;
  if (about.some((one) => one.effect === 'allow')) return { yes: true };
  return ids.some((id) => rights.granted[id]?.[need.level] !== undefined) ? { yes: true } : refused;
}
