import { createFileRoute } from '@tanstack/react-router';
import { RightsPage } from '../components/people/RightsPage';
import { queryClient } from '../live/live';
import { aclsQuery, groupsQuery, usersQuery } from '../live/queries';

export const Route = createFileRoute('/_app/settings/rights')({
  /** `who`: the id of an account or group; only what it was granted is shown. */
  validateSearch: (search: Record<string, unknown>): { who?: string | undefined } => ({
    who: typeof search['who'] === 'string' && search['who'] !== '' ? search['who'] : undefined,
  }),
  loader: () => {
    void queryClient.prefetchQuery(aclsQuery);
    void queryClient.prefetchQuery(usersQuery);
    void queryClient.prefetchQuery(groupsQuery);
  },
  component: function Rights() {
    const { who } = Route.useSearch();
    return <RightsPage key={who ?? ''} who={who} />;
  },
});
