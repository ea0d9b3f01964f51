import { createFileRoute } from '@tanstack/react-router';
import { HostPage } from '../components/details/HostPage';

export const Route = createFileRoute('/_app/hosts/$id')({
  component: function One() {
    const { id } = Route.useParams();
    return <HostPage key={id} id={id} />;
  },
});
