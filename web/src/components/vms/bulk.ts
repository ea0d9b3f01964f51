// One verb for many machines: each is judged by itself, called by itself, and has a result of its own.
import { can, type Surroundings } from '../../can/can';
import { tm } from '../../i18n/i18n';
import { client } from '../../live/live';
import { readOnce } from '../../live/once';
import { VM_FIELDS, type VmFacts, vmFacts } from '../../live/vm';
import { errorText } from '../errorText';
import { quote } from '../objects/filter';

export type BulkVerb =
  | { verb: 'start' }
  | { verb: 'stop'; force: boolean }
  | { verb: 'snapshot'; name: string }
  | { verb: 'tag'; tag: string }
  | { verb: 'delete' };

export type Outcome = 'waiting' | 'running' | 'done' | 'skipped' | 'failed';

export interface Result {
  id: string;
  name: string;
  outcome: Outcome;
  /** Why it was skipped or failed. */
  why?: string;
}

/** Calls under way at once: a pool does a handful of things at a time, and others want something of it, too. */
const ABREAST = 4;

/** Ids in one question, which has to fit into a filter. */
const ASKED = 100;

/** Reads the chosen machines as they are now; those that are gone are left out. */
export async function readChosen(ids: readonly string[]): Promise<VmFacts[]> {
  const facts: VmFacts[] = [];
  for (let from = 0; from < ids.length; from += ASKED) {
    const filter = `|(${ids
      .slice(from, from + ASKED)
      .map((id) => `id:${quote(id)}`)
      .join(' ')})`;
    // One after another: the questions are large.
    // oxlint-disable-next-line no-await-in-loop
    const rows = await readOnce({ type: 'VM', fields: VM_FIELDS, filter, sort: [{ by: 'name_label' }] });
    facts.push(...rows.map(vmFacts));
  }
  return facts.toSorted((a, b) => a.name.localeCompare(b.name));
}

function judge(vm: VmFacts, what: BulkVerb, around: Surroundings) {
  switch (what.verb) {
    case 'stop':
      return what.force ? can.vm.stopForce(vm, around) : can.vm.stopClean(vm, around);
    case 'tag':
      return can.vm.change(vm, around);
    default:
      return can.vm[what.verb](vm, around);
  }
}

function call(vm: VmFacts, what: BulkVerb): Promise<unknown> {
  const { id } = vm;
  switch (what.verb) {
    case 'start':
      return client.call('vm.start', { id });
    case 'stop':
      return client.call('vm.stop', { id, ...(what.force && { force: true }) });
    case 'snapshot':
      return client.call('vm.snapshot', { id, ...(what.name && { name: what.name }) });
    case 'tag':
      return client.call('tag.add', { id, tag: what.tag });
    default:
      return client.call('vm.delete', { id });
  }
}

/** Does it, telling the results each time one changes. */
export async function runBulk(
  vms: readonly VmFacts[],
  what: BulkVerb,
  around: (vm: VmFacts) => Surroundings,
  tell: (results: readonly Result[]) => void,
): Promise<readonly Result[]> {
  const results: Result[] = vms.map(({ id, name }) => ({ id, name, outcome: 'waiting' }));
  const set = (place: number, outcome: Outcome, why?: string) => {
    const { id, name } = vms[place] ?? { id: '', name: '' };
    results[place] = { id, name, outcome, ...(why !== undefined && { why }) };
    tell([...results]);
  };
  tell([...results]);
  let next = 0;
  const worker = async (): Promise<void> => {
    const place = next;
    next += 1;
    const vm = vms[place];
    if (!vm) return;
    const verdict = judge(vm, what, around(vm));
    if (verdict.yes) {
      set(place, 'running');
      await call(vm, what).then(
        () => set(place, 'done'),
        (error: unknown) => set(place, 'failed', errorText(error)),
      );
    } else {
      set(place, 'skipped', tm(verdict.reason));
    }
    await worker();
  };
  await Promise.all(Array.from({ length: ABREAST }, worker));
  return results;
}
