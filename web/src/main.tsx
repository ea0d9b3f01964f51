// Starts the page.
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { client, queryClient } from './live/live';
import { sessionQuery } from './live/queries';
import { router } from './router';
import { UiProvider } from './ui/Provider';

// All at once: who this is, the connection, and the page that was asked for. What fails here is asked again, and told, later.
void queryClient.prefetchQuery(sessionQuery);
client.start();
for (const route of router.getMatchedRoutes(location.pathname)[0]) {
  router.loadRouteChunk(route)?.catch(() => undefined);
}

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <UiProvider>
          <RouterProvider router={router} />
        </UiProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
}
