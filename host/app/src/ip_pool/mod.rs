//! Pools of IP addresses for network cards of VMs.
//!
//! Who has which address is not kept here: cards say it themselves (the addresses they are allowed), so a card that goes, or is
//! changed by somebody else, leaves nothing behind. Only what is on its way to a card is held in memory, see [`Held`].

mod held;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use model::{ServerId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::{Expect, Stored, Table};
use wire::Failure;

pub(crate) use self::held::{Given, Held, amounts, hold};
use crate::ctx::{App, Ctx};
use crate::error::Result;
use crate::resource_set::{self, ResourceSet};
use crate::user::check_name;

/// Pools listed at once.
const LISTED: usize = 10_000;

/// Addresses or networks of one pool.
const MAX_MEMBERS: usize = 10_000;

/// A pool as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IpPool {
    id: String,
    name: String,
    /// Networks whose cards take addresses from it.
    networks: BTreeSet<String>,
    addresses: BTreeSet<IpAddr>,
}

/// A new pool, or changes to one; what is none stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Changes {
    name: Option<String>,
    /// By address: null takes it out, anything else puts it in.
    addresses: Option<Map<String, Value>>,
    networks: Option<BTreeSet<String>>,
    /// A resource set that may use the pool from now on.
    resource_set: Option<String>,
}

impl IpPool {
    fn change(&mut self, changes: &Changes) -> Result<()> {
        if let Some(name) = &changes.name {
            self.name = check_name(name)?;
        }
        for (text, value) in changes.addresses.iter().flatten() {
            let wrong = |_| Failure::invalid(format!("{text} is no IP address"));
            let address: IpAddr = text.parse().map_err(wrong)?;
            if value.is_null() {
                self.addresses.remove(&address);
            } else {
                self.addresses.insert(address);
            }
        }
        if let Some(networks) = &changes.networks {
            self.networks.clone_from(networks);
        }
        if self.addresses.len().max(self.networks.len()) > MAX_MEMBERS {
            return Err(Failure::invalid(format!("a pool has {MAX_MEMBERS} addresses and networks at most")).into());
        }
        Ok(())
    }

    /// Returns the pool as the caller may see it: with the cards that have its addresses. That a card has one is no secret; which
    /// one it is, only who may see it is told.
    fn view(&self, ctx: &Ctx, sets: &[ResourceSet]) -> Value {
        let snapshot = ctx.app.inventory.snapshot();
        let class = access::visibility(&ctx.caller);
        let mut addresses: BTreeMap<IpAddr, Value> = self.addresses.iter().map(|ip| (*ip, json!({}))).collect();
        for (card, vif, vm) in held::cards(&snapshot, self) {
            let is_seen = class.sees(&snapshot, &**card);
            let set = resource_set::set_of(vm).filter(|id| is_seen && sets.iter().any(|set| set.id == *id));
            for text in vif.allowed_ipv4_addresses.iter().chain(&vif.allowed_ipv6_addresses) {
                let Some(entry) = text.parse().ok().and_then(|ip| addresses.get_mut(&ip)) else { continue };
                let mut vifs = entry["vifs"].as_array().cloned().unwrap_or_default();
                vifs.extend(is_seen.then(|| json!(card.id())));
                entry["vifs"] = json!(vifs);
                if let Some(set) = &set {
                    entry["resourceSet"] = json!(set);
                }
            }
        }
        let sets = sets.iter().filter(|set| set.ip_pools.contains(&self.id)).map(|set| set.id.as_str());
        json!({
            "id": self.id,
            "name": self.name,
            "networks": self.networks,
            "addresses": addresses,
            "resourceSets": sets.collect::<Vec<_>>(),
        })
    }
}

impl App {
    /// Returns all pools.
    fn ip_pools(&self) -> Result<Arc<[IpPool]>> {
        let version = self.store.version(Table::IpPools);
        // There is one value, which has no name.
        let known = self.known.ip_pools.get(version, "", || {
            let all = self.store.scan::<IpPool>(Table::IpPools, "", None, LISTED)?;
            Ok::<_, crate::Error>(Some(all.into_iter().map(|(_, stored)| stored.value).collect()))
        });
        Ok(known?.unwrap_or_default())
    }

    fn ip_pool(&self, id: &str) -> Result<Stored<IpPool>> {
        let found = self.store.get::<IpPool>(Table::IpPools, id)?;
        Ok(found.ok_or_else(|| Failure::no_such(id, "ipPool"))?)
    }
}

/// Makes a pool and returns its id.
pub async fn create(ctx: &Ctx, new: &Changes) -> Result<String> {
    let _admin = access::admin(&ctx.caller)?;
    let mut pool = IpPool { id: ServerId::random().to_string(), ..IpPool::default() };
    pool.change(new)?;
    ctx.app.store.put(Table::IpPools, &pool.id, &pool, Expect::Absent).await?;
    Ok(pool.id)
}

/// Changes a pool, and lets a resource set use it if one is named.
pub async fn set(ctx: &Ctx, id: &str, changes: &Changes) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    ctx.app.ip_pool(id)?;
    if let Some(set) = &changes.resource_set {
        resource_set::add_ip_pool(ctx, set, id).await?;
    }
    loop {
        let Stored { revision, value: mut pool } = ctx.app.ip_pool(id)?;
        pool.change(changes)?;
        match ctx.app.store.put(Table::IpPools, id, &pool, Expect::Revision(revision)).await {
            // Somebody was faster, and is done: each turn one gets through.
            Err(store::Error::Conflict { .. }) => {}
            other => {
                other?;
                return Ok(());
            }
        }
    }
}

/// Deletes a pool. Cards keep the addresses that they have.
pub async fn delete(ctx: &Ctx, id: &str) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    ctx.app.ip_pool(id)?;
    ctx.app.store.delete(Table::IpPools, id, Expect::Any).await?;
    Ok(())
}

/// Lists the pools of the resource sets that the caller may use; for administrators all, or those of an account.
pub fn get_all(ctx: &Ctx, user: Option<&UserId>) -> Result<Vec<Value>> {
    let _signed_in = access::signed_in(&ctx.caller)?;
    let mut sets = resource_set::get_all(ctx)?;
    let is_admin = ctx.caller.is_admin();
    if let Some(user) = user.filter(|_| is_admin) {
        let groups = ctx.app.groups_of(user)?;
        let is_subject = |set: &ResourceSet| {
            set.subjects.contains(user.as_str()) || groups.iter().any(|group| set.subjects.contains(group.as_str()))
        };
        sets.retain(is_subject);
    }
    let all = ctx.app.ip_pools()?;
    let is_meant =
        |pool: &&IpPool| is_admin && user.is_none() || sets.iter().any(|set| set.ip_pools.contains(&pool.id));
    Ok(all.iter().filter(is_meant).map(|pool| pool.view(ctx, &sets)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Rig;

    fn changes(value: Value) -> Changes {
        serde_json::from_value(value).unwrap()
    }

    #[tokio::test]
    async fn addresses_are_put_in_and_taken_out() {
        let rig = Rig::new();
        let new = changes(json!({ "name": "office", "addresses": { "192.0.2.1": {}, "2001:DB8::1": {} } }));
        let id = create(&rig.admin(), &new).await.unwrap();
        let shown = |user: &str| json!(get_all(&rig.user(user), None).unwrap());
        let all = || get_all(&rig.admin(), None).unwrap();
        assert_eq!(all()[0]["addresses"], json!({ "192.0.2.1": {}, "2001:db8::1": {} }));
        let change = changes(json!({ "addresses": { "192.0.2.1": null, "192.0.2.2": {} }, "networks": ["n"] }));
        set(&rig.admin(), &id, &change).await.unwrap();
        assert_eq!(all()[0]["addresses"], json!({ "192.0.2.2": {}, "2001:db8::1": {} }));
        assert_eq!((&all()[0]["name"], &all()[0]["networks"]), (&json!("office"), &json!(["n"])));
        for wrong in [json!({ "addresses": { "192.0.2": {} } }), json!({ "name": " " })] {
            assert_eq!(set(&rig.admin(), &id, &changes(wrong)).await.unwrap_err().failure.code(), 10);
        }
        // Who uses no set with it does not see it.
        assert_eq!(shown("alice"), json!([]));
        let set_of_alice = json!({ "name": "set", "subjects": ["alice"], "ipPools": [id] });
        resource_set::create(&rig.admin(), serde_json::from_value(set_of_alice).unwrap()).await.unwrap();
        assert_eq!(shown("alice")[0]["id"], id);
        assert_eq!(shown("bob"), json!([]));
        let of = |user: &str| get_all(&rig.admin(), Some(&UserId::from(user))).unwrap().len();
        assert_eq!((of("alice"), of("bob")), (1, 0));
        assert!(create(&rig.user("alice"), &new).await.is_err());
        delete(&rig.admin(), &id).await.unwrap();
        assert!(all().is_empty() && delete(&rig.admin(), &id).await.is_err());
    }
}
