// The form inside a dialog: what failed, the fields, the way out and the verb.
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef } from 'react';
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

/** A change that takes its time: whoever closes the form meanwhile still hears of a failure. */
export function useSave<P>(save: (params: P) => Promise<unknown>) {
  const open = useRef(true);
  useEffect(() => {
    open.current = true;
    return () => {
      open.current = false;
    };
  }, []);
  return useMutation({
    mutationFn: save,
    onError: (error) => {
      if (!open.current) toast.error(errorText(error));
    },
  });
}

/** What follows a change that worked: a word about it, and the dialog closes. */
export const closing = (onClose: () => void, done: string) => ({
  onSuccess: () => {
    toast.success(done);
    onClose();
  },
});
