//! What the writer promises: whole swaps, real differences, nothing lost with the connection.

use std::sync::Arc;

use model::{Changes, Clock, ManualClock, ServerId};
use serde_json::{Value as Json, json};
use xapi::Delta;

use super::support::{apply, connected, delete, load, modern, public, record};
use crate::{Error, Feed, Inventory, Subscription};

async fn changes(feed: &mut Subscription) -> Arc<Changes> {
    match feed.recv().await {
        Feed::Changes(changes) => changes,
        Feed::Resync => panic!("a resync"),
    }
}

/// Returns what changed, in short: `+id ~id -id`, sorted.
fn short(changes: &Changes) -> String {
    let sign = |before: &Option<_>| if before.is_some() { '~' } else { '+' };
    let set =
        changes.set.iter().zip(&changes.before).map(|(object, before)| format!("{}{}", sign(before), object.id()));
    let removed = changes.removed.iter().map(|(id, kind)| format!("-{id}({kind})"));
    let mut words: Vec<String> = set.chain(removed).collect();
    words.sort();
    words.join(" ")
}

/// Applies a batch to the modern pool and returns what subscribers hear, or nothing.
async fn heard(prepare: impl FnOnce(&mut Json), batch: impl FnOnce(&mut Json) -> Vec<Delta>) -> String {
    let mut pool = modern();
    prepare(&mut pool);
    let (inventory, mut writer) = connected(&pool);
    let mut feed = inventory.subscribe();
    let before = feed.snapshot();
    let deltas = batch(&mut pool);
    writer.apply(&deltas);
    let after = inventory.snapshot();
    if after.revision() == before.revision() {
        return "silence".to_owned();
    }
    let changes = changes(&mut feed).await;
    assert_eq!(changes.revision, after.revision());
    // What the changes say and what the snapshots show is the same thing.
    for (object, was) in changes.set.iter().zip(&changes.before) {
        assert!(Arc::ptr_eq(after.get(object.id().as_str()).expect("is shown"), object));
        assert_eq!(before.get(object.id().as_str()), was.as_ref());
    }
    for ((id, _), last) in changes.removed.iter().zip(&changes.last) {
        assert!(after.get(id.as_str()).is_none());
        assert_eq!(before.get(id.as_str()), Some(last));
    }
    short(&changes)
}

const WIN: &str = "12345678-aaaa-4aaa-8aaa-aaaaaaaaaaaa";

/// Changes one record of the modern pool.
async fn after_edit(class: &str, name: &str, patch: Json) -> String {
    heard(
        |_| {},
        |pool| {
            let record = record(pool, class, name);
            for (field, value) in patch.as_object().expect("a patch") {
                record[field] = value.clone();
            }
            vec![apply(pool, class, name)]
        },
    )
    .await
}

#[tokio::test]
async fn dependents_follow() {
    for (class, name, patch, expected) in [
        ("VM", "linux", json!({"name_label": "x"}), "~linux-uuid".to_owned()),
        ("VM", "linux", json!({"user_version": 7}), "silence".to_owned()),
        ("host_metrics", "hm1", json!({"live": false}), "~host1-uuid".to_owned()),
        ("host_metrics", "hm1", json!({"last_updated": "x"}), "silence".to_owned()),
        ("VM_metrics", "vmm", json!({"VCPUs_number": "2"}), format!("~{WIN}")),
        ("VM_guest_metrics", "gm", json!({"networks": {}}), format!("~{WIN}")),
        ("PIF_metrics", "pm", json!({"carrier": false}), "~bond0-uuid".to_owned()),
        ("Bond", "bond", json!({"slaves": ["OpaqueRef:eth0"]}), "~bond0-uuid".to_owned()),
        ("Certificate", "cert", json!({"fingerprint": "EF"}), "~host1-uuid".to_owned()),
        ("pool_update", "update", json!({"version": "2"}), "~host1-uuid".to_owned()),
        // A hotfix tells its patches what they are; who only knows its id is left alone.
        ("pool_patch", "poolpatch", json!({"name_label": "other"}), "~OpaqueRef:poolpatch ~patch-uuid".to_owned()),
        ("task", "task", json!({"progress": 0.5}), "~task-uuid".to_owned()),
        ("task", "task", json!({"uuid": "other-uuid"}), format!("+other-uuid -task-uuid(task) ~{WIN}")),
        ("VGPU", "vgpu", json!({"resident_on": "OpaqueRef:NULL"}), "~vgpu-uuid".to_owned()),
        ("VGPU_type", "vgputype", json!({"uuid": "t2"}), {
            "+t2 -vgputype-uuid(vgpuType) ~gpugroup-uuid ~pgpu-uuid ~vgpu-uuid".to_owned()
        }),
        // The pool has no name of its own and shows its master's.
        ("host", "host1", json!({"name_label": "gamma"}), "~host1-uuid ~pool-uuid".to_owned()),
        // The local SR moves to the other host, and with it the halted VM whose disk lies on it.
        ("PBD", "pbd-local", json!({"host": "OpaqueRef:host1"}), "~linux-uuid ~local-uuid ~pbd-local-uuid".to_owned()),
        ("SR", "local", json!({"shared": true}), "~linux-uuid ~local-uuid".to_owned()),
        ("PBD", "pbd-linstor", json!({"device_config": {}}), "~linstor-uuid ~pbd-linstor-uuid".to_owned()),
        // The parent grows, so does the chain of the child.
        ("VDI", "base", json!({"physical_utilisation": "701"}), "~base-uuid ~disk-uuid".to_owned()),
        ("VDI", "disk", json!({"SR": "OpaqueRef:lvm"}), "~disk-uuid ~pool-uuid".to_owned()),
        // Another master version, another setting that counts.
        (
            "host",
            "host1",
            json!({"software_version": {"product_brand": "XCP-ng", "platform_version": "3.2.0"}}),
            format!("~{WIN} ~host1-uuid ~pool-uuid"),
        ),
    ] {
        let heard = after_edit(class, name, patch.clone()).await;
        assert_eq!(heard, expected, "{class} {name} {patch}");
    }
}

#[tokio::test]
async fn kinds_change_in_place() {
    let heard = after_edit("VM", "tpl2", json!({"is_a_template": false})).await;
    assert_eq!(heard, "~tpl2-uuid");
    // A default template that loses its flag also loses the pool in its id.
    let heard = after_edit("VM", "tpl", json!({"is_default_template": false})).await;
    assert_eq!(heard, "+tpl-uuid -pool-uuid-tpl-uuid(VM-template)");
}

#[tokio::test]
async fn what_goes_leaves_no_trace() {
    let heard =
        heard(|_| {}, |_| vec![delete("VBD", "vbd-local"), delete("VIF", "vif2"), delete("VM", "nobody")]).await;
    // The disk of the VM is gone: its list, the image's list and the place of the VM change; so does the network's list.
    assert_eq!(heard, "-vbd-local-uuid(VBD) -vif2-uuid(VIF) ~linux-uuid ~local-disk-uuid ~net2-uuid");
}

#[tokio::test]
async fn dangling_references_are_absent_until_they_lead_somewhere() {
    let lose = |pool: &mut Json| {
        pool["SR"].as_object_mut().expect("records").remove("OpaqueRef:nfs");
        pool["VM"].as_object_mut().expect("records").remove("OpaqueRef:win");
    };
    let mut pool = modern();
    lose(&mut pool);
    let (inventory, mut writer) = connected(&pool);
    let snapshot = inventory.snapshot();
    assert_eq!(public(&snapshot, "pool").get("default_SR"), None);
    assert_eq!(public(&snapshot, "disk").get("$SR"), None);
    assert_eq!(public(&snapshot, "vif").get("$VM"), None);
    assert_eq!(public(&snapshot, "host1")["residentVms"], json!(["dom0-uuid", null]));

    let whole = modern();
    // The dependents come first, what they need last.
    writer.apply(&[apply(&whole, "VIF", "vif"), apply(&whole, "VM", "win"), apply(&whole, "SR", "nfs")]);
    let (complete, _writer) = connected(&whole);
    let (repaired, complete) = (inventory.snapshot(), complete.snapshot());
    assert_eq!(repaired.len(), complete.len());
    for (repaired, complete) in repaired.iter().zip(complete.iter()) {
        assert_eq!(repaired, complete);
    }
}

#[tokio::test]
async fn records_in_any_order_make_the_same_picture() {
    let whole = modern();
    let mut deltas = Vec::new();
    for (class, records) in whole.as_object().expect("classes") {
        for reference in records.as_object().expect("records").keys() {
            deltas.push(apply(&whole, class, reference.strip_prefix("OpaqueRef:").expect("a reference")));
        }
    }
    let (expected, _writer) = connected(&whole);
    let expected = expected.snapshot();
    // One by one after a load of the pool alone, forwards and backwards.
    for reverse in [false, true] {
        let (inventory, mut writer) = connected(&json!({"pool": whole["pool"]}));
        if reverse {
            deltas.reverse();
        }
        deltas.iter().for_each(|delta| writer.apply(std::slice::from_ref(delta)));
        let snapshot = inventory.snapshot();
        assert_eq!(snapshot.len(), expected.len());
        for (object, expected) in snapshot.iter().zip(expected.iter()) {
            assert_eq!(object, expected);
        }
        // And away again, one by one, down to the pool.
        for delta in &deltas {
            let Delta::Apply { class, reference, .. } = delta else { unreachable!() };
            if &**class != "pool" {
                writer.apply(&[Delta::Delete { class: class.clone(), reference: reference.clone() }]);
            }
        }
        assert_eq!(inventory.snapshot().len(), 1);
    }
}

#[tokio::test]
async fn a_pool_is_swapped_in_whole() {
    let inventory = Inventory::new();
    let mut writer = inventory.writer(ServerId::from("s"));
    let mut feed = inventory.subscribe();
    feed.snapshot();
    let pool = modern();
    writer.begin();
    let Delta::Apply { class, reference, record: vm } = apply(&pool, "VM", "win") else { unreachable!() };
    writer.load(&class, &reference, &vm);
    writer.apply(&[apply(&pool, "VM", "linux")]);
    assert!(inventory.snapshot().is_empty(), "half a picture");
    let loaded = load(&mut writer, &pool).expect("loads");
    assert_eq!(loaded.objects, inventory.snapshot().len());
    let changes = changes(&mut feed).await;
    assert_eq!(changes.set.len(), loaded.objects);
    assert!(changes.servers && changes.removed.is_empty());
}

#[tokio::test]
async fn a_reconnect_tells_the_differences_only() {
    let mut pool = modern();
    let (inventory, mut writer) = connected(&pool);
    let mut feed = inventory.subscribe();
    let before = feed.snapshot();

    writer.mark_stale("connection refused");
    assert!(changes(&mut feed).await.servers);
    writer.begin();
    assert_eq!(inventory.snapshot().len(), before.len(), "the last state stays");
    assert!(inventory.servers()[0].is_stale());

    pool["VIF"].as_object_mut().expect("records").remove("OpaqueRef:vif2");
    record(&mut pool, "VM", "linux")["name_label"] = json!("new name");
    load(&mut writer, &pool).expect("loads again");
    let changes = changes(&mut feed).await;
    assert_eq!(short(&changes), "-vif2-uuid(VIF) ~linux-uuid ~net2-uuid");
    assert!(changes.servers && inventory.servers()[0].is_live());
}

#[tokio::test]
async fn stale_servers_say_since_when() {
    let clock = Arc::new(ManualClock::new(1_000));
    let inventory = Inventory::with_clock(clock.clone());
    let server = ServerId::from("s");
    let mut writer = inventory.writer(server.clone());
    let state = || inventory.snapshot().server(&server).cloned().expect("is known");
    writer.mark_stale("unreachable");
    assert_eq!((state().is_live(), state().is_stale(), state().stale_since), (false, false, None));
    assert_eq!(state().reason.as_deref(), Some("unreachable"));

    load(&mut writer, &modern()).expect("loads");
    assert!(state().is_live() && state().reason.is_none());
    assert_eq!(inventory.snapshot().pool_of(&server), Some("pool-uuid".into()));
    assert_eq!(inventory.snapshot().server_of("pool-uuid").map(|state| state.server.clone()), Some(server.clone()));

    writer.mark_stale("timed out");
    clock.advance(500);
    writer.mark_stale("refused");
    assert_eq!((state().stale_since, state().reason.as_deref()), (Some(1_000), Some("refused")));
    assert_eq!(clock.now(), 1_500);
}

#[tokio::test]
async fn a_slow_subscriber_resyncs() {
    let mut pool = modern();
    let (inventory, mut writer) = connected(&pool);
    let mut feed = inventory.subscribe();
    feed.snapshot();
    for number in 0..=crate::feed::FEED_QUEUE {
        record(&mut pool, "VM", "linux")["name_label"] = json!(format!("name {number}"));
        writer.apply(&[apply(&pool, "VM", "linux")]);
    }
    assert!(matches!(feed.recv().await, Feed::Resync));
    // One more between the resync and the snapshot: it is in the snapshot, so it is not delivered.
    record(&mut pool, "VM", "linux")["name_label"] = json!("between");
    writer.apply(&[apply(&pool, "VM", "linux")]);
    assert_eq!(public(&feed.snapshot(), "linux")["name_label"], "between");
    record(&mut pool, "VM", "linux")["name_label"] = json!("after");
    writer.apply(&[apply(&pool, "VM", "linux")]);
    assert_eq!(changes(&mut feed).await.set[0].name_label(), "after");
}

#[tokio::test]
async fn one_pool_has_one_server() {
    let (inventory, first) = connected(&modern());
    let before = inventory.snapshot();
    let mut second = inventory.writer(ServerId::from("server-2"));
    let refused = load(&mut second, &modern()).expect_err("the pool is taken");
    assert_eq!(refused, Error::PoolAlreadyConnected { pool: "pool-uuid".into(), by: "server-1".into() });
    assert_eq!(inventory.snapshot().len(), before.len());
    assert_eq!(inventory.snapshot().pool_of(second.server()), None);
    // When the first goes, the second may have it.
    first.remove();
    assert!(inventory.snapshot().is_empty());
    load(&mut second, &modern()).expect("the pool is free");
    assert_eq!(inventory.snapshot().len(), before.len());
}

/// The indexes say the same as a look at every object.
fn check_indexes(inventory: &Inventory) {
    let snapshot = inventory.snapshot();
    let ids = |objects: &mut dyn Iterator<Item = &Arc<model::Object>>| -> Vec<model::ObjectId> {
        objects.map(|object| object.id().clone()).collect()
    };
    let homes: std::collections::BTreeSet<&model::ObjectId> =
        snapshot.iter().flat_map(|object| [Some(object.pool()), object.container()]).flatten().collect();
    for home in homes {
        let in_pool = ids(&mut snapshot.iter().filter(|object| object.pool() == home));
        assert_eq!(ids(&mut snapshot.in_pool(home)), in_pool, "{home}");
        let contained = ids(&mut snapshot.iter().filter(|object| object.container() == Some(home)));
        assert_eq!(ids(&mut snapshot.in_container(home)), contained, "{home}");
        for &kind in model::Kind::ALL {
            let of_kind = ids(&mut snapshot.in_pool(home).filter(|object| object.kind() == kind));
            assert_eq!(ids(&mut snapshot.in_pool_of_kind(home, kind)), of_kind, "{home} {kind}");
        }
    }
    for &kind in model::Kind::ALL {
        let all = ids(&mut snapshot.iter().filter(|object| object.kind() == kind));
        assert_eq!((ids(&mut snapshot.of_kind(kind)), snapshot.count(kind)), (all.clone(), all.len()));
        for at in 0..all.len() {
            assert_eq!(ids(&mut snapshot.of_kind_after(kind, &all[at])), all[at + 1..]);
        }
    }
}

#[tokio::test]
async fn indexes_follow() {
    let mut pool = modern();
    let (inventory, mut writer) = connected(&pool);
    check_indexes(&inventory);
    // The kind, the container, the reference and the id of an object change; others go.
    record(&mut pool, "VM", "tpl2")["is_a_template"] = json!(false);
    record(&mut pool, "VM", "win")["resident_on"] = json!("OpaqueRef:host2");
    record(&mut pool, "VM", "tpl")["is_default_template"] = json!(false);
    writer.apply(&["tpl2", "win", "tpl"].map(|name| apply(&pool, "VM", name)));
    check_indexes(&inventory);
    assert!(inventory.snapshot().in_container(&"host2-uuid".into()).any(|object| object.id().as_str() == WIN));
    writer.apply(&[delete("VM", "win"), delete("PIF", "bond0")]);
    check_indexes(&inventory);

    let other = json!({
        "pool": {"OpaqueRef:p2": {"uuid": "pool-2", "master": "OpaqueRef:NULL"}},
        "SR": {"OpaqueRef:nfs2": {"uuid": "nfs-uuid", "shared": true, "type": "nfs"}},
    });
    let mut second = inventory.writer(ServerId::from("server-2"));
    load(&mut second, &other).expect("loads");
    check_indexes(&inventory);
    writer.remove();
    check_indexes(&inventory);
    assert_eq!(inventory.snapshot().in_pool(&"pool-2".into()).count(), 2);
    second.remove();
    assert!(inventory.snapshot().in_pool(&"pool-2".into()).next().is_none());
}

#[test]
fn readers_see_whole_states_in_order() {
    let (inventory, mut writer) = connected(&modern());
    let total = inventory.snapshot().len();
    let reader = {
        let inventory = inventory.clone();
        std::thread::spawn(move || {
            let mut last = inventory.snapshot();
            while last.get("end").is_none() {
                let next = inventory.snapshot();
                assert!(next.revision() >= last.revision(), "back in time");
                // The two disks of a batch come and go together.
                assert_eq!(next.get("a").is_some(), next.get("b").is_some(), "half a batch");
                assert_eq!(last.len() - total, last.iter().filter(|object| object.id().as_str().len() == 1).count());
                last = next;
            }
        })
    };
    let disk = |id: &str| json!({"VBD": {(format!("OpaqueRef:{id}")): {"uuid": id, "VM": "OpaqueRef:win"}}});
    for round in 0..300 {
        if round % 2 == 0 {
            writer.apply(&["a", "b"].map(|id| apply(&disk(id), "VBD", id)));
        } else {
            writer.apply(&["a", "b"].map(|id| delete("VBD", id)));
        }
        if round % 50 == 0 {
            load(&mut writer, &modern()).expect("loads again");
        }
    }
    writer.apply(&[apply(&disk("end"), "VBD", "end")]);
    reader.join().expect("all was well");
}

#[tokio::test]
async fn removal_tells_every_object() {
    let (inventory, writer) = connected(&modern());
    let mut feed = inventory.subscribe();
    let count = feed.snapshot().len();
    writer.remove();
    let changes = changes(&mut feed).await;
    assert_eq!((changes.removed.len(), changes.last.len(), changes.set.len()), (count, count, 0));
    assert!(changes.servers && inventory.servers().is_empty());
}

#[tokio::test]
async fn an_id_in_two_pools_shows_the_first() {
    // A second pool with a shared SR of the same UUID, as after "introduce" of an ISO library in both.
    let other = json!({
        "pool": {"OpaqueRef:p2": {"uuid": "pool-2", "master": "OpaqueRef:NULL"}},
        "SR": {"OpaqueRef:nfs2": {"uuid": "nfs-uuid", "name_label": "seen from pool 2", "shared": true, "type": "nfs"}},
    });
    let (inventory, first) = connected(&modern());
    let mut second = inventory.writer(ServerId::from("server-2"));
    let count = inventory.snapshot().len();
    load(&mut second, &other).expect("loads");
    let label = |id: &str| inventory.snapshot().get(id).map(|object| object.name_label().to_owned());
    assert_eq!(inventory.snapshot().len(), count + 1);
    assert_eq!(label("nfs-uuid").as_deref(), Some("NFS"));
    // A change of the hidden one stays hidden.
    let mut renamed = other.clone();
    record(&mut renamed, "SR", "nfs2")["name_label"] = json!("renamed");
    second.apply(&[apply(&renamed, "SR", "nfs2")]);
    assert_eq!(label("nfs-uuid").as_deref(), Some("NFS"));
    first.remove();
    assert_eq!(label("nfs-uuid").as_deref(), Some("renamed"));
    assert_eq!(inventory.snapshot().len(), 2);
    second.apply(&[delete("SR", "nfs2")]);
    assert_eq!(label("nfs-uuid"), None);
}

/// A VM with a card, seen by the pool that it leaves and by the one that it comes to; ids are the same, references are not.
fn two_pools() -> [(Json, [Delta; 2], [Delta; 2]); 2] {
    ["a", "b"].map(|pool| {
        let (vm, card) = (format!("{pool}-vm"), format!("{pool}-vif"));
        let mut whole = json!({
            "pool": {format!("OpaqueRef:{pool}"): {"uuid": format!("pool-{pool}"), "master": "OpaqueRef:NULL"}},
            "VM": {format!("OpaqueRef:{vm}"): {"uuid": "vm-uuid", "name_label": pool, "VIFs": [format!("OpaqueRef:{card}")]}},
            "VIF": {format!("OpaqueRef:{card}"): {"uuid": "vif-uuid", "VM": format!("OpaqueRef:{vm}"), "MAC": pool}},
        });
        let come = [apply(&whole, "VM", &vm), apply(&whole, "VIF", &card)];
        if pool == "b" {
            whole = json!({"pool": whole["pool"]});
        }
        (whole, come, [delete("VM", &vm), delete("VIF", &card)])
    })
}

/// Whatever comes first, of either pool: there is one VM of that id, all of it of one pool, until it has come or gone for good.
#[tokio::test]
async fn a_vm_that_moves_to_another_pool_is_one_vm() {
    // Each word is one event; `l` and `c` are the VM leaving and coming, capitals are its card's.
    for order in ["lLcC", "lcLC", "lcCL", "clLC", "clCL", "cClL", "cCLl", "CcLl", "LlCc", "LClc"] {
        let [(here, _, leave), (there, come, _)] = two_pools();
        let inventory = Inventory::new();
        let mut writers = ["s1", "s2"].map(|server| inventory.writer(ServerId::from(server)));
        load(&mut writers[0], &here).expect("loads");
        load(&mut writers[1], &there).expect("loads");
        let mut feed = inventory.subscribe();
        feed.snapshot();
        let mut told = Vec::new();
        for event in order.chars() {
            let before = inventory.snapshot().revision();
            let card = usize::from(event.is_ascii_uppercase());
            match event.to_ascii_lowercase() {
                'l' => writers[0].apply(&leave[card..=card]),
                _ => writers[1].apply(&come[card..=card]),
            }
            check_indexes(&inventory);
            let snapshot = inventory.snapshot();
            for id in ["vm-uuid", "vif-uuid"] {
                let Some(shown) = snapshot.get(id) else { continue };
                let of = if shown.pool().as_str() == "pool-a" { "a-" } else { "b-" };
                assert!(shown.reference().contains(of), "{order}: {id} is half one, half the other");
                assert_eq!(snapshot.by_ref(shown.reference()), Some(shown), "{order}");
            }
            if snapshot.revision() != before {
                told.push(changes(&mut feed).await);
            }
        }
        let snapshot = inventory.snapshot();
        let of_pool = |id: &str| snapshot.get(id).map(|object| object.pool().to_string());
        assert_eq!(
            [of_pool("vm-uuid"), of_pool("vif-uuid")],
            [Some("pool-b".into()), Some("pool-b".into())],
            "{order}"
        );
        assert_eq!(public(&snapshot, "b-vm")["name_label"], "b");
        assert_eq!(public(&snapshot, "b-vif")["$VM"], "vm-uuid");
        for reference in ["OpaqueRef:a-vm", "OpaqueRef:a-vif"] {
            assert!(snapshot.by_ref(reference).is_none(), "{order}: {reference} leads nowhere");
        }
        // Who listens hears that it went before it came, or that it changed its pool; and never of two.
        for id in ["vm-uuid", "vif-uuid"] {
            let mut pool = Some("pool-a".to_owned());
            let (mut gone, mut moved) = (0, 0);
            for changes in &told {
                for (object, before) in
                    changes.set.iter().zip(&changes.before).filter(|(object, _)| object.id().as_str() == id)
                {
                    assert_eq!(before.as_ref().map(|before| before.pool().to_string()), pool, "{order}: {id}");
                    moved += usize::from(Some(object.pool().as_str()) != pool.as_deref());
                    pool = Some(object.pool().to_string());
                }
                if changes.removed.iter().any(|(removed, _)| removed.as_str() == id) {
                    assert!(pool.take().is_some(), "{order}: {id} went twice");
                    gone += 1;
                }
            }
            assert_eq!((pool.as_deref(), moved), (Some("pool-b"), 1), "{order}: {id}");
            assert!(gone <= 1, "{order}: {id}");
        }
    }
}

#[tokio::test]
async fn a_newer_writer_replaces_the_older() {
    let (inventory, mut old) = connected(&modern());
    let mut new = inventory.writer(ServerId::from("server-1"));
    let count = inventory.snapshot().len();
    assert_eq!(load(&mut old, &modern()).expect_err("superseded"), Error::Superseded { server: "server-1".into() });
    old.mark_stale("late");
    old.remove();
    assert_eq!(inventory.snapshot().len(), count, "the objects stay until the new writer has loaded");
    load(&mut new, &modern()).expect("loads");
    assert!(inventory.servers()[0].is_live());
}

#[tokio::test]
async fn a_load_without_a_pool_changes_nothing() {
    let (inventory, mut writer) = connected(&modern());
    let count = inventory.snapshot().len();
    let mut pool = modern();
    pool.as_object_mut().expect("classes").remove("pool");
    assert_eq!(load(&mut writer, &pool).expect_err("no pool"), Error::NoPool { server: "server-1".into() });
    writer.apply(&[delete("VM", "win")]);
    assert_eq!(inventory.snapshot().len(), count);
}

#[tokio::test]
async fn a_server_can_become_another_pool() {
    let (inventory, mut writer) = connected(&modern());
    let mut feed = inventory.subscribe();
    let count = feed.snapshot().len();
    let mut pool = modern();
    record(&mut pool, "pool", "pool")["uuid"] = json!("new-pool");
    load(&mut writer, &pool).expect("loads");
    assert_eq!(inventory.snapshot().len(), count);
    assert_eq!(inventory.snapshot().pool_of(writer.server()), Some("new-pool".into()));
    assert!(inventory.snapshot().iter().all(|object| object.pool().as_str() == "new-pool"));
    assert_eq!(changes(&mut feed).await.revision, inventory.snapshot().revision());
}

#[tokio::test]
async fn chains_that_bite_their_tail_end() {
    let heard = heard(
        |pool| record(pool, "VDI", "base")["sm_config"] = json!({"vhd-parent": "disk-uuid"}),
        |pool| {
            record(pool, "VDI", "base")["physical_utilisation"] = json!("1");
            vec![apply(pool, "VDI", "base")]
        },
    )
    .await;
    assert_eq!(heard, "~base-uuid ~disk-uuid");
}
