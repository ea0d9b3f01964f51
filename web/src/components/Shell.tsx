// The frame around every page for people who are signed in: navigation, account menu, the state of the connection.
import { IconMenu2 } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import type { Schemas } from '../api/methods';
import { useT } from '../i18n/i18n';
import { useConnection } from '../live/live';
import { IconButton } from '../ui/Button';
import { Drawer } from '../ui/layout';
import { useNarrow } from '../ui/hooks';
import { AccountMenu } from './AccountMenu';
import { AskHost } from './ask/AskHost';
import { Brand } from './Brand';
import { ConnectionBanner } from './ConnectionBanner';
import { Navigation } from './Navigation';
import { NewVersionBanner } from './NewVersion';
import { PaletteButton } from './palette/PaletteButton';
import classes from './Shell.module.css';

interface Props {
  user: Schemas['User'];
  /** Whether there is anything to go to. */
  shared: boolean;
  children: ReactNode;
}

export function Shell({ user, shared, children }: Props) {
  const t = useT();
  const narrow = useNarrow();
  const [menu, setMenu] = useState(false);
  const connection = useConnection();
  return (
    <div className={classes['shell']} data-plain={!shared || undefined}>
      <a href="#main" className={classes['skip']}>
        {t('nav.skip')}
      </a>
      <header className={classes['topbar']}>
        <div className={classes['left']}>
          {narrow && shared && (
            <IconButton label={t('nav.open')} onClick={() => setMenu(true)}>
              <IconMenu2 size={20} aria-hidden />
            </IconButton>
          )}
          <Brand />
        </div>
        <div className={classes['right']}>
          <span className={classes['live']} data-state={connection.kind === 'online' ? 'online' : 'off'} role="status">
            <span aria-hidden="true" />
            {connection.kind === 'online' ? t('connection.live') : t('connection.off')}
          </span>
          {shared && <PaletteButton />}
          <AccountMenu user={user} />
        </div>
      </header>
      {shared && !narrow && (
        <nav className={classes['sidebar']} aria-label={t('nav.main')}>
          <Navigation />
        </nav>
      )}
      {shared && narrow && (
        <Drawer
          opened={menu}
          onClose={() => setMenu(false)}
          size={272}
          title={<Brand />}
          closeButtonProps={{ 'aria-label': t('action.close') }}
        >
          <nav aria-label={t('nav.main')}>
            <Navigation onNavigate={() => setMenu(false)} />
          </nav>
        </Drawer>
      )}
      <main id="main" className={classes['main']} tabIndex={-1}>
        <div className={classes['banners']}>
          <ConnectionBanner />
          <NewVersionBanner />
        </div>
        <div className={classes['content']}>{children}</div>
      </main>
      <AskHost />
    </div>
  );
}
