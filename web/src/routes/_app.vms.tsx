import { createFileRoute } from '@tanstack/react-router';
import { type VmSearch, VmsPage } from '../components/vms/VmsPage';
import { SORTABLE } from '../components/vms/VmTable';

export const Route = createFileRoute('/_app/vms')({
  validateSearch: (search: Record<string, unknown>): VmSearch => ({
    // A search for 42 arrives as a number.
    q:
      typeof search['q'] === 'string' || typeof search['q'] === 'number' ? String(search['q']) || undefined : undefined,
    show: search['show'] === 'running' || search['show'] === 'halted' ? search['show'] : undefined,
    sort: SORTABLE.find((column) => column === search['sort']),
    desc: search['desc'] === true ? true : undefined,
  }),
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
