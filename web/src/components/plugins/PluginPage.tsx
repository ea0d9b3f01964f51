// Settings > Plugins > one of them: switch it on and off, give it powers, configure, test, and see how it fares.
import { IconArrowLeft, IconInfoCircle, IconPuzzleOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { can } from '../../can/can';
import { tm, useT } from '../../i18n/i18n';
import { pluginsQuery, useApiMutation } from '../../live/queries';
import { StateBadge, Tag } from '../../ui/Badge';
import { Banner } from '../../ui/Banner';
import { Blank } from '../../ui/Blank';
import { Button } from '../../ui/Button';
import { confirm } from '../../ui/confirm';
import { useAsked } from '../../ui/hooks';
import { Switch } from '../../ui/input';
import { Card, Columns, Page } from '../../ui/Page';
import { toast } from '../../ui/toast';
import { errorText } from '../errorText';
import { QueryState } from '../QueryState';
import { Configuration } from './Configuration';
import { Grants } from './Grants';
import classes from './PluginPage.module.css';
import { About, Activity, LastError, Statistics } from './PluginStatus';
import { missingOf, type Plugin, pluginDescription, pluginName, sentence, STATE_TONES } from './pluginView';

export function PluginPage({ id }: { id: string }) {
  const t = useT();
  const query = useQuery(pluginsQuery);
  const plugin = query.data?.find((other) => other.id === id);
  if (plugin) return <Detail plugin={plugin} />;
  return (
    <Page title={id} back={<Back />}>
      <QueryState query={query}>
        {() => (
          <Blank icon={<IconPuzzleOff size={26} />} title={t('plugin.gone')} text={t('plugin.goneText', { id })} />
        )}
      </QueryState>
    </Page>
  );
}

function Back() {
  const t = useT();
  return (
    <Link to="/settings/plugins" className={classes['back']}>
      <IconArrowLeft size={15} aria-hidden /> {t('plugin.back')}
    </Link>
  );
}

function Detail({ plugin }: { plugin: Plugin }) {
  const t = useT();
  const name = pluginName(plugin);
  const load = useApiMutation('plugin.load', 'plugins');
  const unload = useApiMutation('plugin.unload', 'plugins');
  const autoloadOn = useApiMutation('plugin.enableAutoload', 'plugins');
  const autoloadOff = useApiMutation('plugin.disableAutoload', 'plugins');
  const [autoload, askAutoload, autoloadAnswered] = useAsked(plugin.autoload);
  const purge = useApiMutation('plugin.purgeConfiguration', 'plugins');
  /** A purge must also forget what the form holds. */
  const [purges, setPurges] = useState(0);
  const enable = can.plugin.enable(plugin);
  const disable = can.plugin.disable(plugin);
  const purgeable = can.plugin.purge(plugin);
  const missing = missingOf(plugin).length;

  const enablePlugin = () =>
    load.mutate(
      { id: plugin.id },
      {
        onSuccess: () => toast.success(t('plugin.enabled', { name })),
        onError: (error) => toast.error(errorText(error), t('plugin.enableFailed', { name })),
      },
    );

  const disablePlugin = () =>
    unload.mutate(
      { id: plugin.id },
      {
        onSuccess: () => toast.success(t('plugin.disabled', { name })),
        onError: (error) => toast.error(errorText(error), t('plugin.disableFailed', { name })),
      },
    );

  function setAutoload(on: boolean) {
    askAutoload(on);
    (on ? autoloadOn : autoloadOff).mutate(
      { id: plugin.id },
      {
        onError: (error) => toast.error(errorText(error), t('plugin.autoloadFailed')),
        onSettled: autoloadAnswered,
      },
    );
  }

  async function askPurge() {
    const yes = await confirm({
      title: t('plugin.purgeTitle', { name }),
      text: t('plugin.purgeText'),
      verb: t('plugin.purgeVerb'),
      cancel: t('action.cancel'),
      close: t('action.close'),
      danger: true,
    });
    if (!yes) return;
    purge.mutate(
      { id: plugin.id },
      {
        onSuccess: () => {
          setPurges((count) => count + 1);
          toast.success(t('plugin.purged'));
        },
        onError: (error) => toast.error(errorText(error), t('plugin.purgeFailed')),
      },
    );
  }

  return (
    <Page
      back={<Back />}
      title={name}
      aside={
        <>
          <StateBadge tone={STATE_TONES[plugin.state]}>{t(`plugin.state.${plugin.state}`)}</StateBadge>
          {plugin.version && <Tag>{plugin.version}</Tag>}
        </>
      }
      description={pluginDescription(plugin)}
      actions={
        <>
          <Switch
            label={t('plugin.autoload')}
            checked={autoload}
            onChange={(event) => setAutoload(event.currentTarget.checked)}
          />
          {plugin.loaded ? (
            <Button
              variant="default"
              loading={unload.isPending}
              onClick={disablePlugin}
              disabledReason={disable.yes ? undefined : tm(disable.reason)}
            >
              {t('plugin.disable')}
            </Button>
          ) : (
            <Button
              loading={load.isPending}
              onClick={enablePlugin}
              disabledReason={enable.yes ? undefined : tm(enable.reason)}
            >
              {t('plugin.enable')}
            </Button>
          )}
        </>
      }
    >
      {plugin.stateText && plugin.state !== 'enabled' && (
        <Banner
          tone={STATE_TONES[plugin.state] === 'bad' ? 'bad' : STATE_TONES[plugin.state] === 'warn' ? 'warn' : 'quiet'}
          icon={<IconInfoCircle size={18} />}
          title={sentence(plugin.stateText)}
        />
      )}
      <Columns
        main={
          <>
            <Configuration key={purges} plugin={plugin} />
            <Card
              title={t('plugin.permissions')}
              description={
                missing > 0 ? t('plugin.permissionsMissing', { count: missing }) : t('plugin.permissionsText')
              }
            >
              <Grants plugin={plugin} />
            </Card>
            <Card
              title={t('plugin.purge')}
              description={t('plugin.purgeDescription')}
              actions={
                <Button
                  variant="outline"
                  color="red"
                  size="xs"
                  loading={purge.isPending}
                  onClick={() => void askPurge()}
                  disabledReason={purgeable.yes ? undefined : tm(purgeable.reason)}
                >
                  {t('plugin.purgeVerb')}
                </Button>
              }
            />
          </>
        }
        side={
          <>
            <LastError error={plugin.lastError} />
            <Statistics plugin={plugin} />
            <Activity items={plugin.activity} />
            <About plugin={plugin} />
          </>
        }
      />
    </Page>
  );
}
