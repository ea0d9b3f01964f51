// Generated from the daemon's table of operations by `cargo xtask codegen`. Do not edit.

/** Parameters of the methods of `/api/`, by name. */
export interface Params {
  /** Grants a role on an object to an account or a group. */
  'acl.add': { subject: string; object: string; action: string };
  /** Tells what an account may do to an object, operation by operation, and why. */
  'acl.explain': { user: string; object: string; operation?: string };
  /** Lists who was granted what. */
  'acl.get': Record<string, unknown>;
  /** Tells what the caller was granted, object by object. */
  'acl.getCurrentPermissions': Record<string, unknown>;
  /** Takes a grant back. */
  'acl.remove': { subject: string; object: string; action: string };
  /** Adds a privilege to a role and returns its id. */
  'aclPrivilege.create': { roleId: string; resource: string; action: string; effect: 'allow' | 'deny'; selector?: string };
  /** Deletes a privilege. */
  'aclPrivilege.delete': { id: string };
  /** Returns a privilege. */
  'aclPrivilege.get': { id: string };
  /** Lists the privileges, of one role or of all. */
  'aclPrivilege.getAll': { roleId?: string };
  /** Changes a privilege. */
  'aclPrivilege.set': { id: string; resource?: string; action?: string; effect?: 'allow' | 'deny'; selector?: string | null };
  /** Gives a role to everybody in a group. */
  'aclRole.addGroup': { id: string; groupId: string };
  /** Gives a role to an account. */
  'aclRole.addUser': { id: string; userId: string };
  /** Copies a role with its privileges and returns the id of the copy. */
  'aclRole.copy': { id: string; name?: string; description?: string };
  /** Creates a role without privileges and returns its id. */
  'aclRole.create': { name: string; description?: string };
  /** Deletes a role and its privileges. */
  'aclRole.delete': { id: string };
  /** Returns a role. */
  'aclRole.get': { id: string };
  /** Lists the roles. */
  'aclRole.getAll': Record<string, unknown>;
  /** Lists who has a role: accounts and groups. */
  'aclRole.getHolders': { id: string };
  /** Takes a role from a group. */
  'aclRole.removeGroup': { id: string; groupId: string };
  /** Takes a role from an account. */
  'aclRole.removeUser': { id: string; userId: string };
  /** Renames or describes a role. */
  'aclRole.set': { id: string; name?: string; description?: string };
  /** Closes every socket but the one that asks. */
  'api.closeAllConnections': {  };
  /** Lists the open sockets: the address, and who has signed in until when. */
  'api.getConnections': Record<string, unknown>;
  /** Checks that the log is what was written, and returns how many records that are. */
  'audit.checkIntegrity': { newest?: string; oldest?: string };
  /** Is refused: nothing is taken out of the log but by its age and size. */
  'audit.clean': Record<string, unknown>;
  /** Is refused: the log proves that nothing was taken out of it. */
  'audit.deleteRange': Record<string, unknown>;
  /** Returns an address with all records, newest first, one on each line. */
  'audit.exportRecords': Record<string, unknown>;
  /** Returns the ends of the log; who keeps them elsewhere notices when it is cut off. */
  'audit.generateFingerprint': Record<string, unknown>;
  /** Lists records, newest first, from the one of that id; with `ndjson` all of them, as an address. */
  'audit.getRecords': { id?: string; maxRecords?: number; ndjson?: boolean };
  /** Is refused: the log has only what this daemon has seen. */
  'audit.importRecords': Record<string, unknown>;
  /** Keeps a template of user data. */
  'cloudConfig.create': { name: string; template: string };
  /** Keeps a template of a network configuration. */
  'cloudConfig.createNetworkConfig': { name: string; template: string };
  /** Forgets a template. */
  'cloudConfig.delete': { id: string };
  /** Lists the templates of user data. */
  'cloudConfig.getAll': Record<string, unknown>;
  /** Lists the templates of network configurations. */
  'cloudConfig.getAllNetworkConfigs': Record<string, unknown>;
  /** Changes a template. */
  'cloudConfig.update': { id: string; name?: string; template?: string };
  /** Gives an object a custom field that it does not have. */
  'customField.add': { id: string; name: string; value: string };
  /** Removes a custom field. */
  'customField.remove': { id: string; name: string };
  /** Gives an object a custom field, or another value to it. */
  'customField.set': { id: string; name: string; value: string };
  /** Makes a disk, in a VM if one is named; returns its id. */
  'disk.create': { name: string; size: number | string; sr: string; vm?: string; bootable?: boolean; mode?: string; position?: string };
  /** Returns an address that gives a disk. */
  'disk.exportContent': { id: string; format?: 'vmdk' | 'vhd' | 'qcow2'; preferNbd?: boolean; nbdConcurrency?: number };
  /** Returns an address that takes a disk. */
  'disk.import': { description?: string; name: string; sr: string; url?: string; type: string; vmdkData?: Record<string, unknown> };
  /** Returns an address that takes the content of a disk. */
  'disk.importContent': { id: string; format?: string };
  /** Puts an account into a group. */
  'group.addUser': { id: string; userId: string };
  /** Creates a group and returns its id. */
  'group.create': { name: string };
  /** Deletes a group and what it was granted; its members stay. */
  'group.delete': { id: string };
  /** Lists the roles of a group. */
  'group.getAclRoles': { id: string };
  /** Lists the groups. */
  'group.getAll': Record<string, unknown>;
  /** Takes an account out of a group. */
  'group.removeUser': { id: string; userId: string };
  /** Renames a group. */
  'group.set': { id: string; name?: string };
  /** Says who is in a group, and nobody else. */
  'group.setUsers': { id: string; userIds: (string)[] };
  /** Takes a host out of its pool and registers it as a server. */
  'host.detach': { id: string };
  /** Lets no VM start on a host any more. */
  'host.disable': { id: string; transient?: boolean };
  /** Suspends the VMs of a host and shuts it down. */
  'host.emergencyShutdownHost': { host: string };
  /** Lets VMs start on a host again. */
  'host.enable': { id: string };
  /** Removes the record of a host that is gone for good. */
  'host.forget': { id: string };
  /** Returns what a host says of its firmware. */
  'host.getBiosInfo': { id: string };
  /** Returns the block devices of a host. */
  'host.getBlockdevices': { id: string };
  /** Returns the state of the software RAID of a host. */
  'host.getMdadmHealth': { id: string };
  /** Returns which processors a host shares out together. */
  'host.getSchedulerGranularity': { id: string };
  /** Returns how well the disks of a host are. */
  'host.getSmartctlHealth': { id: string };
  /** Returns what the disks of a host say of themselves. */
  'host.getSmartctlInformation': { id: string; deviceNames?: (string)[] };
  /** Returns an address that gives a report. */
  'host.getSystemStatus': { id: string };
  /** Gives a host another certificate. */
  'host.installCertificate': { id: string; certificate: string; chain?: string; privateKey: string };
  /** Returns an address that takes a pack. */
  'host.installSupplementalPack': { host: string };
  /** Tells whether the clock of a host agrees with ours. */
  'host.isHostServerTimeConsistent': { host: string };
  /** Tells whether the processors of a host run two threads each. */
  'host.isHyperThreadingEnabled': { id: string };
  /** Tells whether the key of a host is too short for today's clients. */
  'host.isPubKeyTooShort': { id: string };
  /** Moves the management of a host to another card. */
  'host.managementReconfigure': { id: string; pif: string };
  /** Restarts a host; its VMs are moved away before. */
  'host.restart': { bypassBackupCheck?: boolean; bypassBlockedSuspend?: boolean; bypassCurrentVmCheck?: boolean; id: string; force?: boolean; suspendResidentVms?: boolean; bypassVersionCheck?: boolean };
  /** Restarts the toolstack of a host. */
  'host.restartAgent': { bypassBackupCheck?: boolean; id: string };
  /** Restarts the toolstack of a host. */
  'host.restart_agent': { bypassBackupCheck?: boolean; id: string };
  /** Looks for network cards. */
  'host.scanPifs': { id: string };
  /** Changes a host. */
  'host.set': { id: string; iscsiIqn?: string; name_label?: string; name_description?: string; multipathing?: boolean };
  /** Gives the control domain of a host, which is out of service, other memory in bytes, and restarts the host. */
  'host.setControlDomainMemory': { id: string; memory: number };
  /** Takes a host out of service, or back into it. */
  'host.setMaintenanceMode': { id: string; maintenance: boolean; vmsToForceMigrate?: (string)[] };
  /** Says where a host sends its log; null keeps it at home. */
  'host.setRemoteSyslogHost': { id: string; syslogDestination: string | null };
  /** Says which processors a host shares out together. */
  'host.setSchedulerGranularity': { id: string; schedulerGranularity: 'cpu' | 'core' | 'socket' };
  /** Switches a host on. */
  'host.start': { id: string };
  /** Returns the curves of a host. */
  'host.stats': { host: string; granularity?: 'seconds' | 'minutes' | 'hours' | 'days' };
  /** Shuts a host down; its VMs are moved away before. */
  'host.stop': { bypassBackupCheck?: boolean; id: string; bypassEvacuate?: boolean };
  /** Counts objects by the values of some of their properties. */
  'inventory.counts': { by: (string)[]; filter?: string };
  /** Ends a live list. */
  'inventory.unwatch': { watch: string };
  /** Returns a window of a filtered, sorted list of objects, and tells from then on what changes in it. */
  'inventory.watch': { watch: string; type: string | (string)[]; fields: (string)[]; filter?: string; sort?: ({ by: string; descending?: boolean })[]; window: { start: number; count: number } };
  /** Makes a pool of IP addresses; returns its id. */
  'ipPool.create': { name: string; addresses?: Record<string, unknown>; networks?: (string)[] };
  /** Deletes a pool of IP addresses; cards keep those they have. */
  'ipPool.delete': { id: string };
  /** Lists the pools of IP addresses that the caller may use, with who has which. */
  'ipPool.getAll': { userId?: string };
  /** Changes a pool of IP addresses; an address with null is taken out, and the resource set may use the pool from now on. */
  'ipPool.set': { id: string; name?: string; addresses?: Record<string, unknown>; networks?: (string)[]; resourceSet?: string };
  /** Returns a job. */
  'job.get': { id: string };
  /** Lists the jobs. */
  'job.getAll': Record<string, unknown>;
  /** Is refused: failed calls stand in the audit log. */
  'log.delete': { id: string | (string)[]; namespace: string };
  /** Lists the failed calls that would have changed something (namespace `api`). */
  'log.get': { namespace: string };
  /** Removes a message. */
  'message.delete': { id: string };
  /** Makes a network, on a VLAN of a card if one is named; returns its id. */
  'network.create': { pool: string; name: string; nbd?: boolean; description?: string; pif?: string; mtu?: number; vlan?: number };
  /** Makes a network on a bond of cards, on every host; returns the pool's record of it. */
  'network.createBonded': { pool: string; name: string; description?: string; pifs: (string)[]; mtu?: number; bondMode: 'balance-slb' | 'active-backup' | 'lacp' };
  /** Deletes a network with its VLANs, bonds and tunnels. */
  'network.delete': { id: string };
  /** Lists the ways cards can be bonded. */
  'network.getBondModes': Record<string, unknown>;
  /** Changes a network. */
  'network.set': { automatic?: boolean; defaultIsLocked?: boolean; id: string; mtu?: number; name_description?: string; name_label?: string; nbd?: boolean };
  /** Connects a host to an SR. */
  'pbd.connect': { id: string };
  /** Removes a connection of a host to an SR. */
  'pbd.delete': { id: string };
  /** Disconnects a host from an SR. */
  'pbd.disconnect': { id: string };
  /** Tells whether a PCI device is hidden from the control domain. */
  'pci.getDom0AccessStatus': { id: string };
  /** Brings a network card of a host up. */
  'pif.connect': { id: string };
  /** Removes a VLAN or a card that is gone. */
  'pif.delete': { id: string };
  /** Takes a network card of a host down. */
  'pif.disconnect': { id: string };
  /** Gives a VLAN another tag. */
  'pif.editPif': { id: string; vlan: number | string };
  /** Lists the ways to get IPv4 addresses. */
  'pif.getIpv4ConfigurationModes': Record<string, unknown>;
  /** Lists the ways to get IPv6 addresses. */
  'pif.getIpv6ConfigurationModes': Record<string, unknown>;
  /** Says how a network card of a host gets its addresses. */
  'pif.reconfigureIp': { id: string; mode?: string; ip?: string; netmask?: string; gateway?: string; dns?: string; ipv6?: string; ipv6Mode?: string };
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
  /** Ends high availability. */
  'pool.disableHa': { pool: string };
  /** Has the pool restart VMs of hosts that fail. */
  'pool.enableHa': { pool: string; heartbeatSrs: (string)[]; configuration: Record<string, unknown> };
  /** Tells whether the VMs of a pool could boot securely. */
  'pool.getGuestSecureBootReadiness': { id: string; forceRefresh?: boolean };
  /** Returns what a pool says of its licence. */
  'pool.getLicenseState': { pool: string };
  /** Lists the patches that one host has and another has not. */
  'pool.getPatchesDifference': { source: string; target: string };
  /** Returns an address that gives the reports of all hosts. */
  'pool.getSystemStatuses': { id: string };
  /** Returns an address that takes a pack. */
  'pool.installSupplementalPack': { pool: string };
  /** Lists the patches that a host could have and has not. */
  'pool.listMissingPatches': { host: string };
  /** Lists the pools that have a host and an SR that fit. */
  'pool.listPoolsMatchingCriteria': { minAvailableHostMemory?: number; minAvailableSrSize?: number; minHostCpus?: number; minHostVersion?: string; poolNameRegExp?: string; srNameRegExp?: string };
  /** Moves the management of a pool to a network. */
  'pool.managementReconfigure': { id: string; network: string };
  /** Has pools of one host each join a pool. */
  'pool.mergeInto': { force?: boolean; source?: string; sources?: (string)[]; target: string };
  /** Changes a pool. */
  'pool.set': { id: string; auto_poweron?: boolean; name_label?: string; name_description?: string; backupNetwork?: string | null; migrationCompression?: boolean; migrationNetwork?: string | null; suspendSr?: string | null; crashDumpSr?: string | null };
  /** Makes an SR the one where disks go when nobody says. */
  'pool.setDefaultSr': { sr: string };
  /** Makes a host the master of its pool. */
  'pool.setPoolMaster': { host: string };
  /** Looks for USB devices. */
  'pusb.scan': { host: string };
  /** Says whether a USB device may be handed to a VM. */
  'pusb.set': { id: string; enabled?: boolean };
  /** Says how much of something may be used; what is used stays. */
  'resourceSet.addLimit': { id: string; limitId: string; quantity: number };
  /** Adds a template, an SR or a network that may be used. */
  'resourceSet.addObject': { id: string; object: string };
  /** Lets an account or a group use a set. */
  'resourceSet.addSubject': { id: string; subject: string };
  /** Creates a set and returns it. */
  'resourceSet.create': { name: string; subjects?: (string)[]; objects?: (string)[]; limits?: Record<string, unknown>; tags?: (string)[]; shareByDefault?: boolean };
  /** Deletes a set; its VMs stay, without it. */
  'resourceSet.delete': { id: string };
  /** Returns a set that the caller may use. */
  'resourceSet.get': { id: string };
  /** Lists the sets that the caller may use; all for administrators. */
  'resourceSet.getAll': Record<string, unknown>;
  /** Counts anew what is used of all sets. */
  'resourceSet.recomputeAllLimits': Record<string, unknown>;
  /** Takes a limit away. */
  'resourceSet.removeLimit': { id: string; limitId: string };
  /** Takes away what may be used. */
  'resourceSet.removeObject': { id: string; object: string };
  /** Takes a set from an account or a group. */
  'resourceSet.removeSubject': { id: string; subject: string };
  /** Changes a set; limits that are not given are none any more, and what is used stays. */
  'resourceSet.set': { id: string; name?: string; shareByDefault?: boolean; subjects?: (string)[]; objects?: (string)[]; ipPools?: (string)[]; limits?: Record<string, unknown>; tags?: (string)[] };
  /** Lists the roles of access lists. */
  'role.getAll': Record<string, unknown>;
  /** Returns a schedule. */
  'schedule.get': { id: string };
  /** Lists the schedules. */
  'schedule.getAll': Record<string, unknown>;
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
  /** Returns who is signed in, null when nobody is. */
  'session.getUser': Record<string, unknown>;
  /** Signs in by name and password, with a one-time password if the account has them, or by token. */
  'session.signIn': Record<string, unknown>;
  /** Signs in by name and password. */
  'session.signInWithPassword': { email: string; password: string; otp?: string };
  /** Signs in by token. */
  'session.signInWithToken': { token: string };
  /** Forgets who is signed in on this connection. */
  'session.signOut': Record<string, unknown>;
  /** Asks for notifications about servers and plugins on this connection; with `all: false` for none about objects. */
  'session.subscribe': { topics: ('servers' | 'plugins')[]; all?: boolean };
  /** Returns the record of the driver of an SR. */
  'sm.getFromSr': { sr: string };
  /** Connects every host to an SR. */
  'sr.connectAllPbds': { id: string };
  /** Makes an SR on a local disk. */
  'sr.createExt': { host: string; nameLabel: string; nameDescription: string; device: string; preferredImageFormat?: 'vhd' | 'qcow2' | 'vhd, qcow2' | 'qcow2, vhd' };
  /** Makes an SR behind a host bus adapter. */
  'sr.createHba': { host: string; nameLabel: string; nameDescription: string; scsiId: string; srUuid?: string; preferredImageFormat?: 'vhd' | 'qcow2' | 'vhd, qcow2' | 'qcow2, vhd' };
  /** Makes an SR on iSCSI. */
  'sr.createIscsi': { host: string; nameLabel: string; nameDescription: string; target: string; port?: number; targetIqn: string; scsiId: string; chapUser?: string; chapPassword?: string; srUuid?: string; preferredImageFormat?: 'vhd' | 'qcow2' | 'vhd, qcow2' | 'qcow2, vhd' };
  /** Makes an SR of discs. */
  'sr.createIso': { host: string; nameLabel: string; nameDescription: string; path: string; type: string; user?: string; password?: string; nfsVersion?: string; nfsOptions?: string; srUuid?: string };
  /** Makes an SR of logical volumes on a local disk. */
  'sr.createLvm': { host: string; nameLabel: string; nameDescription: string; device: string; preferredImageFormat?: 'vhd' | 'qcow2' | 'vhd, qcow2' | 'qcow2, vhd' };
  /** Makes an SR on an NFS export. */
  'sr.createNfs': { host: string; nameLabel: string; nameDescription: string; server: string; serverPath: string; nfsVersion?: string; nfsOptions?: string; srUuid?: string; preferredImageFormat?: 'vhd' | 'qcow2' | 'vhd, qcow2' | 'qcow2, vhd' };
  /** Makes an SR on an SMB share. */
  'sr.createSmb': { host: string; nameLabel: string; nameDescription?: string; server: string; srUuid?: string; user?: string; password?: string; preferredImageFormat?: 'vhd' | 'qcow2' | 'vhd, qcow2' | 'qcow2, vhd' };
  /** Makes an SR on a ZFS data set. */
  'sr.createZfs': { host: string; nameLabel: string; nameDescription: string; location: string; preferredImageFormat?: 'vhd' | 'qcow2' | 'vhd, qcow2' | 'qcow2, vhd' };
  /** Destroys an SR and what is on it. */
  'sr.destroy': { id: string };
  /** Takes an SR back into service. */
  'sr.disableMaintenanceMode': { id: string };
  /** Disconnects every host from an SR. */
  'sr.disconnectAllPbds': { id: string };
  /** Takes an SR out of service; the VMs that use it are named and shut down. */
  'sr.enableMaintenanceMode': { id: string; vmsToShutdown?: (string)[] };
  /** Leaves an SR; what is on it stays there. */
  'sr.forget': { id: string };
  /** Tells for each SR which disks stand on images that should be one with them, and on how many. */
  'sr.getAllUnhealthyVdiChainsLength': Record<string, unknown>;
  /** Tells on how many images each disk of an SR stands. */
  'sr.getVdiChainsInfo': { id: string };
  /** Lists the disks behind host bus adapters. */
  'sr.probeHba': { host: string };
  /** Lists the SRs that are there. */
  'sr.probeHbaExists': { host: string; scsiId: string };
  /** Lists the SRs that are there. */
  'sr.probeIscsiExists': { host: string; target: string; port?: number; targetIqn: string; scsiId: string; chapUser?: string; chapPassword?: string };
  /** Lists the names of an iSCSI target. */
  'sr.probeIscsiIqns': { host: string; target: string; port?: number; chapUser?: string; chapPassword?: string };
  /** Lists the units of an iSCSI target. */
  'sr.probeIscsiLuns': { host: string; target: string; port?: number; targetIqn: string; chapUser?: string; chapPassword?: string };
  /** Lists the exports of an NFS server. */
  'sr.probeNfs': { host: string; nfsVersion?: string; server: string };
  /** Lists the SRs that are there. */
  'sr.probeNfsExists': { host: string; nfsVersion?: string; server: string; serverPath: string };
  /** Lists the ZFS pools of a host. */
  'sr.probeZfs': { host: string };
  /** Gives the space of what was deleted back. */
  'sr.reclaimSpace': { id: string; bypassBackupCheck?: boolean };
  /** Reads anew what is on an SR. */
  'sr.scan': { id: string };
  /** Changes an SR. */
  'sr.set': { id: string; name_label?: string; name_description?: string };
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
  /** Puts a tag on an object. */
  'tag.add': { tag: string; id: string };
  /** Lists the tags that have a colour. */
  'tag.getAllConfigured': Record<string, unknown>;
  /** Takes a tag off an object. */
  'tag.remove': { tag: string; id: string };
  /** Gives a tag a colour; null takes it away. */
  'tag.set': { id: string; color?: string | null };
  /** Asks a pool to end a task. */
  'task.cancel': { id: string };
  /** Removes the record of a task. */
  'task.destroy': { id: string };
  /** Creates an API token; it is shown this once. */
  'token.create': { description?: string; client?: { id: string }; expiresIn?: number | string };
  /** Deletes tokens, those that are named and those that look like a pattern. */
  'token.delete': { tokens?: (string)[]; pattern?: Record<string, unknown> };
  /** Deletes own tokens, those that are named and those that look like a pattern. */
  'token.deleteOwn': { tokens?: (string)[]; pattern?: Record<string, unknown> };
  /** Changes the description of one of one's own tokens. */
  'token.set': { id: string; description?: string | null };
  /** Changes one's own password. */
  'user.changePassword': { oldPassword: string; newPassword: string };
  /** Creates an account. */
  'user.create': { email: string; password: string; permission?: 'none' | 'read' | 'write' | 'admin' };
  /** Deletes an account, its tokens and its connections. */
  'user.delete': { id: string };
  /** Lists the privileges of an account; everyone sees their own. */
  'user.getAclPrivileges': { id: string };
  /** Lists the accounts. */
  'user.getAll': Record<string, unknown>;
  /** Lists one's own tokens. */
  'user.getAuthenticationTokens': Record<string, unknown>;
  /** Takes the link of an account to a sign-in provider away. */
  'user.removeAuthProvider': { authProvider: string; id: string };
  /** Changes an account; everyone may change their own preferences. */
  'user.set': { id: string; email?: string; password?: string; permission?: 'none' | 'read' | 'write' | 'admin'; preferences?: Record<string, unknown> };
  /** Plugs a disk into its running VM. */
  'vbd.connect': { id: string };
  /** Takes a disk out of its VM; the disk stays. */
  'vbd.delete': { id: string };
  /** Unplugs a disk from its running VM. */
  'vbd.disconnect': { id: string };
  /** Moves a disk to another position in its VM. */
  'vbd.set': { id: string; position?: string | number };
  /** Says whether a paravirtualised VM boots from a disk. */
  'vbd.setBootable': { vbd: string; bootable: boolean };
  /** Deletes a disk. */
  'vdi.delete': { id: string };
  /** Moves a disk to another SR; returns its id there. */
  'vdi.migrate': { id: string; resourceSet?: string; sr_id: string };
  /** Changes a disk; it can only grow. */
  'vdi.set': { id: string; name_label?: string; name_description?: string; size?: number | string; cbt?: boolean };
  /** Plugs a network card into its running VM. */
  'vif.connect': { id: string };
  /** Takes a network card out of its VM. */
  'vif.delete': { id: string };
  /** Unplugs a network card from its running VM. */
  'vif.disconnect': { id: string };
  /** Lists the locking modes of network cards. */
  'vif.getLockingModeValues': Record<string, unknown>;
  /** Changes a network card; returns its id, which is another one when network or address changed. */
  'vif.set': { id: string; network?: string; mac?: string; allowedIpv4Addresses?: (string)[]; allowedIpv6Addresses?: (string)[]; attached?: boolean; lockingMode?: 'disabled' | 'locked' | 'network_default' | 'unlocked'; rateLimit?: number | null; resourceSet?: string; txChecksumming?: boolean };
  /** Has the host record a source of data. */
  'vm.addDataSource': { id: string; dataSource: string };
  /** Puts a disk into a VM. */
  'vm.attachDisk': { bootable?: boolean; mode?: string; position?: string; vdi: string; vm: string };
  /** Gives a VM PCI devices. */
  'vm.attachPcis': { id: string; pcis: (string)[] };
  /** Copies a VM where it is; returns the id of the copy. */
  'vm.clone': { id: string; name: string; full_copy: boolean };
  /** Makes one image of the disks of a VM that could be one. */
  'vm.coalesceLeaf': { id: string };
  /** Makes a template of a VM. */
  'vm.convert': { id: string };
  /** Makes a template of a VM. */
  'vm.convertToTemplate': { id: string };
  /** Copies a VM onto an SR; returns the id of the copy. */
  'vm.copy': { compress?: boolean | string; name?: string; vm: string; sr: string };
  /** Makes a template that is a copy of a snapshot. */
  'vm.copyToTemplate': { id: string };
  /** Makes a VM from a template; returns its id. */
  'vm.create': { acls?: ({ subject: string; action: string })[]; affinityHost?: string | null; bootAfterCreate?: boolean; cloudConfig?: string | null; createVtpm?: boolean; networkConfig?: string | null; coreOs?: boolean; clone?: boolean; resourceSet?: string | null; destroyCloudConfigVdiAfterBoot?: boolean; installation?: { method: string; repository?: string }; vgpuType?: string; gpuGroup?: string; name_label: string; name_description?: string; pv_args?: string; share?: boolean; template: string; VIFs?: ({ network: string; mac?: string; allowedIpv4Addresses?: (string)[]; allowedIpv6Addresses?: (string)[] })[] | null; VDIs?: ({ size?: number | string; SR?: string | null; $SR?: string | null; name_label?: string | null; name_description?: string | null; userdevice?: string; destroy?: boolean; [key: string]: unknown })[] | null; existingDisks?: Record<string, { size?: number | string; SR?: string | null; $SR?: string | null; name_label?: string | null; name_description?: string | null; userdevice?: string; destroy?: boolean; [key: string]: unknown }> | null; hvmBootFirmware?: string | null; copyHostBiosStrings?: boolean; [key: string]: unknown };
  /** Makes a disk with a cloud-init configuration for a VM. */
  'vm.createCloudInitConfigDrive': { vm: string; sr: string; config: string; networkConfig?: string };
  /** Gives a VM a network card, not plugged in; returns its id. */
  'vm.createInterface': { vm: string; network: string; position?: number | string; mac?: string; allowedIpv4Addresses?: (string)[]; allowedIpv6Addresses?: (string)[] };
  /** Gives a VM graphics. */
  'vm.createVgpu': { vm: string; gpuGroup: string; vgpuType: string };
  /** Deletes a VM with its snapshots, and its disks unless `deleteDisks` is false. */
  'vm.delete': { id: string; deleteDisks?: boolean; force?: boolean; forceDeleteDefaultTemplate?: boolean; forceBlockedOperation?: boolean };
  /** Takes graphics away from a VM. */
  'vm.deleteVgpu': { vgpu: string };
  /** Takes PCI devices away from a VM. */
  'vm.detachPcis': { id: string; pciIds: (string)[] };
  /** Takes the CD out of the drive. */
  'vm.ejectCd': { id: string };
  /** Returns an address that gives a VM. */
  'vm.export': { vm: string; compress?: boolean | string; format?: 'xva' | 'ova' };
  /** Returns the user data on the drive of a template's configuration. */
  'vm.getCloudInitConfig': { template: string };
  /** Lists the priorities of high availability. */
  'vm.getHaValues': Record<string, unknown>;
  /** Tells whether a VM is ready to boot securely. */
  'vm.getSecurebootReadiness': { id: string; forceRefresh?: boolean };
  /** Returns an address that takes a VM. */
  'vm.import': { data?: Record<string, unknown>; type?: string; sr: string; url?: string };
  /** Puts a CD into the drive; another one is taken out first unless `force` is false. */
  'vm.insertCd': { id: string; cd_id: string; force?: boolean };
  /** Moves a VM to a host, of its pool or of another. */
  'vm.migrate': { vm: string; force?: boolean; targetHost: string; sr?: string; mapVdisSrs?: Record<string, string>; mapVifsNetworks?: Record<string, string>; migrationNetwork?: string; bypassAssert?: boolean };
  /** Stops a running VM in memory. */
  'vm.pause': { id: string };
  /** Starts a VM once from its CD. */
  'vm.recoveryStart': { id: string };
  /** Has the host forget a source of data. */
  'vm.removeDataSource': { id: string; dataSource: string };
  /** Reboots a VM: cleanly, or hard with `force`. */
  'vm.restart': { id: string; force?: boolean; bypassBlockedOperation?: boolean };
  /** Brings a suspended VM back. */
  'vm.resume': { id: string };
  /** Brings a VM back to a snapshot. */
  'vm.revert': { snapshot: string };
  /** Changes a VM. */
  'vm.set': { id: string; name_label?: string; name_description?: string; notes?: string | null; auto_poweron?: boolean; high_availability?: 'best-effort' | 'restart' | ''; CPUs?: number; cpusMax?: number | string; memory?: number | string; memoryMin?: number | string; memoryMax?: number | string; memoryStaticMax?: number | string; PV_args?: string; affinityHost?: string | null; cpuWeight?: number | null; cpuCap?: number | null; startDelay?: number; tags?: (string)[]; cpuMask?: (number)[]; vga?: string; videoram?: number; coresPerSocket?: string | number | null; hasVendorDevice?: boolean; expNestedHvm?: boolean; nestedVirt?: boolean; resourceSet?: string | null; share?: boolean; secureBoot?: boolean; nicType?: string | null; hvmBootFirmware?: string | null; virtualizationMode?: string; viridian?: boolean; blockedOperations?: Record<string, boolean | null | string>; creation?: { user?: string }; suspendSr?: string | null; uefiMode?: 'setup' | 'user'; xenStoreData?: Record<string, string | null> | null };
  /** Stops a VM, changes it and starts it again. */
  'vm.setAndRestart': { id: string; name_label?: string; name_description?: string; notes?: string | null; auto_poweron?: boolean; high_availability?: 'best-effort' | 'restart' | ''; CPUs?: number; cpusMax?: number | string; memory?: number | string; memoryMin?: number | string; memoryMax?: number | string; memoryStaticMax?: number | string; PV_args?: string; affinityHost?: string | null; cpuWeight?: number | null; cpuCap?: number | null; startDelay?: number; tags?: (string)[]; cpuMask?: (number)[]; vga?: string; videoram?: number; coresPerSocket?: string | number | null; hasVendorDevice?: boolean; expNestedHvm?: boolean; nestedVirt?: boolean; resourceSet?: string | null; share?: boolean; secureBoot?: boolean; nicType?: string | null; hvmBootFirmware?: string | null; virtualizationMode?: string; viridian?: boolean; blockedOperations?: Record<string, boolean | null | string>; creation?: { user?: string }; suspendSr?: string | null; uefiMode?: 'setup' | 'user'; xenStoreData?: Record<string, string | null> | null; force?: boolean };
  /** Says in which order a VM tries its devices. */
  'vm.setBootOrder': { vm: string; order: string };
  /** Takes a snapshot of a VM; returns its id. */
  'vm.snapshot': { description?: string; id: string; name?: string; saveMemory?: boolean };
  /** Starts a VM; `force` starts one whose start is blocked. */
  'vm.start': { id: string; force?: boolean; host?: string; bypassMacAddressesCheck?: boolean };
  /** Returns the curves of a running VM. */
  'vm.stats': { id: string; granularity?: 'seconds' | 'minutes' | 'hours' | 'days' };
  /** Shuts a VM down: cleanly, or hard with `force`. */
  'vm.stop': { id: string; force?: boolean; forceShutdownDelay?: number; bypassBlockedOperation?: boolean };
  /** Saves a running VM to disk. */
  'vm.suspend': { id: string };
  /** Lets a paused VM go on. */
  'vm.unpause': { id: string };
  /** Gives a VM a trusted platform module; returns its id. */
  'vtpm.create': { id: string };
  /** Takes the trusted platform module away from a VM. */
  'vtpm.destroy': { id: string };
  /** Gives a VM the USB devices of a group. */
  'vusb.create': { vm: string; usbGroup: string };
  /** Takes a USB device away from a VM. */
  'vusb.destroy': { id: string };
  /** Unplugs a USB device from a running VM. */
  'vusb.unplug': { id: string };
  /** Removes tokens that are over and rights of accounts and groups that are gone. */
  'xo.clean': Record<string, unknown>;
  /** Returns all objects, or those that match a filter or a pattern; `ndjson` returns an address that lists them. */
  'xo.getAllObjects': { filter?: string | Record<string, unknown>; limit?: number; ndjson?: boolean };
}
