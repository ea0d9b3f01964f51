// Settings > Users: who has an account, what it may do everywhere, and which groups it is in.
import { IconKey, IconPencil, IconUserPlus, IconUsers } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useT } from '../../i18n/i18n';
import { groupsQuery, usersQuery, useUser } from '../../live/queries';
import { StateBadge, Tag } from '../../ui/Badge';
import { Blank } from '../../ui/Blank';
import { Button, IconButton } from '../../ui/Button';
import { Page } from '../../ui/Page';
import { QueryState } from '../QueryState';
import { RemoveButton } from '../RemoveButton';
import classes from './people.module.css';
import {
  DRAWN,
  type Group,
  groupsByName,
  hasOneTimePassword,
  matches,
  providersOf,
  type User,
  usersByName,
} from './people';
import { RightsLink } from './RightsLink';
import { More, SearchBox } from './SearchBox';
import { UserDialog } from './UserDialog';

export function UsersPage() {
  const t = useT();
  const query = useQuery(usersQuery);
  const groups = useQuery(groupsQuery).data ?? [];
  const [typed, setTyped] = useState('');
  const [dialog, setDialog] = useState<{ user?: User }>();
  const groupsOf = (user: User): Group[] =>
    groupsByName(groups.filter((group) => user.groups?.includes(group.id) ?? false));
  return (
    <Page
      title={t('nav.users')}
      description={t('users.description')}
      actions={
        query.data && (
          <Button leftSection={<IconUserPlus size={16} aria-hidden />} onClick={() => setDialog({})}>
            {t('users.add')}
          </Button>
        )
      }
    >
      <QueryState query={query}>
        {(users) => {
          const found = usersByName(users).filter((user) =>
            matches(typed, user.email, ...providersOf(user), ...groupsOf(user).map((group) => group.name)),
          );
          return (
            <>
              <div className={classes['tools']}>
                <SearchBox label={t('users.search')} value={typed} onChange={setTyped} />
                <span className={classes['more']} role="status">
                  {t('users.count', { count: found.length })}
                </span>
              </div>
              {found.length === 0 ? (
                <Blank
                  role="status"
                  icon={<IconUsers size={26} />}
                  title={t('users.noMatch')}
                  text={t('people.noMatchText')}
                />
              ) : (
                <ul className={classes['rows']} aria-label={t('nav.users')}>
                  {found.slice(0, DRAWN).map((user) => (
                    <UserItem key={user.id} user={user} groups={groupsOf(user)} onEdit={() => setDialog({ user })} />
                  ))}
                </ul>
              )}
              <More count={found.length - DRAWN} />
            </>
          );
        }}
      </QueryState>
      <UserDialog
        opened={dialog !== undefined}
        user={dialog?.user}
        groups={groups}
        onClose={() => setDialog(undefined)}
      />
    </Page>
  );
}

function UserItem({ user, groups, onEdit }: { user: User; groups: readonly Group[]; onEdit: () => void }) {
  const t = useT();
  const self = useUser()?.id === user.id;
  const name = user.email;

  return (
    <li className={classes['row']} aria-label={name}>
      <span className={classes['avatar']} aria-hidden="true">
        {name.slice(0, 1).toUpperCase()}
      </span>
      <div className={classes['words']}>
        <div className={classes['title']}>
          <strong>{name}</strong>
          {user.permission === 'admin' && <StateBadge tone="good">{t('users.permission.admin')}</StateBadge>}
          {self && <Tag>{t('users.you')}</Tag>}
          {providersOf(user).map((provider) => (
            <Tag key={provider}>{provider}</Tag>
          ))}
          {hasOneTimePassword(user) && <Tag>{t('users.otp')}</Tag>}
        </div>
        <p className={classes['meta']}>
          {groups.length > 0
            ? t('users.inGroups', { names: groups.map((group) => group.name).join(', ') })
            : t('users.inNoGroup')}
        </p>
      </div>
      <div className={classes['actions']}>
        <RightsLink who={user.id} label={t('rights.of', { name })}>
          <IconKey size={18} aria-hidden />
        </RightsLink>
        <IconButton label={t('users.edit', { name })} onClick={onEdit}>
          <IconPencil size={18} aria-hidden />
        </IconButton>
        <RemoveButton
          label={t('users.remove', { name })}
          title={t('users.removeTitle', { name })}
          text={t('users.removeText')}
          disabledReason={self ? t('users.notSelf') : undefined}
          method="user.delete"
          params={{ id: user.id }}
          refresh={['users', 'groups', 'acls']}
          done={t('users.removed', { name })}
          failed={t('users.removeFailed', { name })}
        />
      </div>
    </li>
  );
}
