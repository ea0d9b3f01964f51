// The records, however many: only those in view are drawn.
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import { formatTime, useT } from '../../i18n/i18n';
import { StateBadge } from '../../ui/Badge';
import classes from './audit.module.css';
import { addressOf, type AuditRecord, hasFailed, whatOf, whoOf } from './records';

/** Fixed, so that the place of a record is known without drawing it. */
const HEIGHT = 52;

interface Props {
  records: readonly AuditRecord[];
  onOpen: (record: AuditRecord) => void;
  /** The end comes into view. */
  onEnd: () => void;
}

export function AuditList({ records, onOpen, onEnd }: Props) {
  const t = useT();
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: records.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => HEIGHT,
    overscan: 8,
  });
  const last = virtualizer.range?.endIndex ?? 0;
  const isAtEnd = (virtualizer.scrollOffset ?? 0) > 0 && last >= records.length - 1;
  useEffect(() => {
    if (isAtEnd) onEnd();
    // Told once for each time that the end is reached.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [isAtEnd]);
  return (
    <div ref={scroller} className={classes['scroller']}>
      <ul className={classes['list']} aria-label={t('audit.list')} style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map((item) => {
          const record = records[item.index];
          if (!record) return null;
          return (
            <li
              key={record.id}
              className={classes['row']}
              aria-setsize={records.length}
              aria-posinset={item.index + 1}
              style={{ height: HEIGHT, transform: `translateY(${item.start}px)` }}
            >
              <button type="button" className={classes['open']} onClick={() => onOpen(record)}>
                <time className={classes['time']} dateTime={new Date(record.time).toISOString()}>
                  {formatTime(record.time)}
                </time>
                <span className={classes['what']}>
                  <strong className={classes['mono']}>{whatOf(record)}</strong>
                  {hasFailed(record) && <StateBadge tone="bad">{t('audit.failed')}</StateBadge>}
                </span>
                <span className={classes['who']}>
                  {[whoOf(record) ?? t('audit.nobody'), addressOf(record)].filter(Boolean).join(' · ')}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
