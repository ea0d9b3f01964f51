//! What verbs on a pool have in common: one call on one object, waiting for what was made, taking back what went wrong.

use std::sync::Arc;
use std::time::Duration;

use inventory::{Feed, Snapshot};
use model::Object;
use tracing::warn;
use wire::Failure;
use xapi::Value;

use crate::ctx::{App, Ctx};
use crate::error::{Error, Result};
use crate::object::{Target, reference};

/// Has the pool do something to an object that takes a while, and waits for its end.
pub(crate) async fn act(ctx: &Ctx, target: &Target, method: &str) -> Result<()> {
    match ctx.app.run(target, method, vec![reference(target)]).await {
        Ok(_) => Ok(()),
        // Somebody was faster, or the picture has not heard yet of a device that was plugged or unplugged just now.
        Err(error) if error.is_xapi("DEVICE_ALREADY_ATTACHED") || error.is_xapi("DEVICE_ALREADY_DETACHED") => Ok(()),
        Err(error) => Err(error),
    }
}

/// Has the pool do something to an object that is over at once.
pub(crate) async fn act_now(ctx: &Ctx, target: &Target, method: &str) -> Result<()> {
    ctx.app.call(target, method, vec![reference(target)]).await.map(drop)
}

/// Declares verbs that are one call each.
macro_rules! acts {
    ($($(#[$doc:meta])* $name:ident => $method:literal;)*) => {$(
        $(#[$doc])*
        pub async fn $name(ctx: &$crate::Ctx, target: &$crate::object::Target) -> $crate::Result<()> {
            $crate::act::act(ctx, target, $method).await
        }
    )*};
}

pub(crate) use acts;

/// How long a pool may take to tell of something it has done. Events come within a second; a pool whose events stand still
/// is lost long before.
const TOLD: Duration = Duration::from_secs(60);

impl App {
    /// Waits until the picture shows a fact about the pool of `on`.
    pub(crate) async fn until<T>(&self, on: &Target, mut fact: impl FnMut(&Snapshot) -> Option<T>) -> Result<T> {
        let mut changes = self.inventory.subscribe();
        let shown = async {
            loop {
                if let Some(found) = fact(&changes.snapshot()) {
                    return found;
                }
                // Only what happens in this pool is worth another look.
                while let Feed::Changes(changes) = changes.recv().await {
                    let objects = changes.set.iter().chain(&changes.last);
                    if objects.into_iter().any(|object| object.pool() == on.pool()) {
                        break;
                    }
                }
            }
        };
        let late = |_| Error::from(Failure::ServerUnreachable { id: on.pool().to_string() });
        tokio::time::timeout(TOLD, shown).await.map_err(late)
    }

    /// Waits until the picture has what a pool has made.
    pub(crate) async fn seen(&self, on: &Target, reference: &str) -> Result<Arc<Object>> {
        self.until(on, |snapshot| snapshot.by_ref(reference).cloned()).await
    }

    /// Has the pool make something, and returns its reference.
    pub(crate) async fn make(&self, on: &Target, method: &str, params: Vec<Value>) -> Result<Box<str>> {
        match self.run(on, method, params).await? {
            Value::String(reference) => Ok(reference),
            other => Err(Error::from(Failure::Internal(format!("{method} answered {other:?} and not a reference")))),
        }
    }

    /// Changes an object, one call after another; the first that is refused ends it.
    pub(crate) async fn each(&self, on: &Target, calls: Vec<(&str, Vec<Value>)>) -> Result<()> {
        for (method, params) in calls {
            self.call(on, method, std::iter::once(reference(on)).chain(params).collect()).await?;
        }
        Ok(())
    }

    /// Undoes a part of something that went wrong later; what cannot be undone is for the log.
    pub(crate) async fn undo(&self, on: &Target, method: &str, reference: &str) {
        if let Err(error) = self.run(on, method, vec![reference.into()]).await {
            warn!(method, reference, %error, "what was begun could not be taken back");
        }
    }
}

/// XAPI's reference to nothing.
pub(crate) const NULL: &str = "OpaqueRef:NULL";

/// Returns an empty map for the pool.
pub(crate) fn empty() -> Value {
    Value::Struct(Vec::new())
}

/// Returns whether a value of the pool is a reference to something.
pub(crate) fn is_something(reference: &str) -> bool {
    !reference.is_empty() && reference != NULL
}

/// Returns a time as ISO 8601 writes it.
pub(crate) fn date(time: model::Millis) -> String {
    let time = i64::try_from(time).ok().and_then(|time| jiff::Timestamp::from_millisecond(time).ok());
    time.map(|time| time.to_string()).unwrap_or_default()
}

/// Refuses to bring together what is not in one pool.
pub(crate) fn same_pool(one: &Target, other: &Target) -> Result<()> {
    if one.pool() == other.pool() {
        return Ok(());
    }
    let (one, other) = (one.id(), other.id());
    Err(Failure::invalid(format!("{other} is in another pool than {one}; name one of the same pool")).into())
}
