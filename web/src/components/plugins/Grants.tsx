// The powers that a plugin asks for, each with its reason, a switch and its conditions. Off until an administrator says yes.
import { IconLock, IconLockOpen } from '@tabler/icons-react';
import { useState } from 'react';
import type { Schemas } from '../../api/methods';
import { localText, useT } from '../../i18n/i18n';
import { useApiMutation } from '../../live/queries';
import { StateBadge, Tag } from '../../ui/Badge';
import { Button } from '../../ui/Button';
import { useAsked } from '../../ui/hooks';
import { SegmentedControl } from '../../ui/input';
import { Text } from '../../ui/text';
import { toast } from '../../ui/toast';
import { errorText } from '../errorText';
import { firstOptions, type Options, tidyOptions } from './grantOptions';
import { GrantOptionsFields } from './GrantOptionsFields';
import classes from './Grants.module.css';
import { type Ask, asksOf, isGranted, type Plugin, unresolvedOf, unusedOf } from './pluginView';

type Mode = Schemas['GrantMode'];

export function GrantItem({ plugin, ask }: { plugin: Plugin; ask: Ask }) {
  const t = useT();
  const grant = useApiMutation('plugin.grant', 'plugins');
  const revoke = useApiMutation('plugin.revoke', 'plugins');
  const granted = isGranted(ask);
  const [mode, askMode, modeAnswered] = useAsked<Mode>(ask.grant?.mode ?? 'off');
  const [given, askOptions, optionsAnswered] = useAsked<Options>(ask.grant?.options ?? {});
  // Ticked before the yes; afterwards the stored options are the truth.
  const [draft, setDraft] = useState<Options>(
    () => ask.grant?.options ?? firstOptions(ask.scope, ask.requested, plugin.configuration),
  );
  const options = granted ? given : draft;
  const busy = grant.isPending || revoke.isPending;

  const settled = (done: string) => ({
    onSuccess: () => toast.success(done),
    onError: (error: unknown) => toast.error(errorText(error), t('grant.failed')),
    onSettled: () => {
      modeAnswered();
      optionsAnswered();
    },
  });

  function give(next: Exclude<Mode, 'off'>, with_: Options, done: string) {
    grant.mutate({ id: plugin.id, capability: ask.scope, mode: next, options: tidyOptions(with_) }, settled(done));
  }

  function setMode(next: Mode) {
    if (next === mode || busy) return;
    askMode(next);
    if (next !== 'off') return give(next, options, t('grant.given', { scope: ask.scope }));
    setDraft(options);
    revoke.mutate({ id: plugin.id, capability: ask.scope }, settled(t('grant.revoked', { scope: ask.scope })));
  }

  function setOptions(next: Options) {
    setDraft(next);
    if (!granted || JSON.stringify(tidyOptions(next)) === JSON.stringify(tidyOptions(options))) return;
    askOptions(next);
    give(mode === 'count' ? 'count' : 'on', next, t('grant.changed', { scope: ask.scope }));
  }

  return (
    <li className={classes['item']} aria-label={ask.scope}>
      <div className={classes['head']}>
        <div className={classes['scope']}>
          <span aria-hidden="true" data-granted={granted || undefined}>
            {granted ? <IconLockOpen size={17} /> : <IconLock size={17} />}
          </span>
          <code>{ask.scope}</code>
          <StateBadge tone={granted ? 'good' : ask.optional ? 'quiet' : 'warn'}>
            {t(!granted ? 'grant.state.off' : ask.grant?.mode === 'count' ? 'grant.state.count' : 'grant.state.on')}
          </StateBadge>
          {ask.optional && <Tag>{t('grant.optional')}</Tag>}
        </div>
        <div className={classes['controls']}>
          <SegmentedControl
            size="xs"
            aria-label={t('grant.mode', { scope: ask.scope })}
            value={mode}
            onChange={setMode}
            data={[
              { value: 'off', label: t('grant.mode.off') },
              { value: 'on', label: t('grant.mode.on') },
              { value: 'count', label: t('grant.mode.count') },
            ]}
          />
          {!granted && (
            <Button size="xs" loading={busy} onClick={() => give('on', draft, t('grant.given', { scope: ask.scope }))}>
              {t('grant.grant')}
            </Button>
          )}
        </div>
      </div>
      {ask.reason && (
        <Text size="sm" c="dimmed">
          {localText(ask.reason)}
        </Text>
      )}
      {ask.grant?.mode === 'count' && (
        <Text size="sm">{t('grant.used', { count: plugin.stats?.counted?.[ask.scope] ?? 0 })}</Text>
      )}
      <GrantOptionsFields scope={ask.scope} requested={ask.requested} value={options} onChange={setOptions} />
    </li>
  );
}

export function Grants({ plugin }: { plugin: Plugin }) {
  const t = useT();
  const revoke = useApiMutation('plugin.revoke', 'plugins');
  const asks = asksOf(plugin);
  const unresolved = unresolvedOf(plugin);
  const unused = unusedOf(plugin);
  if (asks.length + unresolved.length + unused.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t('grant.none')}
      </Text>
    );
  }
  return (
    <ul className={classes['list']}>
      {asks.map((ask) => (
        <GrantItem key={ask.scope} plugin={plugin} ask={ask} />
      ))}
      {unresolved.map((capability) => (
        <li key={capability.template} className={classes['item']}>
          <div className={classes['scope']}>
            <span aria-hidden="true">
              <IconLock size={17} />
            </span>
            <code>{capability.template}</code>
            <Tag>{t('grant.unresolved')}</Tag>
          </div>
          <Text size="sm" c="dimmed">
            {localText(capability.reason)} {t('grant.unresolvedText')}
          </Text>
        </li>
      ))}
      {unused.map((grant) => (
        <li key={grant.capability} className={classes['item']} aria-label={grant.capability}>
          <div className={classes['head']}>
            <div className={classes['scope']}>
              <span aria-hidden="true">
                <IconLockOpen size={17} />
              </span>
              <code>{grant.capability}</code>
              <Tag>{t('grant.unused')}</Tag>
            </div>
            <Button
              size="xs"
              variant="default"
              loading={revoke.isPending}
              onClick={() =>
                revoke.mutate(
                  { id: plugin.id, capability: grant.capability },
                  { onError: (error) => toast.error(errorText(error), t('grant.failed')) },
                )
              }
            >
              {t('grant.revoke')}
            </Button>
          </div>
          <Text size="sm" c="dimmed">
            {t('grant.unusedText')}
          </Text>
        </li>
      ))}
    </ul>
  );
}
