// One-time passwords: set up with an authenticator app, and taken away again.
import { useState } from 'react';
import type { Schemas } from '../../api/methods';
import { useT } from '../../i18n/i18n';
import { useApiMutation } from '../../live/queries';
import { StateBadge } from '../../ui/Badge';
import { Button } from '../../ui/Button';
import { confirm } from '../../ui/confirm';
import { Dialog } from '../../ui/Dialog';
import { TextInput } from '../../ui/input';
import { Card } from '../../ui/Page';
import { QrCode } from '../../ui/QrCode';
import { required } from '../../ui/required';
import { Text } from '../../ui/text';
import { toast } from '../../ui/toast';
import { closing, DialogForm } from '../DialogForm';
import { errorText } from '../errorText';
import { hasOneTimePassword } from '../people/people';
import { addressOf, isCode, newSecret, spaced } from './otp';
import own from './profile.module.css';
import { Secret } from './Secret';

export function OneTimePassword({ user }: { user: Schemas['User'] }) {
  const t = useT();
  const [opened, setOpened] = useState(false);
  const set = useApiMutation('user.set', 'user', 'users');
  const on = hasOneTimePassword(user);

  async function turnOff() {
    const yes = await confirm({
      title: t('otp.offTitle'),
      text: t('otp.offText'),
      verb: t('otp.off'),
      cancel: t('action.cancel'),
      close: t('action.close'),
      danger: true,
    });
    if (!yes) return;
    set.mutate(
      { id: user.id, preferences: { otp: null } },
      {
        onSuccess: () => toast.success(t('otp.isOff')),
        onError: (error) => toast.error(errorText(error), t('otp.failed')),
      },
    );
  }

  return (
    <Card
      title={t('otp.title')}
      description={t('otp.text')}
      actions={
        on ? (
          <Button variant="default" loading={set.isPending} onClick={() => void turnOff()}>
            {t('otp.off')}
          </Button>
        ) : (
          <Button variant="default" onClick={() => setOpened(true)}>
            {t('otp.setUp')}
          </Button>
        )
      }
    >
      <StateBadge tone={on ? 'good' : 'quiet'}>{on ? t('otp.stateOn') : t('otp.stateOff')}</StateBadge>
      <Dialog
        opened={opened}
        onClose={() => setOpened(false)}
        title={t('otp.setUpTitle')}
        closeLabel={t('action.close')}
      >
        <SetUp user={user} onClose={() => setOpened(false)} />
      </Dialog>
    </Card>
  );
}

function SetUp({ user, onClose }: { user: Schemas['User']; onClose: () => void }) {
  const t = useT();
  const [secret] = useState(() => newSecret());
  const [code, setCode] = useState('');
  const [wrong, setWrong] = useState(false);
  const set = useApiMutation('user.set', 'user', 'users');

  function submit() {
    const right = isCode(secret, code, Date.now());
    setWrong(!right);
    if (!right) return;
    set.mutate({ id: user.id, preferences: { otp: secret } }, closing(onClose, t('otp.isOn')));
  }

  return (
    <DialogForm verb={t('otp.turnOn')} save={set} onSubmit={submit} onClose={onClose}>
      <div className={own['setup']}>
        <QrCode text={addressOf(secret, user.email)} label={t('otp.picture')} className={own['code']} />
        <div>
          <Text size="sm">{t('otp.scan')}</Text>
        </div>
      </div>
      <Secret label={t('otp.secret')} value={spaced(secret)} />
      <TextInput
        label={t('otp.code')}
        description={t('otp.codeHelp')}
        {...required(true)}
        value={code}
        onChange={(event) => setCode(event.currentTarget.value)}
        error={wrong ? t(code.trim() === '' ? 'form.required' : 'otp.wrong') : undefined}
        inputMode="numeric"
        autoComplete="one-time-code"
        data-autofocus
      />
    </DialogForm>
  );
}
