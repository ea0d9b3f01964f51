// The routes, and what happens when the session ends under a page.
import { createRouter } from '@tanstack/react-router';
import { Failed } from './components/QueryState';
import { client, queryClient } from './live/live';
import { sessionQuery } from './live/queries';
import { routeTree } from './routeTree.gen';
import { leave } from './session/session';

export const router = createRouter({
  routeTree,
  // The query cache is the cache.
  defaultPreloadStaleTime: 0,
  scrollRestoration: true,
  // In each route, so that a page that fails leaves the frame and its navigation standing.
  defaultErrorComponent: ({ error, reset }) => <Failed error={error} retry={reset} />,
});

client.subscribeState((state) => {
  // Before anybody was here, the routes ask for a sign-in by themselves.
  if (state.kind !== 'signed-out' || !queryClient.getQueryData(sessionQuery.queryKey)) return;
  const { pathname, href } = router.state.location;
  leave();
  if (pathname !== '/login') void router.navigate({ to: '/login', search: { to: href, ended: true } });
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
