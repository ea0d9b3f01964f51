//! The order of checks of a VM operation (PROTOCOL 7.1): with everything wrong at once, one thing after the other is put right,
//! and each time the next error of the order shows.

use serde_json::{Value, json};

use super::world::{bring, r, start};
use crate::client::{ApiError, Client};

/// The operation, the state it would need, and what is wrong, in the order of the protocol's table. `blocked` is check 1,
/// `state` 2, `busy` 3 and so on; the errors are in `WRONG`.
const CHAINS: &str = "
    checkpoint             Running | blocked state busy template immobile dom0 features reset pci upgrade
    checkpoint             Running | blocked state busy template immobile dom0 cannot reset vgpu upgrade
    checkpoint             Running | blocked state busy snapshot nested dom0 features reset vusb upgrade
    pool_migrate           Running | blocked state busy template immobile dom0 features cached pci
    migrate_send           Running | blocked state busy default immobile dom0 features pci vgpu vusb upgrade
    suspend                Running | blocked state busy template immobile dom0 features reset pci vgpu vusb
    clean_shutdown         Running | blocked state busy template dom0 features
    clean_reboot           Running | blocked state busy snapshot dom0 features
    changing_VCPUs_live    Running | blocked state busy template dom0 features upgrade
    changing_dynamic_range Running | blocked state busy snapshot nested_range
    snapshot               Running | blocked busy template dom0 reset vusb upgrade
    start                  Halted  | blocked state busy template
    start                  Halted  | blocked state busy snapshot
    provision              Halted  | blocked state busy snapshot no_template dom0 upgrade
    revert                 Halted  | blocked busy template no_snapshot dom0 upgrade
    destroy                Halted  | blocked state busy default first upgrade
    changing_VCPUs         Halted  | blocked state busy snapshot first upgrade
    make_into_template     Halted  | blocked state busy template dom0 appliance upgrade
    create_vtpm            Halted  | blocked state busy template dom0 upgrade vtpm
";

/// What the error is when this is wrong; `VM` is the VM, `OP` the operation.
const WRONG: &str = "
    blocked      | OPERATION_BLOCKED VM because
    state        | VM_BAD_POWER_STATE VM STATES ACTUAL
    busy         | OTHER_OPERATION_IN_PROGRESS VM VM clone OpaqueRef:task
    template     | VM_IS_TEMPLATE VM OP
    default      | VM_IS_TEMPLATE VM OP
    snapshot     | VM_IS_SNAPSHOT VM OP
    no_template  | PROVISION_ONLY_ALLOWED_ON_TEMPLATE
    no_snapshot  | REVERT_ONLY_ALLOWED_ON_SNAPSHOT
    immobile     | VM_IS_IMMOBILE VM
    nested       | VM_IS_IMMOBILE VM
    nested_range | VM_IS_USING_NESTED_VIRT VM
    dom0         | OPERATION_NOT_ALLOWED TEXT
    first        | OPERATION_NOT_ALLOWED TEXT
    features     | VM_LACKS_FEATURE VM
    cannot       | VM_NON_SUSPENDABLE VM busy
    reset        | VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION
    cached       | VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION
    pci          | VM_HAS_PCI_ATTACHED VM
    vgpu         | VM_HAS_VGPU VM
    vusb         | VM_HAS_VUSBS VM
    appliance    | VM_IS_PART_OF_AN_APPLIANCE VM OpaqueRef:appliance
    upgrade      | NOT_SUPPORTED_DURING_UPGRADE
    vtpm         | VTPM_MAX_AMOUNT_REACHED 1
";

/// Makes it wrong, or right again.
fn put(client: &Client, operation: &str, state: &str, what: &str, wrong: bool) -> anyhow::Result<()> {
    let (sim, vm) = (&client.sim, r("vm"));
    let set = |class: &str, object: &str, field: &str, bad: Value, good: Value| {
        sim.set(class, object, field, if wrong { bad } else { good })
    };
    let metrics = r("vm.metrics");
    let tools = || {
        let vm = sim.record("VM", &vm).expect("the VM");
        vm["guest_metrics"].as_str().unwrap_or_default().to_owned()
    };
    let of_vm = |field: &str, bad: Value, good: Value| set("VM", &vm, field, bad, good);
    let null = || json!("OpaqueRef:NULL");
    match what {
        "blocked" => of_vm("blocked_operations", json!({operation: "because"}), json!({})),
        // A state that the operation does not start from.
        "state" => {
            let other = match (state, operation) {
                ("Halted", _) => "Running",
                (_, "migrate_send" | "changing_dynamic_range") => "Paused",
                _ => "Halted",
            };
            of_vm("power_state", json!(other), json!(state))
        }
        "busy" => of_vm("current_operations", json!({"OpaqueRef:task": "clone"}), json!({})),
        "template" => of_vm("is_a_template", json!(true), json!(false)),
        "default" => {
            of_vm("is_a_template", json!(true), json!(false))?;
            of_vm("other_config", json!({"default_template": "true"}), json!({}))
        }
        "snapshot" => of_vm("is_a_snapshot", json!(true), json!(false)),
        // A VM as it is; to be right it must become the other thing.
        "no_template" => of_vm("is_a_template", json!(false), json!(true)),
        "no_snapshot" => of_vm("is_a_snapshot", json!(false), json!(true)),
        "immobile" => set("VM_metrics", &metrics, "nomigrate", json!(true), json!(false)),
        "nested" | "nested_range" => set("VM_metrics", &metrics, "nested_virt", json!(true), json!(false)),
        "dom0" => of_vm("is_control_domain", json!(true), json!(false)),
        // The domain of a host's toolstack, which has number 0; other control domains may be destroyed.
        "first" => {
            of_vm("is_control_domain", json!(true), json!(false))?;
            of_vm("domid", json!(0), json!(-1))
        }
        "features" => {
            let tools = tools();
            set("VM_guest_metrics", &tools, "PV_drivers_version", json!({}), json!({"major": "9", "minor": "0"}))?;
            set("VM_guest_metrics", &tools, "other", json!({}), json!({"feature-suspend": "1"}))
        }
        "cannot" => {
            let tools = tools();
            set("VM_guest_metrics", &tools, "other", json!({"data-cant-suspend-reason": "busy"}), json!({}))
        }
        "reset" | "cached" => {
            set("VDI", &r("system"), "allow_caching", json!(what == "cached"), json!(false))?;
            set("VDI", &r("system"), "on_boot", json!("reset"), json!("persist"))
        }
        "pci" => of_vm("attached_PCIs", json!([r("card")]), json!([])),
        "vgpu" => device(client, "VGPU", &vm, wrong),
        "vusb" => device(client, "VUSB", &vm, wrong),
        "vtpm" => device(client, "VTPM", &vm, wrong),
        "appliance" => {
            if sim.record("VM_appliance", &r("appliance")).is_none() {
                let made = sim.insert("VM_appliance", json!({"name_label": "a"}))?;
                // Its reference is made up: the chain knows it by another name.
                return of_vm("appliance", json!(made), null());
            }
            Ok(())
        }
        "upgrade" => set("pool", &r("pool"), "other_config", json!({"rolling_upgrade_in_progress": "true"}), json!({})),
        other => anyhow::bail!("nobody knows how to make {other} wrong"),
    }
}

fn device(client: &Client, class: &str, vm: &str, there: bool) -> anyhow::Result<()> {
    if there {
        client.sim.insert(class, json!({"VM": vm}))?;
    } else {
        for (device, _) in client.sim.records(class).into_iter().filter(|(_, d)| d["VM"] == vm) {
            client.sim.remove(class, &device);
        }
    }
    Ok(())
}

async fn verdict(client: &Client, operation: &str) -> Vec<String> {
    match client.call("VM.assert_operation_valid", json!([r("vm"), operation])).await {
        Ok(_) => vec!["allowed".to_owned()],
        Err(error) => error.downcast::<ApiError>().expect("an error of the API").0,
    }
}

fn expected(what: &str, operation: &str) -> Vec<String> {
    let line = WRONG.lines().find(|l| l.split('|').next().is_some_and(|n| n.trim() == what)).expect(what);
    let words = line.split_once('|').expect(what).1.split_whitespace().enumerate();
    words
        .map(|(at, word)| match word {
            "VM" if what == "busy" && at == 1 => "VM".to_owned(),
            "VM" => r("vm"),
            "OP" => operation.to_owned(),
            other => other.to_owned(),
        })
        .collect()
}

#[tokio::test]
async fn errors_come_in_the_order_of_the_checks() -> anyhow::Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    for line in CHAINS.lines().filter(|l| !l.trim().is_empty()) {
        let (head, chain) = line.split_once('|').unwrap();
        let mut head = head.split_whitespace();
        let (operation, state) = (head.next().unwrap(), head.next().unwrap());
        let chain: Vec<&str> = chain.split_whitespace().collect();
        let client = start().await;
        bring(&client, &r("vm"), state).await?;
        for what in chain.iter().rev() {
            put(&client, operation, state, what, true)?;
        }
        for what in &chain {
            let (found, wanted) = (verdict(&client, operation).await, expected(what, operation));
            let same = found.len() == wanted.len()
                && found.iter().zip(&wanted).all(|(f, w)| match w.as_str() {
                    // These are the table's of states, and a text for people.
                    "STATES" | "ACTUAL" | "TEXT" => !f.is_empty(),
                    "OpaqueRef:appliance" => client.sim.record("VM_appliance", f).is_some(),
                    wanted => f == wanted,
                });
            assert!(same, "{operation}: {what} should show as {wanted:?}, but {found:?}\n{line}");
            put(&client, operation, state, what, false)?;
            seen.insert((*what).to_owned());
        }
        assert_eq!(verdict(&client, operation).await, ["allowed"], "{line}");
    }
    let all = WRONG.lines().filter_map(|l| l.split('|').next()).map(str::trim).filter(|l| !l.is_empty());
    for what in all {
        assert!(seen.contains(what), "no chain has {what}");
    }
    Ok(())
}

#[tokio::test]
async fn force_is_not_strict_about_what_the_guest_says() -> anyhow::Result<()> {
    let client = start().await;
    bring(&client, &r("vm"), "Running").await?;
    for what in ["immobile", "features"] {
        put(&client, "pool_migrate", "Running", what, true)?;
    }
    let go = |options: Value| client.call("VM.pool_migrate", json!([r("vm"), r("h2"), options]));
    assert!(go(json!({"live": "true"})).await.is_err());
    go(json!({"live": "true", "force": "true"})).await?;
    assert_eq!(client.sim.record("VM", &r("vm")).unwrap()["resident_on"], r("h2"));
    // The devices of the host count all the same.
    put(&client, "pool_migrate", "Running", "pci", true)?;
    let refused = client.fails("VM.pool_migrate", json!([r("vm"), r("h1"), {"live": "true", "force": "true"}])).await;
    assert_eq!(refused, ["VM_HAS_PCI_ATTACHED", &r("vm")]);
    Ok(())
}

#[tokio::test]
async fn what_tools_are_needed_for() -> anyhow::Result<()> {
    // The feature, and what it allows a running HVM guest without drivers.
    for (features, allowed) in [
        ("", ""),
        ("feature-shutdown", "clean_reboot clean_shutdown"),
        ("feature-poweroff", "clean_shutdown"),
        ("feature-reboot", "clean_reboot"),
        ("feature-vcpu-hotplug", "changing_VCPUs_live"),
        ("feature-suspend", "checkpoint migrate_send pool_migrate suspend"),
    ] {
        let client = start().await;
        bring(&client, &r("bare"), "Running").await?;
        let other = json!(features.split_whitespace().map(|f| (f, "1")).collect::<std::collections::BTreeMap<_, _>>());
        let metrics = client.sim.insert("VM_guest_metrics", json!({"other": other}))?;
        client.sim.set("VM", &r("bare"), "guest_metrics", json!(metrics))?;
        let mut passed = Vec::new();
        let needing = [
            "changing_VCPUs_live",
            "checkpoint",
            "clean_reboot",
            "clean_shutdown",
            "migrate_send",
            "pool_migrate",
            "suspend",
        ];
        for operation in needing {
            if client.call("VM.assert_operation_valid", json!([r("bare"), operation])).await.is_ok() {
                passed.push(operation);
            }
        }
        assert_eq!(passed.join(" "), allowed, "{features}");
        // A guest that is not HVM passes without.
        for kind in ["pv", "pvh", "pv_in_pvh"] {
            client.sim.set("VM_metrics", &r("bare.metrics"), "current_domain_type", json!(kind))?;
            for operation in needing {
                client.call("VM.assert_operation_valid", json!([r("bare"), operation])).await?;
            }
        }
    }
    Ok(())
}

/// Operations that may run beside others, as the protocol lists them: the new one, and what runs.
fn together(new: &str, running: &str) -> bool {
    let copies = ["clone", "copy", "export"];
    let snapshots = ["snapshot", "checkpoint"];
    match (new, running) {
        ("hard_shutdown", running) => running != "hard_shutdown",
        ("hard_reboot", running) => !["hard_reboot", "hard_shutdown"].contains(&running),
        ("metadata_export" | "clean_shutdown" | "clean_reboot", "migrate_send") => true,
        // Whether a second snapshot may join a first one is open; here it waits.
        (new, running) if snapshots.contains(&new) && snapshots.contains(&running) => new != running,
        (new, running) => copies.contains(&new) && copies.contains(&running),
    }
}

#[tokio::test]
async fn which_operations_run_together() -> anyhow::Result<()> {
    const NEW: [(&str, &str); 15] = [
        ("clone", "Halted"),
        ("copy", "Halted"),
        ("export", "Halted"),
        ("start", "Halted"),
        ("destroy", "Halted"),
        ("snapshot", "Running"),
        ("checkpoint", "Running"),
        ("hard_shutdown", "Running"),
        ("hard_reboot", "Running"),
        ("clean_shutdown", "Running"),
        ("clean_reboot", "Running"),
        ("metadata_export", "Running"),
        ("pool_migrate", "Running"),
        ("migrate_send", "Running"),
        ("suspend", "Running"),
    ];
    for state in ["Halted", "Running"] {
        let client = start().await;
        bring(&client, &r("vm"), state).await?;
        for (new, _) in NEW.iter().filter(|(_, s)| *s == state) {
            for (running, _) in NEW {
                client.sim.set("VM", &r("vm"), "current_operations", json!({"OpaqueRef:task": running}))?;
                let wanted = match together(new, running) {
                    true => vec!["allowed".to_owned()],
                    false => ["OTHER_OPERATION_IN_PROGRESS", "VM", &r("vm"), running, "OpaqueRef:task"]
                        .map(str::to_owned)
                        .to_vec(),
                };
                assert_eq!(verdict(&client, new).await, wanted, "{new} while {running}");
            }
        }
    }
    // Several at once are named together.
    let client = start().await;
    client.sim.set("VM", &r("vm"), "current_operations", json!({"OpaqueRef:1": "clone", "OpaqueRef:2": "copy"}))?;
    assert_eq!(
        verdict(&client, "start").await,
        ["OTHER_OPERATION_IN_PROGRESS", "VM", &r("vm"), "{clone,copy}", "{OpaqueRef:1,OpaqueRef:2}"]
    );
    Ok(())
}
