// Settings > Plugins: every installed plugin with its state.
import { IconAlertTriangle, IconChevronRight, IconPuzzle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useT } from '../../i18n/i18n';
import { pluginsQuery } from '../../live/queries';
import { StateBadge, Tag } from '../../ui/Badge';
import { Blank } from '../../ui/Blank';
import { Page } from '../../ui/Page';
import { QueryState } from '../QueryState';
import classes from './PluginsPage.module.css';
import { missingOf, type Plugin, pluginDescription, pluginName, sentence, STATE_TONES } from './pluginView';

export function PluginsPage() {
  const t = useT();
  const query = useQuery(pluginsQuery);
  return (
    <Page title={t('nav.plugins')} description={t('plugins.description')}>
      <QueryState query={query}>
        {(plugins) =>
          plugins.length === 0 ? (
            <Blank icon={<IconPuzzle size={26} />} title={t('plugins.empty')} text={t('plugins.emptyText')} />
          ) : (
            <ul className={classes['list']} aria-label={t('nav.plugins')}>
              {plugins
                .toSorted((a, b) => pluginName(a).localeCompare(pluginName(b)))
                .map((plugin) => (
                  <PluginItem key={plugin.id} plugin={plugin} />
                ))}
            </ul>
          )
        }
      </QueryState>
    </Page>
  );
}

function PluginItem({ plugin }: { plugin: Plugin }) {
  const t = useT();
  const missing = missingOf(plugin).length;
  return (
    <li className={classes['item']}>
      <span className={classes['icon']} aria-hidden="true">
        <IconPuzzle size={20} stroke={1.6} />
      </span>
      <div className={classes['words']}>
        <div className={classes['title']}>
          <Link to="/settings/plugins/$id" params={{ id: plugin.id }} className={classes['link']}>
            {pluginName(plugin)}
          </Link>
          <StateBadge tone={STATE_TONES[plugin.state]}>{t(`plugin.state.${plugin.state}`)}</StateBadge>
        </div>
        <p>{pluginDescription(plugin)}</p>
        <div className={classes['meta']}>
          <Tag>{plugin.id}</Tag>
          {plugin.version && <Tag>{plugin.version}</Tag>}
          {missing > 0 && plugin.loaded && (
            <span className={classes['warning']}>
              <IconAlertTriangle size={14} aria-hidden /> {t('plugins.missingGrants', { count: missing })}
            </span>
          )}
          {plugin.stateText && plugin.state !== 'enabled' && <span>{sentence(plugin.stateText)}</span>}
        </div>
      </div>
      <IconChevronRight size={18} aria-hidden className={classes['chevron']} />
    </li>
  );
}
