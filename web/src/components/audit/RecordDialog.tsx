// One record with all that it says.
import { formatTime, useT } from '../../i18n/i18n';
import { Dialog } from '../../ui/Dialog';
import { Stack } from '../../ui/layout';
import { Facts } from '../../ui/Page';
import classes from './audit.module.css';
import { addressOf, type AuditRecord, durationOf, errorOf, methodOf, whoOf } from './records';

export function RecordDialog({ record, onClose }: { record: AuditRecord | undefined; onClose: () => void }) {
  const t = useT();
  return (
    <Dialog
      opened={record !== undefined}
      onClose={onClose}
      title={t('audit.details')}
      size="lg"
      closeLabel={t('action.close')}
    >
      {record && <Content record={record} />}
    </Dialog>
  );
}

function Content({ record }: { record: AuditRecord }) {
  const t = useT();
  const duration = durationOf(record);
  const facts = [
    [t('audit.time'), formatTime(record.time)],
    [t('audit.who'), whoOf(record) ?? t('audit.nobody')],
    [t('audit.address'), addressOf(record)],
    [t('audit.event'), record.event],
    [t('audit.method'), methodOf(record)],
    [t('audit.duration'), duration === undefined ? undefined : t('audit.milliseconds', { count: duration })],
    [t('audit.error'), errorOf(record)],
    [t('audit.id'), record.id],
    [t('audit.previous'), record.previousId],
  ] as const;
  const data = t('audit.data');
  return (
    <Stack gap="md">
      <Facts items={facts.filter(([, value]) => value !== undefined)} />
      <section aria-label={data}>
        <h3 className={classes['dataTitle']}>{data}</h3>
        {/* It scrolls, so it takes the focus. */}
        {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <pre className={classes['data']} tabIndex={0}>
          {JSON.stringify({ subject: record.subject, data: record.data }, null, 2)}
        </pre>
      </section>
    </Stack>
  );
}
