// Makes a token. It is shown once: the daemon keeps only its hash.
import { useState } from 'react';
import { useT } from '../../i18n/i18n';
import { useApiMutation } from '../../live/queries';
import { Button } from '../../ui/Button';
import { Dialog, DialogActions } from '../../ui/Dialog';
import { Alert } from '../../ui/feedback';
import { Select, TextInput } from '../../ui/input';
import { Stack } from '../../ui/layout';
import { DialogForm } from '../DialogForm';
import { Secret } from './Secret';
import { DEFAULT_VALIDITY, inMilliseconds, VALIDITIES } from './tokens';

export function NewTokenDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const t = useT();
  return (
    <Dialog opened={opened} onClose={onClose} title={t('tokens.addTitle')} closeLabel={t('action.close')}>
      <NewToken onClose={onClose} />
    </Dialog>
  );
}

function NewToken({ onClose }: { onClose: () => void }) {
  const t = useT();
  const [description, setDescription] = useState('');
  const [days, setDays] = useState<number>(DEFAULT_VALIDITY);
  const create = useApiMutation('token.create', 'tokens');
  if (create.data !== undefined) {
    return (
      <Stack gap="md">
        <Alert color="gray" variant="light">
          {t('tokens.once')}
        </Alert>
        <Secret label={t('tokens.token')} value={create.data} />
        <DialogActions>
          <Button onClick={onClose} data-autofocus>
            {t('action.done')}
          </Button>
        </DialogActions>
      </Stack>
    );
  }
  return (
    <DialogForm
      verb={t('tokens.create')}
      save={create}
      onSubmit={() => {
        const words = description.trim();
        create.mutate({ expiresIn: inMilliseconds(days), ...(words !== '' && { description: words }) });
      }}
      onClose={onClose}
    >
      <TextInput
        label={t('tokens.description')}
        description={t('tokens.descriptionHelp')}
        value={description}
        onChange={(event) => setDescription(event.currentTarget.value)}
        data-autofocus
      />
      <Select
        label={t('tokens.validity')}
        allowDeselect={false}
        value={String(days)}
        onChange={(value) => setDays(Number(value))}
        data={VALIDITIES.map((count) => ({ value: String(count), label: t('tokens.days', { count }) }))}
      />
    </DialogForm>
  );
}
