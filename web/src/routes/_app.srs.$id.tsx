import { createFileRoute } from '@tanstack/react-router';
import { SrPage } from '../components/details/SrPage';

export const Route = createFileRoute('/_app/srs/$id')({
  component: function One() {
    const { id } = Route.useParams();
    return <SrPage key={id} id={id} />;
  },
});
