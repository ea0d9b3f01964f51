import { createFileRoute } from '@tanstack/react-router';
import { readListSearch } from '../components/objects/listSearch';
import { ObjectsPage } from '../components/objects/ObjectsPage';

export const Route = createFileRoute('/_app/networks/')({
  validateSearch: readListSearch,
  component: () => <ObjectsPage kind="networks" search={Route.useSearch()} />,
});
