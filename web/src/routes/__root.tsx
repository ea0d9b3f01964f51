import { IconMapQuestion } from '@tabler/icons-react';
import { createRootRoute, Link, Outlet } from '@tanstack/react-router';
import { Failed } from '../components/QueryState';
import { useT } from '../i18n/i18n';
import { Blank } from '../ui/Blank';

export const Route = createRootRoute({
  component: Outlet,
  notFoundComponent: NotFound,
  errorComponent: ({ error, reset }) => <Failed main error={error} retry={reset} />,
});

function NotFound() {
  const t = useT();
  return (
    <Blank
      main
      icon={<IconMapQuestion size={26} />}
      title={t('state.notFound')}
      text={t('state.notFoundText')}
      action={<Link to="/">{t('state.home')}</Link>}
    />
  );
}
