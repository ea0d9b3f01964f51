//! Keeps the JSON of objects that stand side by side in listings as pages of text, which go to the kernel as they are.
//!
//! A page is good for as long as the same objects stand in its place. Objects in the picture never change, so that is a
//! comparison of addresses, without a look into any of them, and nobody has to tell a page what has changed. Where one has,
//! its page alone is written anew, up to where the next known one begins.
//!
//! What is kept stays below a cap. When there is no room, one page is looked at: if somebody used it since the last three
//! looks it stays and the new one is not kept, else it goes. So a listing of more than fits keeps the part that fits.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use model::{Object, ObjectId};
use parking_lot::Mutex;

use crate::Snapshot;

/// Bytes kept at most: the whole listing of a large fleet (66,000 objects, 60 MB); where less is listed, less is kept.
const CAP: usize = 64 << 20;

/// Bytes of a page, but for the last object: big enough that writing it costs the kernel more than finding it costs us.
const PAGE: usize = 64 << 10;

/// A page of this size ends where a known one begins: so an object that grew does not shift all pages behind it.
const SHORT: usize = PAGE / 8;

/// Looks that a page survives without being used: what is listed in turn with up to three times as much stays.
const LOOKS: u8 = 3;

/// Sweeps that a page survives without being used.
const IDLE: u8 = 6;

/// What a kept page costs beside its text and its objects: its place in the map and in the ring, and three allocations.
const OVERHEAD: usize = 160;

/// The kept pages. Cloning shares them.
#[derive(Clone)]
pub struct Pages(Arc<Shared>);

struct Shared {
    cap: usize,
    kept: Mutex<Kept>,
}

/// Address of the first object, and what is written of each.
type Place = (usize, u64);

#[derive(Default)]
struct Kept {
    pages: HashMap<Place, Page>,
    /// In the order in which they are looked at; some are gone.
    ring: VecDeque<Place>,
    size: usize,
}

struct Page {
    /// Never empty. They are held, so that no other object can come to stand at the same address.
    objects: Arc<[Arc<Object>]>,
    text: Bytes,
    /// Looks that are left.
    looks: u8,
    /// Sweeps since it was used.
    idle: u8,
}

impl Page {
    fn cost(&self) -> usize {
        self.text.len() + self.objects.len() * size_of::<Arc<Object>>() + OVERHEAD
    }
}

/// The text of some objects.
pub struct Piece {
    /// What was written of each, with the separator in between.
    pub text: Bytes,
    /// The last of them.
    pub last: ObjectId,
}

impl Default for Pages {
    fn default() -> Self {
        Self::with_cap(CAP)
    }
}

impl Pages {
    /// Returns no pages yet, of which at most `cap` bytes are kept.
    pub fn with_cap(cap: usize) -> Self {
        Self(Arc::new(Shared { cap, kept: Mutex::default() }))
    }

    /// Returns the text of the next objects, a page of them; none when there are no more. Whatever `write` appends of an
    /// object must follow from the object and from `form`, and `separator`, too, is always the same for a `form`.
    pub fn piece(
        &self,
        form: u64,
        separator: &[u8],
        objects: &mut dyn Iterator<Item = &Arc<Object>>,
        mut write: impl FnMut(&Arc<Object>, &mut Vec<u8>),
    ) -> Option<Piece> {
        let first = objects.next()?;
        let mut run = Vec::new();
        let mut next = Some(first);
        if let Some((known, text)) = self.find(first, form) {
            let mut same = 1;
            loop {
                let Some(expected) = known.get(same) else {
                    return known.last().map(|last| Piece { text, last: last.id().clone() });
                };
                next = objects.next();
                if !next.is_some_and(|object| Arc::ptr_eq(object, expected)) {
                    break;
                }
                same += 1;
            }
            run.extend_from_slice(&known[..same]);
        }
        let mut text = Vec::with_capacity(PAGE + PAGE / 8);
        for object in &run {
            append(object, separator, &mut text, &mut write);
        }
        while let Some(object) = next {
            let is_full = text.len() >= PAGE || (text.len() >= SHORT && self.begins(object, form));
            if is_full && !run.is_empty() {
                break;
            }
            append(object, separator, &mut text, &mut write);
            run.push(object.clone());
            next = objects.next();
        }
        let last = run.last()?.id().clone();
        text.shrink_to_fit();
        let text = Bytes::from(text);
        self.offer(form, Page { objects: run.into(), text: text.clone(), looks: LOOKS, idle: 0 });
        Some(Piece { text, last })
    }

    /// Lets go of what nobody used for [`IDLE`] sweeps or, if this picture shows other objects by now, since the last one: it
    /// would hold them and their text for nothing.
    pub fn sweep(&self, snapshot: &Snapshot) {
        let is_shown =
            |object: &Arc<Object>| snapshot.get(object.id().as_str()).is_some_and(|shown| Arc::ptr_eq(shown, object));
        let kept = &mut *self.0.kept.lock();
        kept.pages.retain(|_, page| {
            page.idle += 1;
            page.idle == 1 || (page.idle < IDLE && page.objects.iter().all(is_shown))
        });
        kept.ring.retain(|place| kept.pages.contains_key(place));
        kept.size = kept.pages.values().map(Page::cost).sum();
    }

    /// Returns how many bytes are kept.
    pub fn size(&self) -> usize {
        self.0.kept.lock().size
    }

    fn find(&self, first: &Arc<Object>, form: u64) -> Option<(Arc<[Arc<Object>]>, Bytes)> {
        let mut kept = self.0.kept.lock();
        let page = kept.pages.get_mut(&place(first, form))?;
        (page.looks, page.idle) = (LOOKS, 0);
        Some((page.objects.clone(), page.text.clone()))
    }

    fn begins(&self, object: &Arc<Object>, form: u64) -> bool {
        self.0.kept.lock().pages.contains_key(&place(object, form))
    }

    /// Keeps a page, if there is room or can be made.
    fn offer(&self, form: u64, page: Page) {
        let place = place(&page.objects[0], form);
        let kept = &mut *self.0.kept.lock();
        let is_known = kept.take(&place);
        while kept.size + page.cost() > self.0.cap {
            if !kept.evict_one() {
                return;
            }
        }
        kept.size += page.cost();
        kept.pages.insert(place, page);
        if !is_known {
            kept.ring.push_back(place);
        }
    }
}

impl Kept {
    /// Removes a page; returns whether there was one.
    fn take(&mut self, place: &Place) -> bool {
        let page = self.pages.remove(place);
        self.size -= page.as_ref().map_or(0, Page::cost);
        page.is_some()
    }

    /// Looks at the next page and lets it go unless it was used; returns whether one went.
    fn evict_one(&mut self) -> bool {
        while let Some(place) = self.ring.pop_front() {
            let Some(page) = self.pages.get_mut(&place) else { continue };
            if page.looks > 0 {
                page.looks -= 1;
                self.ring.push_back(place);
                return false;
            }
            return self.take(&place);
        }
        false
    }
}

fn place(first: &Arc<Object>, form: u64) -> Place {
    (Arc::as_ptr(first).addr(), form)
}

fn append(
    object: &Arc<Object>,
    separator: &[u8],
    out: &mut Vec<u8>,
    write: &mut impl FnMut(&Arc<Object>, &mut Vec<u8>),
) {
    if !out.is_empty() {
        out.extend_from_slice(separator);
    }
    write(object, out);
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use model::Kind;
    use model::object::{Head, Vbd};
    use proptest::prelude::*;

    use super::*;

    fn object(number: usize) -> Arc<Object> {
        Arc::new(Object::from(Vbd {
            head: Head::new(format!("{number:04}").into(), Kind::Vbd, "p".into(), "r".into()),
            attached: true,
            bootable: false,
            device: None,
            is_cd_drive: false,
            position: "0".into(),
            read_only: false,
            vdi: None,
            vm: None,
        }))
    }

    /// A kilobyte for each object, so that a page has 65 of them.
    fn text_of(object: &Object) -> String {
        format!("{:>1000}", object.id().as_str())
    }

    /// Lists everything; returns how many objects had to be written.
    fn list(pages: &Pages, objects: &[Arc<Object>], form: u64) -> usize {
        let written = Cell::new(0);
        let (mut at, mut text) = (0, Vec::new());
        loop {
            let mut rest = objects[at..].iter();
            let piece = pages.piece(form, b",", &mut rest, |object, out| {
                written.set(written.get() + 1);
                out.extend_from_slice(text_of(object).as_bytes());
            });
            let Some(piece) = piece else { break };
            assert!(piece.text.len() <= PAGE + 1001);
            if at > 0 {
                text.push(b',');
            }
            text.extend_from_slice(&piece.text);
            at += objects[at..].iter().position(|object| *object.id() == piece.last).expect("it is one of them") + 1;
        }
        let expected: Vec<_> = objects.iter().map(|object| text_of(object)).collect();
        assert!(text == expected.join(",").as_bytes());
        written.get()
    }

    #[test]
    fn what_did_not_change_is_not_written_again() {
        let pages = Pages::default();
        let mut objects: Vec<_> = (0..1_000).map(object).collect();
        assert_eq!((list(&pages, &objects, 0), list(&pages, &objects, 0)), (1_000, 0));
        assert_eq!((list(&pages, &objects, 1), list(&pages, &objects, 1)), (1_000, 0), "another form is other text");
        // One page each, wherever the change stands: in the middle of a page, at its begin, at the very end.
        for place in [30, 66, 999] {
            objects[place] = object(place);
            let written = list(&pages, &objects, 0);
            assert!((1..=66).contains(&written), "{place}: {written}");
            assert_eq!(list(&pages, &objects, 0), 0, "{place}");
        }
        objects.remove(500);
        objects.push(object(1_000));
        let written = list(&pages, &objects, 0);
        assert!((2..=132).contains(&written), "{written}");
    }

    #[test]
    fn memory_is_bounded_and_what_is_cold_goes() {
        let pages = Pages::with_cap(5 * (PAGE + PAGE / 4));
        let objects: Vec<_> = (0..1_000).map(object).collect();
        for _ in 0..5 {
            list(&pages, &objects, 0);
            assert!(pages.size() <= pages.0.cap);
        }
        assert!((300..800).contains(&list(&pages, &objects, 0)), "a part is kept");
        for round in 0..100 {
            let fresh: Vec<_> = (0..100).map(object).collect();
            list(&pages, &fresh, 0);
            assert!(pages.size() <= pages.0.cap, "{round}");
        }
        let kept = pages.0.kept.lock();
        assert_eq!(kept.size, kept.pages.values().map(Page::cost).sum::<usize>());
        assert_eq!(kept.ring.len(), kept.pages.len());
    }

    #[test]
    fn what_is_not_used_goes_and_sooner_when_it_is_not_shown_either() {
        use crate::tests::support::{connected, load, modern, record};
        let mut pool = modern();
        let (inventory, mut writer) = connected(&pool);
        let objects: Vec<_> = inventory.snapshot().iter().cloned().collect();
        let pages = Pages::default();
        let sweeps = |pages: &Pages| {
            let kept = |sweep: &u8| {
                pages.sweep(&inventory.snapshot());
                *sweep > IDLE || pages.size() > 0
            };
            list(pages, &objects, 0);
            (1..=IDLE).take_while(kept).count()
        };
        assert_eq!(sweeps(&pages), usize::from(IDLE) - 1);
        record(&mut pool, "VM", "win")["name_label"] = "other".into();
        load(&mut writer, &pool).expect("loads");
        assert_eq!(sweeps(&pages), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_listing_is_right_whatever_changes(
            steps in prop::collection::vec(prop::collection::vec((0_usize..400, any::<bool>()), 0..20), 1..12),
        ) {
            let pages = Pages::with_cap(8 * PAGE);
            let mut objects: std::collections::BTreeMap<usize, _> = (0..300).map(|at| (at, object(at))).collect();
            for step in steps {
                for (number, is_there) in step {
                    if is_there {
                        objects.insert(number, object(number));
                    } else {
                        objects.remove(&number);
                    }
                }
                list(&pages, &objects.values().cloned().collect::<Vec<_>>(), 0);
            }
        }
    }
}
