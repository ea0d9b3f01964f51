// Makes a token. It is shown once: the daemon keeps only its hash.
import { useState } from 'react';
import { useT } from '../../i18n/i18n';
import { useApiMutation } from '../../live/queries';
import { Button } from '../../ui/Button';
import { Dialog, DialogActions } from '../../ui/Dialog';
import { Alert } from '../../ui/feedback';
import { Select, TextInput } from '../../ui/input';
import { Stack } from '../../ui/layout';
import { errorText } from '../errorText';
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
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const words = description.trim();
        create.mutate({ expiresIn: inMilliseconds(days), ...(words !== '' && { description: words }) });
      }}
    >
      <Stack gap="md">
        {create.error && (
          <Alert color="red" variant="light" role="alert">
            {errorText(create.error)}
          </Alert>
        )}
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
      </Stack>
      <DialogActions>
        <Button type="button" variant="default" onClick={onClose}>
          {t('action.cancel')}
        </Button>
        <Button type="submit" loading={create.isPending}>
          {t('tokens.create')}
        </Button>
      </DialogActions>
    </form>
  );
}
