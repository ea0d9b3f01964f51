//! Giving addresses to cards: whose they are, how many of a pool a VM has, and what is under way.
//!
//! An address belongs to each pool that has it and serves the network of the card; a set may use one pool of those. Snapshots and
//! templates say which addresses their VM had, and have none.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use inventory::Snapshot;
use model::object::Vif;
use model::{Kind, Object, ObjectId};
use wire::Failure;

use super::IpPool;
use crate::ctx::{App, Ctx};
use crate::error::Result;
use crate::resource_set::{Amounts, ResourceSet};

/// Addresses of a card in a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Given {
    network: String,
    addresses: BTreeSet<IpAddr>,
}

/// An address of a pool, by the id of the pool.
type Key = (String, IpAddr);

/// Addresses that a request under way gives to cards: nobody else gets them until it is dropped, which must not be before the
/// picture shows the cards.
#[must_use = "dropping it lets others have the addresses"]
pub(crate) struct Held {
    app: Arc<App>,
    keys: BTreeSet<Key>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut all = self.app.addresses.lock();
        self.keys.iter().for_each(|key| {
            all.remove(key);
        });
    }
}

impl Given {
    /// Reads the addresses that a card in a network is to have.
    pub(crate) fn read(network: &str, four: &[String], six: &[String]) -> Result<Self> {
        let mut addresses = BTreeSet::new();
        for (list, is_four) in [(four, true), (six, false)] {
            for text in list {
                let wrong = || Failure::invalid(format!("{text} is no IPv{} address", if is_four { 4 } else { 6 }));
                let address: IpAddr = text.parse().map_err(|_| wrong())?;
                if address.is_ipv4() != is_four || !addresses.insert(address) {
                    return Err(wrong().into());
                }
            }
        }
        Ok(Self { network: network.to_owned(), addresses })
    }

    /// Returns the addresses that a card has.
    pub(crate) fn of(card: &Vif) -> Self {
        let network = card.network.as_ref().map(ObjectId::to_string).unwrap_or_default();
        let all = card.allowed_ipv4_addresses.iter().chain(&card.allowed_ipv6_addresses);
        Self { network, addresses: all.filter_map(|text| text.parse().ok()).collect() }
    }

    /// Returns the addresses that the cards of a VM, of a snapshot or of a template have.
    pub(crate) fn of_all(snapshot: &Snapshot, vm: &Object) -> Vec<Self> {
        let cards = vm.as_vm().into_iter().flat_map(|vm| vm.vifs.iter());
        cards.filter_map(|id| Some(Self::of(snapshot.get(id.as_str())?.as_vif()?))).collect()
    }

    /// Returns whether it is no address at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }

    fn each(&self) -> impl Iterator<Item = (&str, &IpAddr)> {
        self.addresses.iter().map(|ip| (self.network.as_str(), ip))
    }

    fn keys<'a>(&'a self, pools: &'a [IpPool]) -> impl Iterator<Item = Key> + 'a {
        let pools = pools.iter().filter(|pool| pool.networks.contains(&self.network));
        pools.flat_map(|pool| self.addresses.intersection(&pool.addresses).map(|ip| (pool.id.clone(), *ip)))
    }
}

/// Returns how many addresses of each pool these are, as a resource set limits them.
pub(crate) fn amounts(app: &App, given: &[Given]) -> Amounts {
    let mut amounts = Amounts::default();
    if !given.iter().all(Given::is_empty) {
        let pools = app.ip_pools().unwrap_or_default();
        for (pool, _) in given.iter().flat_map(|given| given.keys(&pools)) {
            amounts.add(&format!("ipPool:{pool}"), 1);
        }
    }
    amounts
}

/// Returns the cards of VMs that have addresses of a pool.
pub(super) fn cards<'a>(
    snapshot: &'a Snapshot,
    pool: &'a IpPool,
) -> impl Iterator<Item = (&'a Arc<Object>, &'a Vif, &'a Object)> + 'a {
    let networks = pool.networks.iter().filter_map(|id| snapshot.get(id)?.as_network());
    let cards = networks.flat_map(|network| network.vifs.iter()).filter_map(|id| snapshot.get(id.as_str()));
    let with_vm = |card: &'a Arc<Object>| {
        let vif = card.as_vif()?;
        let vm = snapshot.get(vif.vm.as_ref()?.as_str())?;
        (vm.kind() == Kind::Vm).then_some((card, vif, &**vm))
    };
    cards.filter_map(with_vm)
}

/// Holds the addresses that cards are about to get, in place of those that they had. For a VM of a set each new one has to be
/// in a pool of the set that serves the network of the card, and nobody else's. Administrators, and whoever may change a VM that
/// is in no set, choose as they like.
///
/// # Errors
/// The set may not use an address (code 2), or somebody has it.
pub(crate) fn hold(ctx: &Ctx, set: Option<&ResourceSet>, had: &[Given], given: &[Given]) -> Result<Held> {
    let mut held = Held { app: ctx.app.clone(), keys: BTreeSet::new() };
    if given.iter().all(Given::is_empty) {
        return Ok(held);
    }
    let pools = ctx.app.ip_pools()?;
    // A card that comes into another network of a pool keeps its address.
    let own: BTreeSet<Key> = had.iter().flat_map(|had| had.keys(&pools)).collect();
    let had: BTreeSet<(&str, &IpAddr)> = had.iter().flat_map(Given::each).collect();
    let mut new = BTreeMap::new();
    let strict = set.filter(|_| !ctx.caller.is_admin());
    for (network, ip) in given.iter().flat_map(Given::each).filter(|one| !had.contains(one)) {
        let one = Given { network: network.to_owned(), addresses: BTreeSet::from([*ip]) };
        let keys: Vec<Key> = one.keys(&pools).collect();
        if let Some(set) = strict {
            if !keys.iter().any(|(pool, _)| set.ip_pools.contains(pool)) {
                let object = Some((ip.to_string(), "address".to_owned()));
                return Err(Failure::Unauthorized { permission: "resourceSet".to_owned(), object }.into());
            }
            if keys.iter().any(|key| new.contains_key(key)) {
                return Err(taken(*ip));
            }
        }
        new.extend(keys.into_iter().map(|key| (key, *ip)));
    }
    // Whoever lets go of an address has made the picture show it before, so the picture is looked at behind the lock.
    let mut all = ctx.app.addresses.lock();
    if strict.is_some() {
        let snapshot = ctx.app.inventory.snapshot();
        for pool in pools.iter().filter(|pool| new.keys().any(|(id, _)| *id == pool.id)) {
            let used = cards(&snapshot, pool).flat_map(|(_, vif, _)| Given::of(vif).addresses);
            let used: BTreeSet<IpAddr> = used.collect();
            let is_taken = |(key, ip): &(&Key, &IpAddr)| key.0 == pool.id && used.contains(*ip) && !own.contains(*key);
            if let Some((_, ip)) = new.iter().find(is_taken) {
                return Err(taken(*ip));
            }
        }
        if let Some((_, ip)) = new.iter().find(|(key, _)| all.contains(*key)) {
            return Err(taken(*ip));
        }
    }
    // What somebody else holds stays theirs.
    held.keys = new.into_keys().filter(|key| all.insert(key.clone())).collect();
    Ok(held)
}

fn taken(ip: IpAddr) -> crate::Error {
    Failure::invalid(format!("{ip} is used by another card; choose an address of the pool that is free")).into()
}
