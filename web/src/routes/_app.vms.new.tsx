import { createFileRoute } from '@tanstack/react-router';
import { NewVmPage } from '../components/vms/new/NewVmPage';

export const Route = createFileRoute('/_app/vms/new')({
  /** `set`: the id of a resource set to make the machine in. */
  validateSearch: (search: Record<string, unknown>): { set?: string | undefined } => ({
    set: typeof search['set'] === 'string' && search['set'] !== '' ? search['set'] : undefined,
  }),
  component: function NewVm() {
    const { set } = Route.useSearch();
    return <NewVmPage key={set ?? ''} wanted={set} />;
  },
});
