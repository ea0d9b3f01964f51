import { createFileRoute } from '@tanstack/react-router';
import { AuditPage } from '../components/audit/AuditPage';
import { queryClient } from '../live/live';
import { auditQuery } from '../live/queries';

export const Route = createFileRoute('/_app/settings/audit')({
  loader: () => {
    void queryClient.prefetchInfiniteQuery(auditQuery);
  },
  component: AuditPage,
});
