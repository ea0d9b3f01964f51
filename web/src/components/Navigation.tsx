// The links of the sidebar.
import { IconPuzzle, IconServer2, IconSettings, IconStack2 } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useT } from '../i18n/i18n';
import classes from './Navigation.module.css';

export function Navigation({ onNavigate }: { onNavigate?: () => void }) {
  const t = useT();
  const shared = { className: classes['link'], onClick: onNavigate };
  return (
    <ul className={classes['list']}>
      <li>
        <Link to="/vms" {...shared}>
          <IconStack2 size={18} stroke={1.7} aria-hidden />
          {t('nav.vms')}
        </Link>
      </li>
      <li>
        <Link to="/settings" {...shared} activeProps={{ 'data-parent': true }} activeOptions={{ exact: false }}>
          <IconSettings size={18} stroke={1.7} aria-hidden />
          {t('nav.settings')}
        </Link>
        <ul className={classes['sublist']}>
          <li>
            <Link to="/settings/servers" {...shared}>
              <IconServer2 size={17} stroke={1.7} aria-hidden />
              {t('nav.servers')}
            </Link>
          </li>
          <li>
            <Link to="/settings/plugins" {...shared}>
              <IconPuzzle size={17} stroke={1.7} aria-hidden />
              {t('nav.plugins')}
            </Link>
          </li>
        </ul>
      </li>
    </ul>
  );
}
