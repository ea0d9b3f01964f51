// The button that takes one thing of a list away: it asks, calls, and tells what came of it.
import { IconTrash } from '@tabler/icons-react';
import type { Methods } from '../api/methods';
import { useT } from '../i18n/i18n';
import { type Read, useApiMutation } from '../live/queries';
import { IconButton } from '../ui/Button';
import { confirm } from '../ui/confirm';
import { toast } from '../ui/toast';
import { errorText } from './errorText';

interface Props<K extends keyof Methods> {
  label: string;
  /** The question. */
  title: string;
  text: string;
  /** "Delete" when nothing is said. */
  verb?: string;
  disabledReason?: string | undefined;
  method: K;
  params: Methods[K]['params'];
  refresh: readonly Read[];
  done: string;
  failed: string;
}

export function RemoveButton<K extends keyof Methods>(props: Props<K>) {
  const { label, title, text, verb, disabledReason, method, params, refresh, done, failed } = props;
  const t = useT();
  const remove = useApiMutation(method, ...refresh);

  async function askRemove() {
    const yes = await confirm({
      title,
      text,
      verb: verb ?? t('action.delete'),
      cancel: t('action.cancel'),
      close: t('action.close'),
      danger: true,
    });
    if (!yes) return;
    remove.mutate(params, {
      onSuccess: () => toast.success(done),
      onError: (error) => toast.error(errorText(error), failed),
    });
  }

  return (
    <IconButton
      label={label}
      tone="danger"
      disabledReason={disabledReason}
      busy={remove.isPending}
      onClick={() => void askRemove()}
    >
      <IconTrash size={18} aria-hidden />
    </IconButton>
  );
}
