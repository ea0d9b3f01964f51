// Entering and leaving: what the browser keeps of one person must be gone before the next one comes.
import type { Schemas } from '../api/methods';
import { signOut as httpSignOut } from '../api/http';
import { client, queryClient } from '../live/live';
import { sessionQuery, userQuery } from '../live/queries';
import { withdraw } from '../ui/confirm';
import { toast } from '../ui/toast';

export function enter(user: Schemas['User']): void {
  queryClient.setQueryData(sessionQuery.queryKey, user);
  queryClient.setQueryData(userQuery.queryKey, user);
  client.start();
}

/** Forgets everything in this browser. */
export function leave(): void {
  client.stop();
  withdraw();
  toast.clear();
  queryClient.clear();
  queryClient.setQueryData(sessionQuery.queryKey, null);
}

export async function signOut(): Promise<void> {
  await httpSignOut();
  leave();
}

const LATER_KEY = 'xylem-password-later';

/** "Later" holds until the browser is closed. */
export const passwordPutOff = {
  get: (userId: string): boolean => sessionStorage.getItem(LATER_KEY) === userId,
  set: (userId: string): void => sessionStorage.setItem(LATER_KEY, userId),
};
