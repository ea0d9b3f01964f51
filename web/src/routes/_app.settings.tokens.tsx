import { createFileRoute } from '@tanstack/react-router';
import { TokensPage } from '../components/profile/TokensPage';
import { queryClient } from '../live/live';
import { tokensQuery, usersQuery } from '../live/queries';

export const Route = createFileRoute('/_app/settings/tokens')({
  loader: () => {
    void queryClient.prefetchQuery(tokensQuery);
    void queryClient.prefetchQuery(usersQuery);
  },
  component: TokensPage,
});
