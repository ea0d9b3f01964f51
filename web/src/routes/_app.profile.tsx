import { createFileRoute } from '@tanstack/react-router';
import { ProfilePage } from '../components/profile/ProfilePage';
import { queryClient } from '../live/live';
import { tokensQuery } from '../live/queries';

export const Route = createFileRoute('/_app/profile')({
  loader: () => void queryClient.prefetchQuery(tokensQuery),
  component: ProfilePage,
});
