// The states of a page before it has anything to show: loading, failed, denied.
import { IconLock, IconPlugConnectedX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { isDenied } from '../api/errors';
import { useT } from '../i18n/i18n';
import { Blank } from '../ui/Blank';
import { Button } from '../ui/Button';
import { Skeleton } from '../ui/feedback';
import { Stack, VisuallyHidden } from '../ui/layout';
import { errorText } from './errorText';

export function LoadingRows({ rows = 4, height = 64 }: { rows?: number; height?: number }) {
  const t = useT();
  return (
    <Stack gap="sm" role="status">
      <VisuallyHidden>{t('state.loading')}</VisuallyHidden>
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} height={height} radius="md" />
      ))}
    </Stack>
  );
}

export function Failed({ error, retry, main }: { error: unknown; retry?: () => void; main?: boolean }) {
  const t = useT();
  if (isDenied(error)) {
    return (
      <Blank
        main={main}
        role="alert"
        icon={<IconLock size={26} />}
        title={t('state.denied')}
        text={t('state.deniedText')}
      />
    );
  }
  return (
    <Blank
      main={main}
      role="alert"
      icon={<IconPlugConnectedX size={26} />}
      title={t('state.failed')}
      text={errorText(error)}
      action={
        retry && (
          <Button variant="default" onClick={retry}>
            {t('action.retry')}
          </Button>
        )
      }
    />
  );
}

interface QueryLike<D> {
  data: D | undefined;
  error: unknown;
  refetch: () => unknown;
}

/** Draws the data as soon as there is any: an old answer is better than an error. */
export function QueryState<D>({
  query,
  loading,
  children,
}: {
  query: QueryLike<D>;
  loading?: ReactNode;
  children: (data: D) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.error) return <Failed error={query.error} retry={() => void query.refetch()} />;
  return loading ?? <LoadingRows />;
}
