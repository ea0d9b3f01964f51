// What to tell a person about a failed call. The daemon's own words are for administrators and come last.
import { ApiError, CODE, ConnectionError } from '../api/errors';
import { t } from '../i18n/i18n';

export function errorText(error: unknown): string {
  if (error instanceof ConnectionError) return t(`error.${error.kind}`);
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : t('error.unknown');
  switch (error.code) {
    case CODE.unauthorized:
      return t('error.unauthorized');
    case CODE.noSuchObject:
      return t('error.noSuchObject');
    case CODE.invalidCredentials:
      return t('error.invalidCredentials');
    case CODE.authenticationFailed:
      return t('error.authenticationFailed');
    case CODE.serverUnreachable:
      return t('error.serverUnreachable');
    case CODE.vmMissingPvDrivers:
    case CODE.vmLacksFeature:
      return t('error.noTools');
    case CODE.objectAlreadyExists:
      return t('error.exists');
    default:
      if (codeOfPool(error) === 'SR_FULL') return t('error.srFull');
      return error.message || t('error.unknown');
  }
}

/** What a pool calls the failure. */
function codeOfPool({ data }: ApiError): unknown {
  return typeof data === 'object' && data !== null && 'code' in data ? data.code : undefined;
}
