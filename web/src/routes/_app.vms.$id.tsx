import { createFileRoute } from '@tanstack/react-router';
import { VmPage } from '../components/details/VmPage';

export const Route = createFileRoute('/_app/vms/$id')({
  component: function One() {
    const { id } = Route.useParams();
    return <VmPage key={id} id={id} />;
  },
});
