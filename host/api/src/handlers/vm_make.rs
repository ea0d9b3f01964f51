//! VMs come, are copied, move and go.

use app::Error;
use app::vm::{self, Hardware};
use serde_json::{Map, Value, json};
use wire::Failure;

use super::{Call, Handler, done, id, texts};

handlers! {
    "pool.createVm" => |call| {
        let (pool, template) = (call.object("id")?, call.object("template")?);
        if template.pool() != pool.id() {
            return Err(Failure::no_such(template.id().as_str(), "VM-template").into());
        }
        call.params = rpc_params(std::mem::take(&mut call.params));
        create(&call).await.map(id)
    };
    "vm.clone" => |call| {
        vm::clone(&call.ctx, &call.object("id")?, call.text("name"), call.flag("full_copy")).await.map(id)
    };
    "vm.cloneOrCopy" => |call| {
        let vm = call.object("id")?;
        let name = call.params.get("name_label").and_then(Value::as_str);
        if let Some(sr) = call.optional("srId") {
            return vm::copy(&call.ctx, &vm, sr, name).await.map(id);
        }
        let is_fast = call.params.get("fast").and_then(Value::as_bool).unwrap_or(true);
        vm::clone(&call.ctx, &vm, name.unwrap_or(vm.name_label()), !is_fast).await.map(id)
    };
    "vm.convert" => |call| vm::convert(&call.ctx, &call.object("id")?).await.map(done);
    "vm.convertToTemplate" => |call| vm::convert(&call.ctx, &call.object("id")?).await.map(done);
    "vm.copy" => |call| {
        let name = call.params.get("name").and_then(Value::as_str);
        vm::copy(&call.ctx, &call.object("vm")?, &call.object("sr")?, name).await.map(id)
    };
    "vm.copyToTemplate" => |call| vm::copy_to_template(&call.ctx, &call.object("id")?).await.map(done);
    "vm.create" => |call| create(&call).await.map(id);
    "vm.delete" => |call| vm::delete(&call.ctx, &call.object("id")?, &call.read()?).await.map(done);
    "vm.getHaValues" => |_call| Ok(texts(&["best-effort", "restart", ""]));
    "vm.migrate" => |call| {
        let (vm, host) = (call.object("vm")?, call.object("targetHost")?);
        let (sr, network) = (call.optional("sr"), call.optional("migrationNetwork"));
        vm::migrate(&call.ctx, &vm, &host, sr, network, &call.read()?).await.map(done)
    };
    "vm.recoveryStart" => |call| vm::recovery_start(&call.ctx, &call.object("id")?).await.map(done);
    "vm.revert" => |call| vm::revert(&call.ctx, &call.object("snapshot")?).await.map(done);
    "vm.revertTo" => |call| {
        let (vm, snapshot) = (call.object("id")?, call.object("snapshotId")?);
        vm::revert_to(&call.ctx, &vm, &snapshot, call.flag("snapshotBefore")).await.map(done)
    };
    "vm.setBootOrder" => |call| {
        vm::set_boot_order(&call.ctx, &call.object("vm")?, call.text("order")).await.map(done)
    };
    "vm.snapshot" => |call| vm::snapshot(&call.ctx, &call.object("id")?, &call.read()?).await.map(id);
}

async fn create(call: &Call) -> Result<String, Error> {
    let graphics = call.optional("gpuGroup").zip(call.optional("vgpuType"));
    let (template, new, changes) = (call.object("template")?, call.read()?, call.read()?);
    vm::create(&call.ctx, &template, &Hardware { graphics }, &new, &changes).await
}

/// What REST and JSON-RPC call the same about a new VM, its disks and its cards.
const NAMES: &[(&str, &str)] = &[
    ("affinity", "affinityHost"),
    ("autoPoweron", "auto_poweron"),
    ("boot", "bootAfterCreate"),
    ("cloud_config", "cloudConfig"),
    ("cpus", "CPUs"),
    ("device", "position"),
    ("destroy_cloud_config_vdi", "destroyCloudConfigVdiAfterBoot"),
    ("install", "installation"),
    ("ipv4_allowed", "allowedIpv4Addresses"),
    ("ipv6_allowed", "allowedIpv6Addresses"),
    ("network_config", "networkConfig"),
    ("sr", "SR"),
    ("vifs", "VIFs"),
];

fn renamed(members: Map<String, Value>) -> Map<String, Value> {
    let name = |name: String| NAMES.iter().find(|(rest, _)| *rest == name).map_or(name, |(_, rpc)| (*rpc).to_owned());
    members.into_iter().map(|(key, value)| (name(key), value)).collect()
}

fn renamed_each(list: Value) -> Vec<Map<String, Value>> {
    let Value::Array(items) = list else { return Vec::new() };
    items
        .into_iter()
        .filter_map(|item| if let Value::Object(item) = item { Some(renamed(item)) } else { None })
        .collect()
}

/// Returns the parameters of `vm.create` for those that REST takes.
fn rpc_params(mut params: Map<String, Value>) -> Map<String, Value> {
    let vdis = renamed_each(params.remove("vdis").unwrap_or_default());
    let cards = params.remove("vifs").map(renamed_each);
    params.remove("id");
    let mut params = renamed(params);
    // A disk of the template is changed or left out by its place; others are new.
    let (changed, new): (Vec<_>, Vec<_>) =
        vdis.into_iter().partition(|disk| disk.contains_key("userdevice") && !disk.contains_key("destroy"));
    let changed: Map<_, _> = changed
        .into_iter()
        .filter_map(|disk| Some((disk.get("userdevice")?.as_str()?.to_owned(), Value::Object(disk.clone()))))
        .collect();
    params.insert("VDIs".to_owned(), json!(new));
    params.insert("existingDisks".to_owned(), Value::Object(changed));
    if let Some(mut cards) = cards {
        // The cards of the template go in any case.
        cards.retain(|card| card.get("destroy") != Some(&Value::Bool(true)));
        params.insert("VIFs".to_owned(), json!(cards));
    }
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rest_says_is_said_in_the_words_of_the_method() {
        let rest = json!({
            "id": "pool", "name_label": "a", "template": "t", "cpus": 2, "boot": true, "autoPoweron": true,
            "vdis": [
                { "name_label": "new", "size": 1, "sr": "s" }, { "userdevice": "0", "size": 2 },
                { "userdevice": "1", "destroy": true },
            ],
            "vifs": [
                { "network": "n", "device": "1", "mtu": 9000, "ipv4_allowed": ["192.0.2.1"] },
                { "device": "0", "destroy": true },
            ],
            "install": { "method": "network", "repository": "" },
        });
        let rpc = json!({
            "name_label": "a", "template": "t", "CPUs": 2, "bootAfterCreate": true, "auto_poweron": true,
            "VDIs": [{ "name_label": "new", "size": 1, "SR": "s" }, { "userdevice": "1", "destroy": true }],
            "existingDisks": { "0": { "userdevice": "0", "size": 2 } },
            "VIFs": [
                { "network": "n", "position": "1", "mtu": 9000, "allowedIpv4Addresses": ["192.0.2.1"] },
            ],
            "installation": { "method": "network", "repository": "" },
        });
        let Value::Object(params) = rest else { panic!("an object") };
        assert_eq!(Value::Object(rpc_params(params)), rpc);
    }
}
