// The form inside a dialog: what failed, the fields, the way out and the verb.
import type { ReactNode } from 'react';
import { useT } from '../i18n/i18n';
import { Button } from '../ui/Button';
import { DialogActions } from '../ui/Dialog';
import { Alert } from '../ui/feedback';
import { Stack } from '../ui/layout';
import { toast } from '../ui/toast';
import { errorText } from './errorText';

interface Props {
  verb: string;
  /** "Cancel" when nothing is said. */
  cancel?: string | undefined;
  /** The change that the form makes. */
  save: { error: unknown; isPending: boolean };
  /** One of the fields tells what failed. */
  toldByField?: boolean;
  onSubmit: () => void;
  onClose: () => void;
  children: ReactNode;
}

export function DialogForm({ verb, cancel, save, toldByField = false, onSubmit, onClose, children }: Props) {
  const t = useT();
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (!save.isPending) onSubmit();
      }}
    >
      <Stack gap="md">
        {Boolean(save.error) && !toldByField && (
          <Alert color="red" variant="light" role="alert">
            {errorText(save.error)}
          </Alert>
        )}
        {children}
      </Stack>
      <DialogActions>
        <Button type="button" variant="default" onClick={onClose}>
          {cancel ?? t('action.cancel')}
        </Button>
        <Button type="submit" loading={save.isPending}>
          {verb}
        </Button>
      </DialogActions>
    </form>
  );
}

/** What follows a change that worked: a word about it, and the dialog closes. */
export const closing = (onClose: () => void, done: string) => ({
  onSuccess: () => {
    toast.success(done);
    onClose();
  },
});
