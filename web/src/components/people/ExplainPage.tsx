// Settings > Rights > Explain: what somebody may do to an object, operation by operation, and why.
import { IconChevronLeft, IconEye, IconEyeOff, IconHelpHexagon } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useT } from '../../i18n/i18n';
import { explainQuery, groupsQuery, usersQuery } from '../../live/queries';
import { StateBadge, Tag } from '../../ui/Badge';
import { Banner } from '../../ui/Banner';
import { Blank } from '../../ui/Blank';
import { useAhead } from '../../ui/hooks';
import { SegmentedControl, Select } from '../../ui/input';
import { Page } from '../../ui/Page';
import details from '../details/details.module.css';
import { QueryState } from '../QueryState';
import { type Explained, type Line, linesOf, nameIn, type Reason, sees, type Shown } from './explain';
import classes from './explain.module.css';
import { ObjectSelect } from './ObjectPicker';
import { type Group, OFFERED, type User, usersByName } from './people';
import { NAMED, ROLES } from './rights';
import { SearchBox } from './SearchBox';

interface Props {
  who: string | undefined;
  object: string | undefined;
}

export function ExplainPage({ who, object }: Props) {
  const t = useT();
  const navigate = useNavigate();
  const users = useQuery(usersQuery);
  const groups = useQuery(groupsQuery).data ?? [];
  const [askedWho, askWho] = useAhead(who);
  const [askedObject, askObject] = useAhead(object);
  const ask = (change: Partial<Props>) =>
    void navigate({
      to: '/settings/rights/explain',
      search: { who: askedWho, object: askedObject, ...change },
      replace: true,
    });
  return (
    <Page
      title={t('explain.title')}
      description={t('explain.description')}
      back={
        <Link to="/settings/rights" search={{}} className={details['back']}>
          <IconChevronLeft size={15} aria-hidden />
          {t('nav.rights')}
        </Link>
      }
    >
      <QueryState query={users}>
        {(all) => (
          <>
            <div className={classes['pickers']}>
              <Select
                label={t('explain.user')}
                placeholder={t('explain.userPlaceholder')}
                searchable
                clearable
                limit={OFFERED}
                data={usersByName(all).map((user) => ({ value: user.id, label: user.email }))}
                value={askedWho ?? null}
                onChange={(next) => {
                  askWho(next ?? undefined);
                  ask({ who: next ?? undefined });
                }}
                nothingFoundMessage={t('list.nothingFound')}
              />
              <ObjectSelect
                types={NAMED}
                label={t('explain.object')}
                placeholder={t('explain.objectPlaceholder')}
                value={askedObject}
                onChange={(next) => {
                  askObject(next);
                  ask({ object: next });
                }}
              />
            </div>
            {who === undefined || object === undefined ? (
              <Blank icon={<IconHelpHexagon size={26} />} title={t('explain.choose')} text={t('explain.chooseText')} />
            ) : (
              <Explanation who={who} object={object} users={all} groups={groups} />
            )}
          </>
        )}
      </QueryState>
    </Page>
  );
}

interface ExplanationProps {
  who: string;
  object: string;
  users: readonly User[];
  groups: readonly Group[];
}

function Explanation({ who, object, users, groups }: ExplanationProps) {
  const query = useQuery(explainQuery(who, object));
  return <QueryState query={query}>{(found) => <Found found={found} users={users} groups={groups} />}</QueryState>;
}

function Found({ found, users, groups }: { found: Explained } & Pick<ExplanationProps, 'users' | 'groups'>) {
  const t = useT();
  const [typed, setTyped] = useState('');
  const [shown, setShown] = useState<Shown>('all');
  const user = users.find((one) => one.id === found.user)?.email ?? found.user;
  const object = nameIn(found, found.object);
  const lines = linesOf(found.operations, typed, shown);
  const allowed = found.operations.filter((line) => line.allowed).length;
  const isSeen = sees(found);
  return (
    <>
      <Banner
        tone={isSeen ? 'quiet' : 'warn'}
        icon={isSeen ? <IconEye size={20} /> : <IconEyeOff size={20} />}
        title={t(isSeen ? 'explain.seen' : 'explain.unseen', { user, object })}
      >
        {isSeen
          ? t('explain.counts', { allowed, refused: found.operations.length - allowed })
          : t('explain.unseenText')}
      </Banner>
      {found.resourceSets.length > 0 && (
        <section className={classes['sets']} aria-label={t('explain.sets')}>
          {found.resourceSets.map((set) => (
            <p key={set.id}>{t(set.offers ? 'explain.set.offers' : 'explain.set.owns', { set: set.name, user })}</p>
          ))}
        </section>
      )}
      <div className={classes['tools']}>
        <SearchBox label={t('explain.search')} value={typed} onChange={setTyped} />
        <SegmentedControl
          aria-label={t('explain.show')}
          value={shown}
          onChange={(next) => setShown(next)}
          data={(['all', 'allowed', 'refused'] as const).map((value) => ({ value, label: t(`explain.${value}`) }))}
        />
      </div>
      {lines.length === 0 ? (
        <Blank
          role="status"
          icon={<IconHelpHexagon size={26} />}
          title={t('explain.noMatch')}
          text={t('people.noMatchText')}
        />
      ) : (
        <ul className={classes['rows']} aria-label={t('explain.list', { object })}>
          {lines.map((line) => (
            <Operation
              key={`${line.operation} ${line.param} ${line.privileges.join()}`}
              line={line}
              found={found}
              user={user}
              groups={groups}
            />
          ))}
        </ul>
      )}
    </>
  );
}

interface OperationProps {
  line: Line;
  found: Explained;
  user: string;
  groups: readonly Group[];
}

function Operation({ line, found, user, groups }: OperationProps) {
  const t = useT();
  const name = line.operation ?? t('explain.see');
  // One thing goes without saying: what changes a machine by its name is told by the name of the operation.
  const parts = line.privileges.filter((one) => one.includes(':'));
  return (
    <li className={classes['row']} aria-label={name}>
      <div className={classes['what']}>
        <div className={classes['title']}>
          <strong className={line.operation === undefined ? undefined : classes['mono']}>{name}</strong>
          <Tag>{t(`explain.level.${line.level}`)}</Tag>
        </div>
        {line.description !== undefined && (
          <p className={classes['meta']} lang="en">
            {line.description}
          </p>
        )}
        {parts.length > 0 && <p className={classes['parts']}>{parts.join(', ')}</p>}
      </div>
      <div className={classes['why']}>
        <StateBadge tone={line.allowed ? 'good' : 'bad'}>
          {t(line.allowed ? 'explain.allowed' : 'explain.refused')}
        </StateBadge>
        <ul className={classes['reasons']}>
          {line.reasons.map((reason, place) => (
            <li key={place}>
              <Because reason={reason} line={line} found={found} user={user} groups={groups} />
            </li>
          ))}
        </ul>
      </div>
    </li>
  );
}

function Because({ reason, line, found, user, groups }: OperationProps & { reason: Reason }) {
  const t = useT();
  const groupName = (id: string) => groups.find((group) => group.id === id)?.name ?? id;
  if (reason.kind === 'nothing') {
    return line.visible
      ? t('explain.reason.nothing', { role: t(`explain.level.${line.level}`) })
      : t('explain.reason.unseen', { user });
  }
  if (reason.kind === 'entry') {
    const role = ROLES.find((one) => one === reason.action);
    const words = {
      user,
      role: role ? t(`rights.role.${role}`) : reason.action,
      object: nameIn(found, reason.object),
    };
    const own = reason.subject === found.user;
    const subject = own ? user : groupName(reason.subject);
    const way = reason.way.map((step) => t(`explain.by.${step.by}`, { name: nameIn(found, step.object) }));
    return (
      <>
        {own ? t('explain.reason.entry', words) : t('explain.reason.groupEntry', { ...words, group: subject })}{' '}
        {way.length > 0 && `${t('explain.reason.way', { way: way.join(' → ') })} `}
        <Link
          to="/settings/rights"
          search={{ who: reason.subject }}
          className={classes['link']}
          aria-label={t('explain.entryLinkLabel', { subject })}
        >
          {t('explain.entryLink')}
        </Link>
      </>
    );
  }
  if (reason.kind === 'resourceSet') {
    const way = reason.way.map((step) => t(`explain.by.${step.by}`, { name: nameIn(found, step.object) }));
    const words = { user, set: reason.name ?? reason.set, object: nameIn(found, reason.object) };
    const told = t('explain.reason.set', words);
    return way.length > 0 ? `${told} ${t('explain.reason.way', { way: way.join(' → ') })}` : told;
  }
  if (reason.kind === 'privilege') {
    const what = `${reason.resource} ${reason.action}`;
    const role = reason.roles.map((one) => one.name).join(', ');
    const through = reason.roles.flatMap((one) => (one.holders.includes(found.user) ? [] : one.holders));
    const words = [t(`explain.reason.${reason.effect}`, { role, what })];
    if (through.length > 0) {
      const names = [...new Set(through.map(groupName))].join(', ');
      words.push(t('explain.reason.holders', { user, groups: names }));
    }
    if (reason.selector !== null) words.push(t('explain.reason.selector', { selector: reason.selector }));
    if (!reason.isSure) words.push(t('explain.reason.unsure'));
    return words.join(' ');
  }
  return t(`explain.reason.${reason.kind}`, { user });
}
