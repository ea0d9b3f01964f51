//! Access lists of the first kind: an entry grants a role on one object, and objects inherit from what they belong to.
//!
//! There is no "no" in these lists: the levels of all entries of an account and its groups add up. What inherits from
//! what is one table, in [`Walk::has`]; the walk asks each parent for the same level.

use model::{Kind, Levels, Rights};

use crate::graph::{Graph, Link, Linked, Links};
use crate::trace::{Found, Relation, Trace, any, either};
use crate::{Action, offer};

/// How far a walk goes: snapshot of a disk, disk, VM, host, pool are five. Longer chains are loops of broken records.
const DEPTH: usize = 8;

/// Returns whether an account with these rights has `action` on the object with this id; never when it is not in `graph`.
/// To see it, it is enough that a resource set offers it.
/// What no list grants ([`Action::AdministratorOnly`]) is never there.
pub fn allows<G: Graph>(rights: &Rights, graph: &G, id: &str, action: Action) -> bool {
    traced(rights, graph, id, action, &())
}

/// [`allows`], and somebody listens.
pub(crate) fn traced<G: Graph>(rights: &Rights, graph: &G, id: &str, action: Action, trace: &impl Trace) -> bool {
    let Some(level) = action.level() else { return false };
    let offered = || action == Action::View && offer::is_offered(rights, graph, id, trace);
    !rights.is_empty() && either(trace, Walk { rights, graph, level, trace }.has(id, DEPTH), offered)
}

/// One question that is asked of an object and of those that it inherits from.
struct Walk<'a, G, W> {
    rights: &'a Rights,
    graph: &'a G,
    level: Levels,
    trace: &'a W,
}

impl<G: Graph, W: Trace> Walk<'_, G, W> {
    fn has(&self, id: &str, depth: usize) -> bool {
        let Self { rights, graph, level, trace } = *self;
        let Some(object) = graph.object(id).filter(|_| depth > 0) else { return false };
        let own = || {
            let is_granted = rights.on(id).has(level);
            if is_granted {
                trace.tell(Found::Entry(id));
            }
            is_granted
        };
        let up = |by: Relation, parent: &str| parent != id && trace.step(by, parent, || self.has(parent, depth - 1));
        let by = |link: Link| object.link(link).is_some_and(|parent| up(Relation::Link(link), parent));
        match object.kind() {
            Kind::Host | Kind::Network | Kind::VmTemplate => either(trace, own(), || by(Link::Pool)),
            Kind::Sr | Kind::Vm => either(trace, own(), || by(Link::Container)),
            Kind::VmSnapshot => either(trace, own(), || by(Link::SnapshotOf)),
            Kind::VmController => by(Link::Container),
            Kind::Vdi => either(trace, by(Link::Sr), || {
                // Who puts a disc into a drive sees it there, and does not own it.
                let leads = |vbd: &&G::Object| level == Levels::VIEW || !vbd.is_drive();
                let vm = |vbd| graph.object(vbd).filter(leads).and_then(|vbd| vbd.link(Link::Vm));
                any(trace, object.links(Links::Vbds).filter_map(vm), |vm| up(Relation::User, vm))
            }),
            Kind::VdiSnapshot => by(Link::SnapshotOf),
            Kind::Vbd => by(Link::Vdi),
            Kind::Vif => either(trace, by(Link::Network), || by(Link::Vm)),
            Kind::Pif | Kind::Pci | Kind::Pusb | Kind::Task => by(Link::Host),
            Kind::Pbd => either(trace, by(Link::Host), || by(Link::Sr)),
            Kind::UsbGroup => {
                let mut pusbs = object.links(Links::Pusbs).peekable();
                pusbs.peek().is_some() && pusbs.all(|pusb| up(Relation::Device, pusb))
            }
            Kind::Vusb => by(Link::Vm),
            Kind::Message => by(Link::Subject),
            _ => own(),
        }
    }
}

#[cfg(test)]
mod tests;
