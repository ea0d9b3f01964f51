// Adds a server, or changes one. While it is connected only its name can change: the rest takes effect on the next
// connection, so it must be disabled first.
import { useState } from 'react';
import { ApiError, CODE } from '../../api/errors';
import type { Schemas } from '../../api/methods';
import { useT } from '../../i18n/i18n';
import { useApiMutation } from '../../live/queries';
import { Dialog } from '../../ui/Dialog';
import { Alert } from '../../ui/feedback';
import { Checkbox, PasswordInput, TextInput } from '../../ui/input';
import { required } from '../../ui/required';
import { closing, DialogForm } from '../DialogForm';
import { serverName } from './serverName';

interface Props {
  opened: boolean;
  server: Schemas['Server'] | undefined;
  onClose: () => void;
}

export function ServerDialog({ opened, server, onClose }: Props) {
  const t = useT();
  return (
    <Dialog
      opened={opened}
      onClose={onClose}
      title={server ? t('servers.editTitle', { name: serverName(server) }) : t('servers.addTitle')}
      closeLabel={t('action.close')}
    >
      <ServerForm key={server?.id ?? 'new'} server={server} onClose={onClose} />
    </Dialog>
  );
}

function ServerForm({ server, onClose }: Omit<Props, 'opened'>) {
  const t = useT();
  const add = useApiMutation('server.add', 'servers');
  const set = useApiMutation('server.set', 'servers');
  const locked = server !== undefined && server.status === 'connected';
  const [form, setForm] = useState({
    host: server?.host ?? '',
    username: server?.username ?? (server ? '' : 'root'),
    password: '',
    // The daemon fills an empty label with the pool's name.
    label: server && server.label !== server.poolNameLabel ? (server.label ?? '') : '',
    allowUnauthorized: server?.allowUnauthorized ?? false,
    readOnly: server?.readOnly ?? false,
    httpProxy: server?.httpProxy ?? '',
  });
  const [tried, setTried] = useState(false);
  const field = (name: 'host' | 'username' | 'password' | 'label' | 'httpProxy') => ({
    value: form[name],
    onChange: (event: { currentTarget: HTMLInputElement }) => {
      const { value } = event.currentTarget;
      setForm((old) => ({ ...old, [name]: value }));
    },
  });
  const needed = (name: 'host' | 'username' | 'password') =>
    tried && !locked && form[name].trim() === '' && !(server && name !== 'host') ? t('form.required') : undefined;
  const save = server ? set : add;
  const taken = save.error instanceof ApiError && save.error.code === CODE.objectAlreadyExists;
  const incomplete = !server && (form.host.trim() === '' || form.username.trim() === '' || form.password === '');

  function submit() {
    setTried(true);
    if (incomplete) return;
    const done = closing(onClose, t(server ? 'servers.saved' : 'servers.added', { name: form.label || form.host }));
    const label = form.label.trim();
    if (!server) {
      add.mutate(
        { ...form, host: form.host.trim(), label: label || undefined, httpProxy: form.httpProxy.trim() || undefined },
        done,
      );
      return;
    }
    const { host, username, password, allowUnauthorized, readOnly, httpProxy } = form;
    const rest = {
      host: host.trim(),
      allowUnauthorized,
      readOnly,
      httpProxy: httpProxy.trim() || null,
      ...(username !== '' && { username }),
      // Empty keeps the stored one.
      ...(password !== '' && { password }),
    };
    set.mutate({ id: server.id, label: label || null, ...(!locked && rest) }, done);
  }

  return (
    <DialogForm
      verb={server ? t('action.save') : t('action.add')}
      save={save}
      toldByField={taken}
      onSubmit={submit}
      onClose={onClose}
    >
      {locked && (
        <Alert color="gray" variant="light">
          {t('servers.locked')}
        </Alert>
      )}
      <TextInput
        label={t('servers.host')}
        description={t('servers.hostHelp')}
        placeholder="pool-1.example.org"
        {...required(true)}
        disabled={locked}
        error={needed('host') ?? (taken ? t('servers.taken') : undefined)}
        data-autofocus={!locked || undefined}
        spellCheck={false}
        autoCapitalize="none"
        {...field('host')}
      />
      <TextInput
        label={t('servers.user')}
        {...required(!server)}
        disabled={locked}
        error={needed('username')}
        autoComplete="off"
        {...field('username')}
      />
      <PasswordInput
        label={t('servers.password')}
        description={server && !locked ? t('servers.passwordKeep') : undefined}
        {...required(!server)}
        disabled={locked}
        error={needed('password')}
        autoComplete="new-password"
        visibilityToggleButtonProps={{ 'aria-label': t('form.showSecret') }}
        {...field('password')}
      />
      <TextInput label={t('servers.label')} description={t('servers.labelHelp')} {...field('label')} />
      <TextInput
        label={t('servers.proxy')}
        description={t('servers.proxyHelp')}
        disabled={locked}
        spellCheck={false}
        autoCapitalize="none"
        {...field('httpProxy')}
      />
      <Checkbox
        label={t('servers.readOnly')}
        description={t('servers.readOnlyHelp')}
        disabled={locked}
        checked={form.readOnly}
        onChange={(event) => {
          const { checked } = event.currentTarget;
          setForm((old) => ({ ...old, readOnly: checked }));
        }}
      />
      <Checkbox
        label={t('servers.allowUnauthorized')}
        description={t('servers.allowUnauthorizedHelp')}
        disabled={locked}
        checked={form.allowUnauthorized}
        onChange={(event) => {
          const { checked } = event.currentTarget;
          setForm((old) => ({ ...old, allowUnauthorized: checked }));
        }}
      />
    </DialogForm>
  );
}
