//! What decoding a record needs: slots for references, which it watches from then on, and shared values.

use std::sync::Arc;

use model::{Object, ObjectId, Packed, Text};

use crate::record::{Record, is_reference};
use crate::slot::{Interest, List, Slot, Watch};
use crate::table::Table;

pub(crate) struct Reader<'a> {
    table: &'a mut Table,
    watches: Vec<Watch>,
    slot: Slot,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(table: &'a mut Table, slot: Slot) -> Self {
        Self { table, watches: Vec::new(), slot }
    }

    /// Returns everything that is watched now.
    pub(crate) fn finish(self) -> Box<[Watch]> {
        self.watches.into_boxed_slice()
    }

    /// Returns the reference of the record itself.
    pub(crate) fn own_reference(&self) -> Text {
        self.table.name(self.slot).clone()
    }

    /// Watches the slot of a reference or, for parents in a chain of images, of a UUID.
    pub(crate) fn watch(&mut self, name: Option<&str>, interest: Interest) -> Option<Slot> {
        let slot = self.table.slot(name.filter(|name| is_reference(name))?);
        self.watches.push(Watch::new(slot, interest));
        Some(slot)
    }

    pub(crate) fn watch_all<'r>(&mut self, names: impl Iterator<Item = &'r str>, interest: Interest) -> List {
        let start = self.watches.len();
        for name in names {
            self.watch(Some(name), interest);
        }
        List::between(start, self.watches.len())
    }

    pub(crate) fn list(&mut self, record: Record<'_>, field: &str, interest: Interest) -> List {
        match record.opt_list(field) {
            Some(names) => self.watch_all(names, interest),
            None => List::MISSING,
        }
    }

    /// Returns the text that names a slot.
    pub(crate) fn name(&self, slot: Slot) -> Text {
        self.table.name(slot).clone()
    }

    /// Returns the id of an object that several records name by UUID.
    pub(crate) fn object_id(&mut self, uuid: &str) -> ObjectId {
        self.text(uuid).into()
    }

    /// Returns a text that comes again and again.
    pub(crate) fn text(&mut self, value: &str) -> Text {
        self.table.shared().text(value)
    }

    pub(crate) fn opt_text(&mut self, value: Option<&str>) -> Option<Text> {
        value.map(|value| self.text(value))
    }

    pub(crate) fn texts<'r>(&mut self, values: impl Iterator<Item = &'r str>) -> Box<[Text]> {
        values.map(|value| self.text(value)).collect()
    }

    pub(crate) fn share(&mut self, value: Packed) -> Packed {
        self.table.shared().packed(value)
    }

    pub(crate) fn map(&mut self, record: Record<'_>, field: &str) -> Packed {
        self.table.shared().map(record.pairs(field), None)
    }

    /// Packs a map that no other record has: the same as `last`, if that is equal, else one that is not shared.
    pub(crate) fn own_map(&mut self, record: Record<'_>, field: &str, last: Option<&Packed>) -> Packed {
        self.table.shared().map(record.pairs(field), Some(last.unwrap_or(&Packed::empty())))
    }

    /// Returns the last state of the record's object.
    pub(crate) fn last(&self) -> Option<Arc<Object>> {
        self.table.object(self.slot).cloned()
    }
}
