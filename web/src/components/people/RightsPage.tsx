// Settings > Rights: who may do what, on what. Entries stand with whoever has them; a person's groups are shown with them.
import {
  IconHelpHexagon,
  IconKey,
  IconPlus,
  IconShieldCog,
  IconUser,
  IconUserQuestion,
  IconUsersGroup,
  IconX,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { useT } from '../../i18n/i18n';
import { aclsQuery, groupsQuery, usersQuery } from '../../live/queries';
import { text } from '../../live/vm';
import { useRows } from '../../live/useWatch';
import type { Row } from '../../live/watch';
import { Tag } from '../../ui/Badge';
import { Blank } from '../../ui/Blank';
import { Button } from '../../ui/Button';
import { Page } from '../../ui/Page';
import { nameOf } from '../objects/cells';
import { byIds, byName } from '../objects/filter';
import { ObjectAnchor, type Paged, PAGES } from '../objects/ObjectAnchor';
import { QueryState } from '../QueryState';
import { RemoveButton } from '../RemoveButton';
import { kindText, ObjectIcon } from './objectKind';
import classes from './people.module.css';
import { type Group, matches, type User } from './people';
import { RightsDialog } from './RightsDialog';
import { type Acl, firstOf, NAMED, ROLES, type Section, sections, standsFor, subjectOf } from './rights';
import { More, SearchBox } from './SearchBox';

/** Entries that are drawn: their objects are one window at the daemon. */
const MOST = 100;

const FIELDS = ['name_label', '$pool.name_label'];

export function RightsPage({ who }: { who: string | undefined }) {
  const t = useT();
  const query = useQuery(aclsQuery);
  const users = useQuery(usersQuery).data;
  const groups = useQuery(groupsQuery).data;
  const [adding, setAdding] = useState(false);
  const user = users?.find((one) => one.id === who)?.id;
  const add = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>
      {t('rights.add')}
    </Button>
  );
  return (
    <Page
      title={t('nav.rights')}
      description={t('rights.description')}
      actions={
        <>
          <Link to="/settings/rights/roles" className={classes['explain']}>
            <IconShieldCog size={16} aria-hidden />
            {t('roles.title')}
          </Link>
          <Link
            to="/settings/rights/explain"
            search={user === undefined ? {} : { who: user }}
            className={classes['explain']}
          >
            <IconHelpHexagon size={16} aria-hidden />
            {t('explain.open')}
          </Link>
          {query.data?.length ? add : undefined}
        </>
      }
    >
      <QueryState query={query}>
        {(entries) =>
          entries.length === 0 ? (
            <Blank icon={<IconKey size={26} />} title={t('rights.empty')} text={t('rights.emptyText')} action={add} />
          ) : (
            <Entries entries={entries} users={users ?? []} groups={groups ?? []} who={who} />
          )
        }
      </QueryState>
      <RightsDialog
        opened={adding}
        who={who}
        users={users ?? []}
        groups={groups ?? []}
        onClose={() => setAdding(false)}
      />
    </Page>
  );
}

interface EntriesProps {
  entries: readonly Acl[];
  users: readonly User[];
  groups: readonly Group[];
  who: string | undefined;
}

function Entries({ entries, users, groups, who }: EntriesProps) {
  const t = useT();
  const navigate = useNavigate();
  const [typed, setTyped] = useState('');
  // What is typed is a person, a group, or the name of an object, which only the daemon knows.
  const names = byName(typed);
  const [found] = useRows(
    names === '' ? undefined : { type: NAMED, fields: [], filter: names, sort: [{ by: 'name_label' }] },
    500,
  );
  const all = useMemo(() => {
    const owners = who === undefined ? undefined : standsFor(who, groups);
    const objects = new Set(found.map((row) => row.id));
    const subject = (id: string) => subjectOf(id, users, groups);
    const wanted = entries.filter(
      (entry) =>
        (owners?.has(entry.subject) ?? true) &&
        (matches(typed, subject(entry.subject).name, entry.object) || objects.has(entry.object)),
    );
    return sections(wanted, subject);
  }, [entries, users, groups, who, typed, found]);
  const shown = firstOf(all, MOST);
  const drawn = shown.flatMap((section) => section.entries);
  const total = all.reduce((sum, section) => sum + section.entries.length, 0);
  const ids = [...new Set(drawn.map((entry) => entry.object))].toSorted();
  const filter = byIds(ids);
  const [rows, list] = useRows(filter === undefined ? undefined : { type: NAMED, fields: FIELDS, filter }, 2 * MOST);
  const objects = new Map(rows.map((row) => [row.id, row]));
  const loading = list.total === undefined || list.pending;
  return (
    <>
      <div className={classes['tools']}>
        <SearchBox label={t('rights.search')} value={typed} onChange={setTyped} />
        {who !== undefined && (
          <Button
            variant="default"
            size="xs"
            rightSection={<IconX size={14} aria-hidden />}
            onClick={() => void navigate({ to: '/settings/rights', search: {} })}
          >
            {t('rights.only', { name: subjectOf(who, users, groups).name })}
          </Button>
        )}
        <span className={classes['more']} role="status">
          {t('rights.count', { count: total })}
        </span>
      </div>
      {total === 0 && (
        <Blank
          role="status"
          icon={<IconKey size={26} />}
          title={typed === '' && who !== undefined ? t('rights.noneOf') : t('rights.noMatch')}
          text={typed === '' && who !== undefined ? t('rights.noneOfText') : t('people.noMatchText')}
        />
      )}
      {shown.map((section) => (
        <SubjectSection key={section.subject.id} section={section} objects={objects} loading={loading} who={who} />
      ))}
      <More count={total - drawn.length} />
    </>
  );
}

const SUBJECT_ICONS = { user: IconUser, group: IconUsersGroup, gone: IconUserQuestion };

interface SectionProps {
  section: Section;
  objects: ReadonlyMap<string, Row>;
  loading: boolean;
  who: string | undefined;
}

function SubjectSection({ section: { subject, entries }, objects, loading, who }: SectionProps) {
  const t = useT();
  const Icon = SUBJECT_ICONS[subject.kind];
  const heading = `rights-${subject.id}`;
  return (
    <section className={classes['subject']} aria-labelledby={heading}>
      <h2 className={classes['subjectTitle']}>
        <Icon size={18} stroke={1.7} aria-hidden />
        <span id={heading}>{subject.name}</span>
        {subject.kind === 'gone' && <Tag>{t('rights.subjectGone')}</Tag>}
        {subject.admin && <Tag>{t('users.permission.admin')}</Tag>}
        {who !== undefined && who !== subject.id && <Tag>{t('rights.throughGroup')}</Tag>}
      </h2>
      <ul className={classes['rows']} aria-label={t('rights.of', { name: subject.name })}>
        {entries.map((entry) => (
          <Entry
            key={entry.id}
            entry={entry}
            subject={subject.name}
            object={objects.get(entry.object)}
            loading={loading}
          />
        ))}
      </ul>
    </section>
  );
}

interface EntryProps {
  entry: Acl;
  subject: string;
  object: Row | undefined;
  loading: boolean;
}

function Entry({ entry, subject, object, loading }: EntryProps) {
  const t = useT();
  const name = object ? nameOf(object) : entry.object;
  const role = ROLES.find((one) => one === entry.action);
  const roleName = role ? t(`rights.role.${role}`) : entry.action;

  let where = t('rights.objectGone');
  if (object) where = kindText(t, object.type, text(object['$pool.name_label']));
  else if (loading) where = t('state.loading');
  return (
    <li className={classes['row']} aria-label={`${roleName}: ${name}`}>
      <span className={classes['kind']} aria-hidden="true">
        <ObjectIcon type={object?.type} />
      </span>
      <div className={classes['words']}>
        <div className={classes['title']}>
          {object && object.type in PAGES ? (
            <ObjectAnchor type={object.type as Paged} id={object.id} className={classes['link']}>
              <strong>{name}</strong>
            </ObjectAnchor>
          ) : (
            <strong className={object ? undefined : classes['mono']}>{name}</strong>
          )}
          <Tag>{roleName}</Tag>
        </div>
        <p className={classes['meta']}>{where}</p>
      </div>
      <div className={classes['actions']}>
        <RemoveButton
          label={t('rights.remove', { subject, role: roleName, name })}
          title={t('rights.removeTitle', { role: roleName, name })}
          text={t('rights.removeText', { subject })}
          verb={t('action.remove')}
          method="acl.remove"
          params={{ subject: entry.subject, object: entry.object, action: entry.action }}
          refresh={['acls']}
          done={t('rights.removed', { subject, role: roleName, name })}
          failed={t('rights.removeFailed')}
        />
      </div>
    </li>
  );
}
