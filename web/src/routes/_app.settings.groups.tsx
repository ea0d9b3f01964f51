import { createFileRoute } from '@tanstack/react-router';
import { GroupsPage } from '../components/people/GroupsPage';
import { queryClient } from '../live/live';
import { groupsQuery, usersQuery } from '../live/queries';

export const Route = createFileRoute('/_app/settings/groups')({
  loader: () => {
    void queryClient.prefetchQuery(groupsQuery);
    void queryClient.prefetchQuery(usersQuery);
  },
  component: GroupsPage,
});
