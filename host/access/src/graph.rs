//! What objects belong to, as far as rights follow from it.

use model::{Kind, Object, ObjectId, Refs, Rights};

use crate::privileges::{self, Verdict};
use crate::trace::Trace;

/// A property that leads to an object from which rights are inherited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Its pool.
    Pool,
    /// The host or pool that it runs or lies on.
    Container,
    /// Its host.
    Host,
    /// What it is a snapshot of.
    SnapshotOf,
    /// Its storage repository.
    Sr,
    /// Its disk image.
    Vdi,
    /// Its VM.
    Vm,
    /// Its network.
    Network,
    /// What it is about.
    Subject,
}

impl Link {
    /// All of them, in the order of their definition.
    pub const ALL: [Self; 9] = [
        Self::Pool,
        Self::Container,
        Self::Host,
        Self::SnapshotOf,
        Self::Sr,
        Self::Vdi,
        Self::Vm,
        Self::Network,
        Self::Subject,
    ];

    /// Returns its name in the public API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Container => "container",
            Self::Host => "host",
            Self::SnapshotOf => "snapshotOf",
            Self::Sr => "sr",
            Self::Vdi => "vdi",
            Self::Vm => "vm",
            Self::Network => "network",
            Self::Subject => "subject",
        }
    }
}

/// A property that lists such objects, or those that lead to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// The disks that an image is used as.
    Vbds,
    /// The devices of a group.
    Pusbs,
}

/// An object as far as its place among the others goes.
pub trait Linked {
    /// Returns its public type.
    fn kind(&self) -> Kind;
    /// Returns the id of the object at the other end.
    fn link(&self, link: Link) -> Option<&str>;
    /// Returns the ids of the objects at the other ends.
    fn links(&self, links: Links) -> impl Iterator<Item = &str>;
    /// Returns whether it is an SR of discs to put into drives.
    fn holds_discs(&self) -> bool {
        false
    }
    /// Returns whether it is the place of an image in a drive for discs.
    fn is_drive(&self) -> bool {
        false
    }
    /// Says what privileges say of an action on it.
    fn verdict(&self, rights: &Rights, action: &str) -> Verdict {
        self.judge(rights, action, &())
    }
    /// [`Linked::verdict`], and somebody listens.
    fn judge(&self, _rights: &Rights, _action: &str, _trace: &impl Trace) -> Verdict {
        Verdict::Silent
    }
}

/// Where objects are looked up: one state of the picture.
pub trait Graph {
    /// What it finds.
    type Object: Linked;
    /// Returns the object with this id.
    fn object(&self, id: &str) -> Option<&Self::Object>;
}

/// No objects at all: for decisions about what is in no pool.
impl Graph for () {
    type Object = Object;

    fn object(&self, _id: &str) -> Option<&Object> {
        None
    }
}

impl Linked for Object {
    fn kind(&self) -> Kind {
        Self::kind(self)
    }

    fn holds_discs(&self) -> bool {
        matches!(self, Self::Sr(sr) if &*sr.content_type == "iso")
    }

    fn is_drive(&self) -> bool {
        matches!(self, Self::Vbd(vbd) if vbd.is_cd_drive)
    }

    fn judge(&self, rights: &Rights, action: &str, trace: &impl Trace) -> Verdict {
        privileges::verdict(rights, self, action, trace)
    }

    fn link(&self, link: Link) -> Option<&str> {
        let found = match (link, self) {
            (Link::Pool, _) => Some(self.pool()),
            (Link::Container | Link::Host, _) => self.container(),
            (Link::SnapshotOf, Self::Vm(vm)) => vm.rare().snapshot.as_ref()?.of.as_ref(),
            (Link::SnapshotOf, Self::Vdi(vdi)) => vdi.snapshot.as_ref()?.of.as_ref(),
            (Link::Sr, Self::Vdi(vdi)) => vdi.sr.as_ref(),
            (Link::Sr, Self::Pbd(pbd)) => pbd.sr.as_ref(),
            (Link::Vdi, Self::Vbd(vbd)) => vbd.vdi.as_ref(),
            (Link::Vm, Self::Vbd(vbd)) => vbd.vm.as_ref(),
            (Link::Vm, Self::Vif(vif)) => vif.vm.as_ref(),
            (Link::Vm, Self::Vusb(vusb)) => vusb.vm.as_ref(),
            (Link::Network, Self::Vif(vif)) => vif.network.as_ref(),
            (Link::Subject, Self::Message(message)) => Some(&message.object),
            _ => None,
        };
        found.map(ObjectId::as_str)
    }

    fn links(&self, links: Links) -> impl Iterator<Item = &str> {
        let found = match (links, self) {
            (Links::Vbds, Self::Vdi(vdi)) => Some(&vdi.vbds),
            (Links::Pusbs, Self::UsbGroup(group)) => group.pusbs.as_ref(),
            _ => None,
        };
        found.into_iter().flat_map(Refs::iter).map(ObjectId::as_str)
    }
}
