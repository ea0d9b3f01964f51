//! Resource sets: what people may use by themselves - templates, SRs, networks - and how much of it.
//!
//! What is used of a limit stands in the set and is changed only together with a look at the limit, so of a crowd that comes at
//! once exactly as many get through as there is room for. See [`Reservation`].

mod limits;
mod offers;
mod reserve;
mod vms;

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Expect, Stored, Table};
use wire::Failure;

pub use self::limits::{Amounts, Limit, Limits};
pub(crate) use self::offers::{Offered, Offers};
pub use self::reserve::{Reservation, reserve};
pub(crate) use self::reserve::{change, change_in, commit, give_back, may_use, recount, reserve_for, settle};
pub(crate) use self::vms::{amounts_as, counts, disks_of, enter, may_leave, share, transfer, vms_with};
pub use self::vms::{amounts_of, set_of};
use self::vms::{end_sharing, vms_of};
use crate::ctx::{App, Ctx};
use crate::error::Result;
use crate::user::check_name;

/// Sets listed at once.
const LISTED: usize = 10_000;

/// Subjects, objects or tags of one set.
const MAX_MEMBERS: usize = 10_000;

/// Characters of an id.
const ID: usize = 11;

/// A set as it is stored and shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceSet {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Accounts and groups that may use it.
    pub subjects: BTreeSet<String>,
    /// Templates, SRs and networks that may be used with it.
    pub objects: BTreeSet<String>,
    /// How much there is of what, and how much is used.
    pub limits: Limits,
    /// Pools of addresses.
    pub ip_pools: Vec<String>,
    /// Tags that its VMs get.
    pub tags: Vec<String>,
    /// Whether its VMs are shared with all subjects.
    pub share_by_default: bool,
}

/// A new set, or changes to one; what is none stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Changes {
    /// Name.
    pub name: Option<String>,
    /// Who may use it.
    pub subjects: Option<BTreeSet<String>>,
    /// What may be used.
    pub objects: Option<BTreeSet<String>>,
    /// Totals, as numbers or as `{total}`.
    pub limits: Option<BTreeMap<String, Value>>,
    /// Pools of addresses.
    pub ip_pools: Option<Vec<String>>,
    /// Tags.
    pub tags: Option<Vec<String>>,
    /// Whether its VMs are shared.
    pub share_by_default: Option<bool>,
}

impl ResourceSet {
    fn change(&mut self, changes: Changes) -> Result<()> {
        let Changes { name, subjects, objects, limits, ip_pools, tags, share_by_default } = changes;
        if let Some(name) = name {
            self.name = check_name(&name)?;
        }
        if let Some(limits) = limits {
            self.limits.set(&limits)?;
        }
        self.subjects = subjects.unwrap_or(std::mem::take(&mut self.subjects));
        self.objects = objects.unwrap_or(std::mem::take(&mut self.objects));
        self.ip_pools = ip_pools.unwrap_or(std::mem::take(&mut self.ip_pools));
        self.tags = tags.unwrap_or(std::mem::take(&mut self.tags));
        self.share_by_default = share_by_default.unwrap_or(self.share_by_default);
        if self.subjects.len().max(self.objects.len()).max(self.tags.len()) > MAX_MEMBERS {
            return Err(Failure::invalid(format!("a set has {MAX_MEMBERS} subjects, objects and tags at most")).into());
        }
        Ok(())
    }
}

impl App {
    pub(crate) fn resource_set(&self, id: &str) -> Result<Stored<ResourceSet>> {
        let found = self.store.get::<ResourceSet>(Table::ResourceSets, id)?;
        Ok(found.ok_or_else(|| Failure::no_such(id, "resourceSet"))?)
    }

    /// Changes a set; when somebody else did meanwhile, once more from what they left.
    async fn change_set<T>(&self, id: &str, change: impl Fn(&mut ResourceSet) -> Result<T>) -> Result<T> {
        loop {
            let Stored { revision, value: before } = self.resource_set(id)?;
            let mut set = before.clone();
            let answer = change(&mut set)?;
            match self.store.put(Table::ResourceSets, id, &set, Expect::Revision(revision)).await {
                // Somebody was faster, and is done: each turn one gets through.
                Err(store::Error::Conflict { .. }) => {}
                other => {
                    other?;
                    self.offers_changed(&before, &set)?;
                    return Ok(answer);
                }
            }
        }
    }
}

/// Returns whether the caller may use a set.
pub(crate) fn is_subject(ctx: &Ctx, set: &ResourceSet) -> Result<bool> {
    let Some(principal) = ctx.caller.principal() else { return Ok(false) };
    let groups = ctx.app.groups_of(&principal.id)?;
    let own = set.subjects.contains(principal.id.as_str());
    Ok(own || groups.iter().any(|group| set.subjects.contains(group.as_str())))
}

/// Lists the sets that the caller may use; all for administrators.
pub fn get_all(ctx: &Ctx) -> Result<Vec<ResourceSet>> {
    let _signed_in = access::signed_in(&ctx.caller)?;
    let sets = ctx.app.store.scan::<ResourceSet>(Table::ResourceSets, "", None, LISTED)?;
    let mut seen = Vec::new();
    for (_, stored) in sets {
        if ctx.caller.is_admin() || is_subject(ctx, &stored.value)? {
            seen.push(stored.value);
        }
    }
    Ok(seen)
}

/// Returns a set that the caller may use; for others it does not exist.
pub fn get(ctx: &Ctx, id: &str) -> Result<ResourceSet> {
    let _signed_in = access::signed_in(&ctx.caller)?;
    let set = ctx.app.resource_set(id)?.value;
    if ctx.caller.is_admin() || is_subject(ctx, &set)? {
        return Ok(set);
    }
    Err(Failure::no_such(id, "resourceSet").into())
}

/// Makes a set.
pub async fn create(ctx: &Ctx, new: Changes) -> Result<ResourceSet> {
    let _admin = access::admin(&ctx.caller)?;
    let mut set = ResourceSet { id: random_id(), ..ResourceSet::default() };
    set.change(Changes { name: Some(new.name.unwrap_or_default()), ..new })?;
    ctx.app.store.put(Table::ResourceSets, &set.id, &set, Expect::Absent).await?;
    ctx.app.offers_changed(&ResourceSet::default(), &set)?;
    Ok(set)
}

fn random_id() -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut rng = rand::rng();
    (0..ID).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())])).collect()
}

/// Changes a set. What is used stays, whatever the limits are now.
pub async fn set(ctx: &Ctx, id: &str, changes: Changes) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let changed = ctx.app.change_set(id, |set| {
        let before = set.subjects.clone();
        set.change(changes.clone())?;
        Ok(before.difference(&set.subjects).cloned().collect::<Vec<_>>())
    });
    for subject in changed.await? {
        end_sharing(ctx, id, &subject).await?;
    }
    Ok(())
}

/// Says how much there is of something.
pub async fn add_limit(ctx: &Ctx, id: &str, resource: &str, total: u64) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    ctx.app.change_set(id, |set| set.limits.set_one(resource, Some(total))).await
}

/// Takes a limit away.
pub async fn remove_limit(ctx: &Ctx, id: &str, resource: &str) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    ctx.app.change_set(id, |set| set.limits.set_one(resource, None)).await
}

/// Adds something that may be used.
pub async fn add_object(ctx: &Ctx, id: &str, object: &str) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let objects = || Some(BTreeSet::from([object.to_owned()]));
    let add = |set: &mut ResourceSet| {
        let objects = objects().map(|new| set.objects.union(&new).cloned().collect());
        set.change(Changes { objects, ..Changes::default() })
    };
    ctx.app.change_set(id, add).await
}

/// Takes something away that may be used.
pub async fn remove_object(ctx: &Ctx, id: &str, object: &str) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let remove = |set: &mut ResourceSet| {
        set.objects.remove(object);
        Ok(())
    };
    ctx.app.change_set(id, remove).await
}

/// Lets a set use a pool of addresses.
pub(crate) async fn add_ip_pool(ctx: &Ctx, id: &str, pool: &str) -> Result<()> {
    let add = |set: &mut ResourceSet| {
        if !set.ip_pools.iter().any(|known| known == pool) {
            set.ip_pools.push(pool.to_owned());
        }
        Ok(())
    };
    ctx.app.change_set(id, add).await
}

/// Lets an account or a group use the set.
pub async fn add_subject(ctx: &Ctx, id: &str, subject: &str) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    ctx.app.accounts_of(subject)?.ok_or_else(|| Failure::no_such(subject, "user or group"))?;
    let add = |set: &mut ResourceSet| {
        let mut subjects = set.subjects.clone();
        subjects.insert(subject.to_owned());
        set.change(Changes { subjects: Some(subjects), ..Changes::default() })
    };
    ctx.app.change_set(id, add).await
}

/// Takes the set from an account or a group, and what it was granted on the VMs of the set.
pub async fn remove_subject(ctx: &Ctx, id: &str, subject: &str) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let remove = |set: &mut ResourceSet| {
        set.subjects.remove(subject);
        Ok(())
    };
    ctx.app.change_set(id, remove).await?;
    end_sharing(ctx, id, subject).await
}

/// Deletes a set; its VMs stay, without it. Those of pools that are away are left with a set that does not exist.
pub async fn delete(ctx: &Ctx, id: &str) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let set = ctx.app.resource_set(id)?.value;
    vms::detach_all(ctx, id).await?;
    ctx.app.store.delete(Table::ResourceSets, id, Expect::Any).await?;
    ctx.app.offers_changed(&set, &ResourceSet::default())
}

/// Counts anew what is used of all sets, from what is there.
pub async fn recompute_all(ctx: &Ctx) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    for (id, _) in ctx.app.store.scan::<Value>(Table::ResourceSets, "", None, LISTED)? {
        let used = vms_of(&ctx.app, &id).iter().fold(Amounts::default(), |sum, vm| sum.and(&amounts_of(&ctx.app, vm)));
        let counted = ctx.app.change_set(&id, |set| {
            set.limits.count(&used);
            Ok(())
        });
        match counted.await {
            // It was deleted meanwhile.
            Err(crate::Error { failure: Failure::NoSuchObject { .. }, .. }) => {}
            other => other?,
        }
    }
    Ok(())
}
