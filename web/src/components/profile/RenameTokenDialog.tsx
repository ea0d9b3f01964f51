// Changes what a token is said to be for.
import { useState } from 'react';
import { useT } from '../../i18n/i18n';
import { useApiMutation } from '../../live/queries';
import { Button } from '../../ui/Button';
import { Dialog, DialogActions } from '../../ui/Dialog';
import { Alert } from '../../ui/feedback';
import { TextInput } from '../../ui/input';
import { Stack } from '../../ui/layout';
import { errorText } from '../errorText';
import type { Token } from './tokens';

export function RenameTokenDialog({ token, onClose }: { token: Token | undefined; onClose: () => void }) {
  const t = useT();
  return (
    <Dialog
      opened={token !== undefined}
      onClose={onClose}
      title={t('tokens.renameTitle')}
      closeLabel={t('action.close')}
    >
      {token && <RenameForm token={token} onClose={onClose} />}
    </Dialog>
  );
}

function RenameForm({ token, onClose }: { token: Token; onClose: () => void }) {
  const t = useT();
  const [description, setDescription] = useState(token.description ?? '');
  const set = useApiMutation('token.set', 'tokens');
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        set.mutate({ id: token.id, description: description.trim() || null }, { onSuccess: onClose });
      }}
    >
      <Stack gap="md">
        {set.error && (
          <Alert color="red" variant="light" role="alert">
            {errorText(set.error)}
          </Alert>
        )}
        <TextInput
          label={t('tokens.description')}
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
          data-autofocus
        />
      </Stack>
      <DialogActions>
        <Button type="button" variant="default" onClick={onClose}>
          {t('action.cancel')}
        </Button>
        <Button type="submit" loading={set.isPending}>
          {t('action.save')}
        </Button>
      </DialogActions>
    </form>
  );
}
