import { createFileRoute } from '@tanstack/react-router';
import { readVmSearch } from '../components/vms/vmSearch';
import { VmsPage } from '../components/vms/VmsPage';

export const Route = createFileRoute('/_app/vms')({
  validateSearch: readVmSearch,
  component: function Vms() {
    const search = Route.useSearch();
    const navigate = Route.useNavigate();
    return (
      <VmsPage
        search={search}
        onSearch={(change) => void navigate({ search: (old) => ({ ...old, ...change }), replace: true })}
      />
    );
  },
});
