//! Power states (PROTOCOL 7.2): every operation from every state, and what allowed_operations lists.

use serde_json::{Value, json};

use super::world::{MODEL, bring, list, r, start};

const STATES: [&str; 4] = ["Halted", "Paused", "Running", "Suspended"];

/// `yes`: it may run. `-`: VM_BAD_POWER_STATE with the list of the last column. A code: that error, whatever the state.
/// The VM is an HVM guest with its tools; operations of templates and snapshots are refused to it as such.
/// A row with `*` is open in the protocol's table, which ends in an ellipsis: those go from all states.
const CELLS: &str = "
    start                       | yes | -   | -   | -   | halted
    start_on                    | yes | -   | -   | -   | halted
    provision                   | PROVISION_ONLY_ALLOWED_ON_TEMPLATE | - | - | - | halted
    make_into_template          | yes | -   | -   | -   | halted
    changing_shadow_memory      | yes | -   | -   | -   | halted
    changing_NVRAM              | yes | -   | -   | -   | halted
    create_vtpm                 | yes | -   | -   | -   | halted
    changing_static_range       | yes | -   | -   | -   | halted
    changing_memory_limits      | yes | -   | -   | -   | halted
    changing_VCPUs              | yes | -   | -   | -   | halted
    changing_dynamic_range      | yes | -   | yes | -   | halted, running
    unpause                     | -   | yes | -   | -   | paused
    resume                      | -   | -   | -   | yes | suspended
    resume_on                   | -   | -   | -   | yes | suspended
    csvm                        | -   | -   | -   | yes | suspended
    pause                       | -   | -   | yes | -   | running
    suspend                     | -   | -   | yes | -   | running
    clean_shutdown              | -   | -   | yes | -   | running
    clean_reboot                | -   | -   | yes | -   | running
    pool_migrate                | -   | -   | yes | -   | running
    changing_VCPUs_live         | -   | -   | yes | -   | running
    changing_memory_live        | -   | -   | yes | -   | running
    call_plugin                 | -   | -   | yes | -   | running
    send_sysrq                  | -   | -   | yes | -   | running
    send_trigger                | -   | -   | yes | -   | running
    data_source_op              | -   | -   | yes | -   | running
    sysprep                     | -   | -   | yes | -   | running
    clone                       | yes | -   | -   | -   | halted
    copy                        | yes | -   | -   | -   | halted
    destroy                     | yes | -   | -   | yes | halted, suspended
    export                      | yes | -   | -   | yes | halted, suspended
    create_template             | yes | -   | -   | yes | halted, suspended
    hard_reboot                 | -   | yes | yes | -   | paused, running
    hard_shutdown               | -   | yes | yes | yes | paused, suspended, running
    shutdown                    | -   | yes | yes | yes | paused, suspended, running
    checkpoint                  | -   | yes | yes | yes | paused, suspended, running
    migrate_send                | yes | -   | yes | yes | halted, suspended, running
    snapshot                    | yes | yes | yes | yes |
    revert                      | REVERT_ONLY_ALLOWED_ON_SNAPSHOT | REVERT_ONLY_ALLOWED_ON_SNAPSHOT | REVERT_ONLY_ALLOWED_ON_SNAPSHOT | REVERT_ONLY_ALLOWED_ON_SNAPSHOT |
    metadata_export             | yes | yes | yes | yes |
    update_allowed_operations   | yes | yes | yes | yes |
    power_state_reset           | yes | yes | yes | yes |
    assert_operation_valid      | yes | yes | yes | yes |
    snapshot_with_quiesce       | yes | yes | yes | yes | *
    get_boot_record             | yes | yes | yes | yes | *
    query_services              | yes | yes | yes | yes | *
    awaiting_memory_live        | yes | yes | yes | yes | *
    changing_shadow_memory_live | yes | yes | yes | yes | *
    import                      | yes | yes | yes | yes | *
    reverting                   | yes | yes | yes | yes | *
";

/// Never in allowed_operations, though the check may let them pass.
const NEVER_LISTED: &str = "create_template power_state_reset csvm get_boot_record send_sysrq send_trigger query_services shutdown \
    call_plugin changing_memory_live awaiting_memory_live changing_memory_limits changing_shadow_memory_live changing_VCPUs \
    assert_operation_valid data_source_op update_allowed_operations import reverting";

/// The lists of the protocol, word for word, with its remarks in brackets taken where the objects here call for them.
const LISTS: &str = "
    vm Halted         | snapshot clone copy start start_on changing_dynamic_range changing_static_range changing_shadow_memory changing_NVRAM make_into_template export metadata_export destroy migrate_send create_vtpm
    vm Running        | snapshot checkpoint pause clean_shutdown clean_reboot hard_shutdown hard_reboot suspend pool_migrate migrate_send changing_dynamic_range changing_VCPUs_live metadata_export sysprep
    bare Running      | snapshot pause hard_shutdown hard_reboot changing_dynamic_range metadata_export sysprep
    vm Paused         | snapshot checkpoint unpause hard_shutdown hard_reboot metadata_export
    vm Suspended      | snapshot checkpoint resume resume_on hard_shutdown destroy export migrate_send metadata_export
    template Halted   | changing_dynamic_range changing_static_range changing_shadow_memory changing_NVRAM clone copy export metadata_export provision destroy migrate_send
    product Halted    | changing_dynamic_range changing_static_range changing_shadow_memory changing_NVRAM clone copy export metadata_export provision
    snapshot          | revert clone copy export destroy metadata_export
    checkpoint        | revert clone copy export destroy metadata_export hard_shutdown
    h1.dom0 Running   | changing_dynamic_range changing_static_range metadata_export
";

/// One cell: the operation, the state, and the error that must come (`None`: none).
struct Cell {
    operation: &'static str,
    state: &'static str,
    error: Option<Vec<String>>,
}

fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for line in CELLS.lines().filter(|l| !l.trim().is_empty()) {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        assert_eq!(columns.len(), 6, "{line}");
        for (state, cell) in STATES.into_iter().zip(&columns[1..5]) {
            let error = match *cell {
                "yes" => None,
                "-" => {
                    Some(vec!["VM_BAD_POWER_STATE".to_owned(), r("vm"), columns[5].to_owned(), state.to_lowercase()])
                }
                code => Some(vec![code.to_owned()]),
            };
            cells.push(Cell { operation: columns[0], state, error });
        }
    }
    cells
}

/// The values of an enumeration of the data model.
pub fn enumeration(name: &str) -> Vec<String> {
    MODEL["enums"][name].as_array().expect(name).iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn every_operation_from_every_state() -> anyhow::Result<()> {
    let cells = cells();
    for operation in enumeration("vm_operations") {
        assert_eq!(cells.iter().filter(|c| c.operation == operation).count(), 4, "{operation} has a row");
    }
    for state in STATES {
        let client = start().await;
        let vm = r("vm");
        bring(&client, &vm, state).await?;
        client.call("VM.update_allowed_operations", json!([vm])).await?;
        let listed = list(&client.sim.record("VM", &vm).unwrap(), "allowed_operations");
        let mut expected = Vec::new();
        for cell in cells.iter().filter(|c| c.state == state) {
            let answer = client.call("VM.assert_operation_valid", json!([vm, cell.operation])).await;
            let error = answer.err().map(|e| e.downcast::<crate::client::ApiError>().expect("an error of the API").0);
            assert_eq!(error, cell.error, "{} from {state}", cell.operation);
            let never = NEVER_LISTED.split_whitespace().chain(["snapshot_with_quiesce"]).any(|o| o == cell.operation);
            if cell.error.is_none() && !never {
                expected.push(cell.operation.to_owned());
            }
        }
        expected.sort();
        assert_eq!(listed, expected, "{state}");
    }
    Ok(())
}

/// How each operation is called. Setters stand for the operations that have no message of their own name.
fn call_of(operation: &str) -> Option<(&'static str, Value)> {
    let vm = r("vm");
    let (gib, half) = (1_i64 << 30, 1_i64 << 29);
    Some(match operation {
        "start" => ("VM.start", json!([vm, false, false])),
        "start_on" => ("VM.start_on", json!([vm, r("h2"), false, false])),
        "provision" => ("VM.provision", json!([vm])),
        "make_into_template" => ("VM.set_is_a_template", json!([vm, true])),
        "changing_shadow_memory" => ("VM.set_HVM_shadow_multiplier", json!([vm, 2.0])),
        "changing_NVRAM" => ("VM.set_NVRAM", json!([vm, {}])),
        "create_vtpm" => ("VTPM.create", json!([vm, false])),
        "changing_static_range" => ("VM.set_memory_static_range", json!([vm, half, gib])),
        "changing_memory_limits" => ("VM.set_memory_limits", json!([vm, half, gib, gib, gib])),
        "changing_VCPUs" => ("VM.set_VCPUs_max", json!([vm, 4])),
        "changing_dynamic_range" => ("VM.set_memory_dynamic_range", json!([vm, half, gib])),
        "unpause" => ("VM.unpause", json!([vm])),
        "resume" => ("VM.resume", json!([vm, false, false])),
        "resume_on" => ("VM.resume_on", json!([vm, r("h2"), false, false])),
        "csvm" => ("VM.csvm", json!([vm])),
        "pause" => ("VM.pause", json!([vm])),
        "suspend" => ("VM.suspend", json!([vm])),
        "clean_shutdown" => ("VM.clean_shutdown", json!([vm])),
        "clean_reboot" => ("VM.clean_reboot", json!([vm])),
        "pool_migrate" => ("VM.pool_migrate", json!([vm, r("h2"), {"live": "true"}])),
        "changing_VCPUs_live" => ("VM.set_VCPUs_number_live", json!([vm, 2])),
        "sysprep" => ("VM.sysprep", json!([vm, "", 1.0])),
        "clone" => ("VM.clone", json!([vm, "new"])),
        "copy" => ("VM.copy", json!([vm, "new", r("lvm")])),
        "destroy" => ("VM.destroy", json!([vm])),
        "hard_reboot" => ("VM.hard_reboot", json!([vm])),
        "hard_shutdown" => ("VM.hard_shutdown", json!([vm])),
        "shutdown" => ("VM.shutdown", json!([vm])),
        "checkpoint" => ("VM.checkpoint", json!([vm, "new"])),
        "migrate_send" => ("VM.migrate_send", json!([vm, {"host": r("h2")}, true, {}, {}, {}])),
        "snapshot" => ("VM.snapshot", json!([vm, "new"])),
        "revert" => ("VM.revert", json!([vm])),
        "update_allowed_operations" => ("VM.update_allowed_operations", json!([vm])),
        _ => return None,
    })
}

#[tokio::test]
async fn the_calls_agree_with_the_table() -> anyhow::Result<()> {
    let mut called = 0;
    for cell in cells() {
        let Some((method, params)) = call_of(cell.operation) else { continue };
        let client = start().await;
        bring(&client, &r("vm"), cell.state).await?;
        let answer = client.call(method, params).await;
        let error = answer.err().map(|e| e.downcast::<crate::client::ApiError>().expect("an error of the API").0);
        assert_eq!(error, cell.error, "{method} from {}", cell.state);
        called += 1;
    }
    assert_eq!(called, 33 * 4);
    Ok(())
}

#[tokio::test]
async fn the_lists_are_the_protocols() -> anyhow::Result<()> {
    for line in LISTS.lines().filter(|l| !l.trim().is_empty()) {
        let (object, expected) = line.split_once('|').unwrap();
        let client = start().await;
        let mut words = object.split_whitespace();
        let name = words.next().unwrap();
        let object = match name {
            "snapshot" => client.call("VM.snapshot", json!([r("vm"), "s"])).await?.as_str().unwrap().to_owned(),
            "checkpoint" => {
                bring(&client, &r("vm"), "Running").await?;
                client.call("VM.checkpoint", json!([r("vm"), "s"])).await?.as_str().unwrap().to_owned()
            }
            _ => r(name),
        };
        if let Some(state) = words.next().filter(|_| name != "h1.dom0") {
            bring(&client, &object, state).await?;
        }
        client.call("VM.update_allowed_operations", json!([object])).await?;
        let mut expected: Vec<&str> = expected.split_whitespace().collect();
        expected.sort_unstable();
        assert_eq!(list(&client.sim.record("VM", &object).unwrap(), "allowed_operations"), expected, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn suspended_vms_are_cloned_where_that_is_allowed() -> anyhow::Result<()> {
    let client = start().await;
    bring(&client, &r("vm"), "Suspended").await?;
    let refused = client.fails("VM.clone", json!([r("vm"), "new"])).await;
    assert_eq!(refused, ["VM_BAD_POWER_STATE", &r("vm"), "halted", "suspended"]);
    // A suspended snapshot may always be.
    let checkpoint = client.call("VM.checkpoint", json!([r("vm"), "s"])).await?;
    client.call("VM.clone", json!([checkpoint, "of the checkpoint"])).await?;
    client.call("pool.add_to_other_config", json!([r("pool"), "allow_clone_suspended_vm", "true"])).await?;
    for method in ["VM.clone", "VM.copy"] {
        let mut params = vec![json!(r("vm")), json!("new")];
        params.extend((method == "VM.copy").then(|| json!("OpaqueRef:NULL")));
        let clone = client.call(method, Value::Array(params)).await?;
        let clone = client.sim.record("VM", clone.as_str().unwrap()).unwrap();
        assert_eq!(clone["power_state"], "Suspended", "{method}");
        let memory = clone["suspend_VDI"].as_str().unwrap();
        assert_ne!(memory, client.sim.record("VM", &r("vm")).unwrap()["suspend_VDI"], "{method}");
        assert_eq!(client.sim.record("VDI", memory).unwrap()["type"], "suspend", "{method}");
    }
    Ok(())
}
