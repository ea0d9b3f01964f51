//! The public type words.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// The public type of an object, as in its property `type`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// All kinds, in the order of their numbers.
            pub const ALL: &[Kind] = &[$(Kind::$name,)*];

            /// Returns the public word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Kind::$name => $word,)* }
            }
        }

        impl FromStr for Kind {
            type Err = UnknownKind;

            fn from_str(word: &str) -> Result<Self, UnknownKind> {
                match word { $($word => Ok(Kind::$name),)* _ => Err(UnknownKind) }
            }
        }
    };
}

kinds! {
    /// A pool.
    Pool = "pool",
    /// A host.
    Host = "host",
    /// A virtual machine.
    Vm = "VM",
    /// A template.
    VmTemplate = "VM-template",
    /// A snapshot of a VM.
    VmSnapshot = "VM-snapshot",
    /// A control domain.
    VmController = "VM-controller",
    /// A storage repository.
    Sr = "SR",
    /// A disk image.
    Vdi = "VDI",
    /// A snapshot of a disk image.
    VdiSnapshot = "VDI-snapshot",
    /// A disk image that the storage keeps for itself, such as a parent of a chain.
    VdiUnmanaged = "VDI-unmanaged",
    /// A disk of a VM.
    Vbd = "VBD",
    /// A network card of a VM.
    Vif = "VIF",
    /// A network.
    Network = "network",
    /// The connection of a host to an SR.
    Pbd = "PBD",
    /// A network card of a host.
    Pif = "PIF",
    /// A bond of PIFs.
    Bond = "bond",
    /// A driver for storage repositories.
    Sm = "SM",
    /// A message of a pool.
    Message = "message",
    /// A task of a pool.
    Task = "task",
    /// A hotfix installed on a host.
    Patch = "patch",
    /// A hotfix that a pool knows.
    PoolPatch = "pool_patch",
    /// A PCI device of a host.
    Pci = "PCI",
    /// A graphics card of a host.
    Pgpu = "PGPU",
    /// A group of graphics cards.
    GpuGroup = "gpuGroup",
    /// Graphics of a VM.
    Vgpu = "vgpu",
    /// A way to cut a graphics card.
    VgpuType = "vgpuType",
    /// The trusted platform module of a VM.
    Vtpm = "VTPM",
    /// A USB device of a host.
    Pusb = "PUSB",
    /// A USB device of a VM.
    Vusb = "VUSB",
    /// A group of USB devices.
    UsbGroup = "USB_group",
}

impl Kind {
    /// Returns the place in [`Kind::ALL`], for tables by kind.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Returns whether this is one of the four kinds of XAPI's class VM.
    pub const fn is_vm_like(self) -> bool {
        matches!(self, Self::Vm | Self::VmTemplate | Self::VmSnapshot | Self::VmController)
    }

    /// Returns the XAPI class, in its exact case.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Host => "host",
            Self::Vm | Self::VmTemplate | Self::VmSnapshot | Self::VmController => "VM",
            Self::Sr => "SR",
            Self::Vdi | Self::VdiSnapshot | Self::VdiUnmanaged => "VDI",
            Self::Vbd => "VBD",
            Self::Vif => "VIF",
            Self::Network => "network",
            Self::Pbd => "PBD",
            Self::Pif => "PIF",
            Self::Bond => "Bond",
            Self::Sm => "SM",
            Self::Message => "message",
            Self::Task => "task",
            Self::Patch => "host_patch",
            Self::PoolPatch => "pool_patch",
            Self::Pci => "PCI",
            Self::Pgpu => "PGPU",
            Self::GpuGroup => "GPU_group",
            Self::Vgpu => "VGPU",
            Self::VgpuType => "VGPU_type",
            Self::Vtpm => "VTPM",
            Self::Pusb => "PUSB",
            Self::Vusb => "VUSB",
            Self::UsbGroup => "USB_group",
        }
    }
}

/// The word is not the type of any object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownKind;

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown object type")
    }
}

impl std::error::Error for UnknownKind {}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
