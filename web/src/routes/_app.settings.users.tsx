import { createFileRoute } from '@tanstack/react-router';
import { UsersPage } from '../components/people/UsersPage';
import { queryClient } from '../live/live';
import { groupsQuery, usersQuery } from '../live/queries';

export const Route = createFileRoute('/_app/settings/users')({
  loader: () => {
    void queryClient.prefetchQuery(usersQuery);
    void queryClient.prefetchQuery(groupsQuery);
  },
  component: UsersPage,
});
