//! Access lists of the first kind: an entry grants a role on one object, and objects inherit from what they belong to.
//!
//! There is no "no" in these lists: the levels of all entries of an account and its groups add up. What inherits from
//! what is one table, in [`has`]; the walk asks each parent for the same level.

use model::{Kind, Levels, Rights};

use crate::Action;
use crate::graph::{Graph, Link, Linked, Links};

/// How far a walk goes: snapshot of a disk, disk, VM, host, pool are five. Longer chains are loops of broken records.
const DEPTH: usize = 8;

/// Returns whether an account with these rights has `action` on the object with this id; never when it is not in `graph`.
/// What no list grants ([`Action::AdministratorOnly`]) is never there.
pub fn allows<G: Graph>(rights: &Rights, graph: &G, id: &str, action: Action) -> bool {
    let level = match action {
        Action::View => Levels::VIEW,
        Action::Operate => Levels::OPERATE,
        Action::Administrate => Levels::ADMINISTRATE,
        Action::SignedIn | Action::AdministratorOnly => return false,
    };
    !rights.is_empty() && has(rights, graph, id, level, DEPTH)
}

fn has<G: Graph>(rights: &Rights, graph: &G, id: &str, level: Levels, depth: usize) -> bool {
    let Some(object) = graph.object(id).filter(|_| depth > 0) else { return false };
    let own = || rights.on(id).has(level);
    let up = |parent: &str| parent != id && has(rights, graph, parent, level, depth - 1);
    let by = |link| object.link(link).is_some_and(up);
    match object.kind() {
        Kind::Host | Kind::Network | Kind::VmTemplate => own() || by(Link::Pool),
        Kind::Sr | Kind::Vm => own() || by(Link::Container),
        Kind::VmSnapshot => own() || by(Link::SnapshotOf),
        Kind::VmController => by(Link::Container),
        Kind::Vdi => {
            let vm = |vbd| graph.object(vbd).and_then(|vbd| vbd.link(Link::Vm));
            by(Link::Sr) || object.links(Links::Vbds).filter_map(vm).any(up)
        }
        Kind::VdiSnapshot => by(Link::SnapshotOf),
        Kind::Vbd => by(Link::Vdi),
        Kind::Vif => by(Link::Network) || by(Link::Vm),
        Kind::Pif | Kind::Pci | Kind::Pusb | Kind::Task => by(Link::Host),
        Kind::Pbd => by(Link::Host) || by(Link::Sr),
        Kind::UsbGroup => {
            let mut pusbs = object.links(Links::Pusbs).peekable();
            pusbs.peek().is_some() && pusbs.all(up)
        }
        Kind::Vusb => by(Link::Vm),
        Kind::Message => by(Link::Subject),
        _ => own(),
    }
}

#[cfg(test)]
mod tests;
