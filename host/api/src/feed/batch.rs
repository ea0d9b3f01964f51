//! What changed, put together for the sockets: one batch for one or several answers of event.from.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use access::VisibilityClass;
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
type State<'a> = Option<&'a Arc<Object>>;

/// The differences between two states of the picture. Each object is in it once.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub changed: Vec<Changed>,
    /// Last states of the objects that are gone.
    pub removed: Vec<Arc<Object>>,
    /// The picture in which rights are looked up; an empty one while all who listen see everything.
    pub after: Snapshot,
    /// When the first of what brought them was in hand.
    pub arrived: Option<Instant>,
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

    /// Returns the frames that tell a class: complete objects for what is there, then ids for what is gone, in Xen
    /// Orchestra's form. None when there is nothing that the class sees.
    pub(crate) fn frames(&self, class: &VisibilityClass, json: &JsonCache) -> Option<Bytes> {
        let mut out = vec![0; frame::HEADER];
        let mut any = false;
        for change in self.changed.iter().filter(|change| class.sees(&self.after, &change.after)) {
            if !any {
                out.extend_from_slice(ENTER);
            }
            out.push(if any { b',' } else { b'{' });
            any = true;
            json.append_changed(change.before.as_deref(), &change.after, &mut out);
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
        let lost = self.changed.iter().filter(|change| !class.sees_all() && !class.sees(&self.after, &change.after));
        let lost = lost.filter_map(|change| change.before.as_ref());
        let mut out = Vec::new();
        for object in self.removed.iter().chain(lost).filter(|object| class.sees(&self.after, *object)) {
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
        let frames = batch.frames(&VisibilityClass::Administrator, &json).unwrap();
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
        assert!(batch.frames(&VisibilityClass::Nothing, &json).is_none());
        let only_exit = Batch { changed: Vec::new(), ..batch };
        let frames = only_exit.frames(&VisibilityClass::Administrator, &json).unwrap();
        assert_eq!(frames[2..], *exit.as_bytes());
    }
}
