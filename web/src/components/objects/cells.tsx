// What stands in the cells of lists: small pieces that read a row.
import type { ReactNode } from 'react';
import { formatBytes, formatNumber, useT } from '../../i18n/i18n';
import { text, vmFacts } from '../../live/vm';
import type { Row } from '../../live/watch';
import { StateBadge, Tag, type Tone } from '../../ui/Badge';
import classes from './cells.module.css';
import { ObjectAnchor, type Paged } from './ObjectAnchor';

export const number = (row: Row, field: string): number | undefined =>
  typeof row[field] === 'number' ? row[field] : undefined;

export const nameOf = (row: Row): string => text(row['name_label']) || row.id;

export function NameCell({ row, second }: { row: Row; second?: ReactNode }) {
  const name = nameOf(row);
  const link = (
    <ObjectAnchor type={row.type as Paged} id={row.id} className={classes['name']} title={name}>
      {name}
    </ObjectAnchor>
  );
  if (!second) return link;
  return (
    <div className={classes['lines']}>
      {link}
      <span className={classes['second']}>{second}</span>
    </div>
  );
}

/** A link to another object, or nothing when this row has none. */
export function RefCell({ type, id, name }: { type: Paged; id: unknown; name: unknown }) {
  if (typeof id !== 'string') return <Nothing />;
  return (
    <div className={classes['twoLines']}>
      <ObjectAnchor type={type} id={id} title={text(name)}>
        {text(name) || id}
      </ObjectAnchor>
    </div>
  );
}

/** The pool, and below it the host when there is one. */
export function WhereCell({ row }: { row: Row }) {
  const pool = text(row['$pool.name_label']);
  const host = hostOf(row);
  if (!host)
    return (
      <div className={classes['twoLines']} title={pool}>
        {pool}
      </div>
    );
  return (
    <div className={classes['lines']} title={whereText(row)}>
      <span>{pool}</span>
      <span className={classes['second']}>{host}</span>
    </div>
  );
}

/** The host an object is bound to; empty when that is the whole pool. */
const hostOf = (row: Row): string => {
  const host = row['$container'] === row['$pool'] ? '' : text(row['$container.name_label']);
  return host === text(row['$pool.name_label']) ? '' : host;
};

export const whereText = (row: Row): string => [text(row['$pool.name_label']), hostOf(row)].filter(Boolean).join(' / ');

const VM_TONES: Record<string, Tone> = { Running: 'good', Halted: 'quiet', Paused: 'warn', Suspended: 'warn' };

export function VmState({ row, stale }: { row: Row; stale: boolean }) {
  const t = useT();
  const { powerState, operations } = vmFacts(row);
  const label = t(`vm.state.${powerState}`);
  if (operations.length === 0 || stale) {
    return <StateBadge tone={stale ? 'quiet' : (VM_TONES[powerState] ?? 'quiet')}>{label}</StateBadge>;
  }
  return (
    <span title={operations.join(', ').replaceAll('_', ' ')}>
      <StateBadge tone="busy">{label}</StateBadge>
    </span>
  );
}

export const hostState = (row: Row): 'Running' | 'Maintenance' | 'Halted' | 'Unknown' => {
  if (row['power_state'] === 'Halted') return 'Halted';
  if (row['power_state'] !== 'Running') return 'Unknown';
  return row['enabled'] === false ? 'Maintenance' : 'Running';
};

const HOST_TONES: Record<ReturnType<typeof hostState>, Tone> = {
  Running: 'good',
  Maintenance: 'warn',
  Halted: 'bad',
  Unknown: 'warn',
};

export function HostState({ row, stale }: { row: Row; stale: boolean }) {
  const t = useT();
  const state = hostState(row);
  return <StateBadge tone={stale ? 'quiet' : HOST_TONES[state]}>{t(`host.state.${state}`)}</StateBadge>;
}

export function NumberCell({ value }: { value: number | undefined }) {
  return value === undefined ? <Nothing /> : <span className={classes['plain']}>{formatNumber(value)}</span>;
}

export function BytesCell({ value }: { value: number | undefined }) {
  return value === undefined ? <Nothing /> : <span className={classes['plain']}>{formatBytes(value)}</span>;
}

export function TextCell({ value }: { value: unknown }) {
  const words = text(value);
  return words === '' ? (
    <Nothing />
  ) : (
    <div className={classes['plain']} title={words}>
      {words}
    </div>
  );
}

/** The part of something that is used, in words and as a bar. */
export function MeterCell({ used, size }: { used: number | undefined; size: number | undefined }) {
  const t = useT();
  // Discs and the like have neither.
  if (used === undefined || size === undefined || size <= 0) return <Nothing />;
  const part = Math.min(1, used / size);
  return (
    <div className={classes['meter']}>
      <span>{t('cell.usedOf', { used: formatBytes(used), size: formatBytes(size) })}</span>
      <div className={classes['track']} aria-hidden="true">
        <div className={classes['bar']} data-high={part > 0.9 || undefined} style={{ width: `${part * 100}%` }} />
      </div>
    </div>
  );
}

export function TagsCell({ tags }: { tags: unknown }) {
  const list = Array.isArray(tags) ? tags.map(text).filter(Boolean) : [];
  if (list.length === 0) return <Nothing />;
  const [first = '', ...rest] = list;
  return (
    <div className={classes['tags']} title={list.join(', ')}>
      <Tag>{first}</Tag>
      {rest.length > 0 && <Tag>{`+${rest.length}`}</Tag>}
    </div>
  );
}

export function Nothing() {
  const t = useT();
  return (
    <span role="img" aria-label={t('cell.nothing')}>
      –
    </span>
  );
}
