// Settings > Audit: the log of who did what, newest first; whether it is what was written; and all of it as a file.
import { IconDownload, IconHistory, IconRefresh, IconShieldCheck, IconShieldX } from '@tabler/icons-react';
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useT } from '../../i18n/i18n';
import { client, queryClient } from '../../live/live';
import { auditQuery } from '../../live/queries';
import { Banner } from '../../ui/Banner';
import { Blank } from '../../ui/Blank';
import { Button, CopyButton, IconButton } from '../../ui/Button';
import { SegmentedControl } from '../../ui/input';
import { Page } from '../../ui/Page';
import { toast } from '../../ui/toast';
import { errorText } from '../errorText';
import { SearchBox } from '../people/SearchBox';
import { QueryState } from '../QueryState';
import classes from './audit.module.css';
import { AuditList } from './AuditList';
import { type AuditRecord, joined, recordsOf, type Shown } from './records';
import { RecordDialog } from './RecordDialog';

const SHOWN = ['all', 'calls', 'failed'] as const satisfies readonly Shown[];

export function AuditPage() {
  const t = useT();
  const query = useInfiniteQuery(auditQuery);
  const verify = useMutation({ mutationFn: () => client.call('audit.generateFingerprint', {}) });
  const exporting = useMutation({
    mutationFn: () => client.call('audit.exportRecords', {}),
    // The address works once: it is gone when the file is.
    onSuccess: ({ $getFrom }) => {
      const link = document.createElement('a');
      link.href = $getFrom;
      link.download = 'audit.ndjson';
      link.click();
    },
    onError: (error) => toast.error(errorText(error), t('audit.exportFailed')),
  });
  const [typed, setTyped] = useState('');
  const [shown, setShown] = useState<Shown>('all');
  const [open, setOpen] = useState<AuditRecord>();
  return (
    <Page
      fill
      title={t('nav.audit')}
      description={t('audit.description')}
      actions={
        <>
          <IconButton
            label={t('audit.refresh')}
            busy={query.isRefetching && !query.isFetchingNextPage}
            onClick={() => void queryClient.resetQueries({ queryKey: auditQuery.queryKey })}
          >
            <IconRefresh size={18} aria-hidden />
          </IconButton>
          <Button
            variant="default"
            leftSection={<IconDownload size={16} aria-hidden />}
            loading={exporting.isPending}
            onClick={() => exporting.mutate()}
          >
            {t('audit.export')}
          </Button>
          <Button
            leftSection={<IconShieldCheck size={16} aria-hidden />}
            loading={verify.isPending}
            onClick={() => verify.mutate()}
          >
            {t('audit.verify')}
          </Button>
        </>
      }
    >
      <Verified result={verify.data} error={verify.error} />
      <QueryState query={query}>
        {({ pages }) => {
          const all = joined(pages);
          if (all.length === 0) {
            return <Blank icon={<IconHistory size={26} />} title={t('audit.empty')} text={t('audit.emptyText')} />;
          }
          const found = recordsOf(all, typed, shown);
          const older = query.hasNextPage && (
            <Button
              variant="default"
              size="xs"
              loading={query.isFetchingNextPage}
              onClick={() => void query.fetchNextPage()}
            >
              {t('audit.older')}
            </Button>
          );
          return (
            <>
              <div className={classes['tools']}>
                <SearchBox label={t('audit.search')} value={typed} onChange={setTyped} />
                <SegmentedControl
                  aria-label={t('audit.show')}
                  value={shown}
                  onChange={setShown}
                  data={SHOWN.map((value) => ({ value, label: t(`audit.show.${value}`) }))}
                />
                <span className={classes['count']} role="status">
                  {found.length === all.length && !query.hasNextPage
                    ? t('audit.count', { count: all.length })
                    : t('audit.found', { found: found.length, count: all.length })}
                </span>
                {older}
              </div>
              {found.length === 0 ? (
                <Blank
                  role="status"
                  icon={<IconHistory size={26} />}
                  title={t('audit.noMatch')}
                  text={query.hasNextPage ? t('audit.noMatchText') : t('people.noMatchText')}
                />
              ) : (
                <AuditList
                  records={found}
                  onOpen={setOpen}
                  onEnd={() => {
                    if (query.hasNextPage && !query.isFetchingNextPage) void query.fetchNextPage();
                  }}
                />
              )}
            </>
          );
        }}
      </QueryState>
      <RecordDialog record={open} onClose={() => setOpen(undefined)} />
    </Page>
  );
}

type Fingerprint = { fingerprint: string; nValid: number; error?: string };

function Verified({ result, error }: { result: Fingerprint | undefined; error: unknown }) {
  const t = useT();
  if (error) {
    return (
      <Banner tone="bad" icon={<IconShieldX size={20} />} title={t('audit.verifyFailed')}>
        {errorText(error)}
      </Banner>
    );
  }
  if (!result) return null;
  if (result.error !== undefined) {
    return (
      <Banner tone="bad" icon={<IconShieldX size={20} />} title={t('audit.broken')}>
        {t('audit.brokenText', { count: result.nValid, why: result.error })}
      </Banner>
    );
  }
  return (
    <Banner
      tone="quiet"
      icon={<IconShieldCheck size={20} />}
      title={t('audit.verified', { count: result.nValid })}
      action={
        <CopyButton value={result.fingerprint}>
          {({ copy }) => (
            <Button variant="default" size="xs" onClick={copy}>
              {t('audit.copyFingerprint')}
            </Button>
          )}
        </CopyButton>
      }
    >
      {t('audit.verifiedText')} <code className={classes['mono']}>{result.fingerprint}</code>
    </Banner>
  );
}
