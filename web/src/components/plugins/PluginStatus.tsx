// How a plugin fares: the last thing that went wrong, its numbers, what it did lately.
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/methods';
import { humanise } from '../../form/schema';
import { formatBytes, formatNumber, formatTime, type MessageKey, useT } from '../../i18n/i18n';
import { Tag } from '../../ui/Badge';
import { Card, Facts } from '../../ui/Page';
import { Text } from '../../ui/text';
import classes from './PluginStatus.module.css';
import type { Plugin } from './pluginView';

/** The names that have words of their own; the daemon may know more. */
const WORDS: Record<string, MessageKey> = {
  calls: 'stats.calls',
  failures: 'stats.failures',
  memoryHighWater: 'stats.memoryHighWater',
  inFlight: 'stats.inFlight',
  waiting: 'stats.waiting',
  cpuHighWaterMs: 'stats.cpuHighWaterMs',
  wallHighWaterMs: 'stats.wallHighWaterMs',
  hostCalls: 'stats.hostCalls',
  denied: 'stats.denied',
  logDropped: 'stats.logDropped',
  compileMs: 'stats.compileMs',
};

const LIMITS: Record<string, MessageKey> = {
  memory: 'limit.memory',
  cpuMs: 'limit.cpuMs',
  wallMs: 'limit.wallMs',
  result: 'limit.result',
  hostBytes: 'limit.hostBytes',
  handles: 'limit.handles',
  inFlight: 'limit.inFlight',
  component: 'limit.component',
};

function shown(name: string, value: number | string): string {
  if (typeof value === 'string') return value;
  if (/memory|bytes|size|^result$|^component$/i.test(name)) return formatBytes(value);
  if (/cpu|wall|ms$|millis|time|duration/i.test(name)) {
    return value >= 1_000 ? `${formatNumber(value / 1_000)} s` : `${formatNumber(value)} ms`;
  }
  return formatNumber(value);
}

export function LastError({ error }: { error: Schemas['PluginError'] | null | undefined }) {
  const t = useT();
  return (
    <Card title={t('plugin.lastError')}>
      {error ? (
        <div className={classes['error']}>
          <p>{error.message}</p>
          <div>
            <Tag>{[error.kind, error.code].filter(Boolean).join(' · ')}</Tag>
            {error.time !== undefined && <span>{formatTime(error.time)}</span>}
          </div>
        </div>
      ) : (
        <Text size="sm" c="dimmed">
          {t('plugin.noError')}
        </Text>
      )}
    </Card>
  );
}

export function Statistics({ plugin }: { plugin: Plugin }) {
  const t = useT();
  /** The known ones first, in the order above. */
  const facts = (
    words: Record<string, MessageKey>,
    values: Record<string, unknown> | null | undefined,
  ): [string, ReactNode][] => {
    const known = Object.keys(words).filter((name) => name in (values ?? {}));
    const names = [...known, ...Object.keys(values ?? {}).filter((name) => !(name in words))];
    return names.flatMap((name) => {
      const value = values?.[name];
      const word = words[name] ? t(words[name]) : humanise(name);
      return typeof value === 'number' || typeof value === 'string'
        ? [[word, shown(name, value)] as [string, ReactNode]]
        : [];
    });
  };
  const stats = facts(WORDS, plugin.stats);
  const limits = facts(LIMITS, plugin.limits);
  return (
    <Card title={t('plugin.statistics')}>
      {stats.length > 0 ? (
        <Facts items={stats} />
      ) : (
        <Text size="sm" c="dimmed">
          {t('plugin.noStatistics')}
        </Text>
      )}
      {limits.length > 0 && (
        <>
          <h3 className={classes['sub']}>{t('plugin.limits')}</h3>
          <Facts items={limits} />
        </>
      )}
    </Card>
  );
}

export function Activity({ items }: { items: Plugin['activity'] }) {
  const t = useT();
  const list = (items ?? []).toSorted((a, b) => b.time - a.time);
  return (
    <Card title={t('plugin.activity')}>
      {list.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t('plugin.noActivity')}
        </Text>
      ) : (
        <ol className={classes['activity']}>
          {list.map((item, index) => (
            <li key={`${item.time} ${index}`} data-kind={item.kind}>
              <time dateTime={new Date(item.time).toISOString()}>{formatTime(item.time)}</time>
              <span>{item.text}</span>
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}

export function About({ plugin }: { plugin: Plugin }) {
  const t = useT();
  const items: [string, ReactNode][] = [];
  if (plugin.pluginId) items.push([t('plugin.id'), plugin.pluginId]);
  if (plugin.version) items.push([t('plugin.version'), plugin.version]);
  if (plugin.roles?.length) items.push([t('plugin.roles'), plugin.roles.join(', ')]);
  if (plugin.powers?.length) items.push([t('plugin.powers'), plugin.powers.join(', ')]);
  if (plugin.size !== undefined) items.push([t('plugin.size'), formatBytes(plugin.size)]);
  if (plugin.digest) {
    items.push([
      t('plugin.digest'),
      <code key="digest" className={classes['digest']} title={plugin.digest}>
        {plugin.digest.slice(0, 19)}…
      </code>,
    ]);
  }
  return (
    <Card title={t('plugin.about')}>
      <Facts items={items} />
    </Card>
  );
}
