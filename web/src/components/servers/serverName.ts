import type { Schemas } from '../../api/methods';

/** What people call it: the label they gave, else its pool, else its address. */
export const serverName = (server: Pick<Schemas['Server'], 'label' | 'poolNameLabel' | 'host'>): string =>
  server.label || server.poolNameLabel || server.host;
