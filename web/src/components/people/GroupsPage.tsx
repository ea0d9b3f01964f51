// Settings > Groups: whoever is in one has what it was granted.
import { IconKey, IconPencil, IconPlus, IconUsersGroup } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useT } from '../../i18n/i18n';
import { groupsQuery, usersQuery } from '../../live/queries';
import { Tag } from '../../ui/Badge';
import { Blank } from '../../ui/Blank';
import { Button, IconButton } from '../../ui/Button';
import { Page } from '../../ui/Page';
import { QueryState } from '../QueryState';
import { RemoveButton } from '../RemoveButton';
import { GroupDialog } from './GroupDialog';
import classes from './people.module.css';
import { DRAWN, type Group, groupsByName, matches, type User, usersByName } from './people';
import { RightsLink } from './RightsLink';
import { More, SearchBox } from './SearchBox';

/** Members that are named in a row; the dialog has them all. */
const NAMED = 8;

export function GroupsPage() {
  const t = useT();
  const query = useQuery(groupsQuery);
  const users = useQuery(usersQuery).data ?? [];
  const [typed, setTyped] = useState('');
  const [dialog, setDialog] = useState<{ group?: Group }>();
  const add = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setDialog({})}>
      {t('groups.add')}
    </Button>
  );
  const membersOf = (group: Group): User[] => {
    const ids = new Set(group.users);
    return usersByName(users.filter((user) => ids.has(user.id)));
  };
  return (
    <Page title={t('nav.groups')} description={t('groups.description')} actions={query.data?.length ? add : undefined}>
      <QueryState query={query}>
        {(groups) => {
          if (groups.length === 0) {
            return (
              <Blank
                icon={<IconUsersGroup size={26} />}
                title={t('groups.empty')}
                text={t('groups.emptyText')}
                action={add}
              />
            );
          }
          const found = groupsByName(groups).filter((group) =>
            matches(typed, group.name, group.provider, ...membersOf(group).map((user) => user.email)),
          );
          return (
            <>
              <div className={classes['tools']}>
                <SearchBox label={t('groups.search')} value={typed} onChange={setTyped} />
                <span className={classes['more']} role="status">
                  {t('groups.count', { count: found.length })}
                </span>
              </div>
              {found.length === 0 ? (
                <Blank
                  role="status"
                  icon={<IconUsersGroup size={26} />}
                  title={t('groups.noMatch')}
                  text={t('people.noMatchText')}
                />
              ) : (
                <ul className={classes['rows']} aria-label={t('nav.groups')}>
                  {found.slice(0, DRAWN).map((group) => (
                    <GroupItem
                      key={group.id}
                      group={group}
                      members={membersOf(group)}
                      onEdit={() => setDialog({ group })}
                    />
                  ))}
                </ul>
              )}
              <More count={found.length - DRAWN} />
            </>
          );
        }}
      </QueryState>
      <GroupDialog
        opened={dialog !== undefined}
        group={dialog?.group}
        users={users}
        onClose={() => setDialog(undefined)}
      />
    </Page>
  );
}

function GroupItem({ group, members, onEdit }: { group: Group; members: readonly User[]; onEdit: () => void }) {
  const t = useT();
  const { name } = group;
  const names = members.slice(0, NAMED).map((user) => user.email);

  return (
    <li className={classes['row']} aria-label={name}>
      <span className={classes['avatar']} data-group aria-hidden="true">
        <IconUsersGroup size={18} stroke={1.7} />
      </span>
      <div className={classes['words']}>
        <div className={classes['title']}>
          <strong>{name}</strong>
          {group.provider !== undefined && <Tag>{t('groups.filledBy', { provider: group.provider })}</Tag>}
        </div>
        <p className={classes['meta']}>
          {[
            t('groups.members', { count: group.users.length }),
            names.length > 0 && `${names.join(', ')}${members.length > names.length ? ', …' : ''}`,
          ]
            .filter(Boolean)
            .join(' · ')}
        </p>
      </div>
      <div className={classes['actions']}>
        <RightsLink who={group.id} label={t('rights.of', { name })}>
          <IconKey size={18} aria-hidden />
        </RightsLink>
        <IconButton
          label={t('groups.edit', { name })}
          disabledReason={group.provider === undefined ? undefined : t('groups.notOurs', { provider: group.provider })}
          onClick={onEdit}
        >
          <IconPencil size={18} aria-hidden />
        </IconButton>
        <RemoveButton
          label={t('groups.remove', { name })}
          title={t('groups.removeTitle', { name })}
          text={t('groups.removeText')}
          method="group.delete"
          params={{ id: group.id }}
          refresh={['users', 'groups', 'acls']}
          done={t('groups.removed', { name })}
          failed={t('groups.removeFailed', { name })}
        />
      </div>
    </li>
  );
}
