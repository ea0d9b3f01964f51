// For accounts that exist but may see nothing yet.
import { IconEyeOff } from '@tabler/icons-react';
import { useT } from '../i18n/i18n';
import { Blank } from '../ui/Blank';

export function NothingShared({ name }: { name: string }) {
  const t = useT();
  return (
    <Blank
      main
      icon={<IconEyeOff size={26} />}
      title={t('nothing.title')}
      text={t('nothing.text', { name })}
      role="status"
    />
  );
}
