//! allowed_operations tell the truth: over random sequences of operations from a seed, what is listed is never refused for the
//! state of things, and what is not listed always is.

use std::collections::BTreeSet;

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

use super::world::{list, options, r, report};
use crate::client::{ApiError, Client};

/// Errors that are not about the object's own state: no room, no host, somebody else in the way, a parameter that does not fit.
const ELSEWHERE: [&str; 14] = [
    "NO_HOSTS_AVAILABLE",
    "HOST_NOT_ENOUGH_FREE_MEMORY",
    "HOST_DISABLED",
    "HOST_NOT_LIVE",
    "SR_FULL",
    "VM_NO_SUSPEND_SR",
    "VM_REQUIRES_SR",
    "VDI_NOT_IN_MAP",
    "VM_IS_PROTECTED",
    "INVALID_VALUE",
    "MEMORY_CONSTRAINT_VIOLATION",
    "VM_CANNOT_DELETE_DEFAULT_TEMPLATE",
    "SR_BACKEND_FAILURE_79",
    "VDI_IS_NOT_ISO",
];

/// How an operation of a class is called on an object. `None`: nothing is called by this name alone.
fn call_of(class: &str, operation: &str, object: &str, host: &str) -> Option<(String, Value)> {
    let plain = |name: &str| Some((format!("{class}.{name}"), json!([object])));
    let with = |name: &str, more: &[Value]| {
        let mut params = vec![json!(object)];
        params.extend_from_slice(more);
        Some((format!("{class}.{name}"), Value::Array(params)))
    };
    let null = json!("OpaqueRef:NULL");
    match (class, operation) {
        ("VM", "start" | "resume") => with(operation, &[json!(false), json!(false)]),
        ("VM", "start_on" | "resume_on") => with(operation, &[json!(host), json!(false), json!(false)]),
        ("VM", "pool_migrate") => with(operation, &[json!(host), json!({"live": "true"})]),
        ("VM", "migrate_send") => {
            let rest = [json!({"host": host}), json!(true), json!({}), json!({}), json!({})];
            with(operation, &rest)
        }
        ("VM", "clone" | "snapshot" | "checkpoint") => with(operation, &[json!("new")]),
        ("VM", "copy") => with(operation, &[json!("new"), null]),
        ("VM", "make_into_template") => with("set_is_a_template", &[json!(true)]),
        ("VM", "changing_dynamic_range") => with("set_memory_dynamic_min", &[json!(1_i64 << 29)]),
        ("VM", "changing_static_range") => with("set_memory_static_min", &[json!(1_i64 << 28)]),
        ("VM", "changing_shadow_memory") => with("set_HVM_shadow_multiplier", &[json!(1.5)]),
        ("VM", "changing_NVRAM") => with("set_NVRAM", &[json!({})]),
        ("VM", "changing_VCPUs_live") => with("set_VCPUs_number_live", &[json!(1)]),
        ("VM", "sysprep") => with(operation, &[json!(""), json!(1.0)]),
        ("VM", "create_vtpm") => Some(("VTPM.create".to_owned(), json!([object, false]))),
        (
            "VM",
            "pause" | "unpause" | "clean_shutdown" | "clean_reboot" | "hard_shutdown" | "hard_reboot" | "suspend"
            | "destroy" | "provision" | "revert",
        ) => plain(operation),
        ("VBD", "plug" | "unplug" | "unplug_force" | "eject" | "pause" | "unpause") => plain(operation),
        ("VBD", "insert") => with(operation, &[json!(r("image"))]),
        ("VIF", "plug" | "unplug") => plain(operation),
        ("VDI", "snapshot" | "clone" | "destroy" | "forget" | "update") => plain(operation),
        ("VDI", "copy") => with(operation, &[json!(r("nfs"))]),
        ("VDI", "resize" | "resize_online") => with(operation, &[json!(3_i64 << 30)]),
        ("SR", "scan" | "destroy" | "forget" | "update") => plain(operation),
        ("host", "evacuate" | "enable") => plain(operation),
        ("VTPM", "destroy") => plain(operation),
        _ => None,
    }
}

/// What other operations may be tried: all of the class, whatever the object lists.
const ALL: [(&str, &str); 7] = [
    ("VM", "vm_operations"),
    ("VBD", "vbd_operations"),
    ("VIF", "vif_operations"),
    ("VDI", "vdi_operations"),
    ("SR", "storage_operations"),
    ("host", "host_allowed_operations"),
    ("VTPM", "vtpm_operations"),
];

/// Changes that are no operations of their own, so that there is something to be refused.
async fn disturb(client: &Client, random: &mut StdRng) -> anyhow::Result<()> {
    let sim = &client.sim;
    let pick = |random: &mut StdRng, class: &str| {
        let all: Vec<String> = sim.records(class).into_keys().collect();
        all.choose(random).cloned().unwrap_or_default()
    };
    let vm = pick(random, "VM");
    let (method, params) = match random.random_range(0..10) {
        0 => ("host.disable", json!([r("h2")])),
        1 => ("host.enable", json!([r("h2")])),
        2 => ("PBD.unplug", json!([pick(random, "PBD")])),
        3 | 4 => ("PBD.plug", json!([pick(random, "PBD")])),
        5 => ("VM.set_blocked_operations", json!([vm, {"start": "no", "destroy": "no"}])),
        6 => ("VM.set_blocked_operations", json!([vm, {}])),
        7 => {
            let mode = if random.random_bool(0.5) { "reset" } else { "persist" };
            ("VDI.set_on_boot", json!([pick(random, "VDI"), mode]))
        }
        8 => ("VM.set_is_a_template", json!([vm, false])),
        _ => {
            let disk = json!({
                "VM": vm, "VDI": pick(random, "VDI"), "userdevice": "autodetect", "bootable": false, "mode": "RW", "type": "Disk",
                "empty": false, "other_config": {}, "qos_algorithm_type": "", "qos_algorithm_params": {},
            });
            ("VBD.create", json!([disk]))
        }
    };
    // It may be refused: that is no matter here.
    let _ = client.call(method, params).await;
    // The guests that have tools report now and then.
    if sim
        .record("VM", &r("vm"))
        .is_some_and(|vm| vm["power_state"] == "Running" && vm["guest_metrics"] == "OpaqueRef:NULL")
    {
        report(client, &r("vm"))?;
        client.call("VM.update_allowed_operations", json!([r("vm")])).await?;
    }
    Ok(())
}

/// How many operations of one seed were listed and passed, were listed and failed elsewhere, were not listed and refused.
#[derive(Debug, Default)]
struct Count {
    passed: u32,
    elsewhere: u32,
    refused: u32,
    kinds: BTreeSet<String>,
}

async fn walk(seed: u64, steps: u32, count: &mut Count) -> anyhow::Result<()> {
    let client = Client::start(xapi_sim::Options { seed, ..options() }).await?;
    let mut random = StdRng::seed_from_u64(seed);
    for vm in client.sim.records("VM").keys() {
        client.call("VM.update_allowed_operations", json!([vm])).await?;
    }
    for (class, plug) in [("SR", true), ("host", false)] {
        for object in client.sim.records(class).keys() {
            // Recorded lists are what they were; these two are written anew by what touches them.
            match plug {
                true => drop(client.call("SR.scan", json!([object])).await),
                false => drop(client.call("host.enable", json!([object])).await),
            }
        }
    }
    let mut story: Vec<String> = Vec::new();
    for _ in 0..steps {
        disturb(&client, &mut random).await?;
        let (class, operations) = ALL.choose(&mut random).copied().expect("there are some");
        let objects = client.sim.records(class);
        let Some((object, record)) = objects.iter().collect::<Vec<_>>().choose(&mut random).copied() else { continue };
        // An SR that was never touched has no list yet.
        let listed = list(record, "allowed_operations");
        let all = super::states::enumeration(operations);
        let Some(operation) = all.choose(&mut random) else { continue };
        let host = [r("h1"), r("h2")].choose(&mut random).cloned().unwrap_or_default();
        let Some((method, params)) = call_of(class, operation, object, &host) else { continue };
        let allowed = listed.contains(operation);
        let answer = client.call(&method, params).await;
        let error = answer.err().map(|e| e.downcast::<ApiError>().expect("an error of the API").0);
        story.push(format!("{method} {object} {}", error.as_ref().map_or("done", |e| e[0].as_str())));
        let told = || {
            format!("seed {seed}: {operation} of {class} {object}, listed {listed:?}\n{}\n{record}", story.join("\n"))
        };
        match (allowed, &error) {
            (true, None) => {
                count.passed += 1;
                count.kinds.insert(format!("{class}.{operation}"));
            }
            (true, Some(error)) => {
                assert!(is_elsewhere(class, operation, error), "refused with {error:?}, but it is listed\n{}", told());
                count.elsewhere += 1;
            }
            (false, Some(_)) => count.refused += 1,
            // XAPI has it so: enabling what is enabled is no operation.
            (false, None) if method == "host.enable" => {}
            (false, None) => panic!("not listed, but done\n{}", told()),
        }
    }
    Ok(())
}

/// Is the error about something else than the object that was asked? A host's evacuation meets what its VMs say, a copy what the
/// other SR says.
fn is_elsewhere(class: &str, operation: &str, error: &[String]) -> bool {
    let others: &[&str] = match (class, operation) {
        ("host", "evacuate") => &["VM_", "VDI_ON_BOOT", "OPERATION_NOT_ALLOWED", "OPERATION_BLOCKED"],
        ("VDI", "copy") => &["SR_HAS_NO_PBDS"],
        _ => &[],
    };
    others.iter().any(|code| error[0].starts_with(code)) || ELSEWHERE.contains(&error[0].as_str())
}

async fn walks(seeds: std::ops::Range<u64>, steps: u32) -> anyhow::Result<Count> {
    let mut count = Count::default();
    for seed in seeds {
        walk(seed, steps, &mut count).await?;
    }
    println!(
        "{} passed, {} failed elsewhere, {} refused, {} kinds",
        count.passed,
        count.elsewhere,
        count.refused,
        count.kinds.len()
    );
    Ok(count)
}

#[tokio::test]
async fn what_is_listed_works_and_what_is_not_does_not() -> anyhow::Result<()> {
    // `cargo xtask test --long` asks for the whole of it.
    let long = std::env::var_os("XYLEM_LONG").is_some();
    let count = if long { walks(1..100, 400).await? } else { walks(1..4, 150).await? };
    assert!(count.passed > 30 && count.refused > 100 && count.kinds.len() > 15, "{count:?}");
    Ok(())
}
