// Changes what a token is said to be for.
import { useState } from 'react';
import { useT } from '../../i18n/i18n';
import { useApiMutation } from '../../live/queries';
import { Dialog } from '../../ui/Dialog';
import { TextInput } from '../../ui/input';
import { DialogForm } from '../DialogForm';
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
    <DialogForm
      verb={t('action.save')}
      save={set}
      onSubmit={() => {
        set.mutate({ id: token.id, description: description.trim() || null }, { onSuccess: onClose });
      }}
      onClose={onClose}
    >
      <TextInput
        label={t('tokens.description')}
        value={description}
        onChange={(event) => setDescription(event.currentTarget.value)}
        data-autofocus
      />
    </DialogForm>
  );
}
