import { createFileRoute } from '@tanstack/react-router';
import { PluginsPage } from '../components/plugins/PluginsPage';
import { queryClient } from '../live/live';
import { pluginsQuery } from '../live/queries';

export const Route = createFileRoute('/_app/settings/plugins/')({
  loader: () => void queryClient.prefetchQuery(pluginsQuery),
  component: PluginsPage,
});
