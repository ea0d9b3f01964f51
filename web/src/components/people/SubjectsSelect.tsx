// Chooses accounts and groups.
import { useT } from '../../i18n/i18n';
import { MultiSelect } from '../../ui/input';
import { type Group, groupsByName, OFFERED, type User, usersByName } from './people';

interface Props {
  label: string;
  description?: string;
  users: readonly User[];
  groups: readonly Group[];
  value: string[];
  onChange: (value: string[]) => void;
}

export function SubjectsSelect({ label, description, users, groups, value, onChange }: Props) {
  const t = useT();
  const known = new Set([...users.map((user) => user.id), ...groups.map((group) => group.id)]);
  return (
    <MultiSelect
      label={label}
      description={description}
      placeholder={value.length === 0 ? t('rights.whoPlaceholder') : undefined}
      searchable
      hidePickedOptions
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
        // Who was deleted can still be taken away.
        {
          group: t('rights.subjectGone'),
          items: value.filter((id) => !known.has(id)).map((id) => ({ value: id, label: id })),
        },
      ].filter(({ items }) => items.length > 0)}
      value={value}
      onChange={onChange}
      nothingFoundMessage={t('list.nothingFound')}
    />
  );
}
