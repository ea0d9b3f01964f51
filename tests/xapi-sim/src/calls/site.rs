//! What hosts do beyond their records: plugins, the toolstack's restart, statistics by call.

use serde_json::{Value, json};

use crate::{
    clock,
    core::Ctx,
    failure::{Failure, fail, handle_invalid},
    rrd::{Cf, Source, sources},
};

/// Answers the messages that need more than the database; `None` for the rest.
pub fn call(ctx: &Ctx, class: &str, message: &str, args: &[Value]) -> Option<Result<Value, Failure>> {
    let text = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
    let host = text(0);
    let exists = || match ctx.core.read(|db| db.get("host", host).is_some()) {
        true => Ok(()),
        false => Err(handle_invalid("host", host)),
    };
    Some(match (class, message) {
        ("host", "call_plugin") => {
            exists().and_then(|()| plugin(text(1), text(2), args.get(3).unwrap_or(&Value::Null)))
        }
        ("host", "restart_agent") => exists().map(|()| {
            let now = clock::seconds();
            ctx.core
                .write(|db| db.set_entry("host", host, "other_config", "agent_start_time", Some(&format!("{now}."))));
            ctx.core.restart_wanted.notify_one();
            json!("")
        }),
        (
            "host" | "VM" | "SR",
            "get_data_sources" | "query_data_source" | "record_data_source" | "forget_data_source_archives",
        ) => data_source(ctx, class, message, text(0), text(1)),
        _ => return None,
    })
}

/// The sources of statistics; all of them are on, whatever a client asks for.
fn data_source(ctx: &Ctx, class: &str, message: &str, object: &str, name: &str) -> Result<Value, Failure> {
    let found = ctx.core.read(|db| {
        db.get(class, object)?;
        Some(match class {
            "host" => sources::host(db, object),
            "VM" => sources::vm(db, object),
            _ => sources::sr(db, object),
        })
    });
    let found = found.ok_or_else(|| handle_invalid(class, object))?;
    let now = clock::seconds();
    let value = |source: &Source| source.curve.at(now, 5, Cf::Average);
    match message {
        "get_data_sources" => Ok(found
            .iter()
            .map(|s| {
                json!({
                    "name_label": s.name, "name_description": s.name, "enabled": true, "standard": true, "units": s.units,
                    "min": 0.0, "max": if s.units == "(fraction)" { 1.0 } else { f64::MAX }, "value": value(s),
                })
            })
            .collect()),
        "query_data_source" => match found.iter().find(|s| s.name == name) {
            Some(source) => Ok(json!(value(source))),
            None => Err(fail("INTERNAL_ERROR", [&format!("no data source {name}")])),
        },
        _ => Ok(json!("")),
    }
}

/// The plugins that clients ask as a matter of course; the others are not installed.
fn plugin(name: &str, function: &str, args: &Value) -> Result<Value, Failure> {
    let unknown = || fail("XENAPI_PLUGIN_FAILURE", ["getattr", "AttributeError", &format!("no function {function}")]);
    let answer = match (name, function) {
        ("updater.py", "check_update") => json!([{
            "name": "xapi-core", "version": "26.1.4", "release": "1.2.xcpng8.3", "description": "The xapi toolstack",
            "url": "https://xcp-ng.org", "size": "5678901", "license": "LGPL",
            "changelog": {"date": 1_785_000_000, "author": "packager", "description": "- fix"},
        }]),
        ("updater.py", "update" | "install") => {
            json!({"returncode": 0, "command": ["yum", function, args["packages"]], "stdout": "Complete!", "stderr": ""})
        }
        ("updater.py", "query_installed") => {
            json!({"xapi-core": "26.1.3-1.2.xcpng8.3", "xen-hypervisor": "4.17.5-15.xcpng8.3"})
        }
        ("updater.py", "get_proxies") => json!({}),
        ("updater.py", "set_proxies") => return Ok(json!("")),
        ("hyperthreading.py", "get_hyperthreading") => return Ok(json!("true")),
        ("raid.py", "check_raid_pool") => json!({}),
        ("lsblk.py", "list_block_devices") => json!({"blockdevices": [{
            "name": "sda", "kname": "sda", "size": "480103981056", "type": "disk", "ro": "0", "mountpoint": "", "fstype": "",
        }]}),
        ("zfs.py", "list_zfs_pools") => json!({}),
        ("ipmitool.py", "is_ipmi_device_available") => return Ok(json!("false")),
        ("smartctl.py", "health") => json!({"/dev/sda": "PASSED"}),
        ("updater.py" | "hyperthreading.py" | "raid.py" | "lsblk.py" | "zfs.py" | "ipmitool.py" | "smartctl.py", _) => {
            return Err(unknown());
        }
        _ => return Err(fail("XENAPI_MISSING_PLUGIN", [name])),
    };
    // A plugin answers text; most write JSON into it.
    Ok(json!(answer.to_string()))
}
