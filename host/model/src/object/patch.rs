//! Hotfixes of old releases; newer ones have updates, which hosts show as `supplementalPacks`.

use super::entries::Entries;
use super::{Head, Refs, Text};
use crate::ObjectId;

/// A hotfix that was installed on a host.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct Patch {
    pub head: Head,
    pub applied: bool,
    pub time: Option<i64>,
    pub host: Option<ObjectId>,
    /// Reference, and so id, of the hotfix itself; all below are taken from there.
    pub pool_patch: Option<ObjectId>,
    pub name: Text,
    pub description: Text,
    pub enforce_homogeneity: bool,
    /// Bytes.
    pub size: i64,
    pub guidance: Box<[Text]>,
}

impl Patch {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("applied", &self.applied)?;
        out.put("enforceHomogeneity", &self.enforce_homogeneity)?;
        out.put("description", &self.description)?;
        out.put("name", &self.name)?;
        out.opt("pool_patch", &self.pool_patch)?;
        out.put("size", &self.size)?;
        out.put("guidance", &self.guidance)?;
        out.put("time", &self.time)?;
        out.opt("$host", &self.host)
    }
}

/// A hotfix that a pool knows. Its id is its reference, because its UUID is that of the file, the same everywhere.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after the public properties, listed in `shape`")]
pub struct PoolPatch {
    pub head: Head,
    pub name: Text,
    pub description: Text,
    /// UUID of the file.
    pub data_uuid: Text,
    pub guidance: Box<[Text]>,
    /// Bytes.
    pub size: i64,
    pub host_patches: Refs,
}

impl PoolPatch {
    pub(super) fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
        self.head.shape(out)?;
        out.put("dataUuid", &self.data_uuid)?;
        out.put("description", &self.description)?;
        out.put("guidance", &self.guidance)?;
        out.put("name", &self.name)?;
        out.put("size", &self.size)?;
        out.put("$host_patches", &self.host_patches)
    }
}
