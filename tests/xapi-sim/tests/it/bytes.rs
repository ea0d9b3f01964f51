//! Disks and VMs in and out over HTTP, and the tasks that tell how it went.

use anyhow::Context;
use serde_json::{Value, json};
use xapi_sim::{Fleet, Members, Options};

use crate::client::{Answer, Client, Connection, until};

const MIB: usize = 1 << 20;

async fn start() -> anyhow::Result<Client> {
    Client::start(Fleet { vms: 8, ..Fleet::small() }.options(0)).await
}

async fn get(client: &Client, path: &str) -> anyhow::Result<Answer> {
    let path = format!("{path}&session_id={}", client.session);
    Connection::plain(&client.sim).await?.get(&path).await
}

/// Uploads; `announced` is the Content-Length when it is not the body's.
async fn put(client: &Client, path: &str, body: &[u8], announced: Option<u64>) -> anyhow::Result<Answer> {
    let mut connection = Connection::plain(&client.sim).await?;
    let length = announced.unwrap_or(body.len() as u64);
    let head = format!("PUT {path}&session_id={} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}", client.session);
    connection.send(&head, "").await?;
    connection.write(body).await?;
    if announced.is_some() {
        connection.hang_up().await?;
    }
    connection.receive().await
}

async fn sr(client: &Client) -> anyhow::Result<String> {
    let srs = client.sim.records("SR");
    Ok(srs.into_iter().find(|(_, sr)| sr["type"] == "nfs").context("no SR")?.0)
}

async fn new_disk(client: &Client, mib: usize) -> anyhow::Result<String> {
    let record = json!({"SR": sr(client).await?, "virtual_size": mib * MIB, "type": "user", "sharable": false, "read_only": false,
        "other_config": {}, "name_label": "made here"});
    Ok(client.call("VDI.create", json!([record])).await?.as_str().unwrap_or_default().to_owned())
}

async fn task(client: &Client) -> anyhow::Result<String> {
    Ok(client.call("task.create", json!(["transfer", ""])).await?.as_str().unwrap_or_default().to_owned())
}

async fn ended(client: &Client, task: &str) -> Value {
    until(|| client.sim.record("task", task).is_none_or(|t| t["status"] != "pending")).await;
    client.sim.record("task", task).unwrap_or_default()
}

/// The blocks of a dynamic or differencing image by number.
fn blocks(image: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let word = |at: usize| image[at..at + 4].iter().fold(0, |n: u32, b| n << 8 | u32::from(*b));
    let (entries, entry) = (word(540) as usize, |n: usize| word(1536 + 4 * n));
    let used = (0..entries).filter(|n| entry(*n) != u32::MAX);
    used.map(|n| {
        let at = entry(n) as usize * 512 + 512;
        (n, image[at..at + 2 * MIB].to_vec())
    })
    .collect()
}

#[tokio::test]
async fn a_disk_goes_out_and_comes_in_in_both_formats() -> anyhow::Result<()> {
    let client = start().await?;
    let disk = new_disk(&client, 6).await?;
    let mut data = vec![0; 6 * MIB];
    data[..5].copy_from_slice(b"first");
    data[4 * MIB + 7..4 * MIB + 12].copy_from_slice(b"third");

    let done = task(&client).await?;
    let path = format!("/import_raw_vdi?vdi={disk}&format=raw&task_id={done}");
    let answer = put(&client, &path, &data, None).await?;
    assert_eq!(
        (answer.status, answer.header("task-id"), answer.header("connection")),
        (200, Some(done.as_str()), Some("close"))
    );
    let done = ended(&client, &done).await;
    assert_eq!((&done["status"], &done["result"]), (&json!("success"), &json!(format!("<value>{disk}</value>"))));

    let answer = get(&client, &format!("/export_raw_vdi?vdi={disk}&format=raw")).await?;
    assert!(
        answer.bytes == data
            && answer.header("content-length").is_none()
            && answer.header("transfer-encoding").is_none()
    );
    let own = answer.header("task-id").unwrap().to_owned();
    assert_eq!(ended(&client, &own).await["status"], "success");

    // Only what is not empty; then only what changed since the snapshot.
    let image = get(&client, &format!("/export_raw_vdi?vdi={disk}&format=vhd")).await?;
    assert_eq!(image.header("content-type"), Some("application/vhd"));
    let found = blocks(&image.bytes);
    assert_eq!(found.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [0, 2]);
    let snapshot = client.call("VDI.snapshot", json!([disk])).await?.as_str().unwrap_or_default().to_owned();
    data[2 * MIB] = 7;
    data[4 * MIB + 7..4 * MIB + 12].fill(0);
    put(&client, &format!("/import_raw_vdi?vdi={disk}&format=raw"), &data, None).await?;
    let delta = get(&client, &format!("/export_raw_vdi?vdi={disk}&format=vhd&base={snapshot}")).await?;
    assert_eq!(blocks(&delta.bytes).iter().map(|(n, _)| *n).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(delta.bytes[60..64], 4_u32.to_be_bytes());

    // The chain restores: the full image, then the difference on top.
    let copy = new_disk(&client, 6).await?;
    put(&client, &format!("/import_raw_vdi?vdi={copy}&format=vhd"), &image.bytes, None).await?;
    let old = get(&client, &format!("/export_raw_vdi?vdi={snapshot}&format=raw")).await?.bytes;
    assert!(get(&client, &format!("/export_raw_vdi?vdi={copy}&format=raw")).await?.bytes == old);
    // An end that is cut is an end, once the image is complete.
    put(&client, &format!("/import_raw_vdi?vdi={copy}&format=vhd"), &delta.bytes, Some(1 << 50)).await.ok();
    until_equal(&client, &copy, &data).await
}

async fn until_equal(client: &Client, disk: &str, data: &[u8]) -> anyhow::Result<()> {
    for _ in 0..200 {
        if get(client, &format!("/export_raw_vdi?vdi={disk}&format=raw")).await?.bytes == data {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    anyhow::bail!("the disk never was what was sent")
}

#[tokio::test]
async fn what_goes_wrong_is_told_by_the_task() -> anyhow::Result<()> {
    let client = start().await?;
    let disk = new_disk(&client, 2).await?;
    let attached =
        client.sim.records("VBD").into_values().find(|v| v["currently_attached"] == true).context("nothing runs")?;
    let attached = attached["VDI"].as_str().unwrap_or_default().to_owned();
    for (path, body, status, code) in [
        (format!("/import_raw_vdi?vdi={disk}&format=raw"), vec![1; 2 * MIB + 512], 200, "VDI_IO_ERROR"),
        (format!("/import_raw_vdi?vdi={disk}&format=vhd"), vec![1; 4096], 200, "VDI_IO_ERROR"),
        (format!("/import_raw_vdi?vdi={disk}&format=floppy"), vec![1; 512], 404, "INTERNAL_ERROR"),
        (format!("/import_raw_vdi?vdi={attached}&format=raw"), vec![1; 512], 200, "VDI_IN_USE"),
        ("/import_raw_vdi?format=raw".to_owned(), vec![1; 512], 400, "INTERNAL_ERROR"),
        ("/import?x=y".to_owned(), vec![1; 100], 200, "IMPORT_ERROR_PREMATURE_EOF"),
    ] {
        let told = task(&client).await?;
        let answer = put(&client, &format!("{path}&task_id={told}"), &body, None).await?;
        assert_eq!(answer.status, status, "{path}");
        let told = ended(&client, &told).await;
        assert_eq!((&told["status"], &told["error_info"][0]), (&json!("failure"), &json!(code)), "{path}");
    }
    // A probe changes nothing.
    let answer = put(&client, &format!("/import_raw_vdi?vdi={disk}&format=raw"), b"", None).await?;
    assert_eq!(answer.status, 200);
    assert!(client.sim.records("task").values().all(|t| t["status"] != "pending"));
    // A cancelled download is cut.
    let big = client
        .sim
        .records("VDI")
        .into_iter()
        .find(|(_, v)| v["name_label"] == "Suspend image" || v["VBDs"] == json!([]))
        .context("a free disk")?
        .0;
    let stopped = task(&client).await?;
    let mut connection = Connection::plain(&client.sim).await?;
    let path = format!("/export_raw_vdi?vdi={big}&task_id={stopped}&session_id={}", client.session);
    connection.send(&format!("GET {path} HTTP/1.1\r\nHost: x"), "").await?;
    until(|| client.sim.calls_of("/export_raw_vdi") == 1).await;
    client.call("task.cancel", json!([stopped])).await?;
    drop(connection);
    let stopped = ended(&client, &stopped).await;
    assert!(stopped["status"] == "cancelled" || stopped["status"] == "failure", "{stopped}");
    Ok(())
}

#[tokio::test]
async fn disks_may_come_in_frames() -> anyhow::Result<()> {
    let client = start().await?;
    let disk = new_disk(&client, 4).await?;
    let mut body = Vec::new();
    for (offset, data) in [(3 * MIB as u64, &b"abc"[..]), (512, b"x")] {
        body.extend(offset.to_le_bytes());
        body.extend((data.len() as u32).to_le_bytes());
        body.extend(data);
    }
    body.extend([0; 12]);
    put(&client, &format!("/import_raw_vdi?vdi={disk}&chunked=true"), &body, None).await?;
    let mut data = vec![0; 4 * MIB];
    data[3 * MIB..3 * MIB + 3].copy_from_slice(b"abc");
    data[512] = b'x';
    until_equal(&client, &disk, &data).await
}

#[tokio::test]
async fn a_vm_goes_out_and_comes_in_elsewhere() -> anyhow::Result<()> {
    let client = start().await?;
    let (vm, record) = client
        .sim
        .records("VM")
        .into_iter()
        .find(|(_, vm)| vm["power_state"] == "Halted" && vm["is_a_template"] == false)
        .context("none halted")?;
    let file = get(&client, &format!("/export?ref={vm}")).await?;
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"export.xva\""));
    assert!(file.bytes.starts_with(b"ova.xml\0") && file.bytes.ends_with(&[0; 1024]));

    let other = Client::start(Fleet { seed: 9, vms: 4, ..Fleet::small() }.options(0)).await?;
    let told = task(&other).await?;
    let sr = sr(&other).await?;
    put(&other, &format!("/import?sr_id={sr}&task_id={told}"), &file.bytes, None).await?;
    let told = ended(&other, &told).await;
    assert_eq!(told["status"], "success", "{told}");
    assert_eq!(told["other_config"]["object_creation"], "complete");
    let result = told["result"].as_str().unwrap_or_default();
    let new = result.replace("<value><array><data><value>", "").replace("</value></data></array></value>", "");
    let made = other.sim.record("VM", &new).unwrap();
    for field in ["name_label", "memory_static_max", "platform", "VCPUs_max", "recommendations", "HVM_boot_params"] {
        assert_eq!(made[field], record[field], "{field}");
    }
    assert_ne!(made["uuid"], record["uuid"]);
    assert_eq!((made["VBDs"].as_array().map(Vec::len), made["VIFs"].as_array().map(Vec::len)), (Some(2), Some(1)));
    // Its disks are the same, block for block.
    let disk = |client: &Client, vm: &str| -> String {
        let vbds = client.sim.record("VM", vm).unwrap()["VBDs"].clone();
        let first =
            vbds.as_array().unwrap().iter().filter_map(Value::as_str).map(|v| client.sim.record("VBD", v).unwrap());
        first.into_iter().find(|v| v["userdevice"] == "0").unwrap()["VDI"].as_str().unwrap().to_owned()
    };
    let there = get(&other, &format!("/export_raw_vdi?format=vhd&vdi={}", disk(&other, &new))).await?;
    let here = get(&client, &format!("/export_raw_vdi?format=vhd&vdi={}", disk(&client, &vm))).await?;
    assert!(blocks(&here.bytes) == blocks(&there.bytes) && !blocks(&here.bytes).is_empty());
    assert_eq!(other.sim.record("VDI", &disk(&other, &new)).unwrap()["SR"], json!(sr));

    // One wrong byte, and nothing is left of it; unless it does not matter.
    let mut spoilt = file.bytes.clone();
    let at = spoilt.len() - MIB;
    spoilt[at] ^= 1;
    let (vms, disks) = (other.sim.records("VM").len(), other.sim.records("VDI").len());
    let told = task(&other).await?;
    put(&other, &format!("/import?task_id={told}"), &spoilt, None).await?;
    assert_eq!(ended(&other, &told).await["error_info"], json!(["IMPORT_ERROR_SOME_CHECKSUMS_FAILED"]));
    assert_eq!((other.sim.records("VM").len(), other.sim.records("VDI").len()), (vms, disks));
    let told = task(&other).await?;
    put(&other, &format!("/import?force=true&task_id={told}"), &spoilt, None).await?;
    assert_eq!(ended(&other, &told).await["status"], "success");
    // What runs is not exported.
    let (running, _) = client.sim.records("VM").into_iter().find(|(_, vm)| vm["power_state"] == "Running").unwrap();
    let told = task(&client).await?;
    assert_eq!(get(&client, &format!("/export?ref={running}&task_id={told}")).await?.status, 500);
    assert_eq!(ended(&client, &told).await["error_info"][0], "VM_BAD_POWER_STATE");
    Ok(())
}

#[tokio::test]
async fn disks_on_a_host_of_their_own_are_one_redirect_away() -> anyhow::Result<()> {
    let options = Fleet { vms: 8, ..Fleet::small() }.options(0);
    let client = Client::start(Options { members: Members::Ports, ..options }).await?;
    let slave = client.sim.members()[1].clone();
    let pbds = client.sim.records("PBD");
    let local = pbds.values().find(|p| {
        p["host"] == json!(slave.host) && client.sim.record("SR", p["SR"].as_str().unwrap()).unwrap()["shared"] == false
    });
    let sr = local.unwrap()["SR"].as_str().unwrap().to_owned();
    let disk = client.sim.insert("VDI", json!({"SR": sr, "virtual_size": 2 * MIB, "managed": true}))?;
    let path = format!("/export_raw_vdi?vdi={disk}");
    let answer = get(&client, &path).await?;
    let place = format!("{}{path}&session_id={}", slave.url, client.session);
    assert_eq!((answer.status, answer.header("location")), (302, Some(place.as_str())));
    let answer = Connection::at(&slave.url).await?.get(&format!("{path}&session_id={}", client.session)).await?;
    assert_eq!((answer.status, answer.bytes.len()), (200, 2 * MIB));
    Ok(())
}
