// May this be done to this plugin now? Yes, or the reason.
import type { Schemas } from '../api/methods';
import type { Message, MessageKey } from '../i18n/i18n';
import type { Verdict } from './vm';

type Subject = Pick<
  Schemas['Plugin'],
  'state' | 'loaded' | 'configuration' | 'configurationSchema' | 'unloadable' | 'capabilities'
>;

const YES: Verdict = { yes: true };
const no = (key: MessageKey, params?: Message['params']): Verdict => ({ yes: false, reason: { key, params } });

const broken = (plugin: Subject): Verdict =>
  plugin.state === 'load-error'
    ? no('can.plugin.loadError')
    : plugin.state === 'incompatible'
      ? no('can.plugin.incompatible')
      : YES;

export const canPlugin = {
  enable(plugin: Subject): Verdict {
    if (plugin.loaded) return no('can.plugin.alreadyEnabled');
    const whole = broken(plugin);
    if (!whole.yes) return whole;
    // The daemon has judged it: without all that the schema asks for it stays "installed".
    if (plugin.state === 'installed' && plugin.configurationSchema) return no('can.plugin.notConfigured');
    const missing = plugin.capabilities?.find(
      (asked) => !asked.optional && !asked.granted && asked.resolved.length > 0,
    );
    return missing ? no('can.plugin.needsGrant', { scope: missing.resolved.join(', ') }) : YES;
  },
  disable(plugin: Subject): Verdict {
    if (!plugin.loaded) return no('can.plugin.notEnabled');
    return plugin.unloadable === false ? no('can.plugin.notUnloadable') : YES;
  },
  test: broken,
  purge(plugin: Subject): Verdict {
    return plugin.configuration ? YES : no('can.plugin.nothingStored');
  },
};
