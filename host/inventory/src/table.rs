//! The records of one server, cut down to what objects are made of, and who has to be told when one of them changes.
//!
//! Every reference that is ever mentioned gets a slot, whether its record is known or not. A record that mentions a slot
//! watches it: for its existence (an id to show) or also for its content (a value to show). So a dependency that comes
//! late is no error: the record is translated again in the batch that brings it.
//!
//! ```text
//!   PBD -> SR -> VDI -> VBD -> VM     content: on whose local storage a VM lies ($container)
//!   host_metrics -> host -> pool      content: memory, power; the master's name and version
//!   VM_metrics, VM_guest_metrics -> VM
//!   Bond -> PIF -> network            content: bonded or not
//! ```
//!
//! A change passes on only when the record's `facet` (a hash of what others read of it) changed; that keeps an event for
//! one VDI from touching every VM of its host.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
use model::{Object, ObjectId, Refs, Text};
use smallvec::SmallVec;
use xapi::Value;

use crate::intern::Interner;
use crate::reader::Reader;
use crate::record::{Record, is_reference};
use crate::slot::{Interest, List, Slot, Watch};
use crate::translate::{self, Draft, Links};

/// Everything known of one server.
#[derive(Default)]
pub(crate) struct Table {
    slots: Vec<SlotState>,
    free: Vec<Slot>,
    hasher: DefaultHashBuilder,
    /// Slots by their name.
    by_name: HashTable<Slot>,
    /// VDIs by their id, because `vhd-parent` names them so.
    vdis: HashTable<Slot>,
    pool: Option<Slot>,
    /// Known once the load is complete; without it nothing can be shown.
    pool_id: Option<ObjectId>,
    /// Platform version of the master, which every VM's `isNestedVirtEnabled` depends on.
    master_version: Option<Text>,
    shared: Interner,
    objects: usize,
    changed: Vec<Slot>,
    /// Slots whose id came, went or became another.
    moved: Vec<Slot>,
    removed: Vec<(Slot, ObjectId)>,
}

#[derive(Default)]
struct SlotState {
    name: Text,
    /// Most are watched by no more than four: a VM by two disks, an interface and its host.
    watchers: SmallVec<[Watch; 4]>,
    entry: Option<Box<Entry>>,
}

/// A record.
pub(crate) struct Entry {
    /// Empty for records without an object: nobody shows their ids.
    pub(crate) id: ObjectId,
    pub(crate) links: Links,
    /// The draft, from when it is decoded until it is shown; then what is shown.
    object: Option<Arc<Object>>,
    watches: Box<[Watch]>,
    /// Hash of what watchers read of this record.
    facet: u64,
}

/// Slots of a list; mostly a few.
pub(crate) type Slots = SmallVec<[Slot; 8]>;

/// What a batch changes, dependents included.
pub(crate) struct Outcome {
    pub(crate) set: Vec<(Slot, Arc<Object>)>,
    pub(crate) removed: Vec<ObjectId>,
}

impl Table {
    /// Forgets all records but keeps the shared values, which the next load will need again.
    pub(crate) fn clear(&mut self) {
        let shared = std::mem::take(&mut self.shared);
        *self = Self { shared, ..Self::default() };
    }

    /// Returns how many records have an object.
    pub(crate) fn len(&self) -> usize {
        self.objects
    }

    /// Takes the present state of a record.
    pub(crate) fn set(&mut self, class: &str, reference: &str, record: &Value) {
        let uuid = Record(record).str("uuid");
        if !is_reference(reference) || uuid.is_empty() || !crate::CLASSES.contains(&class) {
            return;
        }
        let slot = self.slot(reference);
        let mut reader = Reader::new(self, slot);
        let Draft { object, links } = translate::decode(class, Record(record), &mut reader);
        let watches = reader.finish();
        let id = match (&object, class) {
            (None, _) => ObjectId::default(),
            // The UUID of a hotfix is that of its file, and so the same in every pool.
            (_, "pool_patch") => self.name(slot).clone().into(),
            _ => self.public_id(slot, uuid, &links),
        };
        self.put(slot, Entry { id, links, object: object.map(Arc::new), watches, facet: 0 });
    }

    fn put(&mut self, slot: Slot, mut entry: Entry) {
        if matches!(entry.links, Links::Pool(_)) {
            self.pool = Some(slot);
        }
        self.objects += usize::from(entry.object.is_some());
        let old = self.take(slot, Some(&entry.id));
        let is_vdi = matches!(entry.links, Links::Vdi(_));
        let mut old_watches = None;
        match old {
            Some(old) => {
                entry.facet = old.facet;
                if old.id != entry.id {
                    self.moved.push(slot);
                    self.removed.push((slot, old.id));
                }
                if old.watches != entry.watches {
                    old_watches = Some(old.watches);
                    self.watch(slot, &entry.watches);
                }
            }
            None => {
                self.moved.push(slot);
                self.watch(slot, &entry.watches);
            }
        }
        let id = entry.id.clone();
        self.slots[slot.index()].entry = Some(Box::new(entry));
        self.changed.push(slot);
        if is_vdi && self.vdi(id.as_str()).is_none() {
            let Self { vdis, hasher, slots, .. } = self;
            vdis.insert_unique(hasher.hash_one(id.as_str()), slot, |slot| hash_of_id(hasher, slots, *slot));
        }
        if let Some(watches) = old_watches {
            self.unwatch(slot, &watches);
        }
    }

    /// Takes the record out of a slot, and out of what refers to it by id unless that stays the same.
    fn take(&mut self, slot: Slot, next: Option<&ObjectId>) -> Option<Box<Entry>> {
        let entry = self.slots[slot.index()].entry.as_deref()?;
        if matches!(entry.links, Links::Vdi(_)) && next != Some(&entry.id) {
            let hash = self.hasher.hash_one(entry.id.as_str());
            if let Ok(found) = self.vdis.find_entry(hash, |other| *other == slot) {
                found.remove();
            }
        }
        let entry = self.slots[slot.index()].entry.take()?;
        self.objects -= usize::from(entry.object.is_some());
        Some(entry)
    }

    /// Forgets a record.
    pub(crate) fn delete(&mut self, reference: &str) {
        let Some(slot) = self.find(reference) else { return };
        let Some(entry) = self.take(slot, None) else { return };
        self.moved.push(slot);
        self.unwatch(slot, &entry.watches);
        if self.pool == Some(slot) {
            self.pool = None;
        }
        if matches!(entry.links, Links::Vdi(_)) {
            // Children watch their parent by its UUID.
            self.moved.extend(self.find(entry.id.as_str()));
        }
        if entry.object.is_some() {
            self.removed.push((slot, entry.id));
        }
    }

    fn watch(&mut self, watcher: Slot, watches: &[Watch]) {
        for watch in watches {
            self.slots[watch.slot().index()].watchers.push(Watch::new(watcher, watch.interest()));
            self.touch_inverse(watch.slot());
        }
    }

    fn unwatch(&mut self, watcher: Slot, watches: &[Watch]) {
        for watch in watches {
            let watchers = &mut self.slots[watch.slot().index()].watchers;
            let wanted = Watch::new(watcher, watch.interest());
            if let Some(at) = watchers.iter().position(|&watcher| watcher == wanted) {
                watchers.swap_remove(at);
            }
            self.touch_inverse(watch.slot());
            self.release(watch.slot());
        }
    }

    /// A record with a missing list is made anew when somebody starts or stops pointing at it.
    fn touch_inverse(&mut self, target: Slot) {
        if self.entry(target).is_some_and(|entry| entry.links.has_missing_list()) {
            self.changed.push(target);
        }
    }

    /// Gives the slot back when nobody needs it.
    fn release(&mut self, slot: Slot) {
        let state = &mut self.slots[slot.index()];
        if state.entry.is_some() || !state.watchers.is_empty() {
            return;
        }
        let hash = self.hasher.hash_one(state.name.as_str());
        if let Ok(found) = self.by_name.find_entry(hash, |other| *other == slot) {
            found.remove();
            *state = SlotState::default();
            self.free.push(slot);
        }
    }

    fn find(&self, name: &str) -> Option<Slot> {
        let hash = self.hasher.hash_one(name);
        self.by_name.find(hash, |slot| self.slots[slot.index()].name == name).copied()
    }

    /// Returns the slot of a name; makes one for a new name.
    pub(crate) fn slot(&mut self, name: &str) -> Slot {
        if let Some(slot) = self.find(name) {
            return slot;
        }
        let state = SlotState { name: Text::from(name), ..SlotState::default() };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot.index()] = state;
                slot
            }
            None => {
                self.slots.push(state);
                Slot::at(self.slots.len() - 1)
            }
        };
        let Self { by_name, hasher, slots, .. } = self;
        let hash_of = |slot: &Slot| hasher.hash_one(slots[slot.index()].name.as_str());
        by_name.insert_unique(hash_of(&slot), slot, hash_of);
        slot
    }

    /// Returns the id of the slot's object; the very same if it has not become another one.
    fn public_id(&self, slot: Slot, uuid: &str, links: &Links) -> ObjectId {
        let composed = match &self.pool_id {
            Some(pool) if links.is_default_template() => Some(format!("{pool}-{uuid}")),
            _ => None,
        };
        let id = composed.as_deref().unwrap_or(uuid);
        match self.entry(slot) {
            Some(entry) if entry.id.as_str() == id => entry.id.clone(),
            _ => ObjectId::from(id),
        }
    }

    /// Ends a load: from now on the pool is known. Returns its id.
    pub(crate) fn seal(&mut self) -> Option<ObjectId> {
        let pool = self.entry(self.pool?)?.id.clone();
        self.pool_id = Some(pool.clone());
        for state in &mut self.slots {
            let Some(entry) = state.entry.as_mut().filter(|entry| entry.links.is_default_template()) else { continue };
            entry.id = format!("{pool}-{}", entry.id).into();
        }
        let Self { by_name, vdis, hasher, slots, .. } = self;
        slots.shrink_to_fit();
        by_name.shrink_to_fit(|slot| hasher.hash_one(slots[slot.index()].name.as_str()));
        vdis.shrink_to_fit(|slot| hash_of_id(hasher, slots, *slot));
        self.shared.fit();
        Some(pool)
    }

    /// Translates everything that changed since the last time, and everything that depends on it.
    pub(crate) fn settle(&mut self) -> Outcome {
        self.master_version = self.current_master_version();
        let dirty = self.dirty();
        let mut set = Vec::with_capacity(dirty.len());
        for slot in dirty {
            if let Some(object) = self.resolve(slot) {
                set.push((slot, object));
            }
        }
        let mut removed = Vec::new();
        if !self.removed.is_empty() {
            let ids: HashSet<&ObjectId> = set.iter().map(|(_, object)| object.id()).collect();
            for (slot, id) in std::mem::take(&mut self.removed) {
                // Deleted and made again within the batch, perhaps under another reference.
                if !ids.contains(&id) && self.entry(slot).is_none_or(|entry| entry.id != id) {
                    removed.push(id);
                }
                self.release(slot);
            }
        }
        Outcome { set, removed }
    }

    /// Makes the object of a record; `adopt` gives it back. A draft that nobody has seen yet is completed in place.
    fn resolve(&mut self, slot: Slot) -> Option<Arc<Object>> {
        self.pool_id.as_ref()?;
        let mut object = self.slots[slot.index()].entry.as_mut()?.object.take()?;
        translate::resolve(self, slot, Arc::make_mut(&mut object));
        Some(object)
    }

    /// Returns the changed slots and, hop by hop, the watchers whose view of them changed.
    fn dirty(&mut self) -> Vec<Slot> {
        let mut queue: VecDeque<Slot> = std::mem::take(&mut self.changed).into();
        for slot in std::mem::take(&mut self.moved) {
            queue.extend(self.slots[slot.index()].watchers.iter().map(|watcher| watcher.slot()));
            queue.extend(self.children_of(slot));
            self.release(slot);
        }
        let mut seen = HashSet::with_capacity(queue.len());
        let mut dirty = Vec::with_capacity(queue.len());
        while let Some(slot) = queue.pop_front() {
            if !seen.insert(slot) {
                continue;
            }
            dirty.push(slot);
            let facet = self.facet(slot);
            let Some(entry) = &mut self.slots[slot.index()].entry else { continue };
            if entry.facet != facet {
                entry.facet = facet;
                let watchers = &self.slots[slot.index()].watchers;
                let content = watchers.iter().filter(|watcher| watcher.interest() == Interest::Content);
                queue.extend(content.map(|watcher| watcher.slot()));
                queue.extend(self.children_of(slot));
            }
        }
        dirty
    }

    /// Returns who names this VDI as the parent in its chain.
    fn children_of(&self, slot: Slot) -> impl Iterator<Item = Slot> {
        let entry = self.entry(slot).filter(|entry| matches!(entry.links, Links::Vdi(_)));
        let name = entry.and_then(|entry| self.find(entry.id.as_str()));
        name.into_iter().flat_map(|name| self.slots[name.index()].watchers.iter().map(|watcher| watcher.slot()))
    }

    /// Notes a change of the master's version, which every VM depends on.
    fn current_master_version(&mut self) -> Option<Text> {
        let version = self.master().and_then(|host| host.platform_version.clone());
        if version != self.master_version {
            let is_vm = |slot: &Slot| self.entry(*slot).is_some_and(|entry| matches!(entry.links, Links::Vm(_)));
            let vms: Vec<Slot> = (0..self.slots.len()).map(Slot::at).filter(is_vm).collect();
            self.changed.extend(vms);
        }
        version
    }

    /// Returns a hash of what watchers read of this record.
    fn facet(&self, slot: Slot) -> u64 {
        let Some(entry) = self.entry(slot) else { return 0 };
        let mut hasher = DefaultHasher::new();
        entry.id.hash(&mut hasher);
        entry.links.facet(self, slot, &mut hasher);
        hasher.finish()
    }

    /// Notes which objects the picture shows now, so that both hold the same allocations.
    pub(crate) fn adopt(&mut self, shown: impl Iterator<Item = (Slot, Arc<Object>)>) {
        for (slot, object) in shown {
            if let Some(entry) = &mut self.slots[slot.index()].entry {
                entry.id = object.id().clone();
                entry.object = Some(object);
            }
        }
    }

    // What translation asks.

    pub(crate) fn shared(&mut self) -> &mut Interner {
        &mut self.shared
    }

    pub(crate) fn entry(&self, slot: Slot) -> Option<&Entry> {
        self.slots[slot.index()].entry.as_deref()
    }

    /// Returns the object of a slot, as it was last shown.
    pub(crate) fn object(&self, slot: Slot) -> Option<&Arc<Object>> {
        self.entry(slot)?.object.as_ref()
    }

    pub(crate) fn links(&self, slot: Option<Slot>) -> Option<&Links> {
        Some(&self.entry(slot?)?.links)
    }

    pub(crate) fn name(&self, slot: Slot) -> &Text {
        &self.slots[slot.index()].name
    }

    /// Returns the id of the slot's object.
    pub(crate) fn id(&self, slot: Slot) -> Option<ObjectId> {
        self.entry(slot).map(|entry| entry.id.clone()).filter(|id| !id.as_str().is_empty())
    }

    pub(crate) fn pool_id(&self) -> Option<&ObjectId> {
        self.pool_id.as_ref()
    }

    pub(crate) fn master(&self) -> Option<&translate::HostLinks> {
        let Some(Links::Pool(pool)) = self.links(self.pool) else { return None };
        match self.links(pool.master) {
            Some(Links::Host(host)) => Some(host),
            _ => None,
        }
    }

    pub(crate) fn master_version(&self) -> Option<&Text> {
        self.master_version.as_ref()
    }

    /// Returns the VDI with this UUID.
    pub(crate) fn vdi(&self, uuid: &str) -> Option<Slot> {
        let has_id = |slot: &Slot| self.entry(*slot).is_some_and(|entry| entry.id.as_str() == uuid);
        self.vdis.find(self.hasher.hash_one(uuid), has_id).copied()
    }

    /// Returns the slots of a list of the record in `slot`.
    pub(crate) fn given(&self, slot: Slot, list: List) -> impl Iterator<Item = Slot> + Clone + use<'_> {
        let watches = self.entry(slot).map_or_else(Default::default, |entry| list.of(&entry.watches));
        watches.iter().map(|watch| watch.slot())
    }

    /// Returns the slots of a list; of a missing one, who points at `slot` in the way that `relation` tells.
    pub(crate) fn slots_of(&self, slot: Slot, list: List, relation: fn(&Links, Slot) -> bool) -> Slots {
        if !list.is_missing() {
            return self.given(slot, list).collect();
        }
        let watchers = self.slots[slot.index()].watchers.iter().map(|watcher| watcher.slot());
        let mut slots: Slots =
            watchers.filter(|&watcher| self.entry(watcher).is_some_and(|entry| relation(&entry.links, slot))).collect();
        // A watcher may watch twice; and the order must not depend on who came first.
        slots.sort_by_cached_key(|&slot| self.id(slot));
        slots.dedup();
        slots
    }

    pub(crate) fn list(&self, slot: Slot, list: List, relation: fn(&Links, Slot) -> bool) -> Refs {
        self.slots_of(slot, list, relation).into_iter().map(|slot| self.id(slot)).collect()
    }

    /// Returns the ids of a list whose class not every release sends: unknown ones are left out, or the list would be
    /// all nulls there.
    pub(crate) fn known(&self, slot: Slot, list: List) -> Refs {
        self.given(slot, list).filter_map(|slot| self.id(slot)).map(Some).collect()
    }
}

fn hash_of_id(hasher: &DefaultHashBuilder, slots: &[SlotState], slot: Slot) -> u64 {
    slots[slot.index()].entry.as_ref().map_or(0, |entry| hasher.hash_one(entry.id.as_str()))
}
