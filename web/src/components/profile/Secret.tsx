// A text that is shown now and never again, with a button that copies it.
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useState } from 'react';
import { useT } from '../../i18n/i18n';
import { Button } from '../../ui/Button';
import { copyText } from '../../ui/copy';
import { TextInput } from '../../ui/input';
import { toast } from '../../ui/toast';
import own from './profile.module.css';

export function Secret({ label, value }: { label: string; value: string }) {
  const t = useT();
  const [copied, setCopied] = useState(false);
  function copy() {
    copyText(value).then(
      () => setCopied(true),
      () => toast.error(t('tokens.copyFailed')),
    );
  }
  const Icon = copied ? IconCheck : IconCopy;
  return (
    <div className={own['secret']}>
      <TextInput
        label={label}
        value={value}
        readOnly
        onFocus={(event) => event.currentTarget.select()}
        spellCheck={false}
        autoComplete="off"
      />
      <Button type="button" variant="default" leftSection={<Icon size={16} aria-hidden />} onClick={copy}>
        {copied ? t('tokens.copied') : t('tokens.copy')}
      </Button>
    </div>
  );
}
