// Says that the daemon cannot be reached, when it is tried again, and lets people try now.
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useT } from '../i18n/i18n';
import { client, useConnection } from '../live/live';
import { Banner } from '../ui/Banner';
import { Button } from '../ui/Button';
import { useCountdown } from '../ui/hooks';

export function ConnectionBanner() {
  const t = useT();
  const state = useConnection();
  const seconds = useCountdown(state.kind === 'waiting' ? state.retryAt : undefined);
  const lost = state.kind === 'waiting' || (state.kind === 'connecting' && state.attempt > 0);
  if (!lost) return null;
  return (
    <Banner
      tone="warn"
      silent
      icon={<IconPlugConnectedX size={18} />}
      title={t('connection.lost')}
      action={
        <Button size="xs" variant="default" onClick={() => client.retryNow()} disabled={state.kind === 'connecting'}>
          {t('connection.tryNow')}
        </Button>
      }
    >
      {t('connection.mayBeOld')}{' '}
      {seconds === undefined || seconds === 0 ? t('connection.connecting') : t('connection.retryIn', { seconds })}
    </Banner>
  );
}
