import { createFileRoute } from '@tanstack/react-router';
import { SetsPage } from '../components/sets/SetsPage';
import { queryClient } from '../live/live';
import { groupsQuery, setsQuery, usersQuery } from '../live/queries';

export const Route = createFileRoute('/_app/settings/sets')({
  /** `q`: what is searched for at first. */
  validateSearch: (search: Record<string, unknown>): { q?: string | undefined } => ({
    q: typeof search['q'] === 'string' && search['q'] !== '' ? search['q'] : undefined,
  }),
  loader: () => {
    void queryClient.prefetchQuery(setsQuery);
    void queryClient.prefetchQuery(usersQuery);
    void queryClient.prefetchQuery(groupsQuery);
  },
  component: function Sets() {
    const { q } = Route.useSearch();
    return <SetsPage key={q ?? ''} wanted={q} />;
  },
});
