// Live statistics of a host or a VM: asked for at the pace of their points, and only while they are looked at. The charts
// are a chunk of their own.
import { IconChartLine, IconTable } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useRef, useState } from 'react';
import type { Granularity } from '../../api/methods';
import { type MessageKey, useT } from '../../i18n/i18n';
import { statsQuery } from '../../live/queries';
import { Button } from '../../ui/Button';
import { Skeleton } from '../../ui/feedback';
import { useInView } from '../../ui/hooks';
import { SegmentedControl } from '../../ui/input';
import { Card } from '../../ui/Page';
import { errorText } from '../errorText';
import classes from './stats.module.css';

const Charts = lazy(() => import('./Charts'));

const GRANULARITIES = ['seconds', 'minutes', 'hours', 'days'] as const satisfies readonly Granularity[];

interface Props {
  kind: 'host' | 'vm';
  id: string;
  /** Why there can be none now. */
  off?: MessageKey | undefined;
}

export function Stats({ kind, id, off }: Props) {
  const t = useT();
  const [granularity, setGranularity] = useState<Granularity>('seconds');
  const [table, setTable] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const seen = useInView(frame);
  const query = useQuery({ ...statsQuery(kind, id, granularity), enabled: seen && off === undefined });
  const controls = off === undefined && (
    <div className={classes['head']}>
      <SegmentedControl
        size="xs"
        aria-label={t('stats.granularity')}
        value={granularity}
        onChange={setGranularity}
        data={GRANULARITIES.map((value) => ({ value, label: t(`stats.granularity.${value}`) }))}
      />
      <Button
        size="compact-sm"
        variant="default"
        aria-pressed={table}
        leftSection={table ? <IconChartLine size={15} aria-hidden /> : <IconTable size={15} aria-hidden />}
        onClick={() => setTable(!table)}
      >
        {t(table ? 'stats.asChart' : 'stats.asTable')}
      </Button>
    </div>
  );
  let content;
  if (off !== undefined) content = <Blank>{t(off)}</Blank>;
  else if (query.data) {
    content = (
      <Suspense fallback={<Loading />}>
        <Charts kind={kind} data={query.data} granularity={granularity} table={table} old={query.isPlaceholderData} />
      </Suspense>
    );
  } else if (query.error) content = <Blank>{`${t('stats.none')} ${errorText(query.error)}`}</Blank>;
  else content = <Loading />;
  return (
    <div ref={frame}>
      <Card title={t('stats.title')} actions={controls}>
        {content}
        {query.data && query.error && <Blank>{`${t('stats.old')} ${errorText(query.error)}`}</Blank>}
      </Card>
    </div>
  );
}

function Loading() {
  return (
    <div className={classes['charts']}>
      {Array.from({ length: 4 }, (_, index) => (
        <Skeleton key={index} height={180} radius="md" />
      ))}
    </div>
  );
}

function Blank({ children }: { children: string }) {
  return (
    <p className={classes['blank']} role="status">
      <IconChartLine size={18} aria-hidden />
      {children}
    </p>
  );
}
