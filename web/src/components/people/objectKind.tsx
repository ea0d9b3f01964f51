// What an object is, in a word and a picture.
import {
  IconBox,
  IconCube,
  IconDatabase,
  IconNetwork,
  IconQuestionMark,
  IconServer,
  IconStack2,
  IconTemplate,
} from '@tabler/icons-react';
import type { t as translate } from '../../i18n/i18n';
import { KINDS } from '../objects/kinds';

const ICONS: Partial<Record<string, typeof IconBox>> = {
  pool: IconBox,
  host: IconServer,
  SR: IconDatabase,
  network: IconNetwork,
  VM: IconStack2,
  'VM-template': IconTemplate,
};

export function ObjectIcon({ type }: { type: string | undefined }) {
  const Icon = type === undefined ? IconQuestionMark : (ICONS[type] ?? IconCube);
  return <Icon size={18} stroke={1.7} />;
}

/** "Virtual machine · Pool 1". */
export function kindText(t: typeof translate, type: string, pool: string): string {
  const kind = Object.values(KINDS).find((one) => one.type === type);
  let word: string = type;
  if (kind) word = t(`detail.one.${kind.name}`);
  else if (type === 'VM-template') word = t('rights.template');
  return [word, type === 'pool' ? '' : pool].filter(Boolean).join(' · ');
}
