//! THE table of operations. A line says the name, what it is for, its parameters, who may call it and where it is served.
//!
//! To add one: a line here, a handler of the same name in `api`, its verb in `app`, and its row in the access tests.

use serde_json::{Map, Value, json};

use crate::schema::{Param, Params, Type};

/// Who may call an operation, before any object is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone, signed in or not.
    Open,
    /// Anyone who is signed in.
    SignedIn,
    /// Administrators.
    Admin,
}

/// The right on an object that an operation needs; names as in Xen Orchestra's access lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// To see it.
    View,
    /// To use it.
    Operate,
    /// To change it.
    Administrate,
}

/// A parameter that names an object of a pool.
#[derive(Clone, Copy, Debug)]
pub struct Object {
    /// Name of the parameter.
    pub param: &'static str,
    /// Types that it may name; empty = any.
    pub kinds: &'static [&'static str],
    /// Right on it that the caller needs.
    pub level: Level,
}

/// HTTP method of a REST route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// GET
    Get,
    /// POST
    Post,
}

/// Where REST serves an operation.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// HTTP method.
    pub verb: Verb,
    /// Path below the base, with `{id}` for the parameter `id`.
    pub path: &'static str,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Name on the wire, such as "vm.start".
    pub name: &'static str,
    /// What it does, in a sentence.
    pub description: &'static str,
    /// Its parameters.
    pub params: Params,
    /// Who may call it.
    pub access: Access,
    /// Objects that it touches and the rights needed on them.
    pub objects: &'static [Object],
    /// Whether JSON-RPC serves it.
    pub rpc: bool,
    /// Where REST serves it.
    pub route: Option<Route>,
    /// Whether it changes anything; what changes something is in the audit log.
    pub changes: bool,
}

/// A REST collection and the types of object in it.
#[derive(Clone, Copy, Debug)]
pub struct Collection {
    /// Name in the path, such as "vms".
    pub name: &'static str,
    /// Type of its objects, such as "VM".
    pub kind: &'static str,
    /// A filter that its objects match, if not all of the type are in it.
    pub filter: Option<&'static str>,
}

use Access::{Admin, Open, SignedIn};
use Type::{Any, Bool, Int, List, Map as MapOf, Null, Num, Or, Record, Str, Text, Word};

const NONE: &[Object] = &[];
const VM_OPERATE: &[Object] = &[Object { param: "id", kinds: &["VM"], level: Level::Operate }];
const VM_SET: &[Object] =
    &[Object { param: "id", kinds: &["VM", "VM-snapshot", "VM-template"], level: Level::Administrate }];
const SIZE: Type = Or(&[Int, Str]);
const ACL: Params = Params::Fields(&[Param::req("subject", Str), Param::req("object", Str), Param::req("action", Str)]);
const ID: &[Param] = &[Param::req("id", Str)];

const fn read(name: &'static str, access: Access, params: Params, description: &'static str) -> Operation {
    Operation { name, description, params, access, objects: NONE, rpc: true, route: None, changes: false }
}

const fn change(name: &'static str, access: Access, params: Params, description: &'static str) -> Operation {
    Operation { name, description, params, access, objects: NONE, rpc: true, route: None, changes: true }
}

impl Operation {
    const fn on(mut self, objects: &'static [Object]) -> Self {
        self.objects = objects;
        self
    }

    const fn rest(mut self, verb: Verb, path: &'static str) -> Self {
        self.route = Some(Route { verb, path });
        self
    }

    const fn rest_only(mut self, verb: Verb, path: &'static str) -> Self {
        self.rpc = false;
        self.rest(verb, path)
    }
}

const LIST: Params = Params::Fields(&[
    Param::opt("fields", Str),
    Param::opt("filter", Text),
    Param::opt("limit", Int),
    Param::opt("ndjson", Bool),
]);
const ONE: Params = Params::Fields(&[Param::req("id", Str), Param::opt("fields", Str)]);

const fn list(name: &'static str, path: &'static str, description: &'static str) -> Operation {
    read(name, SignedIn, LIST, description).rest_only(Verb::Get, path)
}

const fn one(name: &'static str, path: &'static str, description: &'static str) -> Operation {
    read(name, SignedIn, ONE, description).rest_only(Verb::Get, path)
}

const GRANULARITY: Param = Param::opt("granularity", Word(&["seconds", "minutes", "hours", "days"]));
const STATS: Params = Params::Fields(&[Param::req("id", Str), GRANULARITY]);

const CAPABILITY: Param = Param::req("capability", Str);
const MODE: Param = Param::opt("mode", Word(&["on", "off", "count"]));
const OPTIONS: Param = Param::opt("options", MapOf(&Any));
const GRANT: &[Param] = &[CAPABILITY, MODE, OPTIONS];
const PLUGIN_GRANT: &[Param] = &[Param::req("id", Str), CAPABILITY, MODE, OPTIONS];
const PLUGIN_REVOKE: &[Param] = &[Param::req("id", Str), CAPABILITY];

/// Every operation, by name.
pub const OPERATIONS: &[Operation] = &[
    change("acl.add", Admin, ACL, "Grants a role on an object to an account."),
    read("acl.get", Admin, Params::Any, "Lists who was granted what."),
    read("acl.getCurrentPermissions", SignedIn, Params::Any, "Tells what the caller was granted, object by object."),
    change("acl.remove", Admin, ACL, "Takes a grant back."),
    read(
        "auth.login",
        Open,
        Params::Fields(&[
            Param::req("username", Str),
            Param::req("password", Str),
            Param::opt("provider", Str),
            Param::opt("remember", Bool),
            Param::opt("otp", Str),
        ]),
        "Signs in and sets the session cookie.",
    )
    .rest_only(Verb::Post, "/auth/login"),
    read("auth.logout", Open, Params::Any, "Ends the session of the cookie.").rest_only(Verb::Post, "/auth/logout"),
    read("auth.providers", Open, Params::Any, "Lists the ways to sign in.").rest_only(Verb::Get, "/auth/providers"),
    read("auth.session", SignedIn, Params::Any, "Returns who is signed in.").rest_only(Verb::Get, "/auth/session"),
    one("host.get", "/hosts/{id}", "Returns a host."),
    list("host.list", "/hosts", "Lists hosts."),
    read(
        "host.stats",
        SignedIn,
        Params::Fields(&[Param::req("host", Str), GRANULARITY]),
        "Returns the curves of a host.",
    )
    .on(&[Object { param: "host", kinds: &["host"], level: Level::View }])
    .rest(Verb::Get, "/hosts/{host}/stats"),
    read(
        "inventory.counts",
        SignedIn,
        Params::Fields(&[Param::req("by", List(&Str)), Param::opt("filter", Text)]),
        "Counts objects by the values of some of their properties.",
    ),
    read("inventory.unwatch", SignedIn, Params::Fields(&[Param::req("watch", Str)]), "Ends a live list."),
    read(
        "inventory.watch",
        SignedIn,
        Params::Fields(&[
            Param::req("watch", Str),
            Param::req("type", Or(&[Str, List(&Str)])),
            Param::req("fields", List(&Str)),
            Param::opt("filter", Text),
            Param::opt("sort", List(&Record(&[Param::req("by", Str), Param::opt("descending", Bool)]))),
            Param::req("window", Record(&[Param::req("start", Int), Param::req("count", Int)])),
        ]),
        "Returns a window of a filtered, sorted list of objects, and tells from then on what changes in it.",
    ),
    one("message.get", "/messages/{id}", "Returns a message."),
    list("message.list", "/messages", "Lists messages."),
    one("network.get", "/networks/{id}", "Returns a network."),
    list("network.list", "/networks", "Lists networks."),
    one("pbd.get", "/pbds/{id}", "Returns a connection of a host to an SR."),
    list("pbd.list", "/pbds", "Lists connections of hosts to SRs."),
    one("pci.get", "/pcis/{id}", "Returns a PCI device."),
    list("pci.list", "/pcis", "Lists PCI devices."),
    one("pgpu.get", "/pgpus/{id}", "Returns a graphics card."),
    list("pgpu.list", "/pgpus", "Lists graphics cards."),
    one("pif.get", "/pifs/{id}", "Returns a network card of a host."),
    list("pif.list", "/pifs", "Lists network cards of hosts."),
    change(
        "plugin.configure",
        Admin,
        Params::Fields(&[Param::req("id", Str), Param::req("configuration", Any)]),
        "Saves the configuration of a plugin.",
    ),
    change("plugin.disableAutoload", Admin, Params::Fields(ID), "Does not load the plugin at the next start."),
    change("plugin.enableAutoload", Admin, Params::Fields(ID), "Loads the plugin at each start."),
    read("plugin.get", Admin, Params::Any, "Lists the installed plugins."),
    change("plugin.grant", Admin, Params::Fields(PLUGIN_GRANT), "Gives a plugin a power that it asks for."),
    change("plugin.load", Admin, Params::Fields(ID), "Enables a plugin."),
    change("plugin.purgeConfiguration", Admin, Params::Fields(ID), "Disables a plugin and forgets its configuration."),
    change("plugin.revoke", Admin, Params::Fields(PLUGIN_REVOKE), "Takes a power back."),
    change(
        "plugin.test",
        Admin,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("data", Any),
            Param::opt("configuration", Any),
            Param::opt("grants", List(&Record(GRANT))),
        ]),
        "Tests a plugin, also with a configuration that is not saved and grants for this one call.",
    ),
    change("plugin.unload", Admin, Params::Fields(ID), "Disables a plugin."),
    one("pool.get", "/pools/{id}", "Returns a pool."),
    list("pool.list", "/pools", "Lists pools."),
    read("pool.stats", SignedIn, STATS, "Returns the curves of each host of a pool.")
        .on(&[Object { param: "id", kinds: &["pool"], level: Level::View }])
        .rest_only(Verb::Get, "/pools/{id}/stats"),
    read("rest.ping", Open, Params::Any, "Answers.").rest_only(Verb::Get, "/ping"),
    read("role.getAll", SignedIn, Params::Any, "Lists the roles of access lists."),
    change(
        "server.add",
        Admin,
        Params::Fields(&[
            Param::req("host", Str),
            Param::req("username", Str),
            Param::req("password", Str),
            Param::opt("label", Text),
            Param::opt("autoConnect", Bool),
            Param::opt("allowUnauthorized", Bool),
            Param::opt("httpProxy", Str),
            Param::opt("readOnly", Bool),
            Param::opt("fingerprint", Str),
        ]),
        "Registers a server and connects to its pool.",
    ),
    change("server.disable", Admin, Params::Fields(ID), "Disconnects from a pool."),
    change("server.enable", Admin, Params::Fields(ID), "Connects to a pool."),
    read("server.getAll", Admin, Params::Any, "Lists the registered servers."),
    change("server.remove", Admin, Params::Fields(ID), "Forgets a server."),
    change(
        "server.set",
        Admin,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("label", Or(&[Text, Null])),
            Param::opt("host", Str),
            Param::opt("username", Str),
            Param::opt("password", Str),
            Param::opt("allowUnauthorized", Bool),
            Param::opt("readOnly", Bool),
            Param::opt("httpProxy", Or(&[Text, Null])),
            Param::opt("fingerprint", Or(&[Text, Null])),
        ]),
        "Changes a server.",
    ),
    read("session.getUser", Open, Params::Any, "Returns who is signed in."),
    read("session.signIn", Open, Params::Any, "Signs in by name and password or by token."),
    read(
        "session.signInWithPassword",
        Open,
        Params::Fields(&[Param::req("email", Str), Param::req("password", Str)]),
        "Signs in by name and password.",
    ),
    read("session.signInWithToken", Open, Params::Fields(&[Param::req("token", Str)]), "Signs in by token."),
    read("session.signOut", SignedIn, Params::Any, "Forgets who is signed in on this connection."),
    read(
        "session.subscribe",
        Admin,
        Params::Fields(&[Param::req("topics", List(&Word(&["servers", "plugins"]))), Param::opt("all", Bool)]),
        "Asks for notifications about servers and plugins on this connection; with `all: false` for none about objects.",
    ),
    one("sm.get", "/sms/{id}", "Returns a storage driver."),
    list("sm.list", "/sms", "Lists storage drivers."),
    one("sr.get", "/srs/{id}", "Returns a storage repository."),
    list("sr.list", "/srs", "Lists storage repositories."),
    read("sr.stats", SignedIn, STATS, "Returns the curves of a storage repository, over all hosts.").on(&[Object {
        param: "id",
        kinds: &["SR"],
        level: Level::View,
    }]),
    read("system.getMethodsInfo", Open, Params::Any, "Describes every method."),
    read("system.getServerTimezone", SignedIn, Params::Any, "Returns the time zone of the daemon."),
    read("system.getServerVersion", Open, Params::Any, "Returns the version of the daemon."),
    read("system.getVersion", Open, Params::Any, "Returns the version of the API."),
    read("system.listMethods", Open, Params::Any, "Lists the names of the methods."),
    read("system.methodSignature", Open, Params::Fields(&[Param::req("method", Str)]), "Describes one method."),
    change(
        "token.create",
        SignedIn,
        Params::Fields(&[
            Param::opt("description", Text),
            Param::opt("client", Record(&[Param::req("id", Str)])),
            Param::opt("expiresIn", Or(&[Num, Str])),
        ]),
        "Creates an API token; it is shown this once.",
    ),
    change("token.delete", Admin, Params::Fields(&[Param::req("tokens", List(&Str))]), "Deletes tokens."),
    change("token.deleteOwn", SignedIn, Params::Fields(&[Param::req("tokens", List(&Str))]), "Deletes own tokens."),
    change(
        "user.changePassword",
        SignedIn,
        Params::Fields(&[Param::req("oldPassword", Str), Param::req("newPassword", Str)]),
        "Changes one's own password.",
    ),
    change(
        "user.create",
        Admin,
        Params::Fields(&[
            Param::req("email", Str),
            Param::req("password", Str),
            Param::opt("permission", Word(PERMISSIONS)),
        ]),
        "Creates an account.",
    ),
    change("user.delete", Admin, Params::Fields(ID), "Deletes an account, its tokens and its connections."),
    read("user.getAll", Admin, Params::Any, "Lists the accounts."),
    read("user.getAuthenticationTokens", SignedIn, Params::Any, "Lists one's own tokens."),
    change(
        "user.set",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("email", Str),
            Param::opt("password", Str),
            Param::opt("permission", Word(PERMISSIONS)),
            Param::opt("preferences", MapOf(&Any)),
        ]),
        "Changes an account; everyone may change their own preferences.",
    ),
    one("vbd.get", "/vbds/{id}", "Returns a disk of a VM."),
    list("vbd.list", "/vbds", "Lists disks of VMs."),
    one("vdi-snapshot.get", "/vdi-snapshots/{id}", "Returns a snapshot of a disk."),
    list("vdi-snapshot.list", "/vdi-snapshots", "Lists snapshots of disks."),
    one("vdi.get", "/vdis/{id}", "Returns a disk."),
    list("vdi.list", "/vdis", "Lists disks."),
    one("vif.get", "/vifs/{id}", "Returns a network card of a VM."),
    list("vif.list", "/vifs", "Lists network cards of VMs."),
    one("vm-controller.get", "/vm-controllers/{id}", "Returns a control domain."),
    list("vm-controller.list", "/vm-controllers", "Lists control domains."),
    one("vm-snapshot.get", "/vm-snapshots/{id}", "Returns a snapshot of a VM."),
    list("vm-snapshot.list", "/vm-snapshots", "Lists snapshots of VMs."),
    one("vm-template.get", "/vm-templates/{id}", "Returns a template."),
    list("vm-template.list", "/vm-templates", "Lists templates."),
    one("vm.get", "/vms/{id}", "Returns a VM."),
    list("vm.list", "/vms", "Lists VMs."),
    change(
        "vm.restart",
        SignedIn,
        Params::Fields(&[Param::req("id", Str), Param::opt("force", Bool), Param::opt("bypassBlockedOperation", Bool)]),
        "Reboots a VM: cleanly, or hard with `force`.",
    )
    .on(VM_OPERATE),
    change(
        "vm.set",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("name_label", Str),
            Param::opt("name_description", Text),
            Param::opt("notes", Or(&[Text, Null])),
            Param::opt("auto_poweron", Bool),
            Param::opt("high_availability", Word(&["best-effort", "restart", ""])),
            Param::opt("CPUs", Int),
            Param::opt("cpusMax", SIZE),
            Param::opt("memory", SIZE),
            Param::opt("memoryMin", SIZE),
            Param::opt("memoryMax", SIZE),
            Param::opt("memoryStaticMax", SIZE),
            Param::opt("PV_args", Text),
            Param::opt("affinityHost", Or(&[Text, Null])),
            Param::opt("cpuWeight", Or(&[Int, Null])),
            Param::opt("cpuCap", Or(&[Int, Null])),
            Param::opt("startDelay", Int),
            Param::opt("tags", List(&Str)),
        ]),
        "Changes a VM.",
    )
    .on(VM_SET),
    change(
        "vm.start",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("force", Bool),
            Param::opt("host", Str),
            Param::opt("bypassMacAddressesCheck", Bool),
        ]),
        "Starts a VM; `force` starts one whose start is blocked.",
    )
    .on(VM_OPERATE),
    read("vm.stats", SignedIn, STATS, "Returns the curves of a running VM.")
        .on(&[Object { param: "id", kinds: &["VM", "VM-controller", "VM-snapshot"], level: Level::View }])
        .rest(Verb::Get, "/vms/{id}/stats"),
    change(
        "vm.stop",
        SignedIn,
        Params::Fields(&[
            Param::req("id", Str),
            Param::opt("force", Bool),
            Param::opt("forceShutdownDelay", Num),
            Param::opt("bypassBlockedOperation", Bool),
        ]),
        "Shuts a VM down: cleanly, or hard with `force`.",
    )
    .on(VM_OPERATE),
    read(
        "xo.getAllObjects",
        SignedIn,
        Params::Fields(&[
            Param::opt("filter", Or(&[Text, MapOf(&Any)])),
            Param::opt("limit", Int),
            Param::opt("ndjson", Bool),
        ]),
        "Returns all objects, or those that match a filter or a pattern; `ndjson` returns an address that lists them.",
    ),
];

const PERMISSIONS: &[&str] = &["none", "read", "write", "admin"];

/// REST collections of objects.
pub const fn collections() -> &'static [Collection] {
    COLLECTIONS
}

const fn all(name: &'static str, kind: &'static str) -> Collection {
    Collection { name, kind, filter: None }
}

const COLLECTIONS: &[Collection] = &[
    all("hosts", "host"),
    // The others are alarms.
    Collection {
        name: "messages",
        kind: "message",
        filter: Some("!name:/^(ALARM|BOND_STATUS_CHANGED|MULTIPATH_PERIODIC_ALERT)$/"),
    },
    all("networks", "network"),
    all("pbds", "PBD"),
    all("pcis", "PCI"),
    all("pgpus", "PGPU"),
    all("pifs", "PIF"),
    all("pools", "pool"),
    all("sms", "SM"),
    all("srs", "SR"),
    all("vbds", "VBD"),
    all("vdi-snapshots", "VDI-snapshot"),
    all("vdis", "VDI"),
    all("vifs", "VIF"),
    all("vm-controllers", "VM-controller"),
    all("vm-snapshots", "VM-snapshot"),
    all("vm-templates", "VM-template"),
    all("vms", "VM"),
];

/// Returns the collection of that name.
pub fn collection(name: &str) -> Option<&'static Collection> {
    collections().iter().find(|collection| collection.name == name)
}

/// Returns the line of that name.
pub fn find(name: &str) -> Option<&'static Operation> {
    OPERATIONS.binary_search_by(|operation| operation.name.cmp(name)).ok().map(|index| &OPERATIONS[index])
}

/// Returns what `system.getMethodsInfo` says of an operation: `permission` is null for open methods, absent for those of
/// anyone who is signed in.
pub fn method_info(operation: &Operation) -> Value {
    let mut info = Map::new();
    info.insert("description".to_owned(), json!(operation.description));
    info.insert("params".to_owned(), operation.params.to_json());
    match operation.access {
        Access::Open => info.insert("permission".to_owned(), Value::Null),
        Access::SignedIn => None,
        Access::Admin => info.insert("permission".to_owned(), json!("admin")),
    };
    Value::Object(info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_and_each_name_stands_once() {
        for pair in OPERATIONS.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} must stand after {}", pair[0].name, pair[1].name);
        }
        assert!(find("vm.start").is_some() && find("vm.fly").is_none());
    }

    #[test]
    fn objects_are_named_by_declared_parameters() {
        for operation in OPERATIONS {
            for object in operation.objects {
                assert!(operation.params.declares(object.param), "{}: {}", operation.name, object.param);
            }
        }
    }

    #[test]
    fn every_collection_has_its_two_operations() {
        for collection in collections() {
            let paths: Vec<_> = OPERATIONS.iter().filter_map(|operation| operation.route).map(|r| r.path).collect();
            assert!(paths.contains(&format!("/{}", collection.name).as_str()), "{}", collection.name);
            assert!(paths.contains(&format!("/{}/{{id}}", collection.name).as_str()), "{}", collection.name);
        }
    }
}
