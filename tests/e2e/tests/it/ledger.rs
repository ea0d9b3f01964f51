//! The access ledger: every operation, called by nobody, by somebody without rights, and by an administrator.
//!
//! The table is complete or the test fails: who adds an operation says here who may call it.

mod callers;
mod hidden;
mod levels;
mod rest;

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use rig::{Auth, Client, Rig};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::lines::{self, Line};

/// Answers to nobody, to an account with permission none, to an administrator. 0 = it was done, else the error's code:
/// 1 = no such object (or not for this caller), 2 = not enough permissions, 3 = invalid credentials, 10 = invalid parameters.
pub(crate) type Codes = [i64; 3];

/// "Not implemented" has code 0 on the wire; here it must not look like success.
const NOT_YET: i64 = -1;

/// Name, parameters (`$vm`, `$admin`, `$none`, `$server` are ids of what is there), answers.
pub(crate) const METHODS: &[(&str, &str, Codes)] = &[
    ("acl.add", r#"{"subject":"$none","object":"nothing","action":"viewer"}"#, [2, 2, 0]),
    ("acl.explain", r#"{"user":"$none","object":"$vm"}"#, [2, 2, 0]),
    ("acl.get", "{}", [2, 2, 0]),
    ("acl.getCurrentPermissions", "{}", [2, 0, 0]),
    ("acl.remove", r#"{"subject":"$none","object":"nothing","action":"viewer"}"#, [2, 2, 0]),
    ("aclPrivilege.create", r#"{"roleId":"nothing","resource":"vm","action":"read","effect":"allow"}"#, [2, 2, 1]),
    ("aclPrivilege.delete", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("aclPrivilege.get", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("aclPrivilege.getAll", "{}", [2, 2, 0]),
    ("aclPrivilege.set", r#"{"id":"nothing","action":"read"}"#, [2, 2, 1]),
    ("aclRole.addGroup", r#"{"id":"nothing","groupId":"nothing"}"#, [2, 2, 1]),
    ("aclRole.addUser", r#"{"id":"nothing","userId":"$none"}"#, [2, 2, 1]),
    ("aclRole.copy", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("aclRole.create", r#"{"name":" "}"#, [2, 2, 10]),
    ("aclRole.delete", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("aclRole.get", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("aclRole.getAll", "{}", [2, 2, 0]),
    ("aclRole.getHolders", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("aclRole.removeGroup", r#"{"id":"nothing","groupId":"nothing"}"#, [2, 2, 1]),
    ("aclRole.removeUser", r#"{"id":"nothing","userId":"$none"}"#, [2, 2, 1]),
    ("aclRole.set", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("api.closeAllConnections", r#"{"but":"mine"}"#, [2, 2, 10]),
    ("api.getConnections", "{}", [2, 2, 0]),
    ("audit.checkIntegrity", "{}", [2, 2, 0]),
    ("audit.clean", "{}", [2, 2, 5]),
    ("audit.deleteRange", "{}", [2, 2, 5]),
    ("audit.exportRecords", "{}", [2, 2, 0]),
    ("audit.generateFingerprint", "{}", [2, 2, 0]),
    ("audit.getRecords", r#"{"maxRecords":1}"#, [2, 2, 0]),
    ("audit.importRecords", "{}", [2, 2, 5]),
    ("group.addUser", r#"{"id":"nothing","userId":"$none"}"#, [2, 2, 1]),
    ("group.create", r#"{"name":" "}"#, [2, 2, 10]),
    ("group.delete", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("group.getAclRoles", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("group.getAll", "{}", [2, 2, 0]),
    ("group.removeUser", r#"{"id":"nothing","userId":"$none"}"#, [2, 2, 1]),
    ("group.set", r#"{"id":"nothing","name":"x"}"#, [2, 2, 1]),
    ("group.setUsers", r#"{"id":"nothing","userIds":["$none"]}"#, [2, 2, 1]),
    ("cloudConfig.create", r#"{"name":"a","template":"b"}"#, [2, 2, 0]),
    ("cloudConfig.createNetworkConfig", r#"{"name":"a","template":"b"}"#, [2, 2, 0]),
    ("cloudConfig.delete", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("cloudConfig.getAll", "{}", [2, 0, 0]),
    ("cloudConfig.getAllNetworkConfigs", "{}", [2, 0, 0]),
    ("cloudConfig.update", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("customField.add", r#"{"id":"$vm","name":"a","value":"b"}"#, [2, 1, 0]),
    ("customField.remove", r#"{"id":"$vm","name":"a"}"#, [2, 1, 0]),
    ("customField.set", r#"{"id":"$vm","name":"a","value":"b"}"#, [2, 1, 0]),
    ("disk.create", r#"{"name":"a","size":"much","sr":"$SR"}"#, [2, 1, 10]),
    ("host.stats", r#"{"host":"$host","granularity":"minutes"}"#, [2, 1, 0]),
    ("disk.exportContent", r#"{"id":"$VDI"}"#, [2, 1, NOT_YET]),
    ("disk.import", r#"{"name":"a","sr":"$SR","type":"vhd"}"#, [2, 1, NOT_YET]),
    ("disk.importContent", r#"{"id":"$VDI"}"#, [2, 1, NOT_YET]),
    ("host.disable", r#"{"id":"$host"}"#, [2, 1, 0]),
    ("host.enable", r#"{"id":"$host"}"#, [2, 1, 0]),
    ("host.emergencyShutdownHost", r#"{"host":"nothing"}"#, [2, 1, 1]),
    ("host.forget", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("host.detach", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("host.getBiosInfo", r#"{"id":"$host"}"#, [2, 1, 0]),
    ("host.getBlockdevices", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("host.getMdadmHealth", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("host.getSchedulerGranularity", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("host.getSmartctlHealth", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("host.getSmartctlInformation", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("host.getSystemStatus", r#"{"id":"$host"}"#, [2, 1, NOT_YET]),
    ("host.installCertificate", r#"{"id":"nothing","certificate":"a","privateKey":"b"}"#, [2, 1, 1]),
    ("host.installSupplementalPack", r#"{"host":"$host"}"#, [2, 2, NOT_YET]),
    ("host.isHostServerTimeConsistent", r#"{"host":"$host"}"#, [2, 1, 0]),
    ("host.isHyperThreadingEnabled", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("host.isPubKeyTooShort", r#"{"id":"$host"}"#, [2, 1, 0]),
    ("host.managementReconfigure", r#"{"id":"$host","pif":"nothing"}"#, [2, 1, 1]),
    ("host.restart", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("host.restartAgent", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("host.restart_agent", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("host.scanPifs", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("host.set", r#"{"id":"$host","name_description":"x"}"#, [2, 1, 0]),
    ("host.setControlDomainMemory", r#"{"id":"nothing","memory":1}"#, [2, 1, 1]),
    ("host.setMaintenanceMode", r#"{"id":"$host","maintenance":false}"#, [2, 1, 0]),
    ("host.setRemoteSyslogHost", r#"{"id":"nothing","syslogDestination":null}"#, [2, 1, 1]),
    ("host.setSchedulerGranularity", r#"{"id":"nothing","schedulerGranularity":"cpu"}"#, [2, 1, 1]),
    ("host.start", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("host.stop", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("inventory.counts", r#"{"by":["type"]}"#, [2, 0, 0]),
    ("inventory.unwatch", r#"{"watch":"a"}"#, [2, 0, 0]),
    (
        "inventory.watch",
        r#"{"watch":"a","type":"VM","fields":["name_label"],"window":{"start":0,"count":10}}"#,
        [2, 0, 0],
    ),
    ("ipPool.create", r#"{"name":" "}"#, [2, 2, 10]),
    ("ipPool.delete", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("ipPool.getAll", "{}", [2, 0, 0]),
    ("ipPool.set", r#"{"id":"nothing","name":"x"}"#, [2, 2, 1]),
    ("job.get", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("job.getAll", "{}", [2, 2, 0]),
    ("log.delete", r#"{"id":"nothing","namespace":"api"}"#, [2, 2, 5]),
    ("log.get", r#"{"namespace":"api"}"#, [2, 2, 0]),
    ("message.delete", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("network.create", r#"{"pool":"$pool","name":"a","vlan":1}"#, [2, 1, 10]),
    ("network.createBonded", r#"{"pool":"$pool","name":"a","pifs":[],"bondMode":"lacp"}"#, [2, 1, 10]),
    ("network.delete", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("network.getBondModes", "{}", [2, 0, 0]),
    ("network.set", r#"{"id":"$network","name_description":"x"}"#, [2, 1, 0]),
    ("pbd.connect", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("pbd.delete", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("pbd.disconnect", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("pci.getDom0AccessStatus", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("pif.connect", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("pif.delete", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("pif.disconnect", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("pif.editPif", r#"{"id":"$PIF","vlan":"x"}"#, [2, 1, 10]),
    ("pif.getIpv4ConfigurationModes", "{}", [2, 0, 0]),
    ("pif.getIpv6ConfigurationModes", "{}", [2, 0, 0]),
    ("pif.reconfigureIp", r#"{"id":"$PIF"}"#, [2, 1, 0]),
    ("plugin.configure", r#"{"id":"nothing","configuration":{}}"#, [2, 2, 1]),
    ("plugin.disableAutoload", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("plugin.enableAutoload", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("plugin.get", "{}", [2, 2, 0]),
    ("plugin.grant", r#"{"id":"nothing","capability":"ldap:a:1"}"#, [2, 2, 1]),
    ("plugin.load", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("plugin.purgeConfiguration", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("plugin.revoke", r#"{"id":"nothing","capability":"ldap:a:1"}"#, [2, 2, 1]),
    ("plugin.test", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("plugin.unload", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("pool.disableHa", r#"{"pool":"nothing"}"#, [2, 1, 1]),
    ("pool.enableHa", r#"{"pool":"nothing","heartbeatSrs":[],"configuration":{}}"#, [2, 1, 1]),
    ("pool.getGuestSecureBootReadiness", r#"{"id":"$pool"}"#, [2, 1, 0]),
    ("pool.getLicenseState", r#"{"pool":"nothing"}"#, [2, 1, 1]),
    ("pool.getPatchesDifference", r#"{"source":"$host","target":"$host"}"#, [2, 1, 0]),
    ("pool.getSystemStatuses", r#"{"id":"$pool"}"#, [2, 1, NOT_YET]),
    ("pool.installSupplementalPack", r#"{"pool":"$pool"}"#, [2, 2, NOT_YET]),
    ("pool.listMissingPatches", r#"{"host":"$host"}"#, [2, 1, 0]),
    ("pool.listPoolsMatchingCriteria", "{}", [2, 0, 0]),
    ("pool.managementReconfigure", r#"{"id":"$pool","network":"nothing"}"#, [2, 1, 1]),
    ("pool.mergeInto", r#"{"target":"$pool"}"#, [2, 2, 10]),
    ("pool.set", r#"{"id":"$pool","name_description":"x"}"#, [2, 1, 0]),
    ("pool.setDefaultSr", r#"{"sr":"$SR"}"#, [2, 1, 0]),
    ("pool.setPoolMaster", r#"{"host":"nothing"}"#, [2, 1, 1]),
    ("pusb.scan", r#"{"host":"nothing"}"#, [2, 1, 1]),
    ("pusb.set", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("resourceSet.addLimit", r#"{"id":"nothing","limitId":"cpus","quantity":1}"#, [2, 2, 1]),
    ("resourceSet.addObject", r#"{"id":"nothing","object":"x"}"#, [2, 2, 1]),
    ("resourceSet.addSubject", r#"{"id":"nothing","subject":"$none"}"#, [2, 2, 1]),
    ("resourceSet.create", r#"{"name":" "}"#, [2, 2, 10]),
    ("resourceSet.delete", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("resourceSet.get", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("resourceSet.getAll", r#"{"id":"dummy"}"#, [2, 0, 0]),
    ("resourceSet.recomputeAllLimits", r#"{}"#, [2, 2, 0]),
    ("resourceSet.removeLimit", r#"{"id":"nothing","limitId":"cpus"}"#, [2, 2, 1]),
    ("resourceSet.removeObject", r#"{"id":"nothing","object":"x"}"#, [2, 2, 1]),
    ("resourceSet.removeSubject", r#"{"id":"nothing","subject":"$none"}"#, [2, 2, 1]),
    ("resourceSet.set", r#"{"id":"nothing","name":"x"}"#, [2, 2, 1]),
    ("role.getAll", "{}", [2, 0, 0]),
    ("schedule.get", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("schedule.getAll", "{}", [2, 2, 0]),
    ("server.add", r#"{"host":"a b","username":"u","password":"p"}"#, [2, 2, 10]),
    ("server.disable", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("server.enable", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("server.getAll", "{}", [2, 2, 0]),
    ("server.remove", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("server.set", r#"{"id":"$server","label":"named"}"#, [2, 2, 0]),
    ("session.getUser", "{}", [0, 0, 0]),
    ("session.signIn", r#"{"token":"wrong"}"#, [3, 3, 3]),
    ("session.signInWithPassword", r#"{"email":"nobody","password":""}"#, [10, 10, 10]),
    ("session.signInWithToken", r#"{"token":"wrong"}"#, [3, 3, 3]),
    ("session.signOut", "{}", [2, 0, 0]),
    ("session.subscribe", r#"{"topics":["servers"]}"#, [2, 2, 0]),
    ("sm.getFromSr", r#"{"sr":"$SR"}"#, [2, 1, 0]),
    ("sr.connectAllPbds", r#"{"id":"$SR"}"#, [2, 1, 0]),
    ("sr.createExt", r#"{"host":"nothing","nameLabel":"a","nameDescription":"b","device":"c"}"#, [2, 1, 1]),
    ("sr.createHba", r#"{"host":"nothing","nameLabel":"a","nameDescription":"b","scsiId":"c"}"#, [2, 1, 1]),
    (
        "sr.createIscsi",
        r#"{"host":"nothing","nameLabel":"a","nameDescription":"b","target":"c","targetIqn":"d","scsiId":"e"}"#,
        [2, 1, 1],
    ),
    (
        "sr.createIso",
        r#"{"host":"nothing","nameLabel":"a","nameDescription":"b","path":"c","type":"local"}"#,
        [2, 1, 1],
    ),
    ("sr.createLvm", r#"{"host":"nothing","nameLabel":"a","nameDescription":"b","device":"c"}"#, [2, 1, 1]),
    (
        "sr.createNfs",
        r#"{"host":"nothing","nameLabel":"a","nameDescription":"b","server":"c","serverPath":"d"}"#,
        [2, 1, 1],
    ),
    ("sr.createSmb", r#"{"host":"nothing","nameLabel":"a","nameDescription":"b","server":"c"}"#, [2, 1, 1]),
    ("sr.createZfs", r#"{"host":"nothing","nameLabel":"a","nameDescription":"b","location":"c"}"#, [2, 1, 1]),
    ("sr.destroy", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("sr.disableMaintenanceMode", r#"{"id":"$SR"}"#, [2, 2, 25]),
    ("sr.disconnectAllPbds", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("sr.enableMaintenanceMode", r#"{"id":"nothing"}"#, [2, 2, 1]),
    ("sr.forget", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("sr.getAllUnhealthyVdiChainsLength", "{}", [2, 2, 0]),
    ("sr.getVdiChainsInfo", r#"{"id":"$SR"}"#, [2, 1, 0]),
    ("sr.probeHba", r#"{"host":"nothing"}"#, [2, 1, 1]),
    ("sr.probeHbaExists", r#"{"host":"nothing","scsiId":"a"}"#, [2, 1, 1]),
    ("sr.probeIscsiExists", r#"{"host":"nothing","target":"a","targetIqn":"b","scsiId":"c"}"#, [2, 1, 1]),
    ("sr.probeIscsiIqns", r#"{"host":"nothing","target":"a"}"#, [2, 1, 1]),
    ("sr.probeIscsiLuns", r#"{"host":"nothing","target":"a","targetIqn":"b"}"#, [2, 1, 1]),
    ("sr.probeNfs", r#"{"host":"$host","server":"a"}"#, [2, 1, 0]),
    ("sr.probeNfsExists", r#"{"host":"nothing","server":"a","serverPath":"b"}"#, [2, 1, 1]),
    ("sr.probeZfs", r#"{"host":"nothing"}"#, [2, 1, 1]),
    ("sr.reclaimSpace", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("sr.scan", r#"{"id":"$SR"}"#, [2, 1, 0]),
    ("sr.set", r#"{"id":"$SR","name_description":"x"}"#, [2, 1, 0]),
    ("sr.stats", r#"{"id":"$SR"}"#, [2, 1, 0]),
    ("system.getMethodsInfo", "{}", [0, 0, 0]),
    ("system.getServerTimezone", "{}", [2, 0, 0]),
    ("system.getServerVersion", "{}", [0, 0, 0]),
    ("system.getVersion", "{}", [0, 0, 0]),
    ("system.listMethods", "{}", [0, 0, 0]),
    ("system.methodSignature", r#"{"method":"vm.start"}"#, [0, 0, 0]),
    ("tag.add", r#"{"id":"$vm","tag":"a"}"#, [2, 1, 0]),
    ("tag.getAllConfigured", "{}", [2, 0, 0]),
    ("tag.remove", r#"{"id":"$vm","tag":"a"}"#, [2, 1, 0]),
    ("tag.set", r##"{"id":"a","color":"#123456"}"##, [2, 2, 0]),
    ("task.cancel", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("task.destroy", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("token.create", "{}", [2, 0, 0]),
    ("token.delete", r#"{"tokens":["nothing"]}"#, [2, 2, 0]),
    ("token.deleteOwn", r#"{"tokens":["nothing"]}"#, [2, 0, 0]),
    ("token.set", r#"{"id":"nothing","description":"x"}"#, [2, 1, 1]),
    ("user.changePassword", r#"{"oldPassword":"wrong","newPassword":"x"}"#, [2, 3, 3]),
    ("user.create", r#"{"email":"admin","password":"p","permission":"admin"}"#, [2, 2, 16]),
    ("user.delete", r#"{"id":"$admin"}"#, [2, 2, 10]),
    ("user.getAclPrivileges", r#"{"id":"$admin"}"#, [2, 1, 0]),
    ("user.getAll", "{}", [2, 2, 0]),
    ("user.getAuthenticationTokens", "{}", [2, 0, 0]),
    ("user.removeAuthProvider", r#"{"id":"$admin","authProvider":"nothing"}"#, [2, 2, 1]),
    ("user.set", r#"{"id":"$admin","preferences":{"a":1}}"#, [2, 2, 0]),
    ("vbd.connect", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("vbd.delete", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("vbd.disconnect", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("vbd.set", r#"{"id":"$VBD"}"#, [2, 1, 0]),
    ("vbd.setBootable", r#"{"vbd":"$VBD","bootable":true}"#, [2, 1, 0]),
    ("vdi.delete", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("vdi.migrate", r#"{"id":"$VDI","sr_id":"nothing"}"#, [2, 1, 1]),
    ("vdi.set", r#"{"id":"$VDI","name_description":"x"}"#, [2, 1, 0]),
    ("vif.connect", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("vif.delete", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("vif.disconnect", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("vif.getLockingModeValues", "{}", [2, 0, 0]),
    ("vif.set", r#"{"id":"$VIF"}"#, [2, 1, 0]),
    ("vm.addDataSource", r#"{"id":"nothing","dataSource":"a"}"#, [2, 1, 1]),
    ("vm.attachPcis", r#"{"id":"nothing","pcis":[]}"#, [2, 1, 1]),
    ("vm.clone", r#"{"id":"$vm","name":"a","full_copy":false}"#, [2, 1, 13]),
    ("vm.coalesceLeaf", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("vm.convert", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("vm.convertToTemplate", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("vm.copy", r#"{"vm":"$vm","sr":"$SR"}"#, [2, 1, 13]),
    ("vm.copyToTemplate", r#"{"id":"nothing"}"#, [2, 1, 1]),
    (
        "vm.create",
        r#"{"template":"$VM-template","name_label":"a","resourceSet":"nothing","VIFs":[{"network":"nothing"}]}"#,
        [2, 1, 1],
    ),
    ("vm.createCloudInitConfigDrive", r#"{"vm":"$vm","sr":"nothing","config":"a"}"#, [2, 1, 1]),
    ("vm.createVgpu", r#"{"vm":"$vm","gpuGroup":"nothing","vgpuType":"nothing"}"#, [2, 1, 1]),
    ("vm.delete", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("vm.deleteVgpu", r#"{"vgpu":"nothing"}"#, [2, 1, 1]),
    ("vm.detachPcis", r#"{"id":"$vm","pciIds":[]}"#, [2, 1, 0]),
    ("vm.export", r#"{"vm":"$vm"}"#, [2, 1, NOT_YET]),
    ("vm.getCloudInitConfig", r#"{"template":"$VM-template"}"#, [2, 1, 1]),
    ("vm.getHaValues", "{}", [2, 0, 0]),
    ("vm.getSecurebootReadiness", r#"{"id":"$vm"}"#, [2, 1, 0]),
    ("vm.import", r#"{"sr":"$SR"}"#, [2, 1, NOT_YET]),
    ("vm.migrate", r#"{"vm":"$vm","targetHost":"nothing"}"#, [2, 1, 1]),
    ("vm.recoveryStart", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("vm.removeDataSource", r#"{"id":"nothing","dataSource":"a"}"#, [2, 1, 1]),
    ("vm.revert", r#"{"snapshot":"nothing"}"#, [2, 1, 1]),
    ("vm.setAndRestart", r#"{"id":"$vm","cpusMax":"many"}"#, [2, 1, 10]),
    ("vm.setBootOrder", r#"{"vm":"$vm","order":"x"}"#, [2, 1, 10]),
    ("vm.snapshot", r#"{"id":"$vm"}"#, [2, 1, 0]),
    ("vtpm.create", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("vtpm.destroy", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("vusb.create", r#"{"vm":"nothing","usbGroup":"nothing"}"#, [2, 1, 1]),
    ("vusb.destroy", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("vusb.unplug", r#"{"id":"nothing"}"#, [2, 1, 1]),
    ("vm.attachDisk", r#"{"vm":"$vm","vdi":"nothing"}"#, [2, 1, 1]),
    ("vm.createInterface", r#"{"vm":"$vm","network":"nothing"}"#, [2, 1, 1]),
    ("vm.ejectCd", r#"{"id":"$vm"}"#, [2, 1, 0]),
    ("vm.insertCd", r#"{"id":"$vm","cd_id":"nothing"}"#, [2, 1, 1]),
    ("vm.pause", r#"{"id":"$vm"}"#, [2, 1, 0]),
    ("vm.unpause", r#"{"id":"$vm"}"#, [2, 1, 0]),
    ("vm.suspend", r#"{"id":"$vm"}"#, [2, 1, 0]),
    ("vm.resume", r#"{"id":"$vm"}"#, [2, 1, 0]),
    ("vm.restart", r#"{"id":"$vm","force":true}"#, [2, 1, 0]),
    ("vm.set", r#"{"id":"$vm","name_description":"x"}"#, [2, 1, 0]),
    ("vm.start", r#"{"id":"$vm"}"#, [2, 1, 13]),
    ("vm.stats", r#"{"id":"$vm"}"#, [2, 1, 0]),
    ("vm.stop", r#"{"id":"$vm","force":true}"#, [2, 1, 0]),
    ("xo.clean", "{}", [2, 2, 0]),
    ("xo.getAllObjects", "{}", [2, 0, 0]),
];

/// Path below `/rest/v0`, HTTP statuses for the same three.
const ROUTES: &[(&str, &str, [u16; 3])] = &[
    ("GET", "/ping", [200, 200, 200]),
    ("GET", "/auth/providers", [200, 200, 200]),
    ("GET", "/auth/session", [401, 200, 200]),
    ("GET", "/hosts", [401, 200, 200]),
    ("GET", "/hosts/$host", [401, 404, 200]),
    ("GET", "/hosts/$host/stats", [401, 404, 200]),
    ("GET", "/messages", [401, 200, 200]),
    ("GET", "/messages/nothing", [401, 404, 404]),
    ("GET", "/networks", [401, 200, 200]),
    ("GET", "/networks/$network", [401, 404, 200]),
    ("GET", "/pbds", [401, 200, 200]),
    ("GET", "/pbds/$PBD", [401, 404, 200]),
    ("GET", "/pcis", [401, 200, 200]),
    ("GET", "/pcis/nothing", [401, 404, 404]),
    ("GET", "/pgpus", [401, 200, 200]),
    ("GET", "/pgpus/nothing", [401, 404, 404]),
    ("GET", "/pifs", [401, 200, 200]),
    ("GET", "/pifs/$PIF", [401, 404, 200]),
    ("GET", "/pools", [401, 200, 200]),
    ("GET", "/pools/$pool", [401, 404, 200]),
    ("GET", "/pools/$pool/stats?granularity=hours", [401, 404, 200]),
    ("GET", "/sms", [401, 200, 200]),
    ("GET", "/sms/$SM", [401, 404, 200]),
    ("GET", "/srs", [401, 200, 200]),
    ("GET", "/srs/$SR", [401, 404, 200]),
    ("GET", "/vbds", [401, 200, 200]),
    ("GET", "/vbds/$VBD", [401, 404, 200]),
    ("GET", "/vdi-snapshots", [401, 200, 200]),
    ("GET", "/vdi-snapshots/$VDI-snapshot", [401, 404, 200]),
    ("GET", "/vdis", [401, 200, 200]),
    ("GET", "/vdis/$VDI", [401, 404, 200]),
    ("GET", "/vifs", [401, 200, 200]),
    ("GET", "/vifs/$VIF", [401, 404, 200]),
    ("GET", "/vm-controllers", [401, 200, 200]),
    ("GET", "/vm-controllers/$VM-controller", [401, 404, 200]),
    ("GET", "/vm-snapshots", [401, 200, 200]),
    ("GET", "/vm-snapshots/$VM-snapshot", [401, 404, 200]),
    ("GET", "/vm-templates", [401, 200, 200]),
    ("GET", "/vm-templates/$VM-template", [401, 404, 200]),
    ("GET", "/vms", [401, 200, 200]),
    ("GET", "/vms/$vm", [401, 404, 200]),
    // It was stopped above.
    ("GET", "/vms/$vm/stats", [401, 404, 422]),
    ("POST", "/auth/login", [422, 422, 422]),
    ("POST", "/auth/logout", [204, 204, 204]),
];

/// Types of which an id is put in for `$type`; a name that begins with another stands before it.
pub(crate) const KINDS: &[&str] = &[
    "host",
    "network",
    "PBD",
    "PIF",
    "pool",
    "SM",
    "SR",
    "VBD",
    "VDI-snapshot",
    "VDI",
    "VIF",
    "VM-controller",
    "VM-snapshot",
    "VM-template",
];

/// Returns every route that is served, as method and path with `{id}`.
fn routes(document: &Value) -> Result<BTreeSet<(String, String)>> {
    let mut routes = BTreeSet::new();
    for (path, verbs) in document["paths"].as_object().context("paths")? {
        for (verb, operation) in verbs.as_object().context("verbs")? {
            // What comes later answers 501 to all; the story of the documents looks at it.
            if operation["responses"]["501"].is_null() {
                routes.insert((verb.to_uppercase(), path.clone()));
            }
        }
    }
    Ok(routes)
}

/// Returns the route that serves a path, the one with the fewest parameters; the path itself if there is none.
fn on_route(routes: &BTreeSet<(String, String)>, method: &str, path: &str) -> (String, String) {
    let parts: Vec<&str> = path.split('?').next().unwrap_or_default().split('/').collect();
    let serves = |(verb, route): &&(String, String)| {
        let own: Vec<&str> = route.split('/').collect();
        let fits = |(own, part): (&&str, &&str)| own == part || own.starts_with('{') && own.ends_with('}');
        verb == method && own.len() == parts.len() && own.iter().zip(&parts).all(fits)
    };
    let found = routes.iter().filter(serves).min_by_key(|(_, route)| route.matches('{').count());
    found.cloned().unwrap_or_else(|| (method.to_owned(), path.to_owned()))
}

async fn signed_in(rig: &Rig, token: &str) -> Result<Client> {
    let client = rig.client().await?;
    if !token.is_empty() {
        client.call("session.signIn", json!({ "token": token })).await?;
    }
    Ok(client)
}

/// Returns the code of a call on a connection of lines, by whoever the token says.
async fn by_line<S: AsyncRead + AsyncWrite>(mut line: Line<S>, token: &str, name: &str, params: &Value) -> Result<i64> {
    if token.is_empty() {
        // On the local socket this gives up what needs no account; elsewhere it is refused.
        let _ = line.call("session.signOut", json!({})).await?;
    } else {
        ensure!(line.call("session.signIn", json!({ "token": token })).await?.is_ok());
    }
    Ok(line.call(name, params.clone()).await?.err().unwrap_or_default())
}

/// Returns the status of an answer that has no end.
async fn begun(address: &str, path: &str, token: &str) -> Result<u16> {
    let mut stream = BufReader::new(TcpStream::connect(address).await?);
    let head = format!("GET /rest/v0{path} HTTP/1.1\r\nHost: {address}\r\nCookie: token={token}\r\n\r\n");
    let head = if token.is_empty() { head.replace("Cookie: token=\r\n", "") } else { head };
    stream.write_all(head.as_bytes()).await?;
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    Ok(line.split(' ').nth(1).context("a status")?.parse()?)
}

async fn token(client: &Client) -> Result<String> {
    let token = client.call("token.create", json!({})).await?;
    Ok(token.as_str().context("a token")?.to_owned())
}

/// Returns ids of what is there, by the names under which rows ask for them.
async fn known(admin: &Client, none: &Value) -> Result<Vec<(String, String)>> {
    admin.watch().await?;
    let view = admin.view();
    let mut known: Vec<(String, String)> = KINDS
        .iter()
        .filter_map(|&kind| Some((kind.to_owned(), view.of_kind(kind).next()?["id"].as_str()?.to_owned())))
        .collect();
    let vm = view.named("VM", "CCNET").context("a running VM")?;
    let me = admin.call("session.getUser", json!({})).await?;
    let server = admin.call("server.getAll", json!({})).await?[0]["id"].clone();
    for (name, id) in [("vm", &vm["id"]), ("admin", &me["id"]), ("none", none), ("server", &server)] {
        known.push((name.to_owned(), id.as_str().context("an id")?.to_owned()));
    }
    Ok(known)
}

/// Puts ids where a row has `$` and a name.
fn fill(text: &str, known: &[(String, String)]) -> String {
    known.iter().fold(text.to_owned(), |text, (name, id)| text.replace(&format!("${name}"), id))
}

#[tokio::test]
async fn who_may_call_what() -> Result<()> {
    let rig = Rig::builder().pools(["single-host"]).settings("[rpc]\ntcp = \"127.0.0.1:0\"").start().await?;
    let admin = rig.admin().await?;
    let none_id = admin.call("user.create", json!({ "email": "none", "password": "none-1" })).await?;
    let none = rig.client().await?;
    none.sign_in("none", "none-1").await?;
    let known = known(&admin, &none_id).await?;
    let fill = |text: &str| fill(text, &known);

    let methods = rig.client().await?.call("system.getMethodsInfo", json!({})).await?;
    let there: BTreeSet<&str> = methods.as_object().context("an object")?.keys().map(String::as_str).collect();
    let here: BTreeSet<&str> = METHODS.iter().map(|(name, ..)| *name).collect();
    ensure!(
        there == here,
        "the ledger lacks or has too much: {:?}",
        there.symmetric_difference(&here).collect::<Vec<_>>()
    );

    let document = rig.get("/rest/v0/docs/swagger.json").await?.json();
    let there = routes(&document)?;
    let rows = ROUTES.iter().chain(rest::ROUTES);
    let here: BTreeSet<_> = rows.map(|(method, path, _)| on_route(&there, method, path)).collect();
    ensure!(
        there == here,
        "the ledger lacks or has too many routes: {:?}",
        there.symmetric_difference(&here).collect::<Vec<_>>()
    );

    // An account without rights sees itself.
    let own = fill("/rest/v0/users/$none");
    let seen_by_none = |path: &str| if path == "/users" { json!([own]) } else { json!([]) };

    let mut wrong = Vec::new();
    for (name, params, codes) in METHODS {
        for (who, wanted) in ["nobody", "none", "admin"].into_iter().zip(codes) {
            // A new token and socket each time: some of the calls end what they came with.
            let token = match who {
                "none" => token(&none).await?,
                "admin" => token(&admin).await?,
                _ => String::new(),
            };
            let client = signed_in(&rig, &token).await?;
            let params: Value = serde_json::from_str(&fill(params))?;
            let found = client
                .attempt(name, params)
                .await?
                .map_or_else(|error| if error.code == 0 { NOT_YET } else { error.code }, |_| 0);
            if found != *wanted {
                wrong.push(format!("{name} by {who}: wanted {wanted}, found {found}"));
            }
        }
        // The same on connections of lines. (Administrators would do everything twice.)
        for (who, wanted) in ["nobody", "none"].into_iter().zip(codes) {
            // After the wrong password above it would be too soon.
            if *name == "user.changePassword" && who == "none" {
                continue;
            }
            let token = if who == "none" { token(&none).await? } else { String::new() };
            let params: Value = serde_json::from_str(&fill(params))?;
            let by_tcp = by_line(lines::tcp(&rig).await?, &token, name, &params).await?;
            let local = by_line(lines::local(&rig).await?, &token, name, &params).await?;
            if (by_tcp, local) != (*wanted, *wanted) {
                wrong.push(format!(
                    "{name} by {who}: wanted {wanted}, found {by_tcp} by TCP, {local} by the local socket"
                ));
            }
        }
        // What the table says of itself agrees with what it does.
        let info = &methods[*name];
        let [nobody, none, _] = *codes;
        let agrees = match info.get("permission") {
            Some(Value::Null) => nobody != 2,
            Some(text) => text == "admin" && nobody == 2 && none == 2,
            None => nobody == 2,
        };
        if !agrees {
            wrong.push(format!("{name} describes itself as {:?}", info.get("permission")));
        }
    }
    for (method, path, statuses) in ROUTES.iter().chain(rest::ROUTES) {
        for (who, wanted) in ["nobody", "none", "admin"].into_iter().zip(statuses) {
            let token = match who {
                "none" => token(&none).await?,
                "admin" => token(&admin).await?,
                _ => String::new(),
            };
            if *path == "/events" {
                let found = begun(rig.address(), path, &token).await?;
                if found != *wanted {
                    wrong.push(format!("{method} {path} by {who}: wanted {wanted}, found {found}"));
                }
                continue;
            }
            let auth = if token.is_empty() { Auth::Nobody } else { Auth::Cookie("token", token) };
            let answer = rig.rest(auth).send(method, &format!("/rest/v0{}", fill(path)), &[], b"").await?;
            if answer.status != *wanted {
                wrong.push(format!("{method} {path} by {who}: wanted {wanted}, found {}", answer.status));
            }
            if who == "none"
                && answer.status == 200
                && path.matches('/').count() == 1
                && !["/ping", "/gui-routes"].contains(path)
                && answer.json() != seen_by_none(path)
            {
                wrong.push(format!("{method} {path} shows something to somebody without rights"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    rig.end().await
}
