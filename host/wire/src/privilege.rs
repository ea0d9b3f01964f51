//! What operations are called in the words of fine rights: the action on each object that they name. The type follows from the
//! object.
//!
//! An operation that is not here changes something that only a privilege for everything (`*`) allows; to look at an object is
//! always `read`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::{Level, Operation, Params, Type};

/// Operation, parameter, action.
const PRIVILEGES: &[(&str, &str, &str)] = &[
    ("disk.create", "sr", "import:vdi"),
    ("disk.exportContent", "id", "export-content"),
    ("disk.import", "sr", "import:vdi"),
    ("disk.importContent", "id", "import-content"),
    ("host.detach", "id", "detach"),
    ("host.disable", "id", "disable"),
    ("host.emergencyShutdownHost", "host", "shutdown:emergency"),
    ("host.enable", "id", "enable"),
    ("host.forget", "id", "forget"),
    ("host.restart", "id", "reboot"),
    ("host.restartAgent", "id", "restart-toolstack"),
    ("host.restart_agent", "id", "restart-toolstack"),
    ("host.scanPifs", "id", "scan-pifs"),
    ("host.start", "id", "start"),
    ("host.stop", "id", "shutdown"),
    ("host.takeOut", "id", "disable"),
    ("network.create", "pool", "create:network"),
    ("network.createBonded", "pool", "create:network"),
    ("network.delete", "id", "delete"),
    ("network.set", "id", "update"),
    ("pbd.connect", "id", "plug"),
    ("pbd.disconnect", "id", "unplug"),
    ("pool.createVm", "template", "instantiate"),
    ("pool.emergencyShutdown", "id", "emergency-shutdown"),
    ("sr.destroy", "id", "delete"),
    ("sr.forget", "id", "forget"),
    ("sr.reclaimSpace", "id", "reclaim-space"),
    ("sr.scan", "id", "scan"),
    ("tag.add", "id", "update:tags"),
    ("tag.remove", "id", "update:tags"),
    ("task.cancel", "id", "abort"),
    ("task.destroy", "id", "delete"),
    ("vbd.connect", "id", "connect"),
    ("vbd.delete", "id", "delete"),
    ("vbd.disconnect", "id", "disconnect"),
    ("vdi.create", "srId", "import:vdi"),
    ("vdi.delete", "id", "delete"),
    ("vdi.migrate", "id", "migrate-send"),
    ("vdi.migrate", "sr_id", "migrate-receive"),
    ("vdi.set", "id", "update"),
    ("vif.connect", "id", "connect"),
    ("vif.delete", "id", "delete"),
    ("vif.disconnect", "id", "disconnect"),
    ("vif.set", "id", "update"),
    ("vm.addDataSource", "id", "update:datasources"),
    ("vm.clone", "id", "clone"),
    ("vm.cloneOrCopy", "id", "clone"),
    ("vm.create", "template", "instantiate"),
    ("vm.delete", "id", "delete"),
    ("vm.export", "vm", "export"),
    ("vm.import", "sr", "import:vm"),
    ("vm.migrate", "sr", "migrate-receive"),
    ("vm.migrate", "targetHost", "migrate-receive"),
    ("vm.migrate", "vm", "migrate-send"),
    ("vm.pause", "id", "pause"),
    ("vm.removeDataSource", "id", "update:datasources"),
    ("vm.restart", "id", "reboot"),
    ("vm.resume", "id", "resume"),
    ("vm.revertTo", "id", "revert-snapshot"),
    ("vm.set", "id", "update"),
    ("vm.snapshot", "id", "snapshot"),
    ("vm.start", "id", "start"),
    ("vm.stop", "id", "shutdown"),
    ("vm.suspend", "id", "suspend"),
    ("vm.unpause", "id", "unpause"),
];

/// Returns the actions that a call means on the object that a parameter names; none when there is none but `*`.
///
/// What changes properties means each property that is given, and what can be done by force is another thing then.
pub fn privileges(operation: &Operation, param: &str, params: &Map<String, Value>) -> Vec<Cow<'static, str>> {
    let find = |(name, known, _): &&(&str, &str, &str)| *name == operation.name && *known == param;
    let Some(&(_, _, action)) = PRIVILEGES.iter().find(find) else {
        let is_read = operation.objects.iter().any(|object| object.param == param && object.level == Level::View);
        return if is_read { vec!["read".into()] } else { Vec::new() };
    };
    let is = |flag| params.get(flag).and_then(Value::as_bool).unwrap_or_default();
    match action {
        "update" => {
            let names = params.keys().map(|name| name.trim_end_matches('?'));
            let fields = names.filter(|name| !operation.objects.iter().any(|object| object.param == *name));
            fields.filter(|name| *name != "id").map(|name| Cow::Owned(format!("update:{name}"))).collect()
        }
        "disable" if is("evacuate") => vec![Cow::Borrowed("disable"), Cow::Borrowed("evacuate")],
        "reboot" if is("suspendResidentVms") => vec![Cow::Borrowed("reboot:smart")],
        "shutdown" | "reboot" if is("force") => vec![Cow::Owned(format!("{action}:hard"))],
        "shutdown" | "reboot" => vec![Cow::Owned(format!("{action}:clean"))],
        action => vec![Cow::Borrowed(action)],
    }
}

/// Returns all that calls of an operation can mean on the object that a parameter names, whatever else they say.
pub fn meanings(operation: &Operation, param: &str) -> Vec<Cow<'static, str>> {
    let fields = if let Params::Fields(fields) = operation.params { fields } else { &[] };
    let given = fields.iter().filter(|field| field.name != "*").map(|field| {
        // What is asked for by a word of its own ("force") may be another thing.
        let value = if matches!(field.ty, Type::Bool) { Value::Bool(true) } else { Value::Null };
        Map::from_iter([(field.name.to_owned(), value)])
    });
    let mut all = Vec::new();
    for params in std::iter::once(Map::new()).chain(given) {
        for meaning in privileges(operation, param, &params) {
            if !all.contains(&meaning) {
                all.push(meaning);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn means(operation: &str, params: Value) -> Vec<Cow<'static, str>> {
        privileges(crate::find(operation).unwrap(), "id", params.as_object().unwrap())
    }

    #[test]
    fn calls_in_the_words_of_fine_rights() {
        assert_eq!(means("vm.start", json!({ "id": "a" })), ["start"]);
        assert_eq!(means("vm.stop", json!({ "id": "a" })), ["shutdown:clean"]);
        assert_eq!(means("vm.stop", json!({ "id": "a", "force": true })), ["shutdown:hard"]);
        let changes = json!({ "id": "a", "name_label": "b", "CPUs?": 2 });
        let mut means_of_changes = means("vm.set", changes);
        means_of_changes.sort();
        assert_eq!(means_of_changes, ["update:CPUs", "update:name_label"]);
        assert_eq!(means("host.restart", json!({ "id": "a" })), ["reboot:clean"]);
        assert_eq!(means("host.restart", json!({ "id": "a", "suspendResidentVms": true })), ["reboot:smart"]);
        assert_eq!(means("vm.stats", json!({ "id": "a" })), ["read"]);
    }

    #[test]
    fn all_that_calls_can_mean() {
        let all = |operation: &str, param: &str| meanings(crate::find(operation).unwrap(), param);
        assert_eq!(all("vm.start", "id"), ["start"]);
        assert_eq!(all("vm.stop", "id"), ["shutdown:clean", "shutdown:hard"]);
        assert_eq!(all("host.restart", "id"), ["reboot:clean", "reboot:hard", "reboot:smart"]);
        assert_eq!(all("vm.stats", "id"), ["read"]);
        let of_changes = all("vm.set", "id");
        assert!(of_changes.contains(&"update:name_label".into()) && of_changes.len() > 5, "{of_changes:?}");
        assert!(of_changes.iter().all(|action| action.starts_with("update:") && action != "update:id"));
    }

    #[test]
    fn rows_are_about_what_operations_name() {
        for (name, param, _) in PRIVILEGES {
            let operation = crate::find(name);
            let names =
                operation.is_some_and(|operation| operation.objects.iter().any(|object| object.param == *param));
            assert!(names, "{name} {param}");
        }
    }
}
