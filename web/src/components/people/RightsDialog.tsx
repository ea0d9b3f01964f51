// Grants a role on objects to an account or a group.
import { useState } from 'react';
import type { Schemas } from '../../api/methods';
import { useT } from '../../i18n/i18n';
import { client } from '../../live/live';
import { useSteps } from '../../live/queries';
import { text } from '../../live/vm';
import { useRows } from '../../live/useWatch';
import { Button } from '../../ui/Button';
import { Dialog, DialogActions } from '../../ui/Dialog';
import { Alert } from '../../ui/feedback';
import { MultiSelect, Radio, Select } from '../../ui/input';
import { Stack } from '../../ui/layout';
import { required } from '../../ui/required';
import { toast } from '../../ui/toast';
import { errorText } from '../errorText';
import { nameOf } from '../objects/cells';
import { byName } from '../objects/filter';
import { kindText, ObjectIcon } from './objectKind';
import classes from './people.module.css';
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
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Stack gap="md">
        {grant.error && (
          <Alert color="red" variant="light" role="alert">
            {errorText(grant.error)}
          </Alert>
        )}
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
          value={objects}
          onChange={setObjects}
          error={tried && objects.length === 0 ? t('rights.noObject') : undefined}
        />
      </Stack>
      <DialogActions>
        <Button type="button" variant="default" onClick={onClose}>
          {t('action.cancel')}
        </Button>
        <Button type="submit" loading={grant.isPending}>
          {t('rights.grant')}
        </Button>
      </DialogActions>
    </form>
  );
}

interface PickerProps {
  value: string[];
  onChange: (value: string[]) => void;
  error: string | undefined;
}

/** Objects of the pools, found by name while one types; those that were chosen stay. */
function ObjectPicker({ value, onChange, error }: PickerProps) {
  const t = useT();
  const [typed, setTyped] = useState('');
  const [known, setKnown] = useState<Readonly<Record<string, string>>>({});
  const names = byName(typed);
  const [rows, list] = useRows(
    {
      type: GRANTABLE,
      fields: ['name_label', '$pool.name_label'],
      sort: [{ by: 'name_label' }],
      ...(names !== '' && { filter: names }),
    },
    OFFERED,
  );
  const found = new Map(rows.map((row) => [row.id, row]));
  // The label of what was chosen earlier must outlive the search that found it.
  const options = [
    ...rows.map((row) => ({ value: row.id, label: nameOf(row) })),
    ...value.filter((id) => !found.has(id)).map((id) => ({ value: id, label: known[id] ?? id })),
  ];
  return (
    <MultiSelect
      label={t('rights.objects')}
      description={t('rights.objectsHelp')}
      placeholder={value.length === 0 ? t('rights.objectsPlaceholder') : undefined}
      {...required(true)}
      searchable
      hidePickedOptions
      data={options}
      // The daemon has filtered; here it would only be done once more, and worse.
      filter={({ options: all }) => all}
      searchValue={typed}
      onSearchChange={setTyped}
      value={value}
      onChange={(next) => {
        setKnown((old) => ({
          ...old,
          ...Object.fromEntries(options.filter((one) => next.includes(one.value)).map((one) => [one.value, one.label])),
        }));
        onChange(next);
      }}
      renderOption={({ option }) => {
        const row = found.get(option.value);
        return (
          <div className={classes['option']}>
            <ObjectIcon type={row?.type} />
            <span>{option.label}</span>
            {row && <small>{kindText(t, row.type, text(row['$pool.name_label']))}</small>}
          </div>
        );
      }}
      nothingFoundMessage={list.total === undefined ? t('state.loading') : t('list.nothingFound')}
      error={error}
    />
  );
}
