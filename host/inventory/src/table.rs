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

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use model::{Object, ObjectId, Packed, Refs, Text};
use xapi::Value;

use crate::intern::Interner;
use crate::record::{Record, is_reference};
use crate::translate::{self, Draft, Links};

/// Number of a slot; valid until the slot has neither record nor watcher.
pub(crate) type Slot = u32;

/// Everything known of one server.
#[derive(Default)]
pub(crate) struct Table {
    slots: Vec<SlotState>,
    free: Vec<Slot>,
    by_name: HashMap<Text, Slot>,
    /// VDIs by UUID, because `vhd-parent` names them so.
    vdis: HashMap<ObjectId, Slot>,
    pool: Option<Slot>,
    /// Known once the load is complete; without it nothing can be shown.
    pool_id: Option<ObjectId>,
    /// Platform version of the master, which every VM's `isNestedVirtEnabled` depends on.
    master_version: Option<Text>,
    shared: Interner,
    objects: usize,
    /// Grows with every record, to tell versions of records without a real facet apart.
    serial: u64,
    changed: Vec<Slot>,
    /// Slots whose id came, went or became another.
    moved: Vec<Slot>,
    removed: Vec<(Slot, ObjectId)>,
}

struct SlotState {
    name: Text,
    watchers: Vec<(Slot, Interest)>,
    entry: Option<Box<Entry>>,
}

/// Why a record watches a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// For its id.
    Id,
    /// For its id and what is in it.
    Content,
}

/// A record.
pub(crate) struct Entry {
    pub(crate) uuid: ObjectId,
    pub(crate) id: ObjectId,
    pub(crate) links: Links,
    object: Option<Arc<Object>>,
    watches: Box<[(Slot, Interest)]>,
    facet: u64,
    serial: u64,
}

/// A list of references: as the record has it, or, where an old release leaves the field out, made of who points here.
#[derive(Debug)]
pub(crate) enum List {
    Given(Box<[Slot]>),
    Missing,
}

/// What a batch changes, dependents included.
pub(crate) struct Outcome {
    pub(crate) set: Vec<(Slot, Object)>,
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
        let mut reader = Reader { table: self, watches: Vec::new(), slot };
        let Draft { object, links } = translate::decode(class, Record(record), &mut reader);
        let watches = reader.watches.into_boxed_slice();
        // The UUID of a hotfix is that of its file, and so the same in every pool.
        let uuid = self.shared.id(if class == "pool_patch" { reference } else { uuid });
        let id = self.public_id(&uuid, &links);
        self.serial += 1;
        let entry = Entry { uuid, id, links, object: object.map(Arc::new), watches, facet: 0, serial: self.serial };
        self.put(slot, entry);
    }

    fn put(&mut self, slot: Slot, mut entry: Entry) {
        match &entry.links {
            Links::Pool(_) => self.pool = Some(slot),
            Links::Vdi(_) => {
                self.vdis.insert(entry.uuid.clone(), slot);
            }
            _ => {}
        }
        self.objects += usize::from(entry.object.is_some());
        let old = self.slots[slot as usize].entry.take();
        if let Some(old) = &old {
            entry.facet = old.facet;
            self.objects -= usize::from(old.object.is_some());
        }
        let same_watches = old.as_ref().is_some_and(|old| old.watches == entry.watches);
        if !same_watches {
            for &(target, interest) in &entry.watches {
                self.slots[target as usize].watchers.push((slot, interest));
                self.touch_inverse(target);
            }
        }
        if old.as_ref().is_none_or(|old| old.id != entry.id) {
            self.moved.push(slot);
        }
        self.slots[slot as usize].entry = Some(Box::new(entry));
        self.changed.push(slot);
        if let Some(old) = old {
            if !same_watches {
                self.unwatch(slot, &old.watches);
            }
            if old.object.is_some() {
                self.removed.push((slot, old.id));
            }
        }
    }

    /// Forgets a record.
    pub(crate) fn delete(&mut self, reference: &str) {
        let Some(&slot) = self.by_name.get(reference) else { return };
        let Some(entry) = self.slots[slot as usize].entry.take() else { return };
        self.moved.push(slot);
        self.unwatch(slot, &entry.watches);
        if self.pool == Some(slot) {
            self.pool = None;
        }
        if self.vdis.get(&entry.uuid) == Some(&slot) {
            self.vdis.remove(&entry.uuid);
        }
        if matches!(entry.links, Links::Vdi(_)) {
            // Children watch their parent by its UUID.
            if let Some(&parent) = self.by_name.get(entry.uuid.as_str()) {
                self.moved.push(parent);
            }
        }
        self.shared.forget(entry.uuid.as_str());
        if entry.object.is_some() {
            self.objects -= 1;
            self.removed.push((slot, entry.id));
        }
    }

    fn unwatch(&mut self, watcher: Slot, watches: &[(Slot, Interest)]) {
        for &(target, interest) in watches {
            let watchers = &mut self.slots[target as usize].watchers;
            if let Some(at) = watchers.iter().position(|&watch| watch == (watcher, interest)) {
                watchers.swap_remove(at);
            }
            self.touch_inverse(target);
            self.release(target);
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
        let state = &mut self.slots[slot as usize];
        if state.entry.is_none() && state.watchers.is_empty() && self.by_name.remove(&state.name).is_some() {
            state.name = Text::default();
            self.free.push(slot);
        }
    }

    fn slot(&mut self, name: &str) -> Slot {
        if let Some(&slot) = self.by_name.get(name) {
            return slot;
        }
        let name = self.shared.text(name);
        let state = SlotState { name: name.clone(), watchers: Vec::new(), entry: None };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = state;
                slot
            }
            None => {
                self.slots.push(state);
                Slot::try_from(self.slots.len() - 1).expect("a pool has fewer than four billion references")
            }
        };
        self.by_name.insert(name, slot);
        slot
    }

    fn public_id(&mut self, uuid: &ObjectId, links: &Links) -> ObjectId {
        match (&self.pool_id, links.is_default_template()) {
            (Some(pool), true) => self.shared.id(&format!("{pool}-{uuid}")),
            _ => uuid.clone(),
        }
    }

    /// Ends a load: from now on the pool is known. Returns its id.
    pub(crate) fn seal(&mut self) -> Option<ObjectId> {
        let pool = self.entry(self.pool?)?.uuid.clone();
        self.pool_id = Some(pool.clone());
        for slot in 0..self.slots.len() {
            let Some(entry) = &self.slots[slot].entry else { continue };
            if entry.links.is_default_template() {
                let id = self.shared.id(&format!("{pool}-{}", entry.uuid));
                if let Some(entry) = &mut self.slots[slot].entry {
                    entry.id = id;
                }
            }
        }
        let entries = self.slots.iter().filter_map(|slot| slot.entry.as_deref());
        self.shared.keep_ids(entries.flat_map(|entry| [entry.uuid.clone(), entry.id.clone()]));
        Some(pool)
    }

    /// Translates everything that changed since the last time, and everything that depends on it.
    pub(crate) fn settle(&mut self) -> Outcome {
        self.master_version = self.current_master_version();
        let dirty = self.dirty();
        let mut set = Vec::with_capacity(dirty.len());
        let mut ids = HashSet::new();
        for slot in dirty {
            if let Some(object) = translate::resolve(self, slot) {
                ids.insert(object.id().clone());
                set.push((slot, object));
            }
        }
        let mut removed = Vec::new();
        for (slot, id) in std::mem::take(&mut self.removed) {
            // Replaced by its next state, or deleted and made again within the batch.
            if !ids.contains(&id) && self.entry(slot).is_none_or(|entry| entry.id != id) {
                removed.push(id);
            }
            self.release(slot);
        }
        Outcome { set, removed }
    }

    /// Returns the changed slots and, hop by hop, the watchers whose view of them changed.
    fn dirty(&mut self) -> Vec<Slot> {
        let mut queue: VecDeque<Slot> = std::mem::take(&mut self.changed).into();
        for slot in std::mem::take(&mut self.moved) {
            queue.extend(self.slots[slot as usize].watchers.iter().map(|&(watcher, _)| watcher));
            queue.extend(self.children_of(slot));
            if self.slots[slot as usize].entry.is_none() {
                self.release(slot);
            }
        }
        let mut seen = HashSet::with_capacity(queue.len());
        let mut dirty = Vec::new();
        while let Some(slot) = queue.pop_front() {
            if !seen.insert(slot) {
                continue;
            }
            dirty.push(slot);
            let facet = self.facet(slot);
            let Some(entry) = &mut self.slots[slot as usize].entry else { continue };
            if entry.facet != facet {
                entry.facet = facet;
                let watchers = &self.slots[slot as usize].watchers;
                queue.extend(watchers.iter().filter(|(_, why)| *why == Interest::Content).map(|&(watcher, _)| watcher));
                queue.extend(self.children_of(slot));
            }
        }
        dirty
    }

    /// Returns who names this VDI as the parent in its chain.
    fn children_of(&self, slot: Slot) -> impl Iterator<Item = Slot> {
        let entry = self.entry(slot).filter(|entry| matches!(entry.links, Links::Vdi(_)));
        let name = entry.and_then(|entry| self.by_name.get(entry.uuid.as_str()));
        name.into_iter().flat_map(|&name| self.slots[name as usize].watchers.iter().map(|&(watcher, _)| watcher))
    }

    /// Notes a change of the master's version, which every VM depends on.
    fn current_master_version(&mut self) -> Option<Text> {
        let version = self.master().and_then(|host| host.platform_version.clone());
        if version != self.master_version {
            let vms = (0..self.slots.len()).filter_map(|slot| {
                let slot = Slot::try_from(slot).ok()?;
                matches!(self.entry(slot)?.links, Links::Vm(_)).then_some(slot)
            });
            let vms: Vec<Slot> = vms.collect();
            self.changed.extend(vms);
        }
        version
    }

    /// Returns a hash of what watchers read of this record.
    fn facet(&self, slot: Slot) -> u64 {
        let Some(entry) = self.entry(slot) else { return 0 };
        let mut hasher = DefaultHasher::new();
        entry.id.hash(&mut hasher);
        match &entry.links {
            Links::Host(host) => (&host.platform_version, &host.name_label).hash(&mut hasher),
            Links::Pbd(pbd) => (pbd.host.map(|host| self.id(host)), &pbd.provisioning).hash(&mut hasher),
            Links::Sr(_) => translate::local_host(self, slot).hash(&mut hasher),
            Links::Vdi(vdi) => {
                (translate::chain_usage(self, slot), vdi.sr.and_then(|sr| translate::local_host(self, sr)))
                    .hash(&mut hasher);
                vdi.sr.and_then(|sr| self.id(sr)).hash(&mut hasher);
            }
            Links::Vbd(_) => translate::disk_host(self, slot).hash(&mut hasher),
            Links::Pif(pif) => translate::is_bonded(self, slot, pif).hash(&mut hasher),
            // Nobody reads these but for their ids.
            Links::Pool(_)
            | Links::Vm(_)
            | Links::Vif(_)
            | Links::Network(_)
            | Links::Task(_)
            | Links::Patch(_)
            | Links::Pci(_)
            | Links::Pgpu(_)
            | Links::GpuGroup(_)
            | Links::Vgpu(_)
            | Links::VgpuType(_)
            | Links::Vtpm(_)
            | Links::Pusb(_)
            | Links::Vusb(_)
            | Links::UsbGroup(_)
            | Links::Plain => {}
            // Everything in these is read by somebody.
            Links::HostMetrics(_) | Links::VmMetrics(_) | Links::GuestMetrics(_) | Links::PifMetrics(_) => {
                entry.serial.hash(&mut hasher);
            }
            Links::Certificate(_) | Links::PoolPatch(_) => entry.serial.hash(&mut hasher),
            Links::Update(update) => (entry.serial, update.ids(self)).hash(&mut hasher),
            Links::Bond(bond) => {
                bond.master.map(|master| self.id(master)).hash(&mut hasher);
                bond.slaves.iter().for_each(|&slave| self.id(slave).hash(&mut hasher));
            }
        }
        hasher.finish()
    }

    /// Notes which objects the picture shows now, so that both hold the same allocation.
    pub(crate) fn adopt(&mut self, shown: impl Iterator<Item = (Slot, Arc<Object>)>) {
        for (slot, object) in shown {
            if let Some(entry) = &mut self.slots[slot as usize].entry {
                entry.object = Some(object);
            }
        }
    }

    // What translation asks.

    pub(crate) fn entry(&self, slot: Slot) -> Option<&Entry> {
        self.slots[slot as usize].entry.as_deref()
    }

    pub(crate) fn links(&self, slot: Option<Slot>) -> Option<&Links> {
        Some(&self.entry(slot?)?.links)
    }

    pub(crate) fn draft(&self, slot: Slot) -> Option<&Object> {
        self.entry(slot)?.object.as_deref()
    }

    pub(crate) fn name(&self, slot: Slot) -> &Text {
        &self.slots[slot as usize].name
    }

    pub(crate) fn id(&self, slot: Slot) -> Option<ObjectId> {
        Some(self.entry(slot)?.id.clone())
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

    pub(crate) fn vdi(&self, uuid: &str) -> Option<Slot> {
        self.vdis.get(uuid).copied()
    }

    /// Returns the slots of a list; of a missing one, who points at `slot` in the way that `relation` tells.
    pub(crate) fn slots_of(&self, slot: Slot, list: &List, relation: fn(&Links, Slot) -> bool) -> Vec<Slot> {
        match list {
            List::Given(slots) => slots.to_vec(),
            List::Missing => {
                let watchers = &self.slots[slot as usize].watchers;
                let mut slots: Vec<Slot> = watchers
                    .iter()
                    .map(|&(watcher, _)| watcher)
                    .filter(|&watcher| self.entry(watcher).is_some_and(|entry| relation(&entry.links, slot)))
                    .collect();
                // A watcher may watch twice; and the order must not depend on who came first.
                slots.sort_by_key(|&slot| self.id(slot));
                slots.dedup();
                slots
            }
        }
    }

    pub(crate) fn list(&self, slot: Slot, list: &List, relation: fn(&Links, Slot) -> bool) -> Refs {
        self.slots_of(slot, list, relation).into_iter().map(|slot| self.id(slot)).collect()
    }

    /// Returns the ids of a list whose class not every release sends: unknown ones are left out, or the list would be
    /// all nulls there.
    pub(crate) fn known(&self, slots: &[Slot]) -> Refs {
        slots.iter().filter_map(|&slot| self.id(slot)).map(Some).collect()
    }
}

/// What decoding a record needs: slots for references, which it watches from then on, and shared values.
pub(crate) struct Reader<'a> {
    table: &'a mut Table,
    watches: Vec<(Slot, Interest)>,
    slot: Slot,
}

impl Reader<'_> {
    /// Returns the reference of the record itself.
    pub(crate) fn own_reference(&self) -> Text {
        self.table.name(self.slot).clone()
    }

    /// Returns the id of nobody, for heads whose id is not known yet.
    pub(crate) fn id_to_come(&mut self) -> ObjectId {
        self.table.shared.id("")
    }

    /// Watches the slot of a reference or, for parents in a chain of images, of a UUID.
    pub(crate) fn watch(&mut self, name: Option<&str>, interest: Interest) -> Option<Slot> {
        let slot = self.table.slot(name.filter(|name| is_reference(name))?);
        self.watches.push((slot, interest));
        Some(slot)
    }

    pub(crate) fn watch_all<'r>(&mut self, names: impl Iterator<Item = &'r str>, interest: Interest) -> Box<[Slot]> {
        names.filter_map(|name| self.watch(Some(name), interest)).collect()
    }

    pub(crate) fn list(&mut self, record: Record<'_>, field: &str, interest: Interest) -> List {
        match record.opt_list(field) {
            Some(names) => List::Given(self.watch_all(names, interest)),
            None => List::Missing,
        }
    }

    /// Returns the id of an object that the record names by UUID.
    pub(crate) fn object_id(&mut self, uuid: &str) -> ObjectId {
        self.table.shared.id(uuid)
    }

    pub(crate) fn text(&mut self, value: &str) -> Text {
        self.table.shared.text(value)
    }

    pub(crate) fn opt_text(&mut self, value: Option<&str>) -> Option<Text> {
        value.map(|value| self.text(value))
    }

    pub(crate) fn texts<'r>(&mut self, values: impl Iterator<Item = &'r str>) -> Box<[Text]> {
        values.map(|value| self.text(value)).collect()
    }

    pub(crate) fn share(&mut self, value: Packed) -> Packed {
        self.table.shared.packed(value)
    }

    pub(crate) fn map(&mut self, record: Record<'_>, field: &str) -> Packed {
        self.share(Packed::map(record.pairs(field)))
    }
}
