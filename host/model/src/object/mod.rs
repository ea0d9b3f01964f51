//! The objects of the pools as clients see them: compact typed structs, written out in the public shape of Xen Orchestra.
//!
//! Every struct has one `shape` function that lists its public properties, name by name, in one place. Whole objects,
//! projections (`fields=a,b`), single fields and patterns all go through that list, so there is no second truth.
//!
//! Rust names are ours; the names in `shape` are the wire's. What is absent there is left out of the JSON, what is null
//! there is written as null; times are whole seconds since the epoch; sizes are bytes.

mod activity;
mod device;
mod entries;
mod head;
mod host;
mod kind;
mod network;
mod packed;
mod patch;
mod pattern;
mod pool;
mod storage;
mod vm;
mod written;

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::ObjectId;
pub use activity::{Message, XapiTask};
pub use device::{GpuGroup, Pci, Pgpu, Pusb, UsbGroup, Vgpu, VgpuType, Vtpm, Vusb};
pub use entries::{Entries, View};
use entries::{One, Whole};
pub use head::Head;
pub use host::{Cpus, Host, HostMemory, HostPower};
pub use kind::Kind;
pub use network::{Bond, Network, Pif, Vif};
pub use packed::{Decimal, Packed, Refs, Text, write_map};
pub use patch::{Patch, PoolPatch};
pub use pattern::{contains, pattern_matches};
pub use pool::Pool;
pub use storage::{Pbd, Sm, Sr, Vbd, Vdi, VdiSnapshot};
pub use vm::{GuestAgent, Memory, PowerState, Rare, SnapshotInfo, TemplateDisk, TemplateInfo, Vcpus, Vm, XenTools};
pub use written::{Cell, Written};

macro_rules! objects {
    ($($(#[$doc:meta])* $variant:ident: $inner:ty,)*) => {
        /// One object of a pool. The structs are boxed, so that what is shared of an object is small.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Object { $($(#[$doc])* $variant(Box<$inner>),)* }

        impl Object {
            /// Returns what all objects have.
            pub fn head(&self) -> &Head {
                match self { $(Self::$variant(inner) => &inner.head,)* }
            }

            /// Returns what all objects have, to fill it in.
            pub fn head_mut(&mut self) -> &mut Head {
                match self { $(Self::$variant(inner) => &mut inner.head,)* }
            }

            /// Shows every public property to `out`, in the order of the JSON, until it returns an error.
            ///
            /// # Errors
            /// What `out` returned.
            pub fn shape<E: Entries>(&self, out: &mut E) -> Result<(), E::Error> {
                match self { $(Self::$variant(inner) => inner.shape(out),)* }
            }
        }

        $(impl From<$inner> for Object {
            fn from(inner: $inner) -> Self {
                Self::$variant(Box::new(inner))
            }
        })*
    };
}

objects! {
    /// A pool.
    Pool: Pool,
    /// A host.
    Host: Host,
    /// A VM, template, snapshot or control domain; see [`Head::kind`].
    Vm: Vm,
    /// A storage repository.
    Sr: Sr,
    /// A disk image, its snapshot, or one that the storage does not manage for us.
    Vdi: Vdi,
    /// A disk of a VM.
    Vbd: Vbd,
    /// A network card of a VM.
    Vif: Vif,
    /// A network.
    Network: Network,
    /// The connection of a host to a storage repository.
    Pbd: Pbd,
    /// A network card of a host.
    Pif: Pif,
    /// A bond of PIFs.
    Bond: Bond,
    /// A driver for storage repositories.
    Sm: Sm,
    /// A message of a pool.
    Message: Message,
    /// A task of a pool.
    Task: XapiTask,
    /// A hotfix installed on a host.
    Patch: Patch,
    /// A hotfix that a pool knows.
    PoolPatch: PoolPatch,
    /// A PCI device of a host.
    Pci: Pci,
    /// A graphics card of a host.
    Pgpu: Pgpu,
    /// A group of graphics cards.
    GpuGroup: GpuGroup,
    /// Graphics of a VM.
    Vgpu: Vgpu,
    /// A way to cut a graphics card.
    VgpuType: VgpuType,
    /// The trusted platform module of a VM.
    Vtpm: Vtpm,
    /// A USB device of a host.
    Pusb: Pusb,
    /// A USB device of a VM.
    Vusb: Vusb,
    /// A group of USB devices.
    UsbGroup: UsbGroup,
}

macro_rules! accessor {
    ($(#[$doc:meta])* $name:ident, $variant:ident, $type:ty) => {
        $(#[$doc])*
        pub fn $name(&self) -> Option<&$type> {
            match self {
                Self::$variant(inner) => Some(inner),
                _ => None,
            }
        }
    };
}

impl Object {
    /// Returns the public type.
    pub fn kind(&self) -> Kind {
        self.head().kind
    }

    /// Returns the public id.
    pub fn id(&self) -> &ObjectId {
        &self.head().id
    }

    /// Returns the UUID: the id, but for default templates, whose id carries the pool in front.
    pub fn uuid(&self) -> &str {
        self.head().uuid()
    }

    /// Returns the id of the pool.
    pub fn pool(&self) -> &ObjectId {
        &self.head().pool
    }

    /// Returns the opaque reference that XAPI calls need.
    pub fn reference(&self) -> &Text {
        &self.head().reference
    }

    /// Returns the name for people, empty for kinds without one.
    pub fn name_label(&self) -> &str {
        match self {
            Self::Pool(pool) => &pool.name_label,
            Self::Host(host) => &host.name_label,
            Self::Vm(vm) => &vm.name_label,
            Self::Sr(sr) => &sr.name_label,
            Self::Vdi(vdi) => &vdi.name_label,
            Self::Network(network) => &network.name_label,
            Self::Sm(sm) => &sm.name_label,
            Self::Task(task) => &task.name_label,
            Self::GpuGroup(group) => &group.name_label,
            _ => "",
        }
    }

    /// Returns the tags, empty for kinds without them.
    pub fn tags(&self) -> &[Text] {
        match self {
            Self::Pool(pool) => &pool.tags,
            Self::Host(host) => &host.tags,
            Self::Vm(vm) => &vm.tags,
            Self::Sr(sr) => &sr.tags,
            Self::Vdi(vdi) => &vdi.tags,
            Self::Network(network) => &network.tags,
            _ => &[],
        }
    }

    /// Returns where the object runs or lies: `$container` of a VM or SR, the host of what belongs to one.
    pub fn container(&self) -> Option<&ObjectId> {
        match self {
            Self::Vm(vm) => vm.container.as_ref(),
            Self::Sr(sr) => sr.container.as_ref(),
            Self::Pif(pif) => pif.host.as_ref(),
            Self::Pbd(pbd) => pbd.host.as_ref(),
            Self::Task(task) => task.host.as_ref(),
            Self::Patch(patch) => patch.host.as_ref(),
            Self::Pci(pci) => pci.host.as_ref(),
            Self::Pgpu(pgpu) => pgpu.host.as_ref(),
            Self::Pusb(pusb) => pusb.host.as_ref(),
            _ => None,
        }
    }

    accessor! {
        /// Returns the pool.
        as_pool, Pool, Pool
    }
    accessor! {
        /// Returns the host.
        as_host, Host, Host
    }
    accessor! {
        /// Returns the VM, template, snapshot or control domain.
        as_vm, Vm, Vm
    }
    accessor! {
        /// Returns the storage repository.
        as_sr, Sr, Sr
    }
    accessor! {
        /// Returns the disk image of any kind.
        as_vdi, Vdi, Vdi
    }
    accessor! {
        /// Returns the disk of a VM.
        as_vbd, Vbd, Vbd
    }
    accessor! {
        /// Returns the network card of a VM.
        as_vif, Vif, Vif
    }
    accessor! {
        /// Returns the network.
        as_network, Network, Network
    }
    accessor! {
        /// Returns the connection of a host to an SR.
        as_pbd, Pbd, Pbd
    }
    accessor! {
        /// Returns the network card of a host.
        as_pif, Pif, Pif
    }
    accessor! {
        /// Returns the message.
        as_message, Message, Message
    }
    accessor! {
        /// Returns the task of a pool.
        as_task, Task, XapiTask
    }

    /// Returns one public property as a JSON value; none when the object has no such property.
    pub fn field(&self, name: &str) -> Option<serde_json::Value> {
        let mut one = One { name, value: None };
        self.shape(&mut one).ok()?;
        one.value
    }

    /// Returns a serialisable view: the named top-level properties only (all when `fields` is none) plus `extra` ones.
    pub fn view<'a>(&'a self, fields: Option<&'a [String]>, extra: &'a [(&'a str, &'a str)]) -> View<'a> {
        View { object: self, fields, extra }
    }

    /// Returns whether the object matches a pattern the way lodash's `matches` does: objects partially, arrays
    /// partially and unordered, everything else by equality.
    pub fn matches(&self, pattern: &serde_json::Value) -> bool {
        pattern::object_matches(self, pattern)
    }

    /// Returns whether the object matches a pattern of a job; see [`pattern_matches`].
    pub fn matches_pattern(&self, pattern: &serde_json::Value) -> bool {
        pattern::object_pattern_matches(self, pattern)
    }

    /// Returns the place where its JSON is kept.
    pub fn written(&self) -> &Cell {
        &self.head().written
    }

    /// Returns the public JSON text.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("public shapes have string keys and no failing parts")
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.shape(&mut Whole(&mut map))?;
        map.end()
    }
}

/// Shares a text; for the values that come again and again, share through an interner instead.
pub fn text(value: &str) -> Text {
    Text::from(value)
}

#[cfg(test)]
mod tests;
