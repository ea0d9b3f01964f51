// What can go wrong with a call: the daemon said no (ApiError), or no answer came (ConnectionError).
import type { Schemas } from './methods';

/** Codes of the JSON-RPC interface that the page treats specially. */
export const CODE = {
  noSuchObject: 1,
  unauthorized: 2,
  invalidCredentials: 3,
  forbiddenOperation: 5,
  authenticationFailed: 8,
  serverUnreachable: 9,
  invalidParameters: 10,
  vmMissingPvDrivers: 11,
  vmBadPowerState: 13,
  vmLacksFeature: 14,
  objectAlreadyExists: 16,
} as const;

export class ApiError extends Error {
  override name = 'ApiError';
  constructor(
    readonly code: number,
    message: string,
    readonly data?: unknown,
  ) {
    super(message);
  }
}

/** `lost`: the call was on its way, so whether it was done is unknown. `offline`: it never left. */
export class ConnectionError extends Error {
  override name = 'ConnectionError';
  constructor(readonly kind: 'offline' | 'lost' | 'timeout' | 'signed-out') {
    super(kind);
  }
}

export const isDenied = (error: unknown): boolean => error instanceof ApiError && error.code === CODE.unauthorized;

/** The faults of single fields in an error 10; empty for every other error. */
export function fieldErrors(error: unknown): Schemas['InvalidParameter'][] {
  if (!(error instanceof ApiError) || error.code !== CODE.invalidParameters) return [];
  const data = error.data;
  if (typeof data !== 'object' || data === null || !('errors' in data) || !Array.isArray(data.errors)) return [];
  return data.errors.filter((item): item is Schemas['InvalidParameter'] => typeof item === 'object' && item !== null);
}
