// Signing in and out over HTTP: the answer sets or clears the HttpOnly cookie, which scripts cannot do.
import type { Schemas } from './methods';

export interface Provider {
  id: string;
  label: string;
  kind: 'password';
}

export type SignInOutcome =
  | { kind: 'ok'; user: Schemas['User'] }
  | { kind: 'refused' }
  /** The password was right; the account wants its one-time password, or another one than was given. */
  | { kind: 'code'; wrong: boolean }
  | { kind: 'too-fast' }
  | { kind: 'failed'; message: string }
  | { kind: 'unreachable' };

const BASE = '/rest/v0/auth';

async function request(path: string, init?: RequestInit): Promise<Response> {
  return fetch(BASE + path, { credentials: 'same-origin', cache: 'no-store', ...init });
}

/** What the daemon says of a one-time password, in an answer that refuses. */
async function codeOf(response: Response): Promise<unknown> {
  try {
    return ((await response.json()) as { data?: { otp?: unknown } }).data?.otp;
  } catch {
    return undefined;
  }
}

async function errorText(response: Response): Promise<string> {
  try {
    const body: unknown = await response.json();
    if (typeof body === 'object' && body !== null && 'error' in body) return String(body.error);
  } catch {
    // Not JSON: the status is all there is.
  }
  return `HTTP ${response.status}`;
}

export async function signIn(form: {
  username: string;
  password: string;
  remember: boolean;
  provider?: string | undefined;
  otp?: string | undefined;
}): Promise<SignInOutcome> {
  let response: Response;
  try {
    response = await request('/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(form),
    });
  } catch {
    return { kind: 'unreachable' };
  }
  if (response.ok) return { kind: 'ok', user: ((await response.json()) as { user: Schemas['User'] }).user };
  if (response.status === 401) {
    const code = await codeOf(response);
    return code === undefined ? { kind: 'refused' } : { kind: 'code', wrong: code === 'wrong' };
  }
  if (response.status === 429) return { kind: 'too-fast' };
  if (response.status === 502 || response.status === 503 || response.status === 504) return { kind: 'unreachable' };
  return { kind: 'failed', message: await errorText(response) };
}

export async function signOut(): Promise<void> {
  const response = await request('/logout', { method: 'POST' });
  if (!response.ok && response.status !== 401) throw new Error(await errorText(response));
}

/** Returns the user whose cookie this browser holds, or null. Throws when the daemon does not answer. */
export async function fetchSession(): Promise<Schemas['User'] | null> {
  const response = await request('/session');
  if (response.status === 401) return null;
  if (!response.ok) throw new Error(await errorText(response));
  return ((await response.json()) as { user: Schemas['User'] }).user;
}

export async function fetchProviders(): Promise<Provider[]> {
  const response = await request('/providers');
  if (!response.ok) throw new Error(await errorText(response));
  return (await response.json()) as Provider[];
}

/** Returns the name of the script that the daemon's page loads now: another one means a new version. */
export async function fetchEntryScript(): Promise<string | undefined> {
  const response = await fetch('/', { cache: 'no-store', credentials: 'same-origin' });
  return /<script type="module"[^>]* src="([^"]+)"/.exec(await response.text())?.[1];
}
