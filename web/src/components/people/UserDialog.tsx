// Makes an account, or changes one: its name, a new password, what it may do everywhere, its groups.
import { useRef, useState } from 'react';
import { ApiError, CODE } from '../../api/errors';
import { useT } from '../../i18n/i18n';
import { client } from '../../live/live';
import { useApiMutation, useSteps, useUser } from '../../live/queries';
import { Button } from '../../ui/Button';
import { Dialog } from '../../ui/Dialog';
import { Checkbox, Input, MultiSelect, PasswordInput, Radio, TextInput } from '../../ui/input';
import { Stack } from '../../ui/layout';
import { required } from '../../ui/required';
import { toast } from '../../ui/toast';
import { closing, DialogForm } from '../DialogForm';
import { errorText } from '../errorText';
import { MIN_PASSWORD } from '../passwordRule';
import classes from './people.module.css';
import { difference, type Group, groupsByName, hasOneTimePassword, OFFERED, providersOf, type User } from './people';

interface Props {
  opened: boolean;
  user: User | undefined;
  groups: readonly Group[];
  onClose: () => void;
}

export function UserDialog({ opened, user, ...rest }: Props) {
  const t = useT();
  return (
    <Dialog
      opened={opened}
      onClose={rest.onClose}
      title={user ? t('users.editTitle', { name: user.email }) : t('users.addTitle')}
      closeLabel={t('action.close')}
    >
      <UserForm key={user?.id ?? 'new'} user={user} {...rest} />
    </Dialog>
  );
}

interface Wanted {
  name: string;
  password: string;
  permission: User['permission'];
  groups: string[];
  dropOtp: boolean;
}

function UserForm({ user, groups, onClose }: Omit<Props, 'opened'>) {
  const t = useT();
  const self = useUser()?.id === user?.id && user !== undefined;
  const foreign = user !== undefined && providersOf(user).length > 0;
  /** Groups that a provider fills are its business. */
  const ours = groupsByName(groups.filter((group) => group.provider === undefined));
  const before = ours.filter((group) => user?.groups?.includes(group.id) ?? false).map((group) => group.id);
  const [form, setForm] = useState<Wanted>({
    name: user?.email ?? '',
    password: '',
    permission: user?.permission ?? 'none',
    groups: before,
    dropOtp: false,
  });
  const [tried, setTried] = useState(false);
  /** Made in an earlier attempt that failed later on. */
  const made = useRef(user?.id);
  const change = (part: Partial<Wanted>) => setForm((old) => ({ ...old, ...part }));

  const save = useSteps(
    async ({ name, password, permission, groups: after, dropOtp }: Wanted) => {
      if (made.current === undefined) {
        made.current = await client.call('user.create', { email: name, password, permission });
      } else if (user) {
        await client.call('user.set', {
          id: user.id,
          ...(name !== user.email && { email: name }),
          ...(password !== '' && { password }),
          ...(permission !== user.permission && { permission }),
          ...(dropOtp && { preferences: { otp: null } }),
        });
      }
      const userId = made.current;
      const { added, removed } = difference(before, after);
      for (const id of added) await client.call('group.addUser', { id, userId });
      for (const id of removed) await client.call('group.removeUser', { id, userId });
    },
    'users',
    'groups',
    'user',
  );
  const taken = save.error instanceof ApiError && save.error.code === CODE.objectAlreadyExists;
  const noName = form.name.trim() === '';
  const short = form.password.length < MIN_PASSWORD && !(user && form.password === '');

  function submit() {
    setTried(true);
    if (noName || short) return;
    const name = form.name.trim();
    save.mutate({ ...form, name }, closing(onClose, t(user ? 'users.saved' : 'users.added', { name })));
  }

  const permissions = ['none', 'read', 'write', 'admin'] as const;
  return (
    <DialogForm
      verb={user ? t('action.save') : t('users.create')}
      save={save}
      toldByField={taken}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextInput
        label={t('users.name')}
        description={foreign ? t('users.foreignName') : t('users.nameHelp')}
        {...required(!foreign)}
        disabled={foreign}
        value={form.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
        error={tried && noName ? t('form.required') : taken ? t('users.taken') : undefined}
        data-autofocus
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
      />
      {!foreign && (
        <PasswordInput
          label={t(user ? 'password.new' : 'users.password')}
          description={user ? t('users.passwordKeep') : t('password.rule', { count: MIN_PASSWORD })}
          {...required(!user)}
          value={form.password}
          onChange={(event) => change({ password: event.currentTarget.value })}
          error={tried && short ? t('password.tooShort', { count: MIN_PASSWORD }) : undefined}
          autoComplete="new-password"
          visibilityToggleButtonProps={{ 'aria-label': t('form.showSecret') }}
        />
      )}
      <Radio.Group
        label={t('users.permission')}
        description={self ? t('users.permissionSelf') : undefined}
        value={form.permission}
        onChange={(permission) => change({ permission })}
      >
        <Stack gap="sm" mt={6}>
          {permissions
            .filter((one) => one === 'none' || one === 'admin' || one === user?.permission)
            .map((one) => (
              <Radio
                key={one}
                value={one}
                disabled={self}
                label={t(`users.permission.${one}`)}
                description={t(`users.permissionText.${one}`)}
              />
            ))}
        </Stack>
      </Radio.Group>
      <MultiSelect
        label={t('nav.groups')}
        description={ours.length === 0 ? t('users.noGroupYet') : undefined}
        placeholder={form.groups.length === 0 ? t('users.groupsPlaceholder') : undefined}
        disabled={ours.length === 0}
        searchable
        hidePickedOptions
        limit={OFFERED}
        data={ours.map((group) => ({ value: group.id, label: group.name }))}
        value={form.groups}
        onChange={(next) => change({ groups: next })}
        nothingFoundMessage={t('list.nothingFound')}
      />
      {user && hasOneTimePassword(user) && (
        <Checkbox
          label={t('users.dropOtp')}
          description={t('users.dropOtpText')}
          checked={form.dropOtp}
          onChange={(event) => change({ dropOtp: event.currentTarget.checked })}
        />
      )}
      {user && foreign && <Providers user={user} />}
    </DialogForm>
  );
}

/** Who vouches for an account; a link that is taken away makes the person behind it a stranger. */
function Providers({ user }: { user: User }) {
  const t = useT();
  const unlink = useApiMutation('user.removeAuthProvider', 'users');
  const [gone, setGone] = useState<readonly string[]>([]);
  return (
    <Input.Wrapper label={t('users.providers')} description={t('users.providersText')} labelElement="div">
      <ul className={classes['providers']} aria-label={t('users.providers')}>
        {providersOf(user)
          .filter((provider) => !gone.includes(provider))
          .map((provider) => (
            <li key={provider}>
              {provider}
              <Button
                type="button"
                size="xs"
                variant="default"
                loading={unlink.isPending}
                aria-label={t('users.unlinkNamed', { provider })}
                onClick={() =>
                  unlink.mutate(
                    { id: user.id, authProvider: provider },
                    {
                      onSuccess: () => {
                        setGone((old) => [...old, provider]);
                        toast.success(t('users.unlinked', { name: user.email, provider }));
                      },
                      onError: (error) => toast.error(errorText(error), t('users.unlinkFailed')),
                    },
                  )
                }
              >
                {t('users.unlink')}
              </Button>
            </li>
          ))}
      </ul>
    </Input.Wrapper>
  );
}
