// Chooses all rows of a list, or none.
import { useState } from 'react';
import { useT } from '../../i18n/i18n';
import { readOnce } from '../../live/once';
import type { List } from '../../live/watch';
import { toast } from '../../ui/toast';
import { errorText } from '../errorText';
import { MOST_CHOSEN, type Selection, useChosen } from './selection';

export function TickAll({ selection, list }: { selection: Selection; list: List }) {
  const t = useT();
  // Which rows there are is asked of the daemon: until it answers, the box shows what was wanted of it.
  const [reading, setReading] = useState(false);
  const count = useChosen(selection).size;
  const total = list.total ?? 0;
  const all = count > 0 && count >= Math.min(total, MOST_CHOSEN);

  async function toggle() {
    if (reading) return;
    if (count > 0 || !list.query) {
      selection.set([]);
      return;
    }
    setReading(true);
    try {
      const rows = await readOnce({ ...list.query, fields: ['name_label'] }, MOST_CHOSEN);
      selection.set(rows.map((row) => row.id));
      if (total > MOST_CHOSEN) toast.info(t('bulk.most', { count: MOST_CHOSEN }));
    } catch (error) {
      toast.error(errorText(error));
    } finally {
      setReading(false);
    }
  }

  return (
    <input
      type="checkbox"
      aria-label={t('bulk.chooseAll')}
      checked={all || reading}
      aria-busy={reading}
      disabled={count === 0 && !list.query}
      ref={(box) => {
        if (box) box.indeterminate = count > 0 && !all && !reading;
      }}
      onChange={() => void toggle()}
    />
  );
}
