import { createFileRoute } from '@tanstack/react-router';
import { readListSearch } from '../components/objects/listSearch';
import { ObjectsPage } from '../components/objects/ObjectsPage';

export const Route = createFileRoute('/_app/hosts/')({
  validateSearch: readListSearch,
  component: function List() {
    const search = Route.useSearch();
    const navigate = Route.useNavigate();
    return (
      <ObjectsPage
        kind="hosts"
        search={search}
        onSearch={(change) => void navigate({ search: (old) => ({ ...old, ...change }), replace: true })}
      />
    );
  },
});
