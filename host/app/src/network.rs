//! Networks, and the network cards of VMs.

use std::collections::BTreeMap;
use std::slice::from_ref;
use std::sync::Arc;

use access::{Action, Graph, Linked, Verdict};
use inventory::Snapshot;
use model::object::{PowerState, Vif};
use model::{Kind, Object, ObjectId};
use serde::Deserialize;
use serde_json::Value as Json;
use wire::Failure;
use xapi::Value;

use crate::act::{act, acts, empty, is_something, same_pool};
use crate::ctx::{App, Ctx};
use crate::error::Result;
use crate::ip_pool::{self, Given, Held};
use crate::object::{self, Target, present, reference};
use crate::resource_set::{self, Reservation};

acts! {
    /// Plugs a network card into its running VM.
    connect => "VIF.plug";
    /// Unplugs a network card from its running VM.
    disconnect => "VIF.unplug";
}

/// A new network.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct New {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    nbd: bool,
    mtu: Option<i64>,
    vlan: Option<i64>,
    bond_mode: Option<String>,
}

impl New {
    fn record(&self) -> Value {
        Value::record([
            ("name_label", Value::from(&*self.name)),
            ("name_description", (&*self.description).into()),
            ("MTU", Value::Int(self.mtu.unwrap_or(1500))),
            ("other_config", Value::record([("automatic", "false")])),
        ])
    }
}

/// Makes a network, on a VLAN of a card if one is named; returns its id.
pub async fn create(ctx: &Ctx, pool: &Target, card: Option<&Target>, new: &New) -> Result<String> {
    let app = &ctx.app;
    let vlan = match (card, new.vlan) {
        (None, None | Some(0)) => None,
        (Some(card), Some(tag)) => {
            same_pool(pool, card)?;
            Some((card, tag))
        }
        (Some(_), None) => return Err(Failure::invalid("a network on a pif needs a vlan, 1 to 4094").into()),
        (None, Some(_)) => return Err(Failure::invalid("a vlan needs the pif it is on").into()),
    };
    let network = app.make(pool, "network.create", vec![new.record()]).await?;
    let furnish = async {
        if let Some((card, tag)) = vlan {
            let params = vec![reference(card), (&*network).into(), Value::Int(tag)];
            app.run(pool, "pool.create_VLAN_from_PIF", params).await?;
        }
        if new.nbd {
            app.run(pool, "network.add_purpose", vec![(&*network).into(), "nbd".into()]).await?;
        }
        Ok(())
    };
    if let Err(error) = furnish.await {
        app.undo(pool, "network.destroy", &network).await;
        return Err(error);
    }
    Ok(app.seen(pool, &network).await?.id().to_string())
}

/// Makes a network on a bond of the cards, and of their like on every other host; returns the pool's record of it.
pub async fn create_bonded(ctx: &Ctx, pool: &Target, cards: &[&Target], new: &New) -> Result<Json> {
    let app = &ctx.app;
    let mut by_host: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    {
        let snapshot = app.inventory.snapshot();
        for card in cards {
            same_pool(pool, card)?;
            // The like of a card is what is in the same network.
            let network = card.as_pif().and_then(|pif| snapshot.get(pif.network.as_ref()?.as_str())?.as_network());
            let alike = network.into_iter().flat_map(|network| network.pifs.iter());
            for alike in alike.filter_map(|id| snapshot.get(id.as_str())) {
                let Some(host) = alike.as_pif().and_then(|pif| pif.host.as_ref()) else { continue };
                by_host.entry(host.to_string()).or_default().push(reference(alike));
            }
        }
    }
    if by_host.is_empty() {
        return Err(Failure::invalid("name the pifs to bond").into());
    }
    let mode = new.bond_mode.as_deref().unwrap_or("balance-slb");
    let network = app.make(pool, "network.create", vec![new.record()]).await?;
    let mut bonds = Vec::new();
    for members in by_host.into_values() {
        let params = vec![(&*network).into(), Value::Array(members), "".into(), mode.into(), empty()];
        match app.make(pool, "Bond.create", params).await {
            Ok(bond) => bonds.push(bond),
            Err(error) => {
                for bond in &bonds {
                    app.undo(pool, "Bond.destroy", bond).await;
                }
                app.undo(pool, "network.destroy", &network).await;
                return Err(error);
            }
        }
    }
    app.seen(pool, &network).await?;
    let record = app.call(pool, "network.get_record", vec![(&*network).into()]).await?;
    Ok(object::to_json(&record))
}

/// Deletes a network with its VLANs, bonds and tunnels.
pub async fn delete(ctx: &Ctx, network: &Target) -> Result<()> {
    let app = &ctx.app;
    let cards = app.call(network, "network.get_PIFs", vec![reference(network)]).await?;
    for card in cards.as_array().unwrap_or_default() {
        let record = app.call(network, "PIF.get_record", vec![card.clone()]).await?;
        let one =
            |field: &str| record.get(field).and_then(Value::as_str).filter(|it| is_something(it)).map(Value::from);
        let several = |field: &str| record.get(field).and_then(Value::as_array).unwrap_or_default().to_vec();
        if let Some(vlan) = one("VLAN_master_of") {
            app.run(network, "VLAN.destroy", vec![vlan]).await?;
        }
        for bond in several("bond_master_of") {
            app.run(network, "Bond.destroy", vec![bond]).await?;
        }
        for tunnel in several("tunnel_access_PIF_of") {
            app.run(network, "tunnel.destroy", vec![tunnel]).await?;
        }
    }
    act(ctx, network, "network.destroy").await
}

/// Changes to a network.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Changes {
    automatic: Option<bool>,
    #[serde(rename = "defaultIsLocked")]
    default_is_locked: Option<bool>,
    mtu: Option<i64>,
    name_description: Option<String>,
    name_label: Option<String>,
    nbd: Option<bool>,
}

/// Changes a network.
pub async fn set(ctx: &Ctx, network: &Target, changes: &Changes) -> Result<()> {
    let mut calls: Vec<(&str, Vec<Value>)> = Vec::new();
    if let Some(name) = &changes.name_label {
        calls.push(("network.set_name_label", vec![name.as_str().into()]));
    }
    if let Some(text) = &changes.name_description {
        calls.push(("network.set_name_description", vec![text.as_str().into()]));
    }
    if let Some(mtu) = changes.mtu {
        calls.push(("network.set_MTU", vec![Value::Int(mtu)]));
    }
    if let Some(automatic) = changes.automatic {
        calls.push(("network.remove_from_other_config", vec!["automatic".into()]));
        calls.push(("network.add_to_other_config", vec!["automatic".into(), automatic.to_string().into()]));
    }
    if let Some(locked) = changes.default_is_locked {
        let mode = if locked { "disabled" } else { "unlocked" };
        calls.push(("network.set_default_locking_mode", vec![mode.into()]));
    }
    if let Some(nbd) = changes.nbd {
        let current = network.as_network();
        if nbd && current.is_some_and(|network| network.insecure_nbd == Some(true)) {
            calls.push(("network.remove_purpose", vec!["insecure_nbd".into()]));
        }
        if current.is_some_and(|network| network.nbd.unwrap_or_default() != nbd) {
            calls.push((if nbd { "network.add_purpose" } else { "network.remove_purpose" }, vec!["nbd".into()]));
        }
    }
    ctx.app.each(network, calls).await
}

/// A new network card of a VM.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NewCard {
    position: Option<Json>,
    pub(crate) mac: Option<String>,
    mtu: Option<i64>,
    pub(crate) allowed_ipv4_addresses: Vec<String>,
    pub(crate) allowed_ipv6_addresses: Vec<String>,
}

impl NewCard {
    /// Returns the addresses that the card will have in a network.
    pub(crate) fn given(&self, network: &Target) -> Result<Given> {
        Given::read(network.id().as_str(), &self.allowed_ipv4_addresses, &self.allowed_ipv6_addresses)
    }
}

fn addresses(addresses: &[String]) -> Value {
    Value::Array(addresses.iter().map(|address| address.as_str().into()).collect())
}

impl App {
    /// Returns the first number that no network card of a VM has.
    pub(crate) async fn free_card_position(&self, on: &Target, vm: &str) -> Result<String> {
        let free = self.call(on, "VM.get_allowed_VIF_devices", vec![vm.into()]).await?;
        let free = free.as_array().unwrap_or_default().iter().filter_map(Value::as_i64).min();
        Ok(free.ok_or_else(|| Failure::invalid("the VM has no room for another network card"))?.to_string())
    }

    /// Makes a network card of a VM and returns its reference.
    pub(crate) async fn make_card(&self, on: &Target, vm: &str, network: &Target, new: &NewCard) -> Result<Box<str>> {
        let device = match &new.position {
            Some(position) => position.as_str().map_or_else(|| position.to_string(), str::to_owned),
            None => self.free_card_position(on, vm).await?,
        };
        let locked = !new.allowed_ipv4_addresses.is_empty() || !new.allowed_ipv6_addresses.is_empty();
        let record = Value::record([
            ("device", device.into()),
            ("network", reference(network)),
            ("VM", vm.into()),
            ("MAC", new.mac.as_deref().unwrap_or_default().into()),
            ("MTU", Value::Int(new.mtu.unwrap_or_else(|| network.as_network().map_or(1500, |network| network.mtu)))),
            ("other_config", empty()),
            ("qos_algorithm_type", "".into()),
            ("qos_algorithm_params", empty()),
            ("locking_mode", if locked { "locked" } else { "network_default" }.into()),
            ("ipv4_allowed", addresses(&new.allowed_ipv4_addresses)),
            ("ipv6_allowed", addresses(&new.allowed_ipv6_addresses)),
        ]);
        self.make(on, "VIF.create", vec![record]).await
    }
}

/// Refuses a network to a VM whose resource set does not have it.
pub(crate) fn may_join(ctx: &Ctx, vm: &Object, network: &Target) -> Result<()> {
    let Some(set) = ctx.app.home_of(vm)? else { return Ok(()) };
    resource_set::may_use(ctx, &set, &[network.id().as_str()])
}

/// Takes what a VM is about to get in place of what its cards had: addresses that nobody else gets, and room for them in its
/// resource set. The addresses are to be held until the picture shows who has them.
pub(crate) async fn give(
    ctx: &Ctx,
    vm: &Object,
    had: &[Given],
    given: &[Given],
) -> Result<(Held, Option<Reservation>)> {
    // A snapshot has no addresses of its own.
    let set = if vm.kind() == Kind::Vm { ctx.app.home_of(vm)? } else { None };
    let held = ip_pool::hold(ctx, set.as_ref(), had, given)?;
    let (before, after) = (ip_pool::amounts(&ctx.app, had), ip_pool::amounts(&ctx.app, given));
    let room = match set.filter(|_| before != after) {
        Some(set) => Some(resource_set::change_in(ctx, &set.id, &before, &after).await?),
        None => None,
    };
    Ok((held, room))
}

/// Gives back what a card had that is gone, and waits until the picture knows that others can have its addresses.
async fn gone(ctx: &Ctx, card: &Target) -> Result<()> {
    let app = &ctx.app;
    let had = [card.as_vif().map(Given::of).unwrap_or_default()];
    if had[0].is_empty() {
        return Ok(());
    }
    if let Some(vm) = vm_of(&app.inventory.snapshot(), card).filter(|vm| vm.kind() == Kind::Vm)
        && let Some(set) = resource_set::set_of(&vm)
    {
        resource_set::give_back(app, &set, &ip_pool::amounts(app, &had)).await;
    }
    app.until(card, |snapshot| snapshot.by_ref(card.reference()).is_none().then_some(())).await
}

fn vm_of(snapshot: &Snapshot, card: &Object) -> Option<Arc<Object>> {
    snapshot.get(card.as_vif()?.vm.as_ref()?.as_str()).cloned()
}

/// Gives a VM a network card, which is not plugged in; returns its id.
pub async fn create_card(ctx: &Ctx, vm: &Target, network: &Target, new: &NewCard) -> Result<String> {
    same_pool(vm, network)?;
    may_join(ctx, vm, network)?;
    let (_held, room) = give(ctx, vm, &[], &[new.given(network)?]).await?;
    let vif = ctx.app.make_card(vm, vm.reference(), network, new).await?;
    resource_set::commit(room).await;
    Ok(ctx.app.seen(vm, &vif).await?.id().to_string())
}

/// Takes a network card out of its VM.
pub async fn delete_card(ctx: &Ctx, card: &Target) -> Result<()> {
    if card.as_vif().is_some_and(|vif| vif.attached) {
        act(ctx, card, "VIF.unplug").await?;
    }
    act(ctx, card, "VIF.destroy").await?;
    gone(ctx, card).await
}

/// Changes to a network card.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CardChanges {
    mac: Option<String>,
    allowed_ipv4_addresses: Option<Vec<String>>,
    allowed_ipv6_addresses: Option<Vec<String>>,
    attached: Option<bool>,
    locking_mode: Option<String>,
    #[serde(deserialize_with = "present")]
    rate_limit: Option<Option<f64>>,
    resource_set: Option<String>,
    tx_checksumming: Option<bool>,
}

impl CardChanges {
    /// Returns the addresses that a card will have in a network.
    fn given(&self, card: &Vif, network: &str) -> Result<Given> {
        let own = |list: &Option<Vec<String>>, own: &[model::object::Text]| {
            list.clone().unwrap_or_else(|| own.iter().map(|text| text.to_string()).collect())
        };
        let four = own(&self.allowed_ipv4_addresses, &card.allowed_ipv4_addresses);
        Given::read(network, &four, &own(&self.allowed_ipv6_addresses, &card.allowed_ipv6_addresses))
    }

    fn is_about_addresses(&self) -> bool {
        self.allowed_ipv4_addresses.is_some() || self.allowed_ipv6_addresses.is_some()
    }
}

/// Refuses a change of a card that takes a right to its network: what it may say of itself there is decided by whom the network
/// belongs to. A fine right to this change says it all.
fn needs_network(ctx: &Ctx, card: &Target, network: &str, action: Action, privilege: &str) -> Result<()> {
    let snapshot = ctx.app.inventory.snapshot();
    let Some(who) = ctx.caller.principal().filter(|_| !ctx.caller.is_admin()) else { return Ok(()) };
    let verdict = snapshot.object(card.id().as_str()).map(|card| card.verdict(&who.rights, privilege));
    if verdict == Some(Verdict::Allowed) {
        return Ok(());
    }
    // The network may be hidden, so the refusal does not name it.
    let refused = |_| Failure::Unauthorized { permission: action.to_string(), object: None };
    let _network = object::permit(ctx, network, &["network"], action).map_err(refused)?;
    Ok(())
}

/// Changes a network card and returns its id, which is another one when the card had to be made anew: XAPI changes neither
/// network nor address of one.
pub async fn set_card(ctx: &Ctx, card: &Target, network: Option<&Target>, changes: &CardChanges) -> Result<String> {
    let app = &ctx.app;
    let Some(vif) = card.as_vif() else { return Err(Failure::no_such(card.id().as_str(), "VIF").into()) };
    let network = network.filter(|network| Some(network.id()) != vif.network.as_ref());
    let vm = vm_of(&app.inventory.snapshot(), card);
    let set = vm.as_ref().map(|vm| app.home_of(vm)).transpose()?.flatten();
    if let Some(wanted) = &changes.resource_set {
        resource_set::get(ctx, wanted)?;
        if set.as_ref().is_none_or(|set| set.id != *wanted) {
            return Err(Failure::invalid(format!("{} is no card of a VM of the set {wanted}", card.id())).into());
        }
    }
    if let Some(network) = network {
        same_pool(card, network)?;
        match &set {
            Some(set) => resource_set::may_use(ctx, set, &[network.id().as_str()])?,
            None => object::needs(network, Action::Operate)?,
        }
    }
    let joined = network.map(|network| network.id()).or(vif.network.as_ref()).map_or("", ObjectId::as_str);
    let mac = changes.mac.as_deref().filter(|mac| !mac.eq_ignore_ascii_case(&vif.mac));
    if mac.is_some() {
        needs_network(ctx, card, joined, Action::Administrate, "update:mac")?;
    }
    let mode = changes.locking_mode.as_deref().filter(|mode| Some(*mode) != vif.locking_mode.as_deref());
    if mode.is_some() {
        needs_network(ctx, card, joined, Action::Operate, "update:lockingMode")?;
    }
    let (had, given) = (Given::of(vif), changes.given(vif, joined)?);
    let given_to = vm.as_deref().filter(|_| network.is_some() || changes.is_about_addresses());
    let (_held, room) = match given_to {
        Some(vm) => {
            let (held, room) = give(ctx, vm, from_ref(&had), from_ref(&given)).await?;
            (Some(held), room)
        }
        None => (None, None),
    };
    if network.is_some() || mac.is_some() {
        return replace_card(ctx, card, network, mac, changes, room).await;
    }
    let mut calls: Vec<(&str, Vec<Value>)> = Vec::new();
    let allowed = [
        ("VIF.set_ipv4_allowed", &changes.allowed_ipv4_addresses),
        ("VIF.set_ipv6_allowed", &changes.allowed_ipv6_addresses),
    ];
    for (method, list) in allowed {
        if let Some(list) = list {
            calls.push((method, vec![addresses(list)]));
        }
    }
    if let Some(mode) = &changes.locking_mode {
        calls.push(("VIF.set_locking_mode", vec![mode.as_str().into()]));
    } else if allowed.iter().any(|(_, list)| list.as_ref().is_some_and(|list| !list.is_empty()))
        && vif.locking_mode.as_deref() == Some("network_default")
    {
        // Otherwise nobody would look at the addresses.
        calls.push(("VIF.set_locking_mode", vec!["locked".into()]));
    }
    if let Some(limit) = changes.rate_limit {
        match limit.filter(|limit| *limit > 0.0) {
            Some(limit) => {
                calls.push(("VIF.set_qos_algorithm_type", vec!["ratelimit".into()]));
                let params = Value::record([("kbps", (limit.round() as i64).to_string())]);
                calls.push(("VIF.set_qos_algorithm_params", vec![params]));
            }
            None => calls.push(("VIF.set_qos_algorithm_type", vec!["".into()])),
        }
    }
    if let Some(on) = changes.tx_checksumming {
        calls.push(("VIF.remove_from_other_config", vec!["ethtool-tx".into()]));
        if !on {
            calls.push(("VIF.add_to_other_config", vec!["ethtool-tx".into(), "off".into()]));
        }
    }
    app.each(card, calls).await?;
    resource_set::commit(room).await;
    if had != given {
        let has = |snapshot: &Snapshot| snapshot.by_ref(card.reference())?.as_vif().map(Given::of);
        app.until(card, |snapshot| has(snapshot).filter(|has| *has == given).map(drop)).await?;
    }
    match changes.attached {
        Some(true) if !vif.attached => connect(ctx, card).await?,
        Some(false) if vif.attached => disconnect(ctx, card).await?,
        _ => {}
    }
    Ok(card.id().to_string())
}

async fn replace_card(
    ctx: &Ctx,
    card: &Target,
    network: Option<&Target>,
    mac: Option<&str>,
    changes: &CardChanges,
    room: Option<Reservation>,
) -> Result<String> {
    let app = &ctx.app;
    let record = app.call(card, "VIF.get_record", vec![reference(card)]).await?;
    let field = |name: &str| record.get(name).cloned().unwrap_or_default();
    let attached = record.get("currently_attached").and_then(Value::as_bool).unwrap_or_default();
    let own =
        |list: &Option<Vec<String>>, name: &str| list.as_ref().map_or_else(|| field(name), |list| addresses(list));
    let new = Value::record([
        ("device", field("device")),
        ("network", network.map_or_else(|| field("network"), |network| reference(network))),
        ("VM", field("VM")),
        ("MAC", mac.map_or_else(|| field("MAC"), Value::from)),
        ("MTU", Value::Int(field("MTU").as_i64().unwrap_or(1500))),
        ("other_config", field("other_config")),
        ("qos_algorithm_type", field("qos_algorithm_type")),
        ("qos_algorithm_params", field("qos_algorithm_params")),
        ("locking_mode", changes.locking_mode.as_deref().map_or_else(|| field("locking_mode"), Value::from)),
        ("ipv4_allowed", own(&changes.allowed_ipv4_addresses, "ipv4_allowed")),
        ("ipv6_allowed", own(&changes.allowed_ipv6_addresses, "ipv6_allowed")),
    ]);
    if attached {
        act(ctx, card, "VIF.unplug").await?;
    }
    act(ctx, card, "VIF.destroy").await?;
    let vif = match app.make(card, "VIF.create", vec![new]).await {
        Ok(vif) => vif,
        Err(error) => {
            gone(ctx, card).await?;
            return Err(error);
        }
    };
    resource_set::commit(room).await;
    let running = {
        let snapshot = app.inventory.snapshot();
        let vm = card.as_vif().and_then(|vif| snapshot.get(vif.vm.as_ref()?.as_str())?.as_vm());
        vm.is_some_and(|vm| vm.power_state == PowerState::Running)
    };
    if changes.attached.unwrap_or(attached) && running {
        app.run(card, "VIF.plug", vec![(&*vif).into()]).await?;
    }
    Ok(app.seen(card, &vif).await?.id().to_string())
}
