import { createFileRoute } from '@tanstack/react-router';
import { PoolPage } from '../components/details/PoolPage';

export const Route = createFileRoute('/_app/pools/$id')({
  component: function One() {
    const { id } = Route.useParams();
    return <PoolPage key={id} id={id} />;
  },
});
