import { createFileRoute } from '@tanstack/react-router';
import { ServersPage } from '../components/servers/ServersPage';
import { queryClient } from '../live/live';
import { serversQuery } from '../live/queries';

export const Route = createFileRoute('/_app/settings/servers')({
  // Not awaited: the page draws its frame while the answer comes, and shows an error in place.
  loader: () => void queryClient.prefetchQuery(serversQuery),
  component: ServersPage,
});
