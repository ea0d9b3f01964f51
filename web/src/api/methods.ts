// The public API as types: objects, methods and notifications, in the shape of the daemon's table of operations.
import type { Params } from './params.gen';

/** What goes over the wire, by name. */
export interface Schemas {
  User: {
    id: string;
    email: string;
    /** `read` and `write` come from older systems and grant nothing by themselves. */
    permission: 'none' | 'read' | 'write' | 'admin';
    /** Ids of the groups that it is in. */
    groups?: string[];
    /** With `otp` the account has one-time passwords; the secret itself is never told. */
    preferences?: Record<string, unknown>;
    /** Who vouches for the person, by plugin; such an account has no password here. */
    authProviders?: Record<string, unknown>;
    /** The password was made by the daemon and never changed. */
    passwordChangeSuggested?: boolean;
  };
  Group: {
    id: string;
    name: string;
    users: string[];
    /** The sign-in provider that fills it: name and members are changed there. */
    provider?: string;
  };
  Role: 'viewer' | 'operator' | 'admin';
  /** A role on an object, for an account or a group. */
  Acl: { id: string; subject: string; object: string; action: string };
  /** By object: the levels that were granted on it. */
  Granted: Readonly<Record<string, Partial<Record<'view' | 'operate' | 'administrate', number>>>>;
  /** A word of a role about all objects of a type, or about those that match a filter. */
  Privilege: { resource: string; action: string; effect: 'allow' | 'deny'; selector?: string };
  /** What members of a role may do and may not. */
  AclRole: { id: string; name: string; description?: string };
  AclPrivilege: Schemas['Privilege'] & { id: string; roleId: string };
  /** What people may use by themselves, and how much of it. */
  ResourceSet: {
    id: string;
    name: string;
    /** Accounts and groups. */
    subjects: string[];
    /** Templates, SRs and networks. */
    objects: string[];
    /** By what is limited; without a total it is only counted. Memory and disk are bytes. */
    limits: Readonly<Record<string, { total?: number; usage: number }>>;
    ipPools: string[];
    /** What machines of the set are tagged with. */
    tags: string[];
    /** Whether machines are shared with all subjects. */
    shareByDefault: boolean;
  };
  /** A text that is kept for those who make machines. */
  CloudConfig: { id: string; name: string; template: string };
  /** A record of the audit log; its id is a hash of all the rest. */
  AuditRecord: {
    id: string;
    previousId: string;
    /** Milliseconds since the epoch. */
    time: number;
    event: string;
    subject: Readonly<Record<string, unknown>>;
    data: unknown;
  };
  /** What an account may do to an object, and why. */
  Explained: {
    user: string;
    object: string;
    /** To see it comes first, without an operation; the reasons of what is not visible say why it is not. */
    operations: {
      operation?: string;
      param?: string;
      description?: string;
      level: 'signed-in' | 'view' | 'operate' | 'administrate' | 'admin';
      /** What it is called in roles of fine rights. */
      privileges: string[];
      allowed: boolean;
      visible: boolean;
      reasons: Schemas['Reason'][];
    }[];
    /** Objects of the reasons, by id. */
    objects: Readonly<Record<string, { type: string; name: string | null }>>;
    /** Sets of the account that offer the object; otherwise it belongs to them. */
    resourceSets: { id: string; name: string; offers: boolean }[];
  };
  Reason:
    | { kind: 'administrator' | 'administratorsOnly' | 'nothing' }
    | {
        kind: 'entry';
        subject: string;
        object: string;
        action: string;
        /** From the object in question to that of the entry. */
        way: { by: Schemas['Relation']; object: string }[];
      }
    | {
        kind: 'resourceSet';
        set: string;
        name: string | null;
        object: string;
        /** From the object in question to the one in the set. */
        way: { by: Schemas['Relation']; object: string }[];
      }
    | {
        kind: 'privilege';
        effect: 'allow' | 'deny';
        resource: string;
        action: string;
        selector: string | null;
        isSure: boolean;
        roles: { privilege: string; id: string; name: string; holders: string[] }[];
      };
  Relation:
    | 'pool'
    | 'container'
    | 'host'
    | 'snapshotOf'
    | 'sr'
    | 'vdi'
    | 'vm'
    | 'network'
    | 'subject'
    | 'user'
    | 'device';
  /** Times are milliseconds since the epoch. */
  Token: {
    id: string;
    user_id: string;
    created_at: number;
    expiration: number;
    description?: string;
    client?: { id: string };
    /** By address. */
    last_uses?: Record<string, { timestamp: number }>;
  };
  /** A text in several languages; English is always there. */
  Texts: { en?: string; fr?: string };
  /** An object of a window: id, type, and each field that was asked for under its path. */
  WatchRow: { id: string; type: string } & Readonly<Record<string, unknown>>;
  WatchSort: { by: string; descending?: boolean };
  WatchAnswer: {
    watch: string;
    revision: number;
    /** Objects that match, in the window or not. */
    total: number;
    start: number;
    ids: string[];
    rows: Record<string, Schemas['WatchRow']>;
  };
  /** One row per combination of the values that were asked for; paths without a value are left out. */
  Count: { count: number } & Readonly<Record<string, unknown>>;
  /** Series of numbers, oldest first, or maps of them; null where nothing was measured. */
  StatsTree: { readonly [name: string]: Schemas['StatsTree'] } | readonly (number | null)[] | undefined;
  Stats: {
    /** Seconds since the epoch, of the last point. */
    endTimestamp: number;
    /** Seconds between two points. */
    interval: number;
    stats: Readonly<Record<string, Schemas['StatsTree']>>;
  };
  Server: {
    id: string;
    host: string;
    label?: string;
    username?: string;
    status: 'connected' | 'connecting' | 'disconnected';
    enabled: boolean;
    /** Times are milliseconds since the epoch. */
    error?: {
      message: string;
      code?: string;
      time: number;
      nextAttempt?: number;
      /** SHA-256 of the certificate that was refused. */
      fingerprint?: string;
      /** The one that was expected instead. */
      expectedFingerprint?: string;
    };
    /** What is shown of this server's pool may be out of date. */
    stale: boolean;
    staleSince?: number;
    poolId?: string;
    poolNameLabel?: string;
    /** SHA-256 of the one certificate that is accepted. */
    fingerprint?: string;
    /** SHA-256 of the certificate that the server showed. */
    seenFingerprint?: string;
    /** Host and port of the member of the pool that is talked to. */
    member?: string;
    /** Members of the pool, to find it when `host` is dead. */
    members?: { address: string; fingerprint?: string }[];
    allowUnauthorized?: boolean;
    readOnly?: boolean;
    httpProxy?: string;
  };
  GrantMode: 'on' | 'off' | 'count';
  GrantOptions: {
    addresses?: string[];
    plaintext?: boolean;
    ca?: string;
    fingerprint?: string;
  } & Record<string, unknown>;
  Grant: { capability: string; mode: Schemas['GrantMode']; options?: Schemas['GrantOptions'] };
  Capability: {
    name: string;
    /** The scope with the places where values of the configuration go. */
    template: string;
    /** The scope with those values: what is granted. */
    resolved: string[];
    reason?: Schemas['Texts'];
    optional?: boolean;
    granted: boolean;
    /** What the manifest asks for. */
    options?: Schemas['GrantOptions'] | null;
  };
  PluginState:
    | 'installed'
    | 'configured'
    | 'enabled'
    | 'degraded'
    | 'backing-off'
    | 'quarantined'
    | 'load-error'
    | 'incompatible'
    | 'disabled';
  PluginError: { kind: string; code?: string; message: string; time?: number };
  Plugin: {
    id: string;
    name: string;
    autoload: boolean;
    description?: string;
    loaded?: boolean;
    keywords?: string[];
    unloadable?: boolean;
    version?: string;
    /** Secrets stand in it as a fixed marker, never as themselves. */
    configuration?: Record<string, unknown>;
    configurationPresets?: { name: string; names?: Schemas['Texts']; configuration: Record<string, unknown> }[];
    configurationSchema?: Record<string, unknown> | null;
    testable?: boolean;
    testSchema?: Record<string, unknown> | null;
    pluginId?: string;
    names?: Schemas['Texts'];
    descriptions?: Schemas['Texts'];
    /** Texts of the schema by language, then by JSON pointer. */
    texts?: Record<string, Record<string, string>>;
    state: Schemas['PluginState'];
    stateText?: string;
    roles?: string[];
    powers?: string[];
    capabilities?: Schemas['Capability'][];
    grants?: Schemas['Grant'][];
    lastError?: Schemas['PluginError'] | null;
    /** Numbers by name; `counted` = uses of grants in mode count, by capability. */
    stats?: Record<string, unknown> & { counted?: Record<string, number> };
    limits?: Record<string, unknown> | null;
    size?: number;
    digest?: string;
    activity?: { time: number; text: string; kind: string }[];
  };
  TestCheck: { name: string; ok: boolean; message?: string; error?: Schemas['PluginError'] };
  TestResult: {
    ok: boolean;
    checks: Schemas['TestCheck'][];
    /** Not empty: nothing ran, these are needed first. */
    missingGrants?: { capability: string; reason?: Schemas['Texts']; options?: Schemas['GrantOptions'] | null }[];
  };
  /** `data.errors` of error 10. */
  InvalidParameter: { instancePath?: string; message?: string; keyword?: string; params?: Record<string, unknown> };
}

/** What the methods that the page uses answer. */
interface Results {
  'session.getUser': Schemas['User'];
  'session.subscribe': boolean;
  'user.getAclPrivileges': Schemas['Privilege'][];
  'user.changePassword': boolean;
  'user.create': string;
  'user.delete': boolean;
  'user.getAll': Schemas['User'][];
  'user.getAuthenticationTokens': Schemas['Token'][];
  'user.removeAuthProvider': boolean;
  'user.set': boolean;
  'group.addUser': boolean;
  'group.create': string;
  'group.delete': boolean;
  'group.getAll': Schemas['Group'][];
  'group.removeUser': boolean;
  'group.set': boolean;
  'acl.add': boolean;
  'acl.explain': Schemas['Explained'];
  'acl.get': Schemas['Acl'][];
  'acl.getCurrentPermissions': Schemas['Granted'];
  'acl.remove': boolean;
  'aclPrivilege.create': string;
  'aclPrivilege.delete': boolean;
  'aclPrivilege.getAll': Schemas['AclPrivilege'][];
  'aclPrivilege.set': boolean;
  'aclRole.addGroup': boolean;
  'aclRole.addUser': boolean;
  'aclRole.copy': string;
  'aclRole.create': string;
  'aclRole.delete': boolean;
  'aclRole.getAll': Schemas['AclRole'][];
  'aclRole.getHolders': { users: string[]; groups: string[] };
  'aclRole.removeGroup': boolean;
  'aclRole.removeUser': boolean;
  'aclRole.set': boolean;
  'audit.exportRecords': { $getFrom: string };
  'audit.generateFingerprint': { fingerprint: string; newest: string; oldest: string; nValid: number; error?: string };
  'audit.getRecords': Schemas['AuditRecord'][];
  'resourceSet.create': Schemas['ResourceSet'];
  'resourceSet.delete': boolean;
  'resourceSet.getAll': Schemas['ResourceSet'][];
  'resourceSet.recomputeAllLimits': boolean;
  'resourceSet.set': boolean;
  'token.create': string;
  'token.delete': boolean;
  'token.deleteOwn': boolean;
  'token.set': boolean;
  'inventory.watch': Schemas['WatchAnswer'];
  'inventory.unwatch': boolean;
  'inventory.counts': Schemas['Count'][];
  'host.stats': Schemas['Stats'];
  'vm.stats': Schemas['Stats'];
  'vm.start': unknown;
  'vm.stop': unknown;
  'vm.restart': unknown;
  'vm.pause': unknown;
  'vm.unpause': unknown;
  'vm.suspend': unknown;
  'vm.resume': unknown;
  'vm.clone': string;
  'vm.copy': string;
  'vm.convert': unknown;
  'vm.create': string;
  'vm.delete': unknown;
  'vm.migrate': unknown;
  'vm.snapshot': string;
  'vm.revert': unknown;
  'vm.insertCd': unknown;
  'vm.ejectCd': unknown;
  'vm.setBootOrder': unknown;
  'vm.createInterface': string;
  'vm.attachDisk': unknown;
  'disk.create': string;
  'vbd.connect': unknown;
  'vbd.disconnect': unknown;
  'vbd.delete': unknown;
  'vdi.delete': unknown;
  'vdi.set': unknown;
  'vif.connect': unknown;
  'vif.disconnect': unknown;
  'vif.set': string;
  'vif.delete': unknown;
  'tag.add': unknown;
  'cloudConfig.getAll': Schemas['CloudConfig'][];
  'server.getAll': Schemas['Server'][];
  'server.add': string;
  'server.set': boolean;
  'server.remove': boolean;
  'server.enable': boolean;
  'server.disable': boolean;
  'plugin.get': Schemas['Plugin'][];
  'plugin.configure': boolean;
  'plugin.purgeConfiguration': boolean;
  'plugin.test': Schemas['TestResult'];
  'plugin.grant': unknown;
  'plugin.revoke': unknown;
  'plugin.load': boolean;
  'plugin.unload': boolean;
  'plugin.enableAutoload': boolean;
  'plugin.disableAutoload': boolean;
}

export type Granularity = 'seconds' | 'minutes' | 'hours' | 'days';

/** Methods of `/api/`: parameters by name, from the daemon's own table, and the result. */
export type Methods = { [K in keyof Results]: { params: Params[K]; result: Results[K] } };

/** What the daemon tells without being asked. */
export interface Notifications {
  /** What changed in a window; `ids` is the whole window when its order or content changed. */
  'inventory.watch': {
    watch: string;
    revision: number;
    total: number;
    start: number;
    ids?: string[];
    set?: Record<string, Schemas['WatchRow']>;
    removed?: string[];
  };
  servers: { items: Record<string, Schemas['Server']>; removed?: string[] };
  plugins: { ids: string[] };
  /** The account that is signed in here was changed. */
  user: { id: string };
}
