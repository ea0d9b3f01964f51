import { createFileRoute } from '@tanstack/react-router';
import { RolesPage } from '../components/people/RolesPage';
import { queryClient } from '../live/live';
import { groupsQuery, privilegesQuery, rolesQuery, usersQuery } from '../live/queries';

export const Route = createFileRoute('/_app/settings/rights_/roles')({
  loader: () => {
    void queryClient.prefetchQuery(rolesQuery);
    void queryClient.prefetchQuery(privilegesQuery);
    void queryClient.prefetchQuery(usersQuery);
    void queryClient.prefetchQuery(groupsQuery);
  },
  component: RolesPage,
});
