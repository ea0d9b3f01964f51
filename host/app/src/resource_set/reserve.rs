//! Using something of a set: taken before it is made, given back when it was not.

use std::sync::Arc;

use model::Object;
use tracing::error;
use wire::Failure;

use super::{Amounts, ResourceSet, get, is_subject};
use crate::ctx::{App, Ctx};
use crate::error::Result;

/// Room in a set that is taken for something that is being made. Dropping it gives the room back, unless it was made:
/// [`Reservation::commit`].
#[must_use = "dropping it gives the room back"]
pub struct Reservation {
    app: Arc<App>,
    set: String,
    /// What is given back when it was not made.
    taken: Amounts,
    /// What is given back when it was: the thing is smaller now.
    spare: Amounts,
}

/// Refuses who may not use a set, or not with these objects.
pub(crate) fn may_use(ctx: &Ctx, set: &ResourceSet, objects: &[&str]) -> Result<()> {
    if ctx.caller.is_admin() {
        return Ok(());
    }
    let refused = |object| Failure::Unauthorized { permission: "resourceSet".to_owned(), object };
    if !is_subject(ctx, set)? {
        return Err(refused(None).into());
    }
    match objects.iter().find(|id| !set.objects.contains(**id)) {
        Some(id) => Err(refused(Some(((*id).to_owned(), "object".to_owned()))).into()),
        None => Ok(()),
    }
}

/// Takes room in a set for what is about to be made from these objects.
///
/// # Errors
/// The caller may not use the set, or these objects with it, or there is not enough room. Administrators go over the limits.
pub async fn reserve(ctx: &Ctx, set: &str, objects: &[&str], amounts: Amounts) -> Result<Reservation> {
    get(ctx, set)?;
    take(ctx, set, amounts, |known| may_use(ctx, known, objects)).await
}

/// Takes room in the set of a VM, if it is in one, for what it is about to get from these objects.
///
/// # Errors
/// Those of [`reserve`].
pub(crate) async fn reserve_for(
    ctx: &Ctx,
    vm: &Object,
    objects: &[&str],
    amounts: Amounts,
) -> Result<Option<Reservation>> {
    let Some(set) = ctx.app.home_of(vm)? else { return Ok(None) };
    take(ctx, &set.id, amounts, |known| may_use(ctx, known, objects)).await.map(Some)
}

/// Takes what something that belongs to a VM will need more than before in the set of the VM, if it is in one, and gives back
/// what it will need less when that is done. Whoever may change the VM may.
///
/// # Errors
/// There is not enough room.
pub(crate) async fn change(ctx: &Ctx, vm: &Object, before: &Amounts, after: &Amounts) -> Result<Option<Reservation>> {
    let Some(set) = ctx.app.home_of(vm)? else { return Ok(None) };
    change_in(ctx, &set.id, before, after).await.map(Some)
}

/// [`change`], in this set.
pub(crate) async fn change_in(ctx: &Ctx, set: &str, before: &Amounts, after: &Amounts) -> Result<Reservation> {
    let mut room = take(ctx, set, after.beyond(before), |_| Ok(())).await?;
    room.spare = before.beyond(after);
    Ok(room)
}

async fn take(
    ctx: &Ctx,
    set: &str,
    amounts: Amounts,
    check: impl Fn(&ResourceSet) -> Result<()>,
) -> Result<Reservation> {
    let is_admin = ctx.caller.is_admin();
    // Checked each time of what is there now: the set may have changed meanwhile.
    let taken = ctx.app.change_set(set, |known| {
        check(known)?;
        known.limits.take(set, &amounts, is_admin)
    });
    taken.await?;
    Ok(Reservation { app: ctx.app.clone(), set: set.to_owned(), taken: amounts, spare: Amounts::default() })
}

impl Reservation {
    /// It was made: the room stays taken.
    pub async fn commit(mut self) {
        self.taken = Amounts::default();
        let spare = std::mem::take(&mut self.spare);
        give_back(&self.app, &self.set, &spare).await;
    }

    /// It was made, and this is what it uses: storage has its own idea of sizes.
    pub(crate) async fn commit_as(mut self, there: &Amounts) {
        let counted = std::mem::take(&mut self.taken);
        recount(&self.app, &self.set, &counted, there).await;
    }
}

/// [`Reservation::commit`] where there may be none.
pub(crate) async fn commit(room: impl IntoIterator<Item = Reservation>) {
    for room in room {
        room.commit().await;
    }
}

/// [`Reservation::commit_as`] for what a pool has made, as the picture shows it; where it does not show in time it was made, too.
pub(crate) async fn settle<T>(
    rooms: impl IntoIterator<Item = Reservation>,
    shown: Result<T>,
    there: impl Fn(&T) -> Amounts,
) -> Result<T> {
    for room in rooms {
        match &shown {
            Ok(shown) => room.commit_as(&there(shown)).await,
            Err(_) => room.commit().await,
        }
    }
    shown
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let taken = std::mem::take(&mut self.taken);
        if taken.is_empty() {
            return;
        }
        let (app, set) = (self.app.clone(), std::mem::take(&mut self.set));
        tokio::spawn(async move { give_back(&app, &set, &taken).await });
    }
}

/// Gives room back; what goes wrong is for the log.
pub(crate) async fn give_back(app: &App, set: &str, amounts: &Amounts) {
    recount(app, set, amounts, &Amounts::default()).await;
}

/// Counts what is there in place of what was counted, whatever the limit; what goes wrong is for the log.
pub(crate) async fn recount(app: &App, set: &str, counted: &Amounts, there: &Amounts) {
    let (more, less) = (there.beyond(counted), counted.beyond(there));
    if more.is_empty() && less.is_empty() {
        return;
    }
    let done = app.change_set(set, |known| {
        known.limits.take(set, &more, true)?;
        known.limits.give(&less);
        Ok(())
    });
    match done.await {
        // The set is gone, and with it what was counted.
        Ok(()) | Err(crate::Error { failure: Failure::NoSuchObject { .. }, .. }) => {}
        Err(cause) => {
            error!(set, %cause, "a resource set counts wrong; resourceSet.recomputeAllLimits counts anew");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::super::{Changes, create, recompute_all, set};
    use super::*;
    use crate::testing::Rig;

    /// Returns the id of a set for alice with room for ten VMs.
    async fn room_for_ten(rig: &Rig) -> String {
        let names = |name: &str| Some(BTreeSet::from([name.to_owned()]));
        let limits = serde_json::from_value(json!({ "vms": 10, "cpus": 100 })).unwrap();
        let new = Changes {
            name: Some("set".to_owned()),
            subjects: names("alice"),
            objects: names("template"),
            limits,
            ..Changes::default()
        };
        create(&rig.admin(), new).await.unwrap().id
    }

    fn used(rig: &Rig, set: &str) -> serde_json::Value {
        json!(rig.app.resource_set(set).unwrap().value.limits)["vms"]["usage"].clone()
    }

    async fn until_used(rig: &Rig, set: &str, wanted: u64) {
        while used(rig, set) != wanted {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn of_a_hundred_at_once_ten_get_in() {
        let rig = Rig::new();
        let (set, alice) = (room_for_ten(&rig).await, rig.user("alice"));
        let vm = || Amounts::from([("vms", 1), ("cpus", 2)]);
        let tries = (0..100).map(|_| reserve(&alice, &set, &["template"], vm()));
        let (made, refused): (Vec<_>, Vec<_>) =
            futures::future::join_all(tries).await.into_iter().partition(Result::is_ok);
        assert_eq!((made.len(), refused.len(), used(&rig, &set)), (10, 90, json!(10)));
        for error in refused.into_iter().filter_map(Result::err) {
            let lacking = vec![json!({ "resourceSet": set, "resourceType": "vms", "available": 0, "requested": 1 })];
            assert_eq!(error.failure, Failure::NotEnoughResources { lacking });
        }
        // Seven are made, three fail: there is room for three.
        let mut made: Vec<Reservation> = made.into_iter().filter_map(Result::ok).collect();
        for made in made.drain(3..) {
            made.commit().await;
        }
        drop(made);
        until_used(&rig, &set, 7).await;
        let tries = (0..20).map(|_| reserve(&alice, &set, &["template"], vm()));
        let made = futures::future::join_all(tries).await.into_iter().filter_map(Result::ok);
        let made: Vec<()> = futures::future::join_all(made.map(Reservation::commit)).await;
        assert_eq!(made.len(), 3);
        // One is deleted; administrators go over the limit.
        give_back(&rig.app, &set, &vm()).await;
        assert_eq!(used(&rig, &set), 9);
        for _ in 0..3 {
            reserve(&rig.admin(), &set, &["anything"], vm()).await.unwrap().commit().await;
        }
        assert_eq!(used(&rig, &set), 12);
        assert!(reserve(&alice, &set, &["template"], vm()).await.is_err());
        recompute_all(&rig.admin()).await.unwrap();
        assert_eq!(used(&rig, &set), 0);
    }

    #[tokio::test]
    async fn only_subjects_and_only_with_what_is_in_it() {
        let rig = Rig::new();
        let id = room_for_ten(&rig).await;
        let one = || Amounts::from([("vms", 1)]);
        let refused = async |who: &str, objects: &[&str]| {
            reserve(&rig.user(who), &id, objects, one()).await.err().map(|error| error.failure.code())
        };
        assert_eq!(refused("bob", &["template"]).await, Some(1));
        assert_eq!(refused("alice", &["template", "other"]).await, Some(2));
        assert_eq!(refused("alice", &[]).await, None);
        // It was dropped at once.
        until_used(&rig, &id, 0).await;
        set(&rig.admin(), &id, Changes { subjects: Some(BTreeSet::new()), ..Changes::default() }).await.unwrap();
        assert_eq!(refused("alice", &["template"]).await, Some(1));
        // What was made is larger than was thought, over the limit, too; it is counted.
        let alice = BTreeSet::from(["alice".to_owned()]);
        set(&rig.admin(), &id, Changes { subjects: Some(alice), ..Changes::default() }).await.unwrap();
        let room = reserve(&rig.user("alice"), &id, &[], one()).await.unwrap();
        room.commit_as(&Amounts::from([("vms", 12)])).await;
        assert_eq!(used(&rig, &id), 12);
        give_back(&rig.app, &id, &Amounts::from([("vms", 12)])).await;
        // A set that is gone wants nothing back.
        give_back(&rig.app, "gone", &one()).await;
    }
}
