import { createFileRoute } from '@tanstack/react-router';
import { SelfPage } from '../components/sets/SelfPage';
import { queryClient } from '../live/live';
import { setsQuery } from '../live/queries';

export const Route = createFileRoute('/_app/self')({
  loader: () => void queryClient.prefetchQuery(setsQuery),
  component: SelfPage,
});
