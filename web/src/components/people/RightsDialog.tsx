// Grants a role on objects to an account or a group.
import { useState } from 'react';
import type { Schemas } from '../../api/methods';
import { useT } from '../../i18n/i18n';
import { client } from '../../live/live';
import { useSteps } from '../../live/queries';
import { Dialog } from '../../ui/Dialog';
import { Radio, Select } from '../../ui/input';
import { Stack } from '../../ui/layout';
import { required } from '../../ui/required';
import { toast } from '../../ui/toast';
import { DialogForm } from '../DialogForm';
import { ObjectPicker } from './ObjectPicker';
import { type Group, groupsByName, OFFERED, type User, usersByName } from './people';
import { GRANTABLE, ROLES, subjectOf } from './rights';

interface Props {
  opened: boolean;
  /** Who is meant, when the page is about one. */
  who: string | undefined;
  users: readonly User[];
  groups: readonly Group[];
  onClose: () => void;
}

export function RightsDialog({ opened, onClose, ...rest }: Props) {
  const t = useT();
  return (
    <Dialog opened={opened} onClose={onClose} title={t('rights.addTitle')} closeLabel={t('action.close')}>
      <RightsForm onClose={onClose} {...rest} />
    </Dialog>
  );
}

function RightsForm({ who, users, groups, onClose }: Omit<Props, 'opened'>) {
  const t = useT();
  const [subject, setSubject] = useState(who ?? null);
  const [role, setRole] = useState<Schemas['Role']>('viewer');
  const [objects, setObjects] = useState<string[]>([]);
  const [tried, setTried] = useState(false);
  const grant = useSteps(async (wanted: { subject: string; objects: string[]; action: string }) => {
    for (const object of wanted.objects) {
      await client.call('acl.add', { subject: wanted.subject, object, action: wanted.action });
    }
  }, 'acls');

  function submit() {
    setTried(true);
    if (subject === null || objects.length === 0) return;
    grant.mutate(
      { subject, objects, action: role },
      {
        onSuccess: () => {
          const { name } = subjectOf(subject, users, groups);
          toast.success(t('rights.added', { name, role: t(`rights.role.${role}`), count: objects.length }));
          onClose();
        },
      },
    );
  }

  const admin = subject !== null && subjectOf(subject, users, groups).admin;
  return (
    <DialogForm verb={t('rights.grant')} save={grant} onSubmit={submit} onClose={onClose}>
      <Select
        label={t('rights.who')}
        placeholder={t('rights.whoPlaceholder')}
        description={admin ? t('rights.adminAlready') : undefined}
        {...required(true)}
        searchable
        limit={OFFERED}
        data={[
          {
            group: t('nav.groups'),
            items: groupsByName(groups).map((group) => ({ value: group.id, label: group.name })),
          },
          {
            group: t('nav.users'),
            items: usersByName(users).map((user) => ({ value: user.id, label: user.email })),
          },
        ].filter(({ items }) => items.length > 0)}
        value={subject}
        onChange={setSubject}
        nothingFoundMessage={t('list.nothingFound')}
        error={tried && subject === null ? t('form.required') : undefined}
        data-autofocus={who === undefined || undefined}
      />
      <Radio.Group label={t('rights.role')} value={role} onChange={setRole}>
        <Stack gap="sm" mt={6}>
          {ROLES.map((one) => (
            <Radio key={one} value={one} label={t(`rights.role.${one}`)} description={t(`rights.roleText.${one}`)} />
          ))}
        </Stack>
      </Radio.Group>
      <ObjectPicker
        types={GRANTABLE}
        label={t('rights.objects')}
        description={t('rights.objectsHelp')}
        placeholder={t('rights.objectsPlaceholder')}
        mandatory
        value={objects}
        onChange={setObjects}
        error={tried && objects.length === 0 ? t('rights.noObject') : undefined}
      />
    </DialogForm>
  );
}
