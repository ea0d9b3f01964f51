//! Using something of a set: taken before it is made, given back when it was not.

use std::sync::Arc;

use tracing::error;
use wire::Failure;

use super::{Amounts, get, is_subject};
use crate::ctx::{App, Ctx};
use crate::error::Result;

/// Room in a set that is taken for something that is being made. Dropping it gives the room back, unless it was made:
/// [`Reservation::commit`].
#[must_use = "dropping it gives the room back"]
pub struct Reservation {
    app: Arc<App>,
    set: String,
    /// None when it was made.
    amounts: Option<Amounts>,
}

/// Takes room in a set for what is about to be made from these objects.
///
/// # Errors
/// The caller may not use the set, or these objects with it, or there is not enough room. Administrators go over the limits.
pub async fn reserve(ctx: &Ctx, set: &str, objects: &[&str], amounts: Amounts) -> Result<Reservation> {
    let known = get(ctx, set)?;
    let is_admin = ctx.caller.is_admin();
    if !is_admin {
        let foreign = objects.iter().find(|id| !known.objects.contains(**id));
        if let Some(id) = foreign {
            let object = Some(((*id).to_owned(), "object".to_owned()));
            return Err(Failure::Unauthorized { permission: "resourceSet".to_owned(), object }.into());
        }
    }
    let taken = ctx.app.change_set(set, |known| {
        // Asked again of what is there now: they may have been taken out meanwhile.
        if !is_admin && !is_subject(ctx, known)? {
            return Err(Failure::no_such(set, "resourceSet").into());
        }
        known.limits.take(set, &amounts, is_admin)
    });
    taken.await?;
    Ok(Reservation { app: ctx.app.clone(), set: set.to_owned(), amounts: Some(amounts) })
}

impl Reservation {
    /// It was made: the room stays taken.
    pub fn commit(mut self) {
        self.amounts = None;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let Some(amounts) = self.amounts.take() else { return };
        let (app, set) = (self.app.clone(), self.set.clone());
        tokio::spawn(async move {
            if let Err(cause) = free(&app, &set, &amounts).await {
                error!(set, %cause, "room in a resource set was not given back; resourceSet.recomputeAllLimits counts anew");
            }
        });
    }
}

/// Gives room in a set back, for something that is gone. A set that is gone, too, is fine.
///
/// # Errors
/// The store cannot be written.
pub async fn free(app: &App, set: &str, amounts: &Amounts) -> Result<()> {
    let given = app.change_set(set, |set| {
        set.limits.give(amounts);
        Ok(())
    });
    match given.await {
        Err(crate::Error { failure: Failure::NoSuchObject { .. }, .. }) => Ok(()),
        other => other,
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
        made.drain(3..).for_each(Reservation::commit);
        drop(made);
        until_used(&rig, &set, 7).await;
        let tries = (0..20).map(|_| reserve(&alice, &set, &["template"], vm()));
        let made = futures::future::join_all(tries).await.into_iter().filter_map(Result::ok);
        assert_eq!(made.map(Reservation::commit).count(), 3);
        // One is deleted; administrators go over the limit.
        free(&rig.app, &set, &vm()).await.unwrap();
        assert_eq!(used(&rig, &set), 9);
        for _ in 0..3 {
            reserve(&rig.admin(), &set, &["anything"], vm()).await.unwrap().commit();
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
        // A set that is gone wants nothing back.
        free(&rig.app, "gone", &one()).await.unwrap();
    }
}
