import { createFileRoute, redirect } from '@tanstack/react-router';
import { SignIn } from '../components/SignIn';
import { queryClient } from '../live/live';
import { sessionQuery } from '../live/queries';

interface Search {
  /** Where the person wanted to go; a path of ours. */
  to?: string | undefined;
  /** The session ended by itself. */
  ended?: boolean | undefined;
}

/** Only paths of this page: `//evil.example` and `https:` would leave it. */
const ownPath = (value: unknown): string | undefined =>
  typeof value === 'string' && /^\/(?![/\\])/.test(value) ? value : undefined;

export const Route = createFileRoute('/login')({
  validateSearch: (search: Record<string, unknown>): Search => ({
    to: ownPath(search['to']),
    ended: search['ended'] === true ? true : undefined,
  }),
  beforeLoad: async ({ search }) => {
    // The daemon may be away: the form shows that itself.
    const user = await queryClient.ensureQueryData(sessionQuery).catch(() => null);
    if (user) throw redirect({ href: search.to ?? '/' });
  },
  component: function Login() {
    const { to, ended } = Route.useSearch();
    return <SignIn to={to ?? '/'} ended={ended ?? false} />;
  },
});
