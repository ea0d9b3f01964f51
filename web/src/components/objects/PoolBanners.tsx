// One banner for each server whose pool is not live: since when, why, and when the daemon tries again.
import { IconCloudOff, IconRefresh } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { Schemas } from '../../api/methods';
import { formatTime, useT } from '../../i18n/i18n';
import { Banner } from '../../ui/Banner';
import { useCountdown } from '../../ui/hooks';
import { serverName } from '../servers/serverName';
import classes from './PoolBanners.module.css';

/** More than these would push the list off the page; the rest is counted. */
const MOST = 3;

/** Servers that an administrator switched off are no news. */
export const troubled = (servers: readonly Schemas['Server'][]): Schemas['Server'][] =>
  servers.filter((server) => server.enabled && (server.status !== 'connected' || server.stale));

function PoolBanner({ server }: { server: Schemas['Server'] }) {
  const t = useT();
  const seconds = useCountdown(server.error?.nextAttempt);
  const name = serverName(server);
  if (server.status === 'connected') {
    return <Banner tone="quiet" icon={<IconRefresh size={18} />} title={t('pool.refreshing', { name })} />;
  }
  if (!server.error && server.staleSince === undefined) {
    return <Banner tone="quiet" icon={<IconRefresh size={18} />} title={t('pool.connecting', { name })} />;
  }
  return (
    <Banner
      tone="warn"
      silent
      icon={<IconCloudOff size={18} />}
      title={t('pool.gone', { name })}
      action={
        <Link to="/settings/servers" className={classes['link']}>
          {t('nav.servers')}
        </Link>
      }
    >
      {[
        server.staleSince !== undefined && t('pool.staleSince', { time: formatTime(server.staleSince) }),
        server.error?.message,
        // The daemon says "connecting" from the first failure to the next success: the time tells the pauses apart.
        seconds ? t('pool.retryIn', { seconds }) : server.status === 'connecting' && t('pool.tryingNow'),
      ]
        .filter(Boolean)
        .join(' · ')}
    </Banner>
  );
}

export function PoolBanners({ servers }: { servers: readonly Schemas['Server'][] }) {
  const t = useT();
  const list = troubled(servers);
  if (list.length === 0) return null;
  return (
    <div className={classes['banners']}>
      {list.slice(0, MOST).map((server) => (
        <PoolBanner key={server.id} server={server} />
      ))}
      {list.length > MOST && (
        <Link to="/settings/servers" className={classes['link']}>
          {t('pool.more', { count: list.length - MOST })}
        </Link>
      )}
    </div>
  );
}
