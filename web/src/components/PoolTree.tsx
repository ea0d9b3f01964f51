// Pools, their hosts, and how many machines each has: the tree in the sidebar. A pool asks for its hosts when it is opened.
import { IconChevronRight } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { formatNumber, useT } from '../i18n/i18n';
import { countOf, type Counts, useCounts } from '../live/counts';
import { useRows } from '../live/useWatch';
import { hostState, nameOf } from './objects/cells';
import { quote } from './objects/filter';
import classes from './PoolTree.module.css';

/** A sidebar is no list: whoever has more looks in the list of pools. */
const MOST_POOLS = 100;
const MOST_HOSTS = 200;

/** Each open pool is a window at the daemon, which has 32 for us. */
const MOST_OPEN = 12;

/** So few that nobody wants to click. */
const OPEN_AT_FIRST = 2;

export function PoolTree({ onNavigate }: { onNavigate?: (() => void) | undefined }) {
  const t = useT();
  const [pools, list] = useRows({ type: 'pool', fields: ['name_label'], sort: [{ by: 'name_label' }] }, MOST_POOLS);
  const counts = useCounts(['type', '$pool', '$container'], 'type:/^VM$/', pools.length > 0);
  const [toggled, setToggled] = useState<readonly { id: string; open: boolean }[]>([]);
  if (pools.length === 0) return null;
  const few = pools.length <= OPEN_AT_FIRST;
  const isOpen = (id: string) => toggled.find((one) => one.id === id)?.open ?? few;
  const toggle = (id: string) =>
    setToggled((old) => {
      const next = [...old.filter((one) => one.id !== id), { id, open: !isOpen(id) }];
      const open = next.filter((one) => one.open);
      // The one that was opened first closes.
      return open.length > MOST_OPEN ? next.filter((one) => one !== open[0]) : next;
    });
  return (
    <ul className={classes['tree']} aria-label={t('tree.label')}>
      {pools.map((pool) => {
        const name = nameOf(pool);
        const open = isOpen(pool.id);
        return (
          <li key={pool.id}>
            <div className={classes['line']}>
              <button
                type="button"
                className={classes['toggle']}
                aria-expanded={open}
                aria-label={t('tree.hostsOf', { name })}
                onClick={() => toggle(pool.id)}
              >
                <IconChevronRight size={14} aria-hidden />
              </button>
              <Link
                to="/pools/$id"
                params={{ id: pool.id }}
                className={classes['link']}
                onClick={onNavigate}
                aria-label={name}
                title={name}
              >
                <span className={classes['name']}>{name}</span>
                <Count counts={counts} at={{ $pool: pool.id }} />
              </Link>
            </div>
            {open && <Hosts pool={pool.id} name={name} counts={counts} onNavigate={onNavigate} />}
          </li>
        );
      })}
      {(list.total ?? 0) > pools.length && (
        <li>
          <Link to="/pools" className={classes['more']} onClick={onNavigate}>
            {t('tree.more', { count: (list.total ?? 0) - pools.length })}
          </Link>
        </li>
      )}
    </ul>
  );
}

interface HostsProps {
  pool: string;
  name: string;
  counts: Counts | undefined;
  onNavigate?: (() => void) | undefined;
}

function Hosts({ pool, name, counts, onNavigate }: HostsProps) {
  const t = useT();
  const [hosts, list] = useRows(
    {
      type: 'host',
      filter: `$pool:${quote(pool)}`,
      fields: ['name_label', 'power_state', 'enabled'],
      sort: [{ by: 'name_label' }],
    },
    MOST_HOSTS,
  );
  return (
    <ul className={classes['hosts']} aria-label={t('tree.hostsOf', { name })}>
      {hosts.map((host) => {
        const state = hostState(host);
        return (
          <li key={host.id}>
            <Link
              to="/hosts/$id"
              params={{ id: host.id }}
              className={classes['link']}
              onClick={onNavigate}
              title={`${nameOf(host)} · ${t(`host.state.${state}`)}`}
              aria-label={nameOf(host)}
            >
              <span className={classes['dot']} data-state={state} aria-hidden="true" />
              <span className={classes['name']}>{nameOf(host)}</span>
              <Count counts={counts} at={{ $container: host.id }} />
            </Link>
          </li>
        );
      })}
      {(list.total ?? 0) > hosts.length && hosts.length > 0 && (
        <li>
          <Link to="/hosts" search={{ pool }} className={classes['more']} onClick={onNavigate}>
            {t('tree.more', { count: (list.total ?? 0) - hosts.length })}
          </Link>
        </li>
      )}
    </ul>
  );
}

function Count({ counts, at }: { counts: Counts | undefined; at: Record<string, string> }) {
  const t = useT();
  if (!counts) return null;
  const count = countOf(counts, { type: 'VM', ...at });
  return (
    <span className={classes['count']} title={t('list.count.vms', { count })}>
      {formatNumber(count)}
    </span>
  );
}
