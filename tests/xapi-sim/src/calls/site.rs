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
        ("host", "get_server_certificate") => exists().map(|()| json!(CERTIFICATE)),
        // No VM has certificates of its own here; without them it boots, and does not look at signatures.
        ("pool", "get_guest_secureboot_readiness") => Ok(json!("not_ready")),
        ("VM", "get_secureboot_readiness") => secure_boot(ctx, text(0)),
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

/// What every host tells of its certificate, whatever it shows: a self-signed one with an RSA key of 1024 bits, as hosts of old
/// have it.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIB+jCCAWOgAwIBAgIUFWYVkl+Brm1xbBbFi29F4B5KEVEwDQYJKoZIhvcNAQEL
BQAwDzENMAsGA1UEAwwEaG9zdDAeFw0yNjExMjIwMzM1MjhaFw0zNjExMTkwMzM1
MjhaMA8xDTALBgNVBAMMBGhvc3QwgZ8wDQYJKoZIhvcNAQEBBQADgY0AMIGJAoGB
ALaQxVyLatBowmG2drG3iMdhYHNXxXGm301O7ZPpAmXF3hQYrtjNb5z2Biinj/c/
9roaclnG30dcVq2KGpXHcHkX9p+xph8K2OsKQ6JUcywfQeEp4xXM+nMSYJVQEv8N
qbQQWxxD9lQgZAf3C1BghSL9Wjja4QOZ+oXJl+EAaB/fAgMBAAGjUzBRMB0GA1Ud
DgQWBBRLTf9yixYeo184OFw9IqMKWfMV3zAfBgNVHSMEGDAWgBRLTf9yixYeo184
OFw9IqMKWfMV3zAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4GBAGZA
mR+2sa7YZSUWNoL1vpCwkY1Fkto/vQ/bMG0LkEvedbM/eIAtRH05JB2x53tTnEzR
HSMsCV2SodV1DuWgIEYgBYXO5/CD3lxwKGRvKF/XZ4rAs7iM15J15phHFuTXIE49
e4Op+PRUXPIfgQlQp2LmHzTHTM+9tms9xY8NsR4q
-----END CERTIFICATE-----
";

/// Whether a VM is ready for secure boot: only one with UEFI ever is.
fn secure_boot(ctx: &Ctx, vm: &str) -> Result<Value, Failure> {
    ctx.core.read(|db| {
        db.get("VM", vm).ok_or_else(|| handle_invalid("VM", vm))?;
        let with_uefi = db.field("VM", vm, "HVM_boot_params")["firmware"] == "uefi";
        let wanted = db.field("VM", vm, "platform")["secureboot"] == "true";
        Ok(json!(match (with_uefi, wanted) {
            (false, _) => "not_supported",
            (true, false) => "disabled",
            (true, true) => "certs_incomplete",
        }))
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
        // Asked of the master; it waits until the images are one.
        ("coalesce-leaf", "leaf-coalesce") if args["vm_uuid"].is_string() => return Ok(json!("Success")),
        ("ipmitool.py", "is_ipmi_device_available") => return Ok(json!("false")),
        ("smartctl.py", "health") => json!({"/dev/sda": "PASSED"}),
        (
            "updater.py" | "hyperthreading.py" | "raid.py" | "lsblk.py" | "zfs.py" | "ipmitool.py" | "smartctl.py"
            | "coalesce-leaf",
            _,
        ) => return Err(unknown()),
        _ => return Err(fail("XENAPI_MISSING_PLUGIN", [name])),
    };
    // A plugin answers text; most write JSON into it.
    Ok(json!(answer.to_string()))
}
