import { createFileRoute } from '@tanstack/react-router';
import { PluginPage } from '../components/plugins/PluginPage';
import { queryClient } from '../live/live';
import { pluginsQuery } from '../live/queries';

export const Route = createFileRoute('/_app/settings/plugins/$id')({
  loader: () => void queryClient.prefetchQuery(pluginsQuery),
  component: function Plugin() {
    const { id } = Route.useParams();
    return <PluginPage key={id} id={id} />;
  },
});
