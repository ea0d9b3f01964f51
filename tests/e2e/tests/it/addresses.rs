//! Addresses of pools for VMs of resource sets: each to one card, as many as the set may have, and back when the card goes.

use anyhow::{Context, Result, ensure};
use rig::{Auth, Client, Rig};
use serde_json::{Value, json};

const MIB: u64 = 1 << 20;

/// A pool, an administrator, a pool of addresses 192.0.2.1 to 192.0.2.120 and 2001:db8::1, and alice, whose set may use ten.
struct Scene {
    rig: Rig,
    admin: Client,
    alice: Client,
    user: Value,
    set: Value,
    addresses: Value,
    template: Value,
    /// The networks of the pool of addresses, both in the set; and one that has no addresses.
    networks: [Value; 3],
}

async fn scene(total: u64) -> Result<Scene> {
    let rig = Rig::builder().pools(["single-host"]).start().await?;
    let admin = rig.admin().await?;
    admin.watch().await?;
    let view = admin.view();
    let template = view.named("VM-template", "Other install media").context("a template")?["id"].clone();
    let pool = view.of_kind("pool").next().context("a pool")?["id"].clone();
    let make = async |name: &str| admin.call("network.create", json!({ "pool": pool, "name": name })).await;
    let networks = [make("office").await?, make("office, too").await?, make("elsewhere").await?];
    let all: serde_json::Map<String, Value> = (1..=120).map(|number| (ip(number), json!({}))).collect();
    let mut all = json!(all);
    all["2001:db8::1"] = json!({});
    let served = json!({ "name": "office", "addresses": all, "networks": networks[..2] });
    let addresses = admin.call("ipPool.create", served).await?;
    let user = admin.call("user.create", json!({ "email": "alice", "password": "alice-1" })).await?;
    let objects = json!([template, networks[0], networks[1], networks[2]]);
    let set = json!({ "name": "set", "subjects": [user], "objects": objects });
    let set = admin.call("resourceSet.create", set).await?["id"].clone();
    let limit = format!("ipPool:{}", addresses.as_str().context("an id")?);
    admin.call("resourceSet.addLimit", json!({ "id": set, "limitId": limit, "quantity": total })).await?;
    let alice = rig.client().await?;
    alice.sign_in("alice", "alice-1").await?;
    alice.watch().await?;
    Ok(Scene { rig, admin, alice, user, set, addresses, template, networks })
}

fn ip(number: usize) -> String {
    format!("192.0.2.{number}")
}

impl Scene {
    fn new_vm(&self, name: &str, four: &[String]) -> Value {
        json!({
            "name_label": name, "template": self.template, "resourceSet": self.set, "CPUs": 1, "memory": 128 * MIB,
            "VIFs": [{ "network": self.networks[0], "allowedIpv4Addresses": four }],
        })
    }

    async fn may_use_the_pool(&self) -> Result<()> {
        let params = json!({ "id": self.addresses, "resourceSet": self.set });
        ensure!(self.admin.call("ipPool.set", params).await? == json!(true));
        Ok(())
    }

    /// The addresses that somebody has, as a caller is told.
    async fn taken(&self, caller: &Client) -> Result<serde_json::Map<String, Value>> {
        let pools = caller.call("ipPool.getAll", json!({})).await?;
        let all = pools[0]["addresses"].as_object().with_context(|| format!("addresses in {pools}"))?;
        Ok(all
            .iter()
            .filter(|(_, entry)| entry["vifs"].is_array())
            .map(|(ip, entry)| (ip.clone(), entry.clone()))
            .collect())
    }

    /// This many are counted, and this many are there.
    async fn is_used(&self, when: &str, wanted: usize) -> Result<()> {
        let limit = format!("ipPool:{}", self.addresses.as_str().context("an id")?);
        let used = async || {
            let set = self.admin.call("resourceSet.get", json!({ "id": self.set })).await?;
            anyhow::Ok(set["limits"][&limit]["usage"].clone())
        };
        let counted = used().await?;
        ensure!(counted == wanted, "{when}: {counted} and not {wanted}");
        self.admin.call("resourceSet.recomputeAllLimits", json!({})).await?;
        let there = used().await?;
        ensure!(there == wanted, "{when}: {wanted}, but there are {there}");
        let taken = self.taken(&self.admin).await?;
        ensure!(taken.len() == wanted, "{when}: {taken:?}");
        Ok(())
    }

    /// Waits until what failed has given back what it took.
    async fn will_be_used(&self, wanted: usize) -> Result<()> {
        let limit = format!("ipPool:{}", self.addresses.as_str().context("an id")?);
        rig::until(&format!("{wanted} addresses in use"), async || {
            let set = self.admin.call("resourceSet.get", json!({ "id": self.set })).await.ok()?;
            let taken = self.taken(&self.admin).await.ok()?;
            (set["limits"][&limit]["usage"] == wanted && taken.len() == wanted).then_some(())
        })
        .await
    }
}

#[tokio::test]
async fn of_a_crowd_each_address_has_one_card() -> Result<()> {
    let scene = scene(10).await?;
    let Scene { admin, alice, .. } = &scene;
    // A set that may not use the pool has no addresses of it.
    let refused = alice.refused("vm.create", scene.new_vm("early", &[ip(1)])).await?;
    ensure!(refused.code == 2 && refused.data["permission"] == "resourceSet", "{refused}");
    ensure!(alice.call("ipPool.getAll", json!({})).await? == json!([]));
    scene.may_use_the_pool().await?;

    // A hundred want the same one.
    let tries = (0..100).map(|number| alice.attempt("vm.create", scene.new_vm(&format!("same {number}"), &[ip(1)])));
    let outcomes = futures::future::try_join_all(tries).await?;
    let (made, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    ensure!(made.len() == 1, "{} have it", made.len());
    for refusal in refused.into_iter().filter_map(Result::err) {
        ensure!(refusal.code == 10 && refusal.message.contains("used by another card"), "{refusal}");
    }
    scene.is_used("one", 1).await?;

    // A hundred want each another one, and there is room for nine more.
    let tries =
        (2..=101).map(|number| alice.attempt("vm.create", scene.new_vm(&format!("vm {number}"), &[ip(number)])));
    let outcomes = futures::future::try_join_all(tries).await?;
    let (made, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    ensure!(made.len() == 9, "{} were made", made.len());
    for refusal in refused.into_iter().filter_map(Result::err) {
        ensure!(refusal.code == 24, "{refusal}");
    }
    scene.is_used("ten", 10).await?;
    let taken = scene.taken(alice).await?;
    ensure!(taken.len() == 10 && taken.values().all(|entry| entry["resourceSet"] == scene.set), "{taken:?}");
    ensure!(taken.values().all(|entry| entry["vifs"].as_array().is_some_and(|vifs| vifs.len() == 1)), "{taken:?}");

    // Those that go leave room at once, and their addresses.
    let vm = made.into_iter().find_map(Result::ok).context("a VM")?;
    let card = admin.until("its card", |view| view.of_kind("VIF").find(|card| card["$VM"] == vm).cloned()).await?;
    alice.call("vm.delete", json!({ "id": vm })).await?;
    scene.is_used("nine", 9).await?;
    let address = card["allowedIpv4Addresses"][0].as_str().context("an address")?.to_owned();
    // What fails half-way gives back what it took.
    scene.rig.sim(0).fail_next("VIF.create", "INTERNAL_ERROR", &["on purpose"]);
    ensure!(alice.attempt("vm.create", scene.new_vm("broken", std::slice::from_ref(&address))).await?.is_err());
    scene.will_be_used(9).await?;
    let again = alice.call("vm.create", scene.new_vm("again", &[address])).await?;
    scene.is_used("ten again", 10).await?;
    // Administrators go over the limit.
    admin.call("vm.create", scene.new_vm("admin's", &[ip(110)])).await?;
    scene.is_used("eleven", 11).await?;
    admin.call("vm.set", json!({ "id": again, "resourceSet": null })).await?;
    admin.call("resourceSet.recomputeAllLimits", json!({})).await?;
    scene.rig.end().await
}

#[tokio::test]
async fn addresses_come_and_go_with_cards() -> Result<()> {
    let scene = scene(3).await?;
    let Scene { rig, admin, alice, networks, .. } = &scene;
    scene.may_use_the_pool().await?;
    let vm = alice.call("vm.create", scene.new_vm("vm", &[])).await?;
    let rest = rig.rest(Auth::Basic("alice".to_owned(), "alice-1".to_owned()));
    let card = |network: &Value, four: &[String]| json!({ "vm": vm, "network": network, "allowedIpv4Addresses": four });

    // Only what the pool has, in the networks that it serves.
    for (network, four, code) in [
        (&networks[0], vec!["192.0.2.200".to_owned()], 2),
        (&networks[2], vec![ip(1)], 2),
        (&networks[0], vec!["somewhere".to_owned()], 10),
        (&networks[0], vec!["2001:db8::1".to_owned()], 10),
        (&networks[0], vec![ip(1), ip(1)], 10),
        (&networks[0], vec![ip(1), ip(2), ip(3), ip(4)], 24),
    ] {
        let refused = alice.refused("vm.createInterface", card(network, &four)).await?;
        ensure!(refused.code == code, "{four:?}: {refused}");
        let refused = rest.post("/vifs", &json!({ "vmId": vm, "networkId": network, "ipv4_allowed": four })).await?;
        ensure!(refused.status >= 400, "{four:?} by REST: {}", refused.status);
    }
    scene.will_be_used(0).await?;
    let mut both = card(&networks[0], &[ip(1)]);
    both["allowedIpv6Addresses"] = json!(["2001:db8::1"]);
    let one = alice.call("vm.createInterface", both).await?;
    scene.is_used("two of one card", 2).await?;
    let made = rest.post("/vifs", &json!({ "vmId": vm, "networkId": networks[1], "ipv4_allowed": [ip(2)] })).await?;
    ensure!(made.status == 201, "{}", made.status);
    scene.is_used("three", 3).await?;
    ensure!(alice.refused("vm.createInterface", card(&networks[0], &[ip(3)])).await?.code == 24);
    let again = alice.refused("vm.createInterface", card(&networks[1], &[ip(1)])).await?;
    ensure!(again.code == 10, "the other network of the pool: {again}");
    // The card says that only these addresses may be used, and she cannot have it say otherwise.
    let locked = |view: &rig::View| (view.objects.get(one.as_str()?)?["lockingMode"] == "locked").then_some(());
    admin.until("a card that is locked", locked).await?;
    ensure!(alice.refused("vif.set", json!({ "id": one, "lockingMode": "unlocked" })).await?.code == 2);
    ensure!(alice.refused("vif.set", json!({ "id": one, "mac": "02:00:00:00:00:09" })).await?.code == 2);
    let unlocked = json!({ "vmId": vm, "networkId": networks[0], "locking_mode": "unlocked" });
    ensure!(rest.post("/vifs", &unlocked).await?.status == 403);

    // Others, fewer, none; into the other network and out of the pool.
    let change = |name: &str, value: Value| json!({ "id": one, name: value });
    alice.call("vif.set", change("allowedIpv4Addresses", json!([ip(5)]))).await?;
    scene.is_used("another one", 3).await?;
    ensure!(!scene.taken(alice).await?.contains_key(&ip(1)));
    ensure!(alice.refused("vif.set", change("allowedIpv4Addresses", json!([ip(2)]))).await?.code == 10, "it is taken");
    let more = alice.refused("vif.set", change("allowedIpv4Addresses", json!([ip(5), ip(6)]))).await?;
    ensure!(more.code == 24, "{more}");
    let path = format!("/rest/v0/vifs/{}", one.as_str().context("an id")?);
    let header = [("Content-Type", "application/json".to_owned())];
    let fewer = rest.send("PATCH", &path, &header, br#"{"allowedIpv6Addresses":[]}"#).await?;
    ensure!(fewer.status == 204, "{}", fewer.status);
    scene.is_used("two", 2).await?;
    let other = json!({ "id": one, "network": networks[1], "resourceSet": scene.set });
    let one = alice.call("vif.set", other).await?;
    scene.is_used("in the other network", 2).await?;
    let out = json!({ "id": one, "network": networks[2] });
    ensure!(alice.refused("vif.set", out).await?.code == 2, "there are no addresses");
    let out = json!({ "id": one, "network": networks[2], "allowedIpv4Addresses": [] });
    let one = alice.call("vif.set", out).await?;
    scene.is_used("one", 1).await?;
    alice.call("vif.delete", json!({ "id": one })).await?;
    scene.is_used("still one", 1).await?;

    // A snapshot has no address of its own; a copy leaves them to the original; the way back takes what is free.
    let snapshot = alice.call("vm.snapshot", json!({ "id": vm, "name": "kept" })).await?;
    let clone = alice.call("vm.clone", json!({ "id": vm, "name": "clone", "full_copy": false })).await?;
    scene.is_used("of the original", 1).await?;
    let of_vm = |view: &rig::View| {
        let has = |card: &&Value| card["$VM"] == vm && card["allowedIpv4Addresses"] == json!([ip(2)]);
        view.of_kind("VIF").find(has).map(|card| card["id"].clone())
    };
    let two = admin.until("its card", of_vm).await?;
    alice.call("vif.delete", json!({ "id": two })).await?;
    scene.is_used("none", 0).await?;
    let taken = json!({ "vm": clone, "network": networks[0], "allowedIpv4Addresses": [ip(2)] });
    let taken = alice.call("vm.createInterface", taken).await?;
    ensure!(alice.refused("vm.revert", json!({ "snapshot": snapshot })).await?.code == 10);
    alice.call("vif.delete", json!({ "id": taken })).await?;
    alice.call("vm.revert", json!({ "snapshot": snapshot })).await?;
    scene.is_used("as it was", 1).await?;
    alice.call("vm.delete", json!({ "id": vm })).await?;
    scene.is_used("nothing", 0).await?;

    // Out of sets people choose as they like, and all that is taken is shown as taken; whose it is, only who sees the card.
    let view = admin.view();
    let own = view.of_kind("VM").find(|it| it["name_label"] == "CCNET").context("a VM")?["id"].clone();
    admin.call("acl.add", json!({ "subject": scene.user, "object": own, "action": "admin" })).await?;
    let free = json!({ "vm": own, "network": networks[0], "allowedIpv4Addresses": [ip(9), "198.51.100.1"] });
    alice.call("vm.createInterface", free).await?;
    let taken = scene.taken(alice).await?;
    ensure!(taken.len() == 1 && taken[&ip(9)].get("resourceSet").is_none(), "{taken:?}");
    admin.call("acl.remove", json!({ "subject": scene.user, "object": own, "action": "admin" })).await?;
    ensure!(scene.taken(alice).await?[&ip(9)] == json!({ "vifs": [] }));
    let mut wants = scene.new_vm("wants it", &[ip(9)]);
    ensure!(alice.refused("vm.create", wants.clone()).await?.code == 10);
    wants["VIFs"][0]["allowedIpv4Addresses"] = json!([ip(10)]);
    alice.call("vm.create", wants).await?;
    ensure!(admin.refused("ipPool.set", json!({ "id": scene.addresses, "resourceSet": "nothing" })).await?.code == 1);
    ensure!(
        admin.refused("vif.set", json!({ "id": taken_card(admin, &own)?, "resourceSet": scene.set })).await?.code == 10
    );
    scene.rig.end().await
}

/// Returns a card of a VM.
fn taken_card(admin: &Client, vm: &Value) -> Result<Value> {
    Ok(admin.view().of_kind("VIF").find(|card| card["$VM"] == *vm).context("a card")?["id"].clone())
}
