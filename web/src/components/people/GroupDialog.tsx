// Makes a group, or changes its name and who is in it.
import { useRef, useState } from 'react';
import { ApiError, CODE } from '../../api/errors';
import { useT } from '../../i18n/i18n';
import { client } from '../../live/live';
import { useSteps } from '../../live/queries';
import { Dialog } from '../../ui/Dialog';
import { MultiSelect, TextInput } from '../../ui/input';
import { required } from '../../ui/required';
import { closing, DialogForm } from '../DialogForm';
import { difference, type Group, OFFERED, type User, usersByName } from './people';

interface Props {
  opened: boolean;
  group: Group | undefined;
  users: readonly User[];
  onClose: () => void;
}

export function GroupDialog({ opened, group, ...rest }: Props) {
  const t = useT();
  return (
    <Dialog
      opened={opened}
      onClose={rest.onClose}
      title={group ? t('groups.editTitle', { name: group.name }) : t('groups.addTitle')}
      closeLabel={t('action.close')}
    >
      <GroupForm key={group?.id ?? 'new'} group={group} {...rest} />
    </Dialog>
  );
}

function GroupForm({ group, users, onClose }: Omit<Props, 'opened'>) {
  const t = useT();
  const [name, setName] = useState(group?.name ?? '');
  const [members, setMembers] = useState(group?.users ?? []);
  const [tried, setTried] = useState(false);
  /** Made in an earlier attempt that failed later on. */
  const made = useRef(group?.id);

  const save = useSteps(
    async (wanted: { name: string; members: string[] }) => {
      if (made.current === undefined) made.current = await client.call('group.create', { name: wanted.name });
      else if (wanted.name !== group?.name) await client.call('group.set', { id: made.current, name: wanted.name });
      const id = made.current;
      // One by one: whom somebody else adds meanwhile stays.
      const { added, removed } = difference(group?.users ?? [], wanted.members);
      for (const userId of added) await client.call('group.addUser', { id, userId });
      for (const userId of removed) await client.call('group.removeUser', { id, userId });
    },
    'groups',
    'users',
  );
  const taken = save.error instanceof ApiError && save.error.code === CODE.objectAlreadyExists;
  const noName = name.trim() === '';

  function submit() {
    setTried(true);
    if (noName) return;
    save.mutate(
      { name: name.trim(), members },
      closing(onClose, t(group ? 'groups.saved' : 'groups.added', { name: name.trim() })),
    );
  }

  return (
    <DialogForm
      verb={group ? t('action.save') : t('groups.create')}
      save={save}
      toldByField={taken}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextInput
        label={t('groups.name')}
        {...required(true)}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={tried && noName ? t('form.required') : taken ? t('groups.taken') : undefined}
        data-autofocus
        autoComplete="off"
      />
      <MultiSelect
        label={t('groups.membersLabel')}
        description={t('groups.membersHelp')}
        placeholder={members.length === 0 ? t('groups.membersPlaceholder') : undefined}
        searchable
        hidePickedOptions
        limit={OFFERED}
        data={usersByName(users).map((user) => ({ value: user.id, label: user.email }))}
        value={members}
        onChange={setMembers}
        nothingFoundMessage={t('list.nothingFound')}
      />
    </DialogForm>
  );
}
