import { createFileRoute } from '@tanstack/react-router';
import { NetworkPage } from '../components/details/NetworkPage';

export const Route = createFileRoute('/_app/networks/$id')({
  component: function One() {
    const { id } = Route.useParams();
    return <NetworkPage key={id} id={id} />;
  },
});
