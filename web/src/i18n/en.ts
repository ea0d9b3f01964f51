// English: the language that every other catalogue must match, key by key and place by place.
import { audit } from './en/audit';
import { details } from './en/details';
import { explain } from './en/explain';
import { form } from './en/form';
import { lists } from './en/lists';
import { machines } from './en/machines';
import { people } from './en/people';
import { plugins } from './en/plugins';
import { profile } from './en/profile';
import { roles } from './en/roles';
import { servers } from './en/servers';
import { session } from './en/session';
import { sets } from './en/sets';
import { shell } from './en/shell';
import { vms } from './en/vms';

export const en = {
  ...audit,
  ...details,
  ...explain,
  ...form,
  ...lists,
  ...machines,
  ...people,
  ...plugins,
  ...profile,
  ...roles,
  ...servers,
  ...session,
  ...sets,
  ...shell,
  ...vms,
} as const satisfies Record<string, string | { readonly one: string; readonly other: string }>;
