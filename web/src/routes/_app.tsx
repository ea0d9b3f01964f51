import { createFileRoute, Outlet, redirect, useLocation } from '@tanstack/react-router';
import { NothingShared } from '../components/NothingShared';
import { PasswordSuggestion } from '../components/ChangePassword';
import { Failed, LoadingRows } from '../components/QueryState';
import { Shell } from '../components/Shell';
import { queryClient } from '../live/live';
import { sessionQuery, useUser } from '../live/queries';
import { useOwnSets } from '../live/sets';
import { useShared } from '../live/shared';
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

/** Pages that everybody has, whatever was shared with them. */
const OWN = ['/profile'];

function App() {
  const user = useUser();
  const objects = useShared(user);
  const sets = useOwnSets();
  // A set is something even while the pools of what it offers are away.
  const shared = objects === false && sets === undefined ? undefined : objects || (sets?.length ? true : objects);
  const path = useLocation({ select: (location) => location.pathname });
  if (!user) return null;
  let content = <Outlet />;
  if (shared !== true && !OWN.includes(path)) {
    content = shared === false ? <NothingShared name={user.email} /> : <LoadingRows rows={6} />;
  }
  return (
    <Shell user={user} shared={shared === true}>
      {content}
      <PasswordSuggestion key={user.id} user={user} />
    </Shell>
  );
}
