// Language, theme, password, and the way out.
import { IconChevronDown, IconKey, IconLogout, IconUserCircle } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Schemas } from '../api/methods';
import { type Locale, LOCALE_NAMES, LOCALES, setLocale, useLocale, useT } from '../i18n/i18n';
import { signOut } from '../session/session';
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
      <Menu position="bottom-end" width={230} withinPortal closeOnItemClick={false}>
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
          <Menu.Divider />
          <Menu.Label id="account-language">{t('account.language')}</Menu.Label>
          <div role="group" aria-labelledby="account-language">
            <Menu.RadioGroup value={locale} onChange={(value) => setLocale(value as Locale)}>
              {LOCALES.map((value) => (
                <Menu.RadioItem key={value} value={value} lang={value}>
                  {LOCALE_NAMES[value]}
                </Menu.RadioItem>
              ))}
            </Menu.RadioGroup>
          </div>
          <Menu.Label id="account-theme">{t('account.theme')}</Menu.Label>
          <div role="group" aria-labelledby="account-theme">
            <Menu.RadioGroup value={scheme} onChange={(value) => setScheme(value as Scheme)}>
              {(['auto', 'light', 'dark'] satisfies Scheme[]).map((value) => (
                <Menu.RadioItem key={value} value={value}>
                  {t(`account.theme.${value}`)}
                </Menu.RadioItem>
              ))}
            </Menu.RadioGroup>
          </div>
          <Menu.Divider />
          <Menu.Item
            leftSection={<IconUserCircle size={16} aria-hidden />}
            closeMenuOnClick
            onClick={() => void navigate({ to: '/profile' })}
          >
            {t('profile.title')}
          </Menu.Item>
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
