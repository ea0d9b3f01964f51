// What a grant can carry beside its scope, and which of it makes sense for which scope.
import type { Schemas } from '../../api/methods';
import { wantsPlaintext } from '../../form/schema';

export type Options = Schemas['GrantOptions'];

/** Kinds of addresses that stay closed unless a grant names them. */
export const ADDRESSES = ['loopback', 'link-local', 'pool', 'daemon'] as const;
export type AddressKind = (typeof ADDRESSES)[number];

export const isNetwork = (scope: string): boolean => /^(?:ldap|http|smtp|tcp|udp):/.test(scope);
export const canBePlain = (scope: string): boolean => /^(?:ldap|http|smtp):/.test(scope);
export const canBeTls = (scope: string): boolean => /^(?:ldap|http|smtp|tcp):/.test(scope);

/** Loopback always, because test servers live there; the rest when the manifest or the grant names it. */
export const offeredAddresses = (requested: Options, current: Options): AddressKind[] =>
  ADDRESSES.filter(
    (kind) => kind === 'loopback' || requested.addresses?.includes(kind) || current.addresses?.includes(kind),
  );

/**
 * What is ticked before anybody ticks: nothing but clear text, and that only when the configuration that the
 * administrator typed asks for it.
 */
export function firstOptions(scope: string, requested: Options, configuration: unknown): Options {
  const plain = canBePlain(scope) && (requested.plaintext === true || wantsPlaintext(configuration));
  return plain ? { plaintext: true } : {};
}

/** Leaves out what is empty, so that a grant says only what it means. */
export function tidyOptions(options: Options): Options {
  return Object.fromEntries(
    Object.entries(options).filter(
      ([, value]) =>
        value !== undefined && value !== false && value !== '' && !(Array.isArray(value) && value.length === 0),
    ),
  );
}
