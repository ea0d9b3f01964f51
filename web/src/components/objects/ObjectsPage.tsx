// The page of a list: what is looked for stands in the address, banners tell of pools that are away, the rows are live.
import { IconSearchOff, IconServerOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useRouter } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useT } from '../../i18n/i18n';
import { useCounts } from '../../live/counts';
import { useConnection } from '../../live/live';
import { serversQuery, useUser } from '../../live/queries';
import { useRights } from '../../live/rights';
import { useWatch } from '../../live/useWatch';
import { FIRST, type Sort, WINDOW } from '../../live/watch';
import { Blank } from '../../ui/Blank';
import { Button } from '../../ui/Button';
import { Page } from '../../ui/Page';
import { Text } from '../../ui/text';
import { Failed, LoadingRows } from '../QueryState';
import { FilterBox } from './FilterBox';
import { compose, faultOf } from './filter';
import type { Kind, KindName } from './kind';
import { fieldsOf, KINDS } from './kinds';
import type { ListSearch } from './listSearch';
import { ObjectTable } from './ObjectTable';
import { PoolBanners, troubled } from './PoolBanners';
import { QuickFilters } from './QuickFilters';
import { useSelection } from './selection';

/** The address follows the typing at this distance: browsers refuse to change it hundreds of times. */
const ADDRESS_PAUSE = 300;

/** The numbers beside the quick filters follow the list at this distance: they cost the daemon as much as the list does. */
const COUNT_PAUSE = 200;

type OnSearch = (change: ListSearch) => void;

const NONE: ReadonlySet<string> = new Set();

function sortOf(kind: Kind, column: string, descending: boolean): Sort[] {
  const keys = kind.columns.find((one) => one.id === column)?.sort ?? ['name_label'];
  const sort: Sort[] = keys.map((by) => (descending ? { by, descending } : { by }));
  return keys.includes('name_label') ? sort : [...sort, { by: 'name_label' }];
}

/** What is typed, at once for the list and a little later for the address. A new address (back, a link) is taken over. */
function useTyped(q: string | undefined, onSearch: OnSearch): [string, (value: string) => void] {
  const [typed, setTyped] = useState(q ?? '');
  const written = useRef(q);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    if (q === written.current) return;
    written.current = q;
    setTyped(q ?? '');
  }, [q]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = useCallback(
    (value: string) => {
      setTyped(value);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => {
        written.current = value.trim() || undefined;
        onSearch({ q: written.current });
      }, ADDRESS_PAUSE);
    },
    [onSearch],
  );
  return [typed, type];
}

/**
 * The filter to count by. The first that is understood at once; others once somebody has stopped typing for a moment, so that
 * counting does not stand in the way of the rows.
 */
function useUnderstood(filter: string | undefined, settled: boolean): string | undefined {
  const [understood, setUnderstood] = useState<{ filter: string | undefined }>();
  if (settled && !understood) setUnderstood({ filter });
  useEffect(() => {
    if (!settled) return undefined;
    const timer = setTimeout(
      () => setUnderstood((old) => (old && old.filter === filter ? old : { filter })),
      COUNT_PAUSE,
    );
    return () => clearTimeout(timer);
  }, [filter, settled]);
  return understood?.filter;
}

/** Draws itself whenever a row comes, goes or moves, twenty times a second in a busy fleet: its parts are kept. */
export function ObjectsPage({ kind: name, search }: { kind: KindName; search: ListSearch }) {
  const t = useT();
  const kind = KINDS[name];
  const router = useRouter();
  const onSearch: OnSearch = useCallback(
    (change) => {
      // Who has followed a link while the search was still settling is on the way there, though this page still stands.
      if (router.history.location.pathname !== kind.to) return;
      void router.navigate({ to: kind.to, search: (old: ListSearch) => ({ ...old, ...change }), replace: true });
    },
    [router, kind],
  );
  const user = useUser();
  const rights = useRights();
  const selection = useSelection();
  const online = useConnection().kind === 'online';
  const servers = useQuery({ ...serversQuery, enabled: user?.permission === 'admin' }).data;
  const [typed, type] = useTyped(search.q, onSearch);

  const gone = useMemo(() => {
    const ids = troubled(servers ?? []).flatMap((s) => (s.status !== 'connected' && s.poolId ? [s.poolId] : []));
    return ids.length > 0 ? new Set(ids) : NONE;
  }, [servers]);
  const property = kind.states?.property;
  const { filter, offset } = compose(typed.trim(), search, property);
  const sort = { column: search.sort ?? 'name', descending: search.desc ?? false };
  const [watch, list] = useWatch(
    { type: kind.type, fields: fieldsOf(kind), filter, sort: sortOf(kind, sort.column, sort.descending) },
    WINDOW,
    FIRST,
  );
  const fault = useMemo(
    () => (list.pending ? undefined : faultOf(list.error, offset)),
    [list.pending, list.error, offset],
  );
  // What the quick filter on the state would find: the same without itself, as far as it could be understood.
  const others = compose(typed.trim(), { ...search, state: undefined }).filter;
  // In the first moment after a key the list still answers the question before.
  const settled = !fault && !list.pending && list.query?.filter === filter;
  const understood = useUnderstood(others, settled);
  const narrowed = `type:/^${kind.type}$/${understood ? ` ${understood}` : ''}`;
  const counts = useCounts(property ? ['type', property] : ['type'], narrowed, list.total !== undefined);
  const tags = useTags(kind, list.total !== undefined);
  const filtered = filter !== undefined;
  const quick = useMemo(
    () => <QuickFilters kind={kind} search={search} onSearch={onSearch} counts={counts} tags={tags} />,
    [kind, search, onSearch, counts, tags],
  );

  let content;
  if (list.total === undefined && list.error && !fault) {
    content = <Failed error={list.error} retry={watch.retry} />;
  } else if (list.total === undefined && fault) {
    content = null;
  } else if (list.total === undefined) {
    content = <LoadingRows rows={10} height={38} />;
  } else if (list.total === 0 && !list.query?.filter) {
    content = <Empty kind={kind} servers={servers?.length} />;
  } else if (list.total === 0) {
    content = (
      <Blank
        role="status"
        icon={<IconSearchOff size={26} />}
        title={t(`list.noMatch.${kind.name}`)}
        text={t('list.noMatchText')}
        action={
          <Button
            variant="default"
            onClick={() => {
              type('');
              onSearch({ q: undefined, state: undefined, pool: undefined, tag: undefined });
            }}
          >
            {t('list.clear')}
          </Button>
        }
      />
    );
  } else {
    content = (
      <ObjectTable
        kind={kind}
        label={t(`nav.${kind.name}`)}
        watch={watch}
        list={list}
        sort={sort}
        online={online}
        gone={gone}
        rights={rights}
        selection={kind.bulk ? selection : undefined}
        onSort={(column) =>
          onSearch({
            sort: column === 'name' ? undefined : column,
            desc: column === sort.column && !sort.descending ? true : undefined,
          })
        }
      />
    );
  }

  return (
    <Page
      fill
      title={t(`nav.${kind.name}`)}
      actions={kind.create?.(rights)}
      aside={
        list.total !== undefined && (
          <Text component="span" c="dimmed" role="status">
            {t(`list.count.${kind.name}`, { count: list.total })}
          </Text>
        )
      }
    >
      {servers && <PoolBanners servers={servers} />}
      {(filtered || typed !== '' || (list.total ?? 0) > 0 || list.total === undefined) && (
        <FilterBox kind={kind} value={typed} onChange={type} fault={fault}>
          {quick}
        </FilterBox>
      )}
      {content}
      {kind.bulk?.({ selection, online, gone, rights })}
    </Page>
  );
}

/** The tags in use. */
function useTags(kind: Kind, enabled: boolean): readonly string[] {
  const counts = useCounts(['tags'], `type:/^${kind.type}$/ tags:length:>0`, enabled);
  return useMemo(() => {
    const found = new Set<string>();
    for (const { tags } of counts ?? []) {
      for (const tag of Array.isArray(tags) ? tags : [tags]) if (typeof tag === 'string') found.add(tag);
    }
    return [...found].toSorted();
  }, [counts]);
}

function Empty({ kind, servers }: { kind: Kind; servers: number | undefined }) {
  const t = useT();
  return (
    <Blank
      role="status"
      icon={<IconServerOff size={26} />}
      title={t(`list.empty.${kind.name}`)}
      text={servers === 0 ? t('list.emptyNoServer') : t('list.emptyText')}
      action={servers === 0 && <Link to="/settings/servers">{t('list.addServer')}</Link>}
    />
  );
}
