//! Reading the picture: what a caller may see of it, and nothing else.

use std::ops::ControlFlow;
use std::sync::Arc;

use access::{Action, Permit, Refusal, VisibilityClass};
use bytes::Bytes;
use inventory::{Pages, Piece, Snapshot};
use model::{Kind, Object, ObjectId, Revision};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Json};
use wire::{Failure, Level};
use xapi::Value;

use crate::ctx::{Ctx, Meaning};
use crate::error::{Error, Result};
use crate::find::find;
use crate::query::Query;

/// Objects of one state of the picture that a caller may see and that a query matches, handed out a few at a time, so that a
/// listing of a hundred thousand neither holds a list of them nor keeps a thread for itself.
pub struct Selection {
    snapshot: Snapshot,
    class: VisibilityClass,
    query: Query,
    /// The only object that can match, where the id is asked for.
    one: Option<Arc<Object>>,
    /// Types that can match and are still to be walked, the next one last; that one from behind `after` on.
    kinds: Vec<Kind>,
    after: Option<ObjectId>,
    /// How many more are wanted.
    left: usize,
}

/// Selects objects, at most `limit` of them, in a stable order: by type, then by id.
pub fn select(ctx: &Ctx, query: Query, limit: Option<usize>) -> Selection {
    let (snapshot, class) = (ctx.app.inventory.snapshot(), access::visibility(&ctx.caller));
    let mut selection = Selection {
        snapshot,
        class,
        query,
        one: None,
        kinds: Vec::new(),
        after: None,
        left: limit.unwrap_or(usize::MAX),
    };
    if let Some(id) = selection.query.id() {
        let found = find(&selection.snapshot, &selection.class, id, &[]);
        // It has to be the id itself: filters know nothing of references.
        let one = found.filter(|object| object.id().as_str() == id && selection.matches(object)).cloned();
        selection.one = one;
    } else if !selection.class.sees_nothing() {
        // The type is indexed, and is what nearly every client asks for.
        selection.kinds = Kind::ALL.iter().rev().copied().filter(|kind| selection.query.may_match(*kind)).collect();
    }
    selection
}

impl Selection {
    /// Hands the next objects to `take`, until it breaks off or `looks` objects were looked at. Returns whether there may
    /// be more.
    ///
    /// # Errors
    /// The filter took too long; what was handed out is not to be trusted.
    pub fn next(&mut self, mut looks: usize, mut take: impl FnMut(&Arc<Object>) -> ControlFlow<()>) -> Result<bool> {
        if let Some(one) = self.one.take().filter(|_| self.left > 0) {
            // There is only this one, so it does not matter whether more could be taken.
            let _ = take(&one);
            return Ok(false);
        }
        let mut more = false;
        while let Some(&kind) = self.kinds.last().filter(|_| self.left > 0) {
            // The last one that was looked at; its id is taken at the end only, because counting one more owner of the id of
            // each object costs a third of a listing from kept JSON.
            let (mut last, mut left, mut stopped) = (None, self.left, false);
            let mut objects = self.objects(kind);
            while !stopped && let Some(object) = objects.next() {
                if left == 0 || looks == 0 {
                    stopped = true;
                    break;
                }
                looks -= 1;
                last = Some(object);
                if self.takes(object) {
                    left -= 1;
                    stopped = take(object).is_break();
                }
            }
            drop(objects);
            let last = last.map(|object| object.id().clone());
            self.left = left;
            if stopped {
                self.after = last.or(self.after.take());
                more = left > 0;
                break;
            }
            self.kinds.pop();
            self.after = None;
        }
        self.query.check()?;
        Ok(more)
    }

    /// Returns the next objects as one piece of kept text, an empty one when there are no more. None where each object has
    /// to be looked at: then [`Selection::next`] goes on. For `form`, `separator` and `write` see [`Pages::piece`].
    pub fn piece(
        &mut self,
        pages: &Pages,
        form: u64,
        separator: &[u8],
        mut write: impl FnMut(&Arc<Object>, &mut Vec<u8>),
    ) -> Option<Bytes> {
        if self.one.is_some() || self.left < usize::MAX || !self.class.sees_all() {
            return None;
        }
        while let Some(&kind) = self.kinds.last() {
            if !self.query.takes_all(kind) {
                return None;
            }
            let found = pages.piece(form, separator, &mut *self.objects(kind), &mut write);
            if let Some(Piece { text, last }) = found {
                self.after = Some(last);
                return Some(text);
            }
            self.kinds.pop();
            self.after = None;
        }
        Some(Bytes::new())
    }

    /// Returns the objects of a kind that are still to be walked.
    fn objects(&self, kind: Kind) -> Box<dyn Iterator<Item = &Arc<Object>> + '_> {
        match &self.after {
            None => Box::new(self.snapshot.of_kind(kind)),
            Some(after) => Box::new(self.snapshot.of_kind_after(kind, after)),
        }
    }

    fn takes(&self, object: &Object) -> bool {
        (self.class.sees_all() || self.class.sees(&self.snapshot, object)) && self.matches(object)
    }

    fn matches(&self, object: &Object) -> bool {
        self.query.matches(object) && self.query.matches_alarm(&self.snapshot, object)
    }

    /// Returns the revision of the picture at which the objects that are still to be walked last changed: the same question
    /// gets the same answer for as long as this is the same. None when no type is walked.
    pub fn changed_at(&self) -> Option<Revision> {
        let of_kinds = self.kinds.iter().map(|kind| self.snapshot.changed_at(*kind)).max();
        // What rights are inherited from can be of any type.
        of_kinds.map(|revision| if self.class.sees_all() { revision } else { self.snapshot.revision() })
    }

    /// Returns the picture that is walked.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Returns whose answer it is: all of one class get the same.
    pub fn class(&self) -> VisibilityClass {
        self.class.clone()
    }
}

/// Returns the disks of a VM that the caller may see.
pub fn disks(ctx: &Ctx, id: &str, kind: &str) -> Result<Vec<Arc<Object>>> {
    let vm = get(ctx, id, &[kind])?;
    let snapshot = ctx.app.inventory.snapshot();
    let class = access::visibility(&ctx.caller);
    let vbds =
        vm.as_vm().into_iter().flat_map(|vm| vm.vbds.iter()).filter_map(|id| snapshot.get(id.as_str())?.as_vbd());
    let disks = vbds.filter_map(|vbd| snapshot.get(vbd.vdi.as_ref()?.as_str()));
    Ok(disks.filter(|disk| class.sees(&snapshot, &***disk)).cloned().collect())
}

/// Returns one object, by id or by the pool's own reference, if it is of one of these types (any, if none is named) and
/// the caller may see it.
pub fn get(ctx: &Ctx, id: &str, kinds: &[&str]) -> Result<Arc<Object>> {
    let snapshot = ctx.app.inventory.snapshot();
    let found = find(&snapshot, &access::visibility(&ctx.caller), id, kinds).cloned();
    let kind = if kinds.len() == 1 { kinds[0] } else { "object" };
    Ok(found.ok_or_else(|| Failure::no_such(id, kind))?)
}

/// Returns an object as a permit for the action, or why not: what the caller may not see does not exist.
pub fn permit(ctx: &Ctx, id: &str, kinds: &[&str], action: Action) -> Result<Target> {
    let object = get(ctx, id, kinds)?;
    let kind = object.kind();
    ctx.permit(action, object).map_err(|refusal| match refusal {
        Refusal::NotVisible => Failure::no_such(id, kind.as_str()).into(),
        Refusal::NotAllowed { action } => {
            let object = Some((id.to_owned(), kind.as_str().to_owned()));
            Failure::Unauthorized { permission: action.to_string(), object }.into()
        }
    })
}

/// [`permit`], for an action that is called so in the words of fine rights.
pub(crate) fn permit_to(
    ctx: &Ctx,
    id: &str,
    kinds: &'static [&'static str],
    action: Action,
    privilege: &'static str,
) -> Result<Target> {
    let meaning = Meaning { kinds, action, privileges: vec![privilege.into()] };
    permit(&Ctx { means: [meaning].into(), ..ctx.clone() }, id, kinds, action)
}

/// An object that the caller may do something to.
pub type Target = Permit<Arc<Object>>;

/// The objects that the parameters of a call name, by parameter; each is permitted at the level that the table states.
pub type Named = Vec<(&'static str, Target)>;

/// Looks up every object that an operation declares. Parameters that are absent or null are passed over; a list names
/// several.
pub fn named(ctx: &Ctx, declared: &[wire::Object], params: &Map<String, Json>) -> Result<Named> {
    let mut named = Named::new();
    for object in declared {
        let action = match object.level {
            Level::View => Action::View,
            Level::Operate => Action::Operate,
            Level::Administrate => Action::Administrate,
        };
        let ids = match params.get(object.param) {
            Some(Json::Array(ids)) => ids.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        for id in ids.iter().filter_map(Json::as_str) {
            let permitted = match permit(ctx, id, object.kinds, action) {
                Err(_) if object.by_set && is_offered(ctx, id) => permit(ctx, id, object.kinds, Action::View),
                other => other,
            };
            named.push((object.param, permitted?));
        }
    }
    Ok(named)
}

/// Returns whether a resource set of the caller's offers an object.
fn is_offered(ctx: &Ctx, id: &str) -> bool {
    ctx.caller.principal().is_some_and(|who| who.rights.offers(id))
}

/// Refuses an object that the caller was not permitted to do this with, but was let through with because a set offers it.
pub(crate) fn needs(target: &Target, action: Action) -> Result<()> {
    if target.action() >= action {
        return Ok(());
    }
    let object = Some((target.id().to_string(), target.kind().as_str().to_owned()));
    Err(Failure::Unauthorized { permission: action.to_string(), object }.into())
}

/// Returns an object as its pool names it.
pub(crate) fn reference(object: &Object) -> Value {
    Value::from(&**object.reference())
}

/// Reads a size: bytes as a number, or a text such as "2 GiB".
pub(crate) fn bytes(value: &Json, name: &str) -> Result<i64> {
    let wrong = || Error::from(Failure::invalid(format!("{name} is not a size, such as 2147483648 or \"2 GiB\"")));
    if let Some(number) = value.as_i64() {
        return if number >= 0 { Ok(number) } else { Err(wrong()) };
    }
    let text = value.as_str().ok_or_else(wrong)?.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor: f64 = match unit.trim().to_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kib" => 1024.0,
        "kb" => 1e3,
        "m" | "mib" => 1024f64.powi(2),
        "mb" => 1e6,
        "g" | "gib" => 1024f64.powi(3),
        "gb" => 1e9,
        "t" | "tib" => 1024f64.powi(4),
        "tb" => 1e12,
        _ => return Err(wrong()),
    };
    let size = number.parse::<f64>().map_err(|_| wrong())? * factor;
    if size.is_finite() && size < 9e18 { Ok(size as i64) } else { Err(wrong()) }
}

/// Tells null (clear it) from absent (leave it).
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Returns a value of a pool as JSON.
pub(crate) fn to_json(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Bool(flag) => (*flag).into(),
        Value::Int(number) => (*number).into(),
        Value::Double(number) => (*number).into(),
        Value::String(text) => (&**text).into(),
        Value::Array(items) => items.iter().map(to_json).collect(),
        Value::Struct(members) => members.iter().map(|(name, value)| (name.to_string(), to_json(value))).collect(),
    }
}
