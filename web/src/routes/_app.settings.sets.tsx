import { createFileRoute } from '@tanstack/react-router';
import { SetsPage } from '../components/sets/SetsPage';
import { queryClient } from '../live/live';
import { groupsQuery, setsQuery, usersQuery } from '../live/queries';

export const Route = createFileRoute('/_app/settings/sets')({
  loader: () => {
    void queryClient.prefetchQuery(setsQuery);
    void queryClient.prefetchQuery(usersQuery);
    void queryClient.prefetchQuery(groupsQuery);
  },
  component: SetsPage,
});
