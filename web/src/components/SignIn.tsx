// The sign-in page: one form for local accounts and directories; the choice shows only when there is one.
import { IconAlertCircle, IconInfoCircle } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { useState } from 'react';
import { signIn } from '../api/http';
import { LOCALE_NAMES, LOCALES, setLocale, useLocale, useT } from '../i18n/i18n';
import { providersQuery } from '../live/queries';
import { enter } from '../session/session';
import { Button } from '../ui/Button';
import { Alert } from '../ui/feedback';
import { Checkbox, PasswordInput, Select, TextInput } from '../ui/input';
import { Stack } from '../ui/layout';
import { Title } from '../ui/text';
import { Brand } from './Brand';
import classes from './SignIn.module.css';

/** Any account that fits: the daemon tries its own first, then the directories in the administrator's order. */
const ANY = '';

export function SignIn({ to, ended }: { to: string; ended: boolean }) {
  const t = useT();
  const locale = useLocale();
  const router = useRouter();
  const providers = useQuery(providersQuery).data ?? [];
  const [form, setForm] = useState({ username: '', password: '', remember: false, provider: ANY });
  const [missing, setMissing] = useState(false);
  // Asked for once the daemon says that this account has them; another name is another account.
  const [code, setCode] = useState<string>();

  const attempt = useMutation({
    mutationFn: () =>
      signIn({ ...form, provider: form.provider === ANY ? undefined : form.provider, otp: code?.trim() || undefined }),
    onSuccess: async (outcome) => {
      setMissing(false);
      if (outcome.kind === 'ok') {
        enter(outcome.user);
        await router.navigate({ href: to, replace: true });
      } else if (outcome.kind === 'code') {
        setCode('');
      } else if (outcome.kind === 'refused') {
        setCode(undefined);
        setForm((old) => ({ ...old, password: '' }));
      }
    },
  });

  function submit() {
    const incomplete = form.username.trim() === '' || form.password === '' || code?.trim() === '';
    setMissing(incomplete);
    if (!incomplete) attempt.mutate();
  }

  const outcome = attempt.data;
  let failure: string | undefined;
  if (attempt.isPending) failure = undefined;
  else if (attempt.error) failure = t('error.unknown');
  else if (outcome?.kind === 'refused') failure = t('signIn.refused');
  else if (outcome?.kind === 'code' && outcome.wrong) failure = t('signIn.wrongCode');
  else if (outcome?.kind === 'too-fast') failure = t('signIn.tooFast');
  else if (outcome?.kind === 'unreachable') failure = t('signIn.unreachable');
  else if (outcome?.kind === 'failed') failure = t('signIn.failed', { message: outcome.message });

  return (
    <main className={classes['page']}>
      <form
        className={classes['card']}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Stack gap="md">
          <Brand large />
          <Title order={1} size="h2">
            {t('signIn.title')}
          </Title>
          {ended && !outcome && (
            <Alert color="gray" variant="light" icon={<IconInfoCircle size={18} aria-hidden />} role="status">
              {t('signIn.ended')}
            </Alert>
          )}
          {failure && (
            <Alert color="red" variant="light" icon={<IconAlertCircle size={18} aria-hidden />} role="alert">
              {failure}
            </Alert>
          )}
          {providers.length > 1 && (
            <Select
              label={t('signIn.provider')}
              allowDeselect={false}
              value={form.provider}
              onChange={(provider) => setForm((old) => ({ ...old, provider: provider ?? ANY }))}
              data={[
                { value: ANY, label: t('signIn.any') },
                ...providers.map(({ id, label }) => ({ value: id, label: id === 'local' ? t('signIn.local') : label })),
              ]}
            />
          )}
          <TextInput
            label={t('signIn.username')}
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            autoFocus
            value={form.username}
            onChange={(event) => {
              const { value } = event.currentTarget;
              setForm((old) => ({ ...old, username: value }));
              setCode(undefined);
            }}
            error={missing && form.username.trim() === '' ? t('form.required') : undefined}
          />
          <PasswordInput
            label={t('signIn.password')}
            name="password"
            autoComplete="current-password"
            value={form.password}
            onChange={(event) => {
              const { value } = event.currentTarget;
              setForm((old) => ({ ...old, password: value }));
            }}
            error={missing && form.password === '' ? t('form.required') : undefined}
            visibilityToggleButtonProps={{ 'aria-label': t('form.showSecret') }}
          />
          {code !== undefined && (
            <TextInput
              label={t('signIn.code')}
              description={t('signIn.codeHelp')}
              name="otp"
              inputMode="numeric"
              autoComplete="one-time-code"
              autoFocus
              value={code}
              onChange={(event) => setCode(event.currentTarget.value)}
              error={missing && code.trim() === '' ? t('form.required') : undefined}
            />
          )}
          <Checkbox
            label={t('signIn.remember')}
            checked={form.remember}
            onChange={(event) => {
              const { checked } = event.currentTarget;
              setForm((old) => ({ ...old, remember: checked }));
            }}
          />
          <Button type="submit" fullWidth size="md" loading={attempt.isPending}>
            {t('signIn.submit')}
          </Button>
        </Stack>
      </form>
      <div className={classes['languages']} role="group" aria-label={t('account.language')}>
        {LOCALES.map((value) => (
          <button
            key={value}
            type="button"
            lang={value}
            aria-pressed={value === locale}
            onClick={() => setLocale(value)}
          >
            {LOCALE_NAMES[value]}
          </button>
        ))}
      </div>
    </main>
  );
}
