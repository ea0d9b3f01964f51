// The way to a new machine, or why there is none for this account.
import { IconPlus } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import type { Rights } from '../../can/rights';
import { useT } from '../../i18n/i18n';
import { useOwnSets } from '../../live/sets';
import { Button } from '../../ui/Button';

/** Without a resource set machines are made in a pool, by those who administrate it or whose role says so. */
export const mayMake = (rights: Rights | undefined): boolean =>
  !rights ||
  rights.privileges.some((one) => one.effect === 'allow') ||
  Object.values(rights.granted).some((levels) => levels.administrate !== undefined);

export function NewVmButton({ rights }: { rights: Rights | undefined }) {
  const t = useT();
  const navigate = useNavigate();
  const sets = useOwnSets();
  return (
    <Button
      leftSection={<IconPlus size={16} aria-hidden />}
      disabledReason={mayMake(rights) || sets?.length ? undefined : t('new.notAllowed')}
      onClick={() => void navigate({ to: '/vms/new' })}
    >
      {t('new.open')}
    </Button>
  );
}
