// Changing one's own password; also asked for after the first sign-in with the password that the daemon made.
import { useState } from 'react';
import { ApiError, CODE } from '../api/errors';
import type { Schemas } from '../api/methods';
import { useT } from '../i18n/i18n';
import { useApiMutation } from '../live/queries';
import { passwordPutOff } from '../session/session';
import { Dialog } from '../ui/Dialog';
import { PasswordInput } from '../ui/input';
import { Text } from '../ui/text';
import { closing, DialogForm } from './DialogForm';
import { MIN_PASSWORD } from './passwordRule';

interface Props {
  opened: boolean;
  onClose: () => void;
  user: Schemas['User'];
  /** Asked for by the page, not by the person: can be put off. */
  suggested?: boolean;
}

export function ChangePasswordDialog({ opened, onClose, user, suggested = false }: Props) {
  const t = useT();
  return (
    <Dialog
      opened={opened}
      onClose={onClose}
      title={suggested ? t('password.suggestTitle') : t('password.title')}
      closeLabel={t('action.close')}
    >
      <PasswordForm onClose={onClose} user={user} suggested={suggested} />
    </Dialog>
  );
}

function PasswordForm({ onClose, user, suggested }: Omit<Props, 'opened'>) {
  const t = useT();
  const change = useApiMutation('user.changePassword', 'user');
  const [form, setForm] = useState({ oldPassword: '', newPassword: '', again: '' });
  const [tried, setTried] = useState(false);
  const set = (name: keyof typeof form) => (event: { currentTarget: HTMLInputElement }) => {
    const { value } = event.currentTarget;
    setForm((old) => ({ ...old, [name]: value }));
  };
  const short = form.newPassword.length < MIN_PASSWORD;
  const differs = form.newPassword !== form.again;
  const wrongOld = change.error instanceof ApiError && change.error.code === CODE.invalidCredentials;
  const toggle = { visibilityToggleButtonProps: { 'aria-label': t('form.showSecret') } };

  function submit() {
    setTried(true);
    if (short || differs || form.oldPassword === '') return;
    change.mutate(
      { oldPassword: form.oldPassword, newPassword: form.newPassword },
      closing(onClose, t('password.changed')),
    );
  }

  return (
    <DialogForm
      verb={t('password.change')}
      cancel={suggested ? t('password.later') : undefined}
      save={change}
      toldByField={wrongOld}
      onSubmit={submit}
      onClose={onClose}
    >
      {suggested && <Text size="sm">{t('password.suggestText')}</Text>}
      <input type="text" name="username" autoComplete="username" value={user.email} readOnly hidden />
      <PasswordInput
        label={t('password.old')}
        autoComplete="current-password"
        value={form.oldPassword}
        onChange={set('oldPassword')}
        error={wrongOld ? t('password.wrongOld') : tried && form.oldPassword === '' ? t('form.required') : undefined}
        data-autofocus
        {...toggle}
      />
      <PasswordInput
        label={t('password.new')}
        description={t('password.rule', { count: MIN_PASSWORD })}
        autoComplete="new-password"
        value={form.newPassword}
        onChange={set('newPassword')}
        error={tried && short ? t('password.tooShort', { count: MIN_PASSWORD }) : undefined}
        {...toggle}
      />
      <PasswordInput
        label={t('password.again')}
        autoComplete="new-password"
        value={form.again}
        onChange={set('again')}
        error={tried && !short && differs ? t('password.differs') : undefined}
        {...toggle}
      />
    </DialogForm>
  );
}

/** Asks once per visit, as long as the first password was never changed. */
export function PasswordSuggestion({ user }: { user: Schemas['User'] }) {
  const [closed, setClosed] = useState(() => passwordPutOff.get(user.id));
  const opened = user.passwordChangeSuggested === true && !closed;
  return (
    <ChangePasswordDialog
      suggested
      opened={opened}
      user={user}
      onClose={() => {
        passwordPutOff.set(user.id);
        setClosed(true);
      }}
    />
  );
}
