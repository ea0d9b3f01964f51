// What the daemon says of a person's rights on an object, as the page shows it.
import type { Schemas } from '../../api/methods';

export type Explained = Schemas['Explained'];
export type Line = Explained['operations'][number];
export type Reason = Line['reasons'][number];

/** The first line is about seeing the object. */
export const sees = (explained: Explained): boolean => explained.operations[0]?.allowed ?? false;

/** How an object of a reason is called; what has no name (a disk's connection) by its id. */
export const nameIn = (explained: Explained, id: string): string => explained.objects[id]?.name ?? id;

export type Shown = 'all' | 'allowed' | 'refused';

/** The lines that are wanted: what was typed is in the name, the meaning or the description of the operation. */
export function linesOf(lines: readonly Line[], typed: string, shown: Shown): Line[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return lines.filter((line) => {
    if (shown !== 'all' && line.allowed !== (shown === 'allowed')) return false;
    const all = [line.operation ?? '', line.description ?? '', ...line.privileges].join(' ').toLowerCase();
    return words.every((word) => all.includes(word));
  });
}
