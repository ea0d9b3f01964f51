// What the pages say about a plugin, worked out from what the daemon tells.
import type { Schemas } from '../../api/methods';
import { localText } from '../../i18n/i18n';
import type { Tone } from '../../ui/Badge';

export type Plugin = Schemas['Plugin'];

export const pluginName = (plugin: Plugin): string => localText(plugin.names) ?? plugin.name;
export const pluginDescription = (plugin: Plugin): string | undefined =>
  localText(plugin.descriptions) ?? plugin.description;

export const STATE_TONES: Record<Schemas['PluginState'], Tone> = {
  installed: 'quiet',
  configured: 'quiet',
  enabled: 'good',
  degraded: 'warn',
  'backing-off': 'warn',
  quarantined: 'bad',
  'load-error': 'bad',
  incompatible: 'bad',
  disabled: 'quiet',
};

/** The daemon's texts begin in lower case, as parts of log lines do. */
export const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** One scope that a plugin asks for, and what it was given. */
export interface Ask {
  scope: string;
  reason: Schemas['Texts'] | undefined;
  optional: boolean;
  /** What the manifest asks for in options. */
  requested: Schemas['GrantOptions'];
  grant: Schemas['Grant'] | undefined;
}

const modeOf = (ask: Ask): Schemas['GrantMode'] => ask.grant?.mode ?? 'off';
export const isGranted = (ask: Ask): boolean => modeOf(ask) !== 'off';

export function asksOf(plugin: Plugin): Ask[] {
  const grants = new Map((plugin.grants ?? []).map((grant) => [grant.capability, grant]));
  return (plugin.capabilities ?? []).flatMap((capability) =>
    capability.resolved.map((scope) => ({
      scope,
      reason: capability.reason,
      optional: capability.optional ?? false,
      requested: capability.options ?? {},
      // A wider grant may cover the scope: the daemon says so without naming it.
      grant: grants.get(scope) ?? (capability.granted ? { capability: scope, mode: 'on' } : undefined),
    })),
  );
}

/** Scopes that depend on a configuration that is not there yet. */
export const unresolvedOf = (plugin: Plugin): Schemas['Capability'][] =>
  (plugin.capabilities ?? []).filter((capability) => capability.resolved.length === 0);

/** Grants for something that is no longer asked for: the configuration changed. */
export function unusedOf(plugin: Plugin): Schemas['Grant'][] {
  const asked = new Set((plugin.capabilities ?? []).flatMap((capability) => capability.resolved));
  return (plugin.grants ?? []).filter((grant) => grant.mode !== 'off' && !asked.has(grant.capability));
}

export const missingOf = (plugin: Plugin): Ask[] => asksOf(plugin).filter((ask) => !ask.optional && !isGranted(ask));
