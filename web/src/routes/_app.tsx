import { createFileRoute, Outlet, redirect } from '@tanstack/react-router';
import { NothingShared } from '../components/NothingShared';
import { PasswordSuggestion } from '../components/ChangePassword';
import { Failed } from '../components/QueryState';
import { Shell } from '../components/Shell';
import { queryClient } from '../live/live';
import { sessionQuery, useUser } from '../live/queries';
import { enter } from '../session/session';

export const Route = createFileRoute('/_app')({
  beforeLoad: async ({ location }) => {
    const user = await queryClient.ensureQueryData(sessionQuery);
    if (!user) throw redirect({ to: '/login', search: { to: location.href } });
    enter(queryClient.getQueryData<typeof user>(['user']) ?? user);
  },
  component: App,
  errorComponent: ({ error, reset }) => <Failed main error={error} retry={reset} />,
});

function App() {
  const user = useUser();
  if (!user) return null;
  return (
    <Shell user={user}>
      {user.permission === 'none' ? <NothingShared name={user.email} /> : <Outlet />}
      <PasswordSuggestion key={user.id} user={user} />
    </Shell>
  );
}
