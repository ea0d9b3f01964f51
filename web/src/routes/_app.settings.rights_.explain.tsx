import { createFileRoute } from '@tanstack/react-router';
import { ExplainPage } from '../components/people/ExplainPage';
import { queryClient } from '../live/live';
import { groupsQuery, usersQuery } from '../live/queries';

const idOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

export const Route = createFileRoute('/_app/settings/rights_/explain')({
  /** Ids of the account and of the object. */
  validateSearch: (search: Record<string, unknown>): { who?: string | undefined; object?: string | undefined } => ({
    who: idOf(search['who']),
    object: idOf(search['object']),
  }),
  loader: () => {
    void queryClient.prefetchQuery(usersQuery);
    void queryClient.prefetchQuery(groupsQuery);
  },
  component: function Explain() {
    const { who, object } = Route.useSearch();
    return <ExplainPage who={who} object={object} />;
  },
});
