// Settings > Rights > Roles: sets of privileges, which are finer than access lists, and who has them.
import { IconChevronLeft, IconCopy, IconPencil, IconPlus, IconShieldCog } from '@tabler/icons-react';
import { useQueries, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Schemas } from '../../api/methods';
import { useT } from '../../i18n/i18n';
import { groupsQuery, holdersQuery, privilegesQuery, rolesQuery, useApiMutation, usersQuery } from '../../live/queries';
import { Blank } from '../../ui/Blank';
import { Button, IconButton } from '../../ui/Button';
import { Page } from '../../ui/Page';
import { toast } from '../../ui/toast';
import details from '../details/details.module.css';
import { errorText } from '../errorText';
import { QueryState } from '../QueryState';
import { RemoveButton } from '../RemoveButton';
import classes from './people.module.css';
import { byText, DRAWN, matches } from './people';
import { subjectOf } from './rights';
import { type Privilege, RoleDialog } from './RoleDialog';
import roles from './roles.module.css';
import { More, SearchBox } from './SearchBox';

type Role = Schemas['AclRole'];

/** Privileges that are shown in a row; the dialog has them all. */
const SHOWN = 12;

interface Opened {
  role?: Role;
}

export function RolesPage() {
  const t = useT();
  const query = useQuery(rolesQuery);
  const privileges = useQuery(privilegesQuery).data ?? [];
  const users = useQuery(usersQuery).data ?? [];
  const groups = useQuery(groupsQuery).data ?? [];
  const [typed, setTyped] = useState('');
  const [dialog, setDialog] = useState<Opened>();
  const shown = (query.data ?? [])
    .toSorted(byText((role) => role.name))
    .filter((role) => matches(typed, role.name, role.description));
  const drawn = shown.slice(0, DRAWN);
  const holders = useQueries({ queries: drawn.map((role) => holdersQuery(role.id)) });
  const holdersOf = (id: string): string[] | undefined => {
    const found = holders[drawn.findIndex((role) => role.id === id)]?.data;
    return found && [...found.groups, ...found.users];
  };
  const privilegesOf = (id: string): Privilege[] =>
    privileges
      .filter((one) => one.roleId === id)
      .toSorted(byText((one) => `${one.effect === 'deny' ? 1 : 0} ${one.resource} ${one.action}`));
  const add = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setDialog({})}>
      {t('roles.add')}
    </Button>
  );
  const open = dialog?.role;
  return (
    <Page
      title={t('roles.title')}
      description={t('roles.description')}
      back={
        <Link to="/settings/rights" className={details['back']}>
          <IconChevronLeft size={15} aria-hidden />
          {t('nav.rights')}
        </Link>
      }
      actions={query.data?.length ? add : undefined}
    >
      <QueryState query={query}>
        {(all) =>
          all.length === 0 ? (
            <Blank
              icon={<IconShieldCog size={26} />}
              title={t('roles.empty')}
              text={t('roles.emptyText')}
              action={add}
            />
          ) : (
            <>
              <div className={classes['tools']}>
                <SearchBox label={t('roles.search')} value={typed} onChange={setTyped} />
                <span className={classes['more']} role="status">
                  {t('roles.count', { count: shown.length })}
                </span>
              </div>
              {shown.length === 0 ? (
                <Blank
                  role="status"
                  icon={<IconShieldCog size={26} />}
                  title={t('roles.noMatch')}
                  text={t('people.noMatchText')}
                />
              ) : (
                <ul className={classes['rows']} aria-label={t('roles.title')}>
                  {drawn.map((role) => (
                    <RoleItem
                      key={role.id}
                      role={role}
                      privileges={privilegesOf(role.id)}
                      holders={holdersOf(role.id)?.map((id) => subjectOf(id, users, groups).name)}
                      onEdit={() => setDialog({ role })}
                    />
                  ))}
                </ul>
              )}
              <More count={shown.length - DRAWN} />
            </>
          )
        }
      </QueryState>
      <RoleDialog
        // What is changed is compared with what was there: both must be known.
        opened={dialog !== undefined && (open === undefined || holdersOf(open.id) !== undefined)}
        role={open}
        privileges={open ? privilegesOf(open.id) : []}
        holders={(open && holdersOf(open.id)) ?? []}
        users={users}
        groups={groups}
        onClose={() => setDialog(undefined)}
      />
    </Page>
  );
}

interface ItemProps {
  role: Role;
  privileges: readonly Privilege[];
  holders: readonly string[] | undefined;
  onEdit: () => void;
}

function RoleItem({ role, privileges, holders, onEdit }: ItemProps) {
  const t = useT();
  const copy = useApiMutation('aclRole.copy', 'roles', 'privileges');
  const { name } = role;
  return (
    <li className={classes['row']} aria-label={name}>
      <span className={classes['avatar']} data-group aria-hidden="true">
        <IconShieldCog size={18} stroke={1.7} />
      </span>
      <div className={classes['words']}>
        <div className={classes['title']}>
          <strong>{name}</strong>
        </div>
        <p className={classes['meta']}>
          {[
            role.description,
            holders && (holders.length === 0 ? t('roles.nobody') : t('roles.heldBy', { names: holders.join(', ') })),
          ]
            .filter(Boolean)
            .join(' · ')}
        </p>
        <ul className={roles['privileges']} aria-label={t('roles.privilegesOf', { name })}>
          {privileges.length === 0 && <li className={roles['none']}>{t('roles.noPrivileges')}</li>}
          {privileges.slice(0, SHOWN).map((one) => (
            <li key={one.id} data-effect={one.effect} title={one.selector}>
              {t(`roles.says.${one.effect}`, { action: one.action, type: one.resource })}
              {one.selector !== undefined && <span>{t('roles.where', { filter: one.selector })}</span>}
            </li>
          ))}
          {privileges.length > SHOWN && (
            <li className={roles['none']}>{t('roles.morePrivileges', { count: privileges.length - SHOWN })}</li>
          )}
        </ul>
      </div>
      <div className={classes['actions']}>
        <IconButton
          label={t('roles.copy', { name })}
          busy={copy.isPending}
          onClick={() =>
            copy.mutate(
              { id: role.id, name: t('roles.copyName', { name }) },
              {
                onSuccess: () => toast.success(t('roles.added', { name: t('roles.copyName', { name }) })),
                onError: (error) => toast.error(errorText(error), t('roles.copyFailed', { name })),
              },
            )
          }
        >
          <IconCopy size={18} aria-hidden />
        </IconButton>
        <IconButton label={t('roles.edit', { name })} onClick={onEdit}>
          <IconPencil size={18} aria-hidden />
        </IconButton>
        <RemoveButton
          label={t('roles.remove', { name })}
          title={t('roles.removeTitle', { name })}
          text={t('roles.removeText')}
          method="aclRole.delete"
          params={{ id: role.id }}
          refresh={['roles', 'privileges']}
          done={t('roles.removed', { name })}
          failed={t('roles.removeFailed', { name })}
        />
      </div>
    </li>
  );
}
