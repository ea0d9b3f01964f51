import { createFileRoute } from '@tanstack/react-router';
import { readListSearch } from '../components/objects/listSearch';
import { ObjectsPage } from '../components/objects/ObjectsPage';

export const Route = createFileRoute('/_app/srs/')({
  validateSearch: readListSearch,
  component: () => <ObjectsPage kind="srs" search={Route.useSearch()} />,
});
