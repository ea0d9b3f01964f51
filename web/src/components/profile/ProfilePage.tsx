// One's own account: name and password, one-time passwords, tokens.
import { useState } from 'react';
import { useT } from '../../i18n/i18n';
import { useUser } from '../../live/queries';
import { Button } from '../../ui/Button';
import { Card, Page } from '../../ui/Page';
import { ChangePasswordDialog } from '../ChangePassword';
import { providersOf } from '../people/people';
import { OneTimePassword } from './OneTimePassword';
import { TokenList } from './TokenList';

export function ProfilePage() {
  const t = useT();
  const user = useUser();
  const [changing, setChanging] = useState(false);
  if (!user) return null;
  const providers = providersOf(user);
  return (
    <Page title={t('profile.title')} description={t('profile.text', { name: user.email })}>
      <Card
        title={t('profile.password')}
        description={
          providers.length > 0
            ? t('profile.foreignPassword', { provider: providers.join(', ') })
            : t('profile.passwordText')
        }
        actions={
          providers.length === 0 && (
            <Button variant="default" onClick={() => setChanging(true)}>
              {t('account.changePassword')}
            </Button>
          )
        }
      />
      <OneTimePassword user={user} />
      <TokenList />
      <ChangePasswordDialog opened={changing} onClose={() => setChanging(false)} user={user} />
    </Page>
  );
}
