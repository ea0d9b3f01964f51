// Reads rows of the inventory once, for questions that are about this moment.
import { client } from './live';
import type { Query, Row } from './watch';

/** Rows of one question; the daemon answers no more at once. */
const MOST = 500;

let questions = 0;

export async function readOnce({ type, fields, filter, sort }: Query, most = MOST): Promise<readonly Row[]> {
  const watch = `once${(questions += 1)}`;
  const answer = await client.call('inventory.watch', {
    watch,
    type: typeof type === 'string' ? type : [...type],
    fields: [...fields],
    window: { start: 0, count: Math.min(most, MOST) },
    ...(filter && { filter }),
    ...(sort?.length && { sort: [...sort] }),
  });
  client.call('inventory.unwatch', { watch }).catch(() => undefined);
  return answer.ids.map((id) => answer.rows[id]).filter((row) => row !== undefined);
}
