// Français.
import { audit } from './fr/audit';
import { details } from './fr/details';
import { explain } from './fr/explain';
import { form } from './fr/form';
import { lists } from './fr/lists';
import { machines } from './fr/machines';
import { people } from './fr/people';
import { plugins } from './fr/plugins';
import { profile } from './fr/profile';
import { roles } from './fr/roles';
import { servers } from './fr/servers';
import { session } from './fr/session';
import { sets } from './fr/sets';
import { shell } from './fr/shell';
import { vms } from './fr/vms';
import type { Catalogue } from './i18n';

export const fr: Catalogue = {
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
};
