// Settings > Servers: the pools' servers, how each connection fares, and what to do about it.
import { IconPencil, IconPlus, IconServer2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Schemas } from '../../api/methods';
import { formatTime, useT } from '../../i18n/i18n';
import { serversQuery, useApiMutation } from '../../live/queries';
import { StateBadge, Tag, type Tone } from '../../ui/Badge';
import { Blank } from '../../ui/Blank';
import { Button, IconButton } from '../../ui/Button';
import { confirm } from '../../ui/confirm';
import { useAsked, useCountdown } from '../../ui/hooks';
import { Switch } from '../../ui/input';
import { Page } from '../../ui/Page';
import { toast } from '../../ui/toast';
import { errorText } from '../errorText';
import { QueryState } from '../QueryState';
import { RemoveButton } from '../RemoveButton';
import { ServerDialog } from './ServerDialog';
import { serverName } from './serverName';
import classes from './ServersPage.module.css';

type Server = Schemas['Server'];

export function ServersPage() {
  const t = useT();
  const query = useQuery(serversQuery);
  const [dialog, setDialog] = useState<{ server?: Server }>();
  const add = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setDialog({})}>
      {t('servers.add')}
    </Button>
  );
  return (
    <Page
      title={t('nav.servers')}
      description={t('servers.description')}
      actions={query.data?.length ? add : undefined}
    >
      <QueryState query={query}>
        {(servers) =>
          servers.length === 0 ? (
            <Blank
              icon={<IconServer2 size={26} />}
              title={t('servers.empty')}
              text={t('servers.emptyText')}
              action={add}
            />
          ) : (
            <ul className={classes['list']} aria-label={t('nav.servers')}>
              {servers
                .toSorted((a, b) => serverName(a).localeCompare(serverName(b)))
                .map((server) => (
                  <ServerItem key={server.id} server={server} onEdit={() => setDialog({ server })} />
                ))}
            </ul>
          )
        }
      </QueryState>
      <ServerDialog opened={dialog !== undefined} server={dialog?.server} onClose={() => setDialog(undefined)} />
    </Page>
  );
}

function stateOf(server: Server): [Tone, 'connected' | 'connecting' | 'disconnected' | 'off' | 'failed'] {
  if (!server.enabled) return ['quiet', 'off'];
  if (server.status === 'connected') return ['good', 'connected'];
  // Tries go on after a failure; what people should see is that there was one.
  if (server.error) return ['bad', 'failed'];
  return server.status === 'connecting' ? ['busy', 'connecting'] : ['warn', 'disconnected'];
}

/** A host without a port is the one with port 443. */
const sameAddress = (a: string, b: string): boolean => a.replace(/:443$/, '') === b.replace(/:443$/, '');

function ServerItem({ server, onEdit }: { server: Server; onEdit: () => void }) {
  const t = useT();
  const enable = useApiMutation('server.enable', 'servers');
  const disable = useApiMutation('server.disable', 'servers');
  const trust = useApiMutation('server.set', 'servers');
  const seconds = useCountdown(server.enabled && server.status !== 'connected' ? server.error?.nextAttempt : undefined);
  const name = serverName(server);
  const [tone, state] = stateOf(server);
  const fingerprint = server.fingerprint ?? server.seenFingerprint;

  const [enabled, askEnabled, enabledAnswered] = useAsked(server.enabled);

  function toggle(on: boolean) {
    askEnabled(on);
    (on ? enable : disable).mutate(
      { id: server.id },
      {
        onError: (error) =>
          toast.error(errorText(error), t(on ? 'servers.enableFailed' : 'servers.disableFailed', { name })),
        onSettled: enabledAnswered,
      },
    );
  }

  const refused = server.enabled && server.status !== 'connected' ? server.error?.fingerprint : undefined;

  async function askTrust(shown: string) {
    const yes = await confirm({
      title: t('servers.trustTitle', { name }),
      text: server.fingerprint
        ? t('servers.trustOtherText', { old: server.fingerprint, fingerprint: shown })
        : t('servers.trustText', { fingerprint: shown }),
      verb: t('servers.trustVerb'),
      cancel: t('action.cancel'),
      close: t('action.close'),
    });
    if (!yes) return;
    trust.mutate(
      { id: server.id, fingerprint: shown },
      {
        onSuccess: () => toast.success(t('servers.trusted', { name })),
        onError: (error) => toast.error(errorText(error), t('servers.trustFailed')),
      },
    );
  }

  return (
    <li className={classes['item']} aria-label={name}>
      <div className={classes['main']}>
        <div className={classes['title']}>
          <strong>{name}</strong>
          <StateBadge tone={tone}>{t(`servers.state.${state}`)}</StateBadge>
          {server.stale && server.enabled && <Tag>{t('servers.stale')}</Tag>}
          {server.allowUnauthorized && <Tag>{t('servers.unverified')}</Tag>}
          {server.readOnly && <Tag>{t('servers.readOnly')}</Tag>}
        </div>
        <dl className={classes['facts']}>
          <div>
            <dt>{t('servers.host')}</dt>
            <dd>{server.host}</dd>
          </div>
          {server.member && !sameAddress(server.member, server.host) && (
            <div>
              <dt>{t('servers.member')}</dt>
              <dd>{server.member}</dd>
            </div>
          )}
          {server.httpProxy && (
            <div>
              <dt>{t('servers.proxy')}</dt>
              <dd>{server.httpProxy}</dd>
            </div>
          )}
          {server.poolNameLabel && (
            <div>
              <dt>{t('servers.pool')}</dt>
              <dd>{server.poolNameLabel}</dd>
            </div>
          )}
          {server.username && (
            <div>
              <dt>{t('servers.user')}</dt>
              <dd>{server.username}</dd>
            </div>
          )}
          {fingerprint && !refused && (
            <div>
              <dt>{t('servers.fingerprint')}</dt>
              <dd className={classes['mono']} title={fingerprint}>
                {fingerprint}
              </dd>
            </div>
          )}
        </dl>
        {server.error && server.enabled && server.status !== 'connected' && (
          <p className={classes['error']} role="group" aria-label={t('servers.lastError')}>
            {server.error.message}
            <span>
              {[
                server.error.code,
                formatTime(server.error.time),
                seconds !== undefined && (seconds === 0 ? t('pool.tryingNow') : t('pool.retryIn', { seconds })),
              ]
                .filter(Boolean)
                .join(' · ')}
            </span>
          </p>
        )}
        {refused && (
          <div className={classes['refused']}>
            <dl className={classes['compare']}>
              {server.fingerprint && (
                <div>
                  <dt>{t('servers.trustedUntilNow')}</dt>
                  <dd>{server.fingerprint}</dd>
                </div>
              )}
              <div>
                <dt>{t('servers.shown')}</dt>
                <dd>{refused}</dd>
              </div>
            </dl>
            <Button
              size="xs"
              variant="default"
              loading={trust.isPending}
              aria-label={t('servers.trustNamed', { name })}
              onClick={() => void askTrust(refused)}
            >
              {t('servers.trust')}
            </Button>
          </div>
        )}
      </div>
      <div className={classes['actions']}>
        <Switch
          label={t('servers.enabled')}
          aria-label={t('servers.enabledNamed', { name })}
          checked={enabled}
          onChange={(event) => toggle(event.currentTarget.checked)}
        />
        <IconButton label={t('servers.edit', { name })} onClick={onEdit}>
          <IconPencil size={18} aria-hidden />
        </IconButton>
        <RemoveButton
          label={t('servers.remove', { name })}
          title={t('servers.removeTitle', { name })}
          text={t('servers.removeText')}
          verb={t('action.remove')}
          method="server.remove"
          params={{ id: server.id }}
          refresh={['servers']}
          done={t('servers.removed', { name })}
          failed={t('servers.removeFailed', { name })}
        />
      </div>
    </li>
  );
}
