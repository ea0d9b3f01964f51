// Small verbs of what belongs to a VM: call, and say what came of it.
import { t } from '../../i18n/i18n';
import { type Question, confirm } from '../../ui/confirm';
import { toast } from '../../ui/toast';
import { errorText } from '../errorText';

/** Calls; `done` is what to say then. */
export function act(call: () => Promise<unknown>, done: string, failed: string): void {
  call().then(
    () => toast.success(done),
    (error: unknown) => toast.error(errorText(error), failed),
  );
}

/** Asks first. */
export async function sure(question: Pick<Question, 'title' | 'text' | 'details' | 'verb'>): Promise<boolean> {
  const answer = await confirm({
    ...question,
    cancel: t('action.cancel'),
    close: t('action.close'),
    danger: true,
  });
  return answer !== undefined;
}
