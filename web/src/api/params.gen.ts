// Generated from the daemon's table of operations by `cargo xtask codegen`. Do not edit.

/** Parameters of the methods of `/api/`, by name. */
export interface Params {
  /** Grants a role on an object to an account. */
  'acl.add': { subject: string; object: string; action: string };
  /** Lists who was granted what. */
  'acl.get': Record<string, unknown>;
  /** Tells what the caller was granted, object by object. */
  'acl.getCurrentPermissions': Record<string, unknown>;
  /** Takes a grant back. */
  'acl.remove': { subject: string; object: string; action: string };
  /** Returns the curves of a host. */
  'host.stats': { host: string; granularity?: 'seconds' | 'minutes' | 'hours' | 'days' };
  /** Counts objects by the values of some of their properties. */
  'inventory.counts': { by: (string)[]; filter?: string };
  /** Ends a live list. */
  'inventory.unwatch': { watch: string };
  /** Returns a window of a filtered, sorted list of objects, and tells from then on what changes in it. */
  'inventory.watch': { watch: string; type: string | (string)[]; fields: (string)[]; filter?: string; sort?: ({ by: string; descending?: boolean })[]; window: { start: number; count: number } };
  /** Saves the configuration of a plugin. */
  'plugin.configure': { id: string; configuration: unknown };
  /** Does not load the plugin at the next start. */
  'plugin.disableAutoload': { id: string };
  /** Loads the plugin at each start. */
  'plugin.enableAutoload': { id: string };
  /** Lists the installed plugins. */
  'plugin.get': Record<string, unknown>;
  /** Gives a plugin a power that it asks for. */
  'plugin.grant': { id: string; capability: string; mode?: 'on' | 'off' | 'count'; options?: Record<string, unknown> };
  /** Enables a plugin. */
  'plugin.load': { id: string };
  /** Disables a plugin and forgets its configuration. */
  'plugin.purgeConfiguration': { id: string };
  /** Takes a power back. */
  'plugin.revoke': { id: string; capability: string };
  /** Tests a plugin, also with a configuration that is not saved and grants for this one call. */
  'plugin.test': { id: string; data?: unknown; configuration?: unknown; grants?: ({ capability: string; mode?: 'on' | 'off' | 'count'; options?: Record<string, unknown> })[] };
  /** Disables a plugin. */
  'plugin.unload': { id: string };
  /** Lists the roles of access lists. */
  'role.getAll': Record<string, unknown>;
  /** Registers a server and connects to its pool. */
  'server.add': { host: string; username: string; password: string; label?: string; autoConnect?: boolean; allowUnauthorized?: boolean; httpProxy?: string; readOnly?: boolean; fingerprint?: string };
  /** Disconnects from a pool. */
  'server.disable': { id: string };
  /** Connects to a pool. */
  'server.enable': { id: string };
  /** Lists the registered servers. */
  'server.getAll': Record<string, unknown>;
  /** Forgets a server. */
  'server.remove': { id: string };
  /** Changes a server. */
  'server.set': { id: string; label?: string | null; host?: string; username?: string; password?: string; allowUnauthorized?: boolean; readOnly?: boolean; httpProxy?: string | null; fingerprint?: string | null };
  /** Returns who is signed in. */
  'session.getUser': Record<string, unknown>;
  /** Signs in by name and password or by token. */
  'session.signIn': Record<string, unknown>;
  /** Signs in by name and password. */
  'session.signInWithPassword': { email: string; password: string };
  /** Signs in by token. */
  'session.signInWithToken': { token: string };
  /** Forgets who is signed in on this connection. */
  'session.signOut': Record<string, unknown>;
  /** Asks for notifications about servers and plugins on this connection; with `all: false` for none about objects. */
  'session.subscribe': { topics: ('servers' | 'plugins')[]; all?: boolean };
  /** Returns the curves of a storage repository, over all hosts. */
  'sr.stats': { id: string; granularity?: 'seconds' | 'minutes' | 'hours' | 'days' };
  /** Describes every method. */
  'system.getMethodsInfo': Record<string, unknown>;
  /** Returns the time zone of the daemon. */
  'system.getServerTimezone': Record<string, unknown>;
  /** Returns the version of the daemon. */
  'system.getServerVersion': Record<string, unknown>;
  /** Returns the version of the API. */
  'system.getVersion': Record<string, unknown>;
  /** Lists the names of the methods. */
  'system.listMethods': Record<string, unknown>;
  /** Describes one method. */
  'system.methodSignature': { method: string };
  /** Creates an API token; it is shown this once. */
  'token.create': { description?: string; client?: { id: string }; expiresIn?: number | string };
  /** Deletes tokens. */
  'token.delete': { tokens: (string)[] };
  /** Deletes own tokens. */
  'token.deleteOwn': { tokens: (string)[] };
  /** Changes one's own password. */
  'user.changePassword': { oldPassword: string; newPassword: string };
  /** Creates an account. */
  'user.create': { email: string; password: string; permission?: 'none' | 'read' | 'write' | 'admin' };
  /** Deletes an account, its tokens and its connections. */
  'user.delete': { id: string };
  /** Lists the accounts. */
  'user.getAll': Record<string, unknown>;
  /** Lists one's own tokens. */
  'user.getAuthenticationTokens': Record<string, unknown>;
  /** Changes an account; everyone may change their own preferences. */
  'user.set': { id: string; email?: string; password?: string; permission?: 'none' | 'read' | 'write' | 'admin'; preferences?: Record<string, unknown> };
  /** Reboots a VM: cleanly, or hard with `force`. */
  'vm.restart': { id: string; force?: boolean; bypassBlockedOperation?: boolean };
  /** Changes a VM. */
  'vm.set': { id: string; name_label?: string; name_description?: string; notes?: string | null; auto_poweron?: boolean; high_availability?: 'best-effort' | 'restart' | ''; CPUs?: number; cpusMax?: number | string; memory?: number | string; memoryMin?: number | string; memoryMax?: number | string; memoryStaticMax?: number | string; PV_args?: string; affinityHost?: string | null; cpuWeight?: number | null; cpuCap?: number | null; startDelay?: number; tags?: (string)[] };
  /** Starts a VM; `force` starts one whose start is blocked. */
  'vm.start': { id: string; force?: boolean; host?: string; bypassMacAddressesCheck?: boolean };
  /** Returns the curves of a running VM. */
  'vm.stats': { id: string; granularity?: 'seconds' | 'minutes' | 'hours' | 'days' };
  /** Shuts a VM down: cleanly, or hard with `force`. */
  'vm.stop': { id: string; force?: boolean; forceShutdownDelay?: number; bypassBlockedOperation?: boolean };
  /** Returns all objects, or those that match a filter or a pattern; `ndjson` returns an address that lists them. */
  'xo.getAllObjects': { filter?: string | Record<string, unknown>; limit?: number; ndjson?: boolean };
}
