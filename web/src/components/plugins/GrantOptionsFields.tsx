// The conditions of one grant: which addresses, whether in clear, which certificate.
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { useId, useState } from 'react';
import { useT } from '../../i18n/i18n';
import { Button } from '../../ui/Button';
import { Checkbox, Textarea, TextInput } from '../../ui/input';
import { Stack } from '../../ui/layout';
import { type AddressKind, canBePlain, canBeTls, isNetwork, offeredAddresses, type Options } from './grantOptions';

interface Props {
  scope: string;
  requested: Options;
  value: Options;
  onChange: (value: Options) => void;
  disabled?: boolean;
}

export function GrantOptionsFields({ scope, requested, value, onChange, disabled = false }: Props) {
  const t = useT();
  const id = useId();
  const [more, setMore] = useState(value.ca !== undefined || value.fingerprint !== undefined);
  if (!isNetwork(scope)) return null;
  const addresses = value.addresses ?? [];

  function toggle(kind: AddressKind, on: boolean) {
    onChange({ ...value, addresses: on ? [...addresses, kind] : addresses.filter((other) => other !== kind) });
  }

  return (
    <Stack gap={8} align="stretch">
      {offeredAddresses(requested, value).map((kind) => (
        <Checkbox
          key={kind}
          size="sm"
          label={t(`grant.address.${kind}`)}
          checked={addresses.includes(kind)}
          disabled={disabled}
          onChange={(event) => toggle(kind, event.currentTarget.checked)}
        />
      ))}
      {canBePlain(scope) && (
        <Checkbox
          size="sm"
          label={t('grant.plaintext')}
          checked={value.plaintext === true}
          disabled={disabled}
          onChange={(event) => onChange({ ...value, plaintext: event.currentTarget.checked })}
        />
      )}
      {canBeTls(scope) && (
        <div>
          <Button
            type="button"
            variant="subtle"
            color="gray"
            size="compact-xs"
            aria-expanded={more}
            aria-controls={id}
            leftSection={more ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden />}
            onClick={() => setMore(!more)}
          >
            {t('grant.certificate')}
          </Button>
          {more && (
            <Stack id={id} gap="xs" mt={6} align="stretch">
              <Textarea
                label={t('grant.ca')}
                description={t('grant.caHelp')}
                placeholder="-----BEGIN CERTIFICATE-----"
                autosize
                minRows={2}
                maxRows={8}
                spellCheck={false}
                disabled={disabled}
                defaultValue={value.ca ?? ''}
                onBlur={(event) => onChange({ ...value, ca: event.currentTarget.value.trim() || undefined })}
              />
              <TextInput
                label={t('grant.fingerprint')}
                spellCheck={false}
                disabled={disabled}
                defaultValue={value.fingerprint ?? ''}
                onBlur={(event) => onChange({ ...value, fingerprint: event.currentTarget.value.trim() || undefined })}
              />
            </Stack>
          )}
        </div>
      )}
    </Stack>
  );
}
