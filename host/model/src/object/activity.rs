//! What happens in a pool: its tasks, and the messages it leaves.

use super::entries::Entries;
use super::{Decimal, Head, Packed, Text};
use crate::ObjectId;

/// A message of a pool: an alert, or a note of what was done. A pool keeps up to ten thousand.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Message {
    pub head: Head,
    pub name: Text,
    /// Often XML of a kilobyte; nearly always one of its kind, so it is not shared.
    pub body: Box<str>,
    pub time: Option<i64>,
    /// UUID of the object it is about, which may be gone.
    pub object: ObjectId,
}

impl Message {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("name", &self.name)?;
        out.put("body", &self.body)?;
        out.put("time", &self.time)?;
        out.put("$object", &self.object)
    }
}

/// A task of a pool. (Our own tasks are something else.)
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct XapiTask {
    pub head: Head,
    pub name_label: Text,
    pub name_description: Text,
    pub allowed_operations: Box<[Text]>,
    pub current_operations: Packed,
    pub created: Option<i64>,
    pub finished: Option<i64>,
    /// From 0 to 1.
    pub progress: Decimal,
    /// XML in many releases, otherwise a plain value; empty until it is finished.
    pub result: Box<str>,
    /// "pending", "success", "failure", "cancelling", "cancelled".
    pub status: Text,
    /// What it works on, when its maker has noted that.
    pub applies_to: Option<ObjectId>,
    pub host: Option<ObjectId>,
}

impl XapiTask {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("name_label", &self.name_label)?;
        out.put("name_description", &self.name_description)?;
        out.put("allowedOperations", &self.allowed_operations)?;
        out.put("current_operations", &self.current_operations)?;
        out.put("created", &self.created)?;
        out.put("finished", &self.finished)?;
        out.put("progress", &self.progress)?;
        out.put("result", &self.result)?;
        out.put("status", &self.status)?;
        out.put("xapiRef", &self.head.reference)?;
        out.opt("applies_to", &self.applies_to)?;
        out.opt("$host", &self.host)
    }
}
