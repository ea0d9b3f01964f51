// After a reconnection the daemon may be a newer one, with a newer page: offer to load it.
import { IconRefresh } from '@tabler/icons-react';
import { useSyncExternalStore } from 'react';
import { fetchEntryScript } from '../api/http';
import { useT } from '../i18n/i18n';
import { client } from '../live/live';
import { Banner } from '../ui/Banner';
import { Button } from '../ui/Button';

let first = true;
let available = false;
const handlers = new Set<() => void>();

client.onOnline(() => {
  const own = document.querySelector<HTMLScriptElement>('script[type=module][src]')?.getAttribute('src');
  if (first || own === undefined || own === null) {
    first = false;
    return;
  }
  fetchEntryScript().then(
    (script) => {
      available = script !== undefined && script !== own;
      for (const handler of handlers) handler();
    },
    () => undefined,
  );
});

const subscribe = (handler: () => void) => {
  handlers.add(handler);
  return () => handlers.delete(handler);
};

export function NewVersionBanner() {
  const t = useT();
  if (!useSyncExternalStore(subscribe, () => available)) return null;
  return (
    <Banner
      tone="quiet"
      icon={<IconRefresh size={18} />}
      title={t('version.new')}
      action={
        <Button size="xs" variant="default" onClick={() => location.reload()}>
          {t('version.reload')}
        </Button>
      }
    />
  );
}
