// Language, theme, password, and the way out.
import { IconChevronDown, IconKey, IconLogout } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Schemas } from '../api/methods';
import { LOCALE_NAMES, LOCALES, setLocale, useLocale, useT } from '../i18n/i18n';
import { signOut } from '../session/session';
import { SegmentedControl } from '../ui/input';
import { UnstyledButton } from '../ui/layout';
import { Menu } from '../ui/menu';
import { type Scheme, useScheme } from '../ui/scheme';
import { toast } from '../ui/toast';
import classes from './AccountMenu.module.css';
import { ChangePasswordDialog } from './ChangePassword';
import { errorText } from './errorText';

export function AccountMenu({ user }: { user: Schemas['User'] }) {
  const t = useT();
  const locale = useLocale();
  const [scheme, setScheme] = useScheme();
  const [changing, setChanging] = useState(false);
  const navigate = useNavigate();

  async function leave() {
    try {
      await signOut();
      await navigate({ to: '/login' });
    } catch (error) {
      toast.error(errorText(error), t('account.signOutFailed'));
    }
  }

  return (
    <>
      <Menu position="bottom-end" width={268} withinPortal closeOnItemClick={false}>
        <Menu.Target>
          <UnstyledButton className={classes['button']} aria-label={t('account.menu', { name: user.email })}>
            <span className={classes['avatar']} aria-hidden="true">
              {user.email.slice(0, 1).toUpperCase()}
            </span>
            <span className={classes['name']}>{user.email}</span>
            <IconChevronDown size={15} aria-hidden />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{t('account.signedInAs', { name: user.email })}</Menu.Label>
          <div className={classes['setting']}>
            <span id="account-language">{t('account.language')}</span>
            <SegmentedControl
              fullWidth
              size="xs"
              aria-labelledby="account-language"
              value={locale}
              onChange={setLocale}
              data={LOCALES.map((value) => ({ value, label: LOCALE_NAMES[value] }))}
            />
          </div>
          <div className={classes['setting']}>
            <span id="account-theme">{t('account.theme')}</span>
            <SegmentedControl
              fullWidth
              size="xs"
              aria-labelledby="account-theme"
              value={scheme}
              onChange={setScheme}
              data={(['auto', 'light', 'dark'] satisfies Scheme[]).map((value) => ({
                value,
                label: t(`account.theme.${value}`),
              }))}
            />
          </div>
          <Menu.Divider />
          {/* The password of a directory's account is changed there. */}
          {user.authProviders === undefined && (
            <Menu.Item
              leftSection={<IconKey size={16} aria-hidden />}
              closeMenuOnClick
              onClick={() => setChanging(true)}
            >
              {t('account.changePassword')}
            </Menu.Item>
          )}
          <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} closeMenuOnClick onClick={() => void leave()}>
            {t('account.signOut')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <ChangePasswordDialog opened={changing} onClose={() => setChanging(false)} user={user} />
    </>
  );
}
