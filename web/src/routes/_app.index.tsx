import { createFileRoute, Navigate, useLocation } from '@tanstack/react-router';
import { LoadingRows } from '../components/QueryState';
import { useOwnSets } from '../live/sets';

/** Who has a resource set begins there, everybody else with the machines. */
export const Route = createFileRoute('/_app/')({
  component: function Start() {
    const sets = useOwnSets();
    const path = useLocation({ select: (location) => location.pathname });
    // Somebody is on the way to another page, and must not be led away from it.
    if (path !== '/') return null;
    if (!sets) return <LoadingRows rows={6} />;
    return <Navigate to={sets.length > 0 ? '/self' : '/vms'} replace />;
  },
});
