//! Whose rights follow from others': who may see an object can change without a change of the object, when what it belongs
//! to has gone elsewhere.
//!
//! [`access::allows`] walks up, from an object to what it belongs to; this walks down, along the same links and by the lists
//! and indexes that there are. It may find too much, never too little.

use std::collections::HashSet;
use std::sync::Arc;

use access::{Link, Linked, Links};
use model::{Kind, Object, ObjectId, Refs};

use crate::Snapshot;

impl Snapshot {
    /// Returns the objects that other callers may see than before because of changes: those that came, went or moved, and
    /// what belongs to them. A changed object that is not among them is seen by whoever saw it before.
    /// The changes, as [`Changes::states`](model::Changes::states) tells them, are in the snapshot already.
    pub fn heirs<'a>(
        &self,
        changes: impl IntoIterator<Item = (Option<&'a Arc<Object>>, Option<&'a Arc<Object>>)>,
    ) -> HashSet<ObjectId> {
        let moved = |(before, after): &(Option<&Arc<Object>>, Option<&Arc<Object>>)| match (before, after) {
            (Some(before), Some(after)) => !same_place(before, after),
            _ => true,
        };
        let (mut found, mut next, mut pools) = (HashSet::new(), Vec::new(), HashSet::new());
        let mut moving = HashSet::new();
        for state in changes.into_iter().filter(moved).flat_map(|(before, after)| [before, after]).flatten() {
            moving.insert(state.id());
            // Nothing belongs to these.
            if !matches!(state.kind(), Kind::Message | Kind::Task) {
                pools.insert(state.pool());
                self.children(state, |child| next.push(child.clone()));
            }
        }
        while let Some(id) = next.pop() {
            if let Some(object) = self.get(id.as_str())
                && found.insert(id)
            {
                self.children(object, |child| next.push(child.clone()));
            }
        }
        for message in pools.into_iter().flat_map(|pool| self.in_pool_of_kind(pool, Kind::Message)) {
            if let Object::Message(inner) = &**message
                && (moving.contains(&inner.object) || found.contains(&inner.object))
            {
                found.insert(message.id().clone());
            }
        }
        found.extend(moving.into_iter().cloned());
        found
    }

    /// Names what inherits from an object, but for messages.
    fn children(&self, object: &Object, mut each: impl FnMut(&ObjectId)) {
        let (id, pool) = (object.id(), object.pool());
        let mut all = |refs: &Refs| refs.iter().for_each(&mut each);
        match object {
            Object::Vm(vm) => {
                [&vm.vbds, &vm.vifs, &vm.snapshots].into_iter().for_each(&mut all);
                let vusbs = self.in_pool_of_kind(pool, Kind::Vusb);
                let its = vusbs.filter(|vusb| vusb.link(Link::Vm) == Some(id.as_str()));
                its.for_each(|vusb| each(vusb.id()));
            }
            Object::Vbd(vbd) => vbd.vdi.iter().for_each(each),
            Object::Vdi(vdi) => [&vdi.vbds, &vdi.snapshots].into_iter().for_each(all),
            Object::Sr(sr) => [&sr.vdis, &sr.pbds].into_iter().for_each(all),
            Object::Network(network) => all(&network.vifs),
            Object::Pusb(pusb) => pusb.usb_group.iter().for_each(each),
            Object::Host(_) => self.in_container(id).for_each(|child| each(child.id())),
            Object::Pool(_) => self.in_pool(id).for_each(|child| each(child.id())),
            _ => {}
        }
    }
}

fn same_place(before: &Object, after: &Object) -> bool {
    before.kind() == after.kind()
        && before.holds_discs() == after.holds_discs()
        && Link::ALL.iter().all(|link| before.link(*link) == after.link(*link))
        && [Links::Vbds, Links::Pusbs].iter().all(|links| before.links(*links).eq(after.links(*links)))
}
