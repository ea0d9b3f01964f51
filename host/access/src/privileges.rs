//! Access lists of the second kind: privileges of roles, by type of object and by action, with a word for "no".
//!
//! A privilege says nothing about what belongs to an object: who may read a VM does not see its disks by that.

use model::{Kind, Object, Rights, Selector};

use crate::trace::{Found, Trace};

/// What the privileges of an account say about an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// At least one allows it, none denies it.
    Allowed,
    /// One denies it.
    Denied,
    /// None is about it.
    Silent,
}

/// Types of things and the actions that privileges can name. `update:name` is a part of `update`.
pub const RESOURCES: &[(&str, &[&str])] = &[
    (
        "acl-privilege",
        &["create", "delete", "read", "update", "update:action", "update:effect", "update:resource", "update:selector"],
    ),
    (
        "acl-role",
        &["create", "delete", "read", "update", "update:description", "update:groups", "update:name", "update:users"],
    ),
    ("alarm", &["read"]),
    ("backup-archive", &["read"]),
    ("backup-job", &["read"]),
    ("backup-log", &["read"]),
    (
        "backup-repository",
        &[
            "benchmark",
            "create",
            "forget",
            "read",
            "update",
            "update:enabled",
            "update:name",
            "update:options",
            "update:proxy",
            "update:url",
        ],
    ),
    ("gpuGroup", &["read"]),
    ("group", &["create", "delete", "read", "update", "update:name", "update:users"]),
    (
        "host",
        &[
            "allow-vm",
            "detach",
            "disable",
            "enable",
            "evacuate",
            "export",
            "export:logs",
            "forget",
            "join-pool",
            "migrate-receive",
            "read",
            "reboot",
            "reboot:clean",
            "reboot:smart",
            "restart-toolstack",
            "scan-pifs",
            "shutdown",
            "shutdown:clean",
            "shutdown:emergency",
            "start",
            "update",
            "update:tags",
        ],
    ),
    ("message", &["read"]),
    ("network", &["create", "delete", "read", "update", "update:other_config", "update:tags"]),
    ("pbd", &["plug", "read", "unplug"]),
    ("pci", &["read"]),
    ("pgpu", &["read"]),
    ("pif", &["read", "update", "update:management"]),
    (
        "pool",
        &[
            "add-host",
            "create",
            "create:network",
            "create:vm",
            "emergency-shutdown",
            "read",
            "rolling-reboot",
            "rolling-update",
            "update",
            "update:tags",
        ],
    ),
    ("proxy", &["read"]),
    ("restore-log", &["read"]),
    ("schedule", &["read", "run"]),
    ("server", &["connect", "create", "delete", "disconnect", "read"]),
    ("sm", &["read"]),
    (
        "sr",
        &[
            "create",
            "delete",
            "forget",
            "import",
            "import:vdi",
            "import:vm",
            "migrate-receive",
            "read",
            "reclaim-space",
            "scan",
            "update",
            "update:tags",
        ],
    ),
    ("task", &["abort", "delete", "read"]),
    (
        "user",
        &[
            "create",
            "delete",
            "read",
            "update",
            "update:name",
            "update:password",
            "update:permission",
            "update:preferences",
        ],
    ),
    ("vbd", &["connect", "create", "delete", "disconnect", "read"]),
    (
        "vdi",
        &[
            "boot",
            "create",
            "delete",
            "export-content",
            "import-content",
            "migrate-send",
            "read",
            "update",
            "update:name_description",
            "update:name_label",
            "update:size",
            "update:tags",
        ],
    ),
    ("vdi-snapshot", &["delete", "export", "read", "update", "update:tags"]),
    ("vdi-unmanaged", &["read"]),
    ("vgpu", &["read"]),
    ("vgpuType", &["read"]),
    (
        "vif",
        &[
            "connect",
            "create",
            "delete",
            "disconnect",
            "read",
            "update",
            "update:allowedIpv4Addresses",
            "update:allowedIpv6Addresses",
            "update:lockingMode",
            "update:other_config",
            "update:rateLimit",
            "update:txChecksumming",
        ],
    ),
    (
        "vm",
        &[
            "clone",
            "delete",
            "export",
            "migrate-send",
            "pause",
            "read",
            "reboot",
            "reboot:clean",
            "reboot:hard",
            "resume",
            "revert-snapshot",
            "shutdown",
            "shutdown:clean",
            "shutdown:hard",
            "snapshot",
            "start",
            "suspend",
            "unpause",
            "update",
            "update:*",
        ],
    ),
    ("vm-controller", &["read", "update", "update:tags"]),
    ("vm-snapshot", &["delete", "export", "read", "update", "update:tags"]),
    ("vm-template", &["delete", "export", "instantiate", "read", "update", "update:tags"]),
    ("vtpm", &["read"]),
];

/// Messages that are alarms, and as such of another type to privileges.
const ALARMS: [&str; 3] = ["ALARM", "BOND_STATUS_CHANGED", "MULTIPATH_PERIODIC_ALERT"];

/// Returns whether a privilege can be about this: the type has the action, or the action is `*`.
pub fn is_action(resource: &str, action: &str) -> bool {
    let Some((_, actions)) = RESOURCES.iter().find(|(name, _)| *name == resource) else { return false };
    // Any one property of a VM; there are many, and more with each version.
    let is_part = |known: &str| {
        let part = known.strip_suffix('*').and_then(|begin| action.strip_prefix(begin));
        part.is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
    };
    action == "*" || actions.iter().any(|known| *known == action && !action.ends_with('*') || is_part(known))
}

/// Returns the type of an object, in the words of privileges; none if there can be none about it.
pub fn resource_of(object: &Object) -> Option<&'static str> {
    Some(match object.kind() {
        Kind::GpuGroup => "gpuGroup",
        Kind::Host => "host",
        Kind::Message => match object {
            Object::Message(message) if ALARMS.contains(&&*message.name) => "alarm",
            _ => "message",
        },
        Kind::Network => "network",
        Kind::Pbd => "pbd",
        Kind::Pci => "pci",
        Kind::Pgpu => "pgpu",
        Kind::Pif => "pif",
        Kind::Pool => "pool",
        Kind::Sm => "sm",
        Kind::Sr => "sr",
        Kind::Task => "task",
        Kind::Vbd => "vbd",
        Kind::Vdi => "vdi",
        Kind::VdiSnapshot => "vdi-snapshot",
        Kind::Vgpu => "vgpu",
        Kind::VgpuType => "vgpuType",
        Kind::Vif => "vif",
        Kind::Vm => "vm",
        Kind::VmController => "vm-controller",
        Kind::VmSnapshot => "vm-snapshot",
        Kind::VmTemplate => "vm-template",
        Kind::Vtpm => "vtpm",
        _ => return None,
    })
}

/// Returns whether what a privilege says of `known` is said of `wanted`, too.
fn covers(known: &str, wanted: &str) -> bool {
    known == "*" || known == wanted || wanted.strip_prefix(known).is_some_and(|rest| rest.starts_with(':'))
}

/// Says what privileges say of an action on an object; the empty action is one that only `*` is about.
pub(crate) fn verdict(rights: &Rights, object: &Object, action: &str, trace: &impl Trace) -> Verdict {
    if rights.privileges().is_empty() {
        return Verdict::Silent;
    }
    let Some(resource) = resource_of(object) else { return Verdict::Silent };
    judge(rights, resource, action, |selector| selector.selects(object), trace)
}

pub(crate) fn judge<W: Trace>(
    rights: &Rights,
    resource: &str,
    action: &str,
    selects: impl Fn(&dyn Selector) -> Option<bool>,
    trace: &W,
) -> Verdict {
    let mut verdict = Verdict::Silent;
    let about = rights.privileges().iter().filter(|known| known.resource == resource && covers(&known.action, action));
    for privilege in about {
        // Where it cannot be told, nothing is allowed and all is denied.
        let is_meant = privilege.selector.as_ref().map_or(Some(true), |(_, selector)| selects(&**selector));
        verdict = match (privilege.allows, is_meant) {
            (true, None) | (_, Some(false)) => continue,
            (true, Some(true)) if verdict == Verdict::Silent => Verdict::Allowed,
            (true, Some(true)) => verdict,
            (false, Some(true) | None) => Verdict::Denied,
        };
        trace.tell(Found::Privilege(privilege, is_meant.is_some()));
        if verdict == Verdict::Denied && !W::WANTS_ALL {
            break;
        }
    }
    verdict
}

#[cfg(test)]
mod tests;
