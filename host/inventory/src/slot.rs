//! Small numbers for records, and for who watches whom.

use std::num::NonZeroU32;

/// Number of a slot; valid until the slot has neither record nor watcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(NonZeroU32);

impl Slot {
    /// Returns the slot at this place of a list. A watch has 31 bits for it; a pool has a hundred thousand records.
    pub(crate) fn at(index: usize) -> Self {
        let number = u32::try_from(index + 1).ok().filter(|number| number >> 31 == 0).and_then(NonZeroU32::new);
        Self(number.expect("a pool has fewer than two billion references"))
    }

    pub(crate) fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Why a record watches a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// For its id.
    Id,
    /// For its id and what is in it.
    Content,
}

/// A slot and why it is watched, or who watches and why, in one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watch(u32);

impl Watch {
    pub(crate) fn new(slot: Slot, interest: Interest) -> Self {
        Self(slot.0.get() << 1 | u32::from(interest == Interest::Content))
    }

    pub(crate) fn slot(self) -> Slot {
        Slot(NonZeroU32::new(self.0 >> 1).expect("made of a slot"))
    }

    pub(crate) fn interest(self) -> Interest {
        if self.0 & 1 == 1 { Interest::Content } else { Interest::Id }
    }
}

/// A list of references of a record: a part of what it watches, or, where an old release leaves the field out, missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct List {
    start: u32,
    len: u32,
}

impl List {
    pub(crate) const MISSING: Self = Self { start: 0, len: u32::MAX };

    /// Returns the list of all watches from `start` to `end`.
    pub(crate) fn between(start: usize, end: usize) -> Self {
        let number = |place| u32::try_from(place).expect("a record has fewer than four billion references");
        Self { start: number(start), len: number(end - start) }
    }

    pub(crate) fn is_missing(self) -> bool {
        self == Self::MISSING
    }

    /// Returns the part of the watches; none of them when the list is missing.
    pub(crate) fn of(self, watches: &[Watch]) -> &[Watch] {
        if self.is_missing() { &[] } else { &watches[self.start as usize..][..self.len as usize] }
    }
}
