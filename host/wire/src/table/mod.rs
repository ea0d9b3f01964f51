//! THE table of operations. A line says the name, what it is for, its parameters, who may call it and where it is served.
//!
//! To add one: a line in the file of its family, a handler of the same name in `api`, its verb in `app`, and its row in the
//! access ledger of the tests.

use std::sync::LazyLock;

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
    /// Whether one that a resource set offers will do as well; then the operation looks which set that is.
    pub by_set: bool,
}

/// HTTP method of a REST route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Verb {
    /// Returns its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
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
use Type::{Any, Bool, Count, Int, List, Map as MapOf, Null, Num, Or, Record, Str, Text, Word};

const NONE: &[Object] = &[];
const VM_OPERATE: &[Object] = &[object("id", &["VM"], Level::Operate)];
const VM_SET: &[Object] = &[object("id", &["VM", "VM-snapshot", "VM-template"], Level::Administrate)];
const SIZE: Type = Or(&[Int, Str]);

/// An object that a parameter names.
const fn object(param: &'static str, kinds: &'static [&'static str], level: Level) -> Object {
    Object { param, kinds, level, by_set: false }
}

/// [`object`], or one that a resource set offers.
const fn offered(param: &'static str, kinds: &'static [&'static str], level: Level) -> Object {
    Object { param, kinds, level, by_set: true }
}
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

    /// Served by REST alone, on the lines of [`crate::endpoint`].
    const fn rest_elsewhere(mut self) -> Self {
        self.rpc = false;
        self
    }

    const fn rest_only(mut self, verb: Verb, path: &'static str) -> Self {
        self.rpc = false;
        self.rest(verb, path)
    }
}

const FIELDS: Param = Param::opt("fields", Str);
const FILTER: Param = Param::opt("filter", Text);
const LIMIT: Param = Param::opt("limit", Count);
const NDJSON: Param = Param::opt("ndjson", Bool);
const MARKDOWN: Param = Param::opt("markdown", Bool);
const LIST: Params = Params::Fields(&[FIELDS, FILTER, LIMIT, NDJSON, MARKDOWN]);
const OF_ONE: Params = Params::Fields(&[Param::req("id", Str), FIELDS, FILTER, LIMIT, NDJSON, MARKDOWN]);
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

/// The families; who adds one adds it here and in [`OPERATIONS`].
mod acl;
mod alarm;
mod audit;
mod auth;
mod cloud_config;
mod dashboard;
mod disk;
mod event;
mod group;
mod host;
mod inventory;
mod ip_pool;
mod job;
mod later;
mod log;
mod machine;
mod member;
mod message;
mod network;
mod object;
mod patch;
mod plugin;
mod pool;
mod pool_change;
mod raw;
mod record;
mod resource_set;
mod role;
mod server;
mod storage;
mod storage_change;
mod system;
mod tag;
mod task;
mod token;
mod user;
mod vm;
mod vm_devices;
mod vm_make;

pub use later::later;

/// Every operation, by name.
pub static OPERATIONS: LazyLock<Box<[Operation]>> = LazyLock::new(|| {
    let mut all = [
        acl::OPERATIONS,
        alarm::OPERATIONS,
        audit::OPERATIONS,
        auth::OPERATIONS,
        cloud_config::OPERATIONS,
        dashboard::OPERATIONS,
        disk::OPERATIONS,
        group::OPERATIONS,
        event::OPERATIONS,
        host::OPERATIONS,
        inventory::OPERATIONS,
        ip_pool::OPERATIONS,
        job::OPERATIONS,
        later::OPERATIONS,
        log::OPERATIONS,
        machine::OPERATIONS,
        member::OPERATIONS,
        message::OPERATIONS,
        network::OPERATIONS,
        object::OPERATIONS,
        patch::OPERATIONS,
        plugin::OPERATIONS,
        pool::OPERATIONS,
        pool_change::OPERATIONS,
        raw::OPERATIONS,
        record::OPERATIONS,
        resource_set::OPERATIONS,
        role::OPERATIONS,
        server::OPERATIONS,
        storage::OPERATIONS,
        storage_change::OPERATIONS,
        system::OPERATIONS,
        task::OPERATIONS,
        tag::OPERATIONS,
        token::OPERATIONS,
        user::OPERATIONS,
        vm::OPERATIONS,
        vm_devices::OPERATIONS,
        vm_make::OPERATIONS,
    ]
    .concat();
    all.sort_unstable_by_key(|operation| operation.name);
    all.into()
});

const PERMISSIONS: &[&str] = &["none", "read", "write", "admin"];

/// REST collections of objects.
pub const fn collections() -> &'static [Collection] {
    COLLECTIONS
}

const fn all(name: &'static str, kind: &'static str) -> Collection {
    Collection { name, kind, filter: None }
}

const COLLECTIONS: &[Collection] = &[
    Collection {
        name: "alarms",
        kind: "message",
        filter: Some("name:/^(ALARM|BOND_STATUS_CHANGED|MULTIPATH_PERIODIC_ALERT)$/"),
    },
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
    fn each_name_stands_once() {
        for pair in OPERATIONS.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} stands twice", pair[0].name);
        }
        assert!(find("vm.start").is_some() && find("vm.fly").is_none());
    }

    #[test]
    fn objects_are_named_by_declared_parameters() {
        for operation in OPERATIONS.iter() {
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
