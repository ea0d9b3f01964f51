// Settings > Resource sets: what people may use by themselves, how much of it there is, and how much is used.
import { IconChartPie, IconPencil, IconPlus, IconRefresh } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useT } from '../../i18n/i18n';
import { groupsQuery, setsQuery, useApiMutation, usersQuery } from '../../live/queries';
import { Tag } from '../../ui/Badge';
import { Blank } from '../../ui/Blank';
import { Button, IconButton } from '../../ui/Button';
import { Page } from '../../ui/Page';
import { toast } from '../../ui/toast';
import { errorText } from '../errorText';
import people from '../people/people.module.css';
import { byText, DRAWN, type Group, matches, type User } from '../people/people';
import { subjectOf } from '../people/rights';
import { More, SearchBox } from '../people/SearchBox';
import { QueryState } from '../QueryState';
import { RemoveButton } from '../RemoveButton';
import { Limits } from './Limits';
import type { ResourceSet } from './limits';
import { SetDialog } from './SetDialog';
import classes from './sets.module.css';

/** Subjects that are named in a row; the dialog has them all. */
const NAMED = 8;

/** `wanted`: what is searched for at first. */
export function SetsPage({ wanted = '' }: { wanted: string | undefined }) {
  const t = useT();
  const query = useQuery(setsQuery);
  const users = useQuery(usersQuery).data ?? [];
  const groups = useQuery(groupsQuery).data ?? [];
  const recompute = useApiMutation('resourceSet.recomputeAllLimits', 'sets');
  const [typed, setTyped] = useState(wanted);
  const [dialog, setDialog] = useState<{ set?: ResourceSet }>();
  const add = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setDialog({})}>
      {t('sets.add')}
    </Button>
  );
  return (
    <Page
      title={t('nav.sets')}
      description={t('sets.description')}
      actions={
        query.data?.length ? (
          <>
            <Button
              variant="default"
              leftSection={<IconRefresh size={16} aria-hidden />}
              loading={recompute.isPending}
              onClick={() =>
                recompute.mutate(
                  {},
                  {
                    onSuccess: () => toast.success(t('sets.recomputed')),
                    onError: (error) => toast.error(errorText(error), t('sets.recomputeFailed')),
                  },
                )
              }
            >
              {t('sets.recompute')}
            </Button>
            {add}
          </>
        ) : undefined
      }
    >
      <QueryState query={query}>
        {(sets) => {
          if (sets.length === 0) {
            return (
              <Blank
                icon={<IconChartPie size={26} />}
                title={t('sets.empty')}
                text={t('sets.emptyText')}
                action={add}
              />
            );
          }
          const found = sets
            .toSorted(byText((set) => set.name))
            .filter((set) => matches(typed, set.name, ...set.subjects.map((id) => subjectOf(id, users, groups).name)));
          return (
            <>
              <div className={people['tools']}>
                <SearchBox label={t('sets.search')} value={typed} onChange={setTyped} />
                <span className={people['more']} role="status">
                  {t('sets.count', { count: found.length })}
                </span>
              </div>
              {found.length === 0 ? (
                <Blank
                  role="status"
                  icon={<IconChartPie size={26} />}
                  title={t('sets.noMatch')}
                  text={t('people.noMatchText')}
                />
              ) : (
                <ul className={classes['list']} aria-label={t('nav.sets')}>
                  {found.slice(0, DRAWN).map((set) => (
                    <SetItem key={set.id} set={set} users={users} groups={groups} onEdit={() => setDialog({ set })} />
                  ))}
                </ul>
              )}
              <More count={found.length - DRAWN} />
            </>
          );
        }}
      </QueryState>
      <SetDialog
        opened={dialog !== undefined}
        set={dialog?.set}
        users={users}
        groups={groups}
        onClose={() => setDialog(undefined)}
      />
    </Page>
  );
}

interface ItemProps {
  set: ResourceSet;
  users: readonly User[];
  groups: readonly Group[];
  onEdit: () => void;
}

function SetItem({ set, users, groups, onEdit }: ItemProps) {
  const t = useT();
  const { name } = set;
  const who = set.subjects
    .slice(0, NAMED)
    .map((id) => subjectOf(id, users, groups))
    .map((subject) => (subject.kind === 'gone' ? t('rights.subjectGone') : subject.name));
  return (
    <li className={classes['set']} aria-label={name}>
      <div className={classes['head']}>
        <div className={classes['words']}>
          <div className={classes['title']}>
            <strong>{name}</strong>
            {set.shareByDefault && <Tag>{t('sets.shared')}</Tag>}
            {set.tags.map((tag) => (
              <Tag key={tag}>{tag}</Tag>
            ))}
          </div>
          <p className={classes['meta']}>
            {who.length === 0
              ? t('sets.nobody')
              : t('sets.for', { names: `${who.join(', ')}${set.subjects.length > who.length ? ', …' : ''}` })}
            {' · '}
            {t('sets.offers', { count: set.objects.length })}
          </p>
        </div>
        <div className={classes['buttons']}>
          <IconButton label={t('sets.edit', { name })} onClick={onEdit}>
            <IconPencil size={18} aria-hidden />
          </IconButton>
          <RemoveButton
            label={t('sets.remove', { name })}
            title={t('sets.removeTitle', { name })}
            text={t('sets.removeText')}
            method="resourceSet.delete"
            params={{ id: set.id }}
            refresh={['sets']}
            done={t('sets.removed', { name })}
            failed={t('sets.removeFailed', { name })}
          />
        </div>
      </div>
      <Limits set={set} label={t('sets.limitsOf', { name })} />
    </li>
  );
}
