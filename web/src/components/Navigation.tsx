// The links of the sidebar, with the tree of pools.
import {
  IconBox,
  IconChartPie,
  IconDatabase,
  IconNetwork,
  IconServer,
  IconSettings,
  IconStack2,
} from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useT } from '../i18n/i18n';
import { useUser } from '../live/queries';
import { useOwnSets } from '../live/sets';
import classes from './Navigation.module.css';
import { PoolTree } from './PoolTree';
import { SETTINGS } from './settingsPages';

export function Navigation({ onNavigate }: { onNavigate?: () => void }) {
  const t = useT();
  const admin = useUser()?.permission === 'admin';
  const sets = useOwnSets();
  const shared = { className: classes['link'], onClick: onNavigate };
  // The page of one object is not the list: the list's link is then its parent.
  const list = { ...shared, activeProps: { 'data-active': true }, activeOptions: { includeSearch: false } };
  return (
    <ul className={classes['list']}>
      {sets !== undefined && sets.length > 0 && (
        <li>
          <Link to="/self" {...shared}>
            <IconChartPie size={18} stroke={1.7} aria-hidden />
            {t('nav.self')}
          </Link>
        </li>
      )}
      <li>
        <Link to="/vms" {...list}>
          <IconStack2 size={18} stroke={1.7} aria-hidden />
          {t('nav.vms')}
        </Link>
      </li>
      <li>
        <Link to="/hosts" {...list}>
          <IconServer size={18} stroke={1.7} aria-hidden />
          {t('nav.hosts')}
        </Link>
      </li>
      <li>
        <Link to="/srs" {...list}>
          <IconDatabase size={18} stroke={1.7} aria-hidden />
          {t('nav.srs')}
        </Link>
      </li>
      <li>
        <Link to="/networks" {...list}>
          <IconNetwork size={18} stroke={1.7} aria-hidden />
          {t('nav.networks')}
        </Link>
      </li>
      <li>
        <Link to="/pools" {...list}>
          <IconBox size={18} stroke={1.7} aria-hidden />
          {t('nav.pools')}
        </Link>
        <PoolTree onNavigate={onNavigate} />
      </li>
      {admin && (
        <li>
          <Link to="/settings" {...shared} activeProps={{ 'data-parent': true }} activeOptions={{ exact: false }}>
            <IconSettings size={18} stroke={1.7} aria-hidden />
            {t('nav.settings')}
          </Link>
          <ul className={classes['sublist']}>
            {SETTINGS.map(({ to, label, icon: Icon }) => (
              <li key={to}>
                <Link to={to} {...shared} activeOptions={{ includeSearch: false }}>
                  <Icon size={17} stroke={1.7} aria-hidden />
                  {t(label)}
                </Link>
              </li>
            ))}
          </ul>
        </li>
      )}
    </ul>
  );
}
