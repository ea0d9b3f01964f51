//! What changed, put together for the sockets: one batch for one or several answers of event.from.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use access::{Graph, VisibilityClass};
use bytes::Bytes;
use inventory::{JsonCache, Snapshot};
use model::{Changes, Object, ObjectId};

use crate::listing::append_json;
use crate::ws::frame;

/// What stands before the objects of a notification, and behind them.
pub(crate) const ENTER: &[u8] = br#"{"jsonrpc":"2.0","method":"all","params":{"type":"enter","items":"#;
const EXIT: &[u8] = br#"{"jsonrpc":"2.0","method":"all","params":{"type":"exit","items":"#;
pub(crate) const END: &[u8] = b"}}";

/// An object that is new or different.
#[derive(Debug)]
pub(crate) struct Changed {
    pub before: Option<Arc<Object>>,
    pub after: Arc<Object>,
}

/// A state of an object; none before it came and after it went.
pub(crate) type State<'a> = Option<&'a Arc<Object>>;

/// The differences between two states of the picture. Each object is in it once.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub changed: Vec<Changed>,
    /// Last states of the objects that are gone.
    pub removed: Vec<Arc<Object>>,
    /// When the first of what brought them was in hand.
    pub arrived: Option<Instant>,
    /// For classes that see some objects; none while nobody of such a class listens.
    pub(crate) sight: Option<Sight>,
}

/// What it takes to tell who sees an object and who saw it before.
#[derive(Debug)]
pub(crate) struct Sight {
    after: Snapshot,
    /// The states before of what is different.
    before: HashMap<ObjectId, Option<Arc<Object>>>,
    /// Which of the changed ones others may see now; the rest is seen by whoever saw it before.
    moving: Vec<usize>,
    /// Objects that are the same, but that others may see now, because what they belong to has gone elsewhere.
    heirs: Vec<Arc<Object>>,
}

/// The picture before a batch.
struct Before<'a>(&'a Sight);

impl Graph for Before<'_> {
    type Object = Object;

    fn object(&self, id: &str) -> Option<&Object> {
        match self.0.before.get(id) {
            Some(before) => before.as_deref(),
            None => self.0.after.object(id),
        }
    }
}

/// The texts of the objects of a batch, each written once however many classes see it.
pub(crate) struct Texts<'a> {
    json: &'a JsonCache,
    /// Whether there is more than one reader; otherwise nothing is kept.
    shared: bool,
    text: Vec<u8>,
    places: HashMap<usize, Range<usize>>,
}

impl<'a> Texts<'a> {
    pub(crate) fn new(json: &'a JsonCache, shared: bool) -> Self {
        Self { json, shared, text: Vec::new(), places: HashMap::new() }
    }

    fn append(&mut self, at: usize, object: &Arc<Object>, change: Option<&Changed>, out: &mut Vec<u8>) {
        if !self.shared {
            return append_entry(self.json, object, change, out);
        }
        let place = self.places.entry(at).or_insert_with(|| {
            let begin = self.text.len();
            append_entry(self.json, object, change, &mut self.text);
            begin..self.text.len()
        });
        out.extend_from_slice(&self.text[place.clone()]);
    }
}

/// Appends `"<id>":{...}`.
pub(crate) fn append_entry(json: &JsonCache, object: &Arc<Object>, change: Option<&Changed>, out: &mut Vec<u8>) {
    match change {
        Some(change) => json.append_changed(change.before.as_deref(), object, out),
        None => json.append_entry(object, out),
    }
}

impl Batch {
    /// Puts changes that followed one another together.
    pub(crate) fn of(all: &[Arc<Changes>]) -> Self {
        // First and last state of each object; most batches are one answer, but an id may go and come in the same one.
        let mut places: HashMap<&ObjectId, usize> = HashMap::new();
        let mut states: Vec<(State<'_>, State<'_>)> = Vec::new();
        for changes in all {
            let removed = changes.last.iter().map(|last| (last.id(), Some(last), None));
            let set = changes.set.iter().zip(&changes.before);
            let set = set.map(|(after, before)| (after.id(), before.as_ref(), Some(after)));
            for (id, before, after) in removed.chain(set) {
                let place = *places.entry(id).or_insert(states.len());
                match states.get_mut(place) {
                    Some(state) => state.1 = after,
                    None => states.push((before, after)),
                }
            }
        }
        let mut batch = Self { arrived: all.iter().filter_map(|changes| changes.arrived).min(), ..Self::default() };
        for (before, after) in states {
            match (before, after) {
                (before, Some(after)) => batch.changed.push(Changed { before: before.cloned(), after: after.clone() }),
                (Some(last), None) => batch.removed.push(last.clone()),
                // It came and went; nobody heard of it.
                (None, None) => {}
            }
        }
        batch
    }

    /// Returns whether there is nothing to tell.
    pub(crate) fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.removed.is_empty()
    }

    /// Makes the batch good for classes that see some objects. `snapshot` is the picture right after it.
    pub(crate) fn look(&mut self, snapshot: Snapshot) {
        let states = || {
            let changed = self.changed.iter().map(|change| (change.before.as_ref(), Some(&change.after)));
            changed.chain(self.removed.iter().map(|last| (Some(last), None)))
        };
        let state = |(before, after): (State<'_>, State<'_>)| Some((after.or(before)?.id().clone(), before.cloned()));
        let before: HashMap<_, _> = states().filter_map(state).collect();
        let heirs = snapshot.heirs(states());
        let moving = (0..self.changed.len()).filter(|at| heirs.contains(self.changed[*at].after.id())).collect();
        let heirs = heirs.iter().filter(|id| !before.contains_key(*id)).filter_map(|id| snapshot.get(id.as_str()));
        let heirs = heirs.cloned().collect();
        self.sight = Some(Sight { after: snapshot, before, moving, heirs });
    }

    /// Returns what comes into sight, and the notification of what goes out of it, when what somebody sees is another
    /// class's from now on.
    pub(crate) fn difference(after: Snapshot, from: &VisibilityClass, to: &VisibilityClass) -> (Self, Option<Vec<u8>>) {
        let only = |one: &VisibilityClass, other: &VisibilityClass, object: &Object| {
            one.sees(&after, object) && !other.sees(&after, object)
        };
        let lost = exit(after.iter().filter(|object| only(from, to, object)));
        let seen = after.iter().filter(|object| only(to, from, object));
        let changed = seen.map(|object| Changed { before: None, after: object.clone() }).collect();
        let sight = Some(Sight { after: after.clone(), before: HashMap::new(), moving: Vec::new(), heirs: Vec::new() });
        (Self { changed, sight, ..Self::default() }, lost)
    }

    fn heirs(&self) -> &[Arc<Object>] {
        self.sight.as_ref().map_or(&[], |sight| &sight.heirs)
    }

    fn sees(&self, class: &VisibilityClass, object: &Object) -> bool {
        class.sees_all() || self.sight.as_ref().is_some_and(|sight| class.sees(&sight.after, object))
    }

    fn saw(&self, class: &VisibilityClass, object: &Object) -> bool {
        class.sees_all() || self.sight.as_ref().is_some_and(|sight| class.sees(&Before(sight), object))
    }

    /// Returns each object as a class saw it before and sees it after.
    pub(crate) fn states<'a>(&'a self, class: &'a VisibilityClass) -> impl Iterator<Item = (State<'a>, State<'a>)> {
        let changed = self.changed.iter().map(|change| (change.before.as_ref(), Some(&change.after)));
        let removed = self.removed.iter().map(|last| (Some(last), None));
        let heirs = self.heirs().iter().map(|object| (Some(object), Some(object)));
        let seen = changed.chain(removed).chain(heirs).map(|(before, after)| {
            let before = before.filter(|object| self.saw(class, object));
            (before, after.filter(|object| self.sees(class, object)))
        });
        // An heir that is seen as before is no news.
        seen.filter(
            |(before, after)| !matches!((before, after), (Some(before), Some(after)) if Arc::ptr_eq(before, after)),
        )
    }

    /// Returns how many objects there are to be looked at, with [`Batch::shown`].
    pub(crate) fn len(&self) -> usize {
        self.changed.len() + self.heirs().len()
    }

    /// Returns one of the objects if the class has to be told of it.
    pub(crate) fn shown(&self, class: &VisibilityClass, at: usize) -> Option<(&Arc<Object>, Option<&Changed>)> {
        if let Some(change) = self.changed.get(at) {
            return self.sees(class, &change.after).then_some((&change.after, Some(change)));
        }
        let heir = self.heirs().get(at - self.changed.len())?;
        (self.sees(class, heir) && !self.saw(class, heir)).then_some((heir, None))
    }

    /// Returns the frames that tell a class: complete objects for what is there, then ids for what is gone, in Xen
    /// Orchestra's form. None when there is nothing that the class sees.
    pub(crate) fn frames(&self, class: &VisibilityClass, texts: &mut Texts<'_>) -> Option<Bytes> {
        let mut out = vec![0; frame::HEADER];
        let mut any = false;
        for at in 0..self.len() {
            let Some((object, change)) = self.shown(class, at) else { continue };
            if !any {
                out.extend_from_slice(ENTER);
            }
            out.push(if any { b',' } else { b'{' });
            any = true;
            texts.append(at, object, change, &mut out);
        }
        let mut begin = 0;
        if any {
            out.push(b'}');
            out.extend_from_slice(END);
            begin = frame::finish(&mut out, 0, frame::TEXT, true);
        } else {
            out.clear();
        }
        if let Some(exit) = self.exit(class) {
            frame::append(&mut out, frame::TEXT, &exit);
        }
        (!out.is_empty()).then(|| Bytes::from(out).slice(begin..))
    }

    /// Returns the notification of what a class no longer sees: what is gone, and what is there but no longer for it.
    pub(crate) fn exit(&self, class: &VisibilityClass) -> Option<Vec<u8>> {
        // A class that looks at values may lose any object that changed; others only what belongs elsewhere now.
        let moving = self.sight.iter().flat_map(|sight| sight.moving.iter().copied());
        let (all, moving) = if class.looks_at_values() { (self.changed.len(), None) } else { (0, Some(moving)) };
        let changed = (0..all).chain(moving.into_iter().flatten());
        let there = changed.filter_map(|at| self.changed[at].before.as_ref()).chain(self.heirs());
        let lost = there.filter(|object| !self.sees(class, object));
        exit(self.removed.iter().chain(lost).filter(|object| self.saw(class, object)))
    }
}

/// Returns the notification that objects are gone, if there are any.
fn exit<'a>(objects: impl Iterator<Item = &'a Arc<Object>>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for object in objects {
        if out.is_empty() {
            out.extend_from_slice(EXIT);
            out.push(b'{');
        } else {
            out.push(b',');
        }
        append_json(object.id().as_str(), &mut out);
        out.extend_from_slice(b":0");
    }
    if out.is_empty() {
        return None;
    }
    out.push(b'}');
    out.extend_from_slice(END);
    Some(out)
}

#[cfg(test)]
mod tests {
    use model::Kind;
    use model::object::{Head, Vbd};

    use super::*;

    fn object(id: &str, position: &str) -> Arc<Object> {
        Arc::new(Object::from(Vbd {
            head: Head::new(id.into(), Kind::Vbd, "p".into(), "r".into()),
            attached: true,
            bootable: false,
            device: None,
            is_cd_drive: false,
            position: position.into(),
            read_only: false,
            vdi: None,
            vm: None,
        }))
    }

    /// `+a1` sets object a to state 1, `-a` removes it; `before` is what stood there, as the inventory would say.
    fn changes(steps: &[&str], picture: &mut HashMap<String, Arc<Object>>) -> Arc<Changes> {
        let mut changes = Changes::default();
        for step in steps {
            let (id, position) = (&step[1..2], &step[2..]);
            if step.starts_with('-') {
                let last = picture.remove(id).unwrap();
                changes.removed.push((last.id().clone(), Kind::Vbd));
                changes.last.push(last);
            } else {
                let after = object(id, position);
                changes.before.push(picture.insert(id.to_owned(), after.clone()));
                changes.set.push(after);
            }
        }
        Arc::new(changes)
    }

    fn summary(batch: &Batch) -> String {
        let place = |object: &Object| object.field("position").unwrap().as_str().unwrap().to_owned();
        let changed = batch.changed.iter().map(|change| {
            let before = change.before.as_ref().map_or("-".to_owned(), |before| place(before));
            format!("{}:{before}>{}", change.after.id(), place(&change.after))
        });
        let removed = batch.removed.iter().map(|last| format!("-{}", last.id()));
        changed.chain(removed).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn batches_hold_each_object_once_in_its_last_state() {
        let cases: &[(&[&[&str]], &str)] = &[
            (&[&["+a1", "+b1"]], "a:->1 b:->1"),
            (&[&["+a1"], &["+a2"], &["+a3"]], "a:->3"),
            (&[&["+k2"], &["+k3"]], "k:0>3"),
            (&[&["-k"]], "-k"),
            (&[&["+k2"], &["-k"]], "-k"),
            (&[&["-k"], &["+k2"]], "k:0>2"),
            (&[&["-k", "+k2"]], "k:0>2"),
            (&[&["+a1"], &["-a"]], ""),
        ];
        for (batches, expected) in cases {
            let mut picture = HashMap::from([("k".to_owned(), object("k", "0"))]);
            let all: Vec<_> = batches.iter().map(|steps| changes(steps, &mut picture)).collect();
            assert_eq!(summary(&Batch::of(&all)), *expected, "{batches:?}");
        }
    }

    #[test]
    fn frames_tell_what_is_there_and_then_what_is_gone() {
        let json = JsonCache::default();
        let mut picture = HashMap::from([("k".to_owned(), object("k", "0"))]);
        let batch = Batch::of(&[changes(&["-k"], &mut picture), changes(&["+a1", "+b2"], &mut picture)]);
        let frames = batch.frames(&VisibilityClass::Administrator, &mut Texts::new(&json, false)).unwrap();
        let entries = [&picture["a"], &picture["b"]].map(|object| format!("\"{}\":{}", object.id(), object.to_json()));
        let enter = format!(
            r#"{{"jsonrpc":"2.0","method":"all","params":{{"type":"enter","items":{{{}}}}}}}"#,
            entries.join(",")
        );
        let exit = r#"{"jsonrpc":"2.0","method":"all","params":{"type":"exit","items":{"k":0}}}"#;
        let mut expected = Vec::new();
        frame::append(&mut expected, frame::TEXT, enter.as_bytes());
        frame::append(&mut expected, frame::TEXT, exit.as_bytes());
        assert_eq!(String::from_utf8_lossy(&frames), String::from_utf8_lossy(&expected));
        assert!(batch.frames(&VisibilityClass::Nothing, &mut Texts::new(&json, true)).is_none());
        let only_exit = Batch { changed: Vec::new(), ..batch };
        let frames = only_exit.frames(&VisibilityClass::Administrator, &mut Texts::new(&json, true)).unwrap();
        assert_eq!(frames[2..], *exit.as_bytes());
    }
}
