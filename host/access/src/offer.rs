//! What resource sets offer: who may use a set sees the objects in it, and of what belongs to them no more than it takes to make
//! a VM - the disks and cards of a template, the discs of an SR that holds discs.

use model::{Kind, Rights};

use crate::graph::{Graph, Link, Linked, Links};
use crate::trace::{Found, Relation, Trace, any, either};

/// Returns whether an account with these rights sees the object with this id by a resource set.
pub(crate) fn is_offered<G: Graph>(rights: &Rights, graph: &G, id: &str, trace: &impl Trace) -> bool {
    let Some(object) = graph.object(id).filter(|_| rights.offers_some()) else { return false };
    let itself = |id: &str| {
        let is_offered = rights.offers(id);
        if is_offered {
            trace.tell(Found::Offer(id));
        }
        is_offered
    };
    let of = |by: Relation, parent: &str, is_such: fn(&G::Object) -> bool| {
        parent != id && graph.object(parent).is_some_and(is_such) && trace.step(by, parent, || itself(parent))
    };
    let is_template = |vm: &G::Object| vm.kind() == Kind::VmTemplate;
    let below = || match object.kind() {
        Kind::Vbd | Kind::Vif => object.link(Link::Vm).is_some_and(|vm| of(Relation::Link(Link::Vm), vm, is_template)),
        Kind::Vdi => {
            let by_sr = object.link(Link::Sr).is_some_and(|sr| of(Relation::Link(Link::Sr), sr, Linked::holds_discs));
            either(trace, by_sr, || {
                let vm = |vbd| graph.object(vbd).and_then(|vbd| vbd.link(Link::Vm));
                any(trace, object.links(Links::Vbds).filter_map(vm), |vm| of(Relation::User, vm, is_template))
            })
        }
        _ => false,
    };
    either(trace, itself(id), below)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;
    use crate::{Action, allows};

    #[test]
    fn a_set_shows_what_is_in_it_and_what_a_new_vm_takes() {
        let graph: BTreeMap<String, Value> = serde_json::from_value(json!({
            "pool": { "type": "pool" },
            "template": { "type": "VM-template", "$pool": "pool" },
            "vm": { "type": "VM", "$container": "pool" },
            "of template": { "type": "VBD", "VM": "template", "VDI": "its disk" },
            "of vm": { "type": "VBD", "VM": "vm", "VDI": "other disk" },
            "its disk": { "type": "VDI", "$SR": "sr", "$VBDs": ["of template"] },
            "other disk": { "type": "VDI", "$SR": "sr", "$VBDs": ["of vm"] },
            "its card": { "type": "VIF", "$VM": "template", "$network": "network" },
            "other card": { "type": "VIF", "$VM": "vm", "$network": "network" },
            "network": { "type": "network", "$pool": "pool" },
            "sr": { "type": "SR", "$container": "pool" },
            "discs": { "type": "SR", "$container": "pool", "content_type": "iso" },
            "disc": { "type": "VDI", "$SR": "discs", "$VBDs": [] },
        }))
        .unwrap();
        let seen = |offered: &[&str], action| -> Vec<&str> {
            let rights = Rights::default().offering(offered.iter().copied());
            graph.keys().map(String::as_str).filter(|id| allows(&rights, &graph, id, action)).collect()
        };
        for (offered, expected) in [
            (vec!["template"], vec!["its card", "its disk", "of template", "template"]),
            (vec!["sr"], vec!["sr"]),
            (vec!["network"], vec!["network"]),
            (vec!["pool"], vec!["pool"]),
            (vec!["vm"], vec!["vm"]),
            (vec!["discs"], vec!["disc", "discs"]),
            (vec!["its disk", "nothing"], vec!["its disk"]),
            (vec![], vec![]),
        ] {
            assert_eq!(seen(&offered, Action::View), expected, "{offered:?}");
            for action in [Action::Operate, Action::Administrate, Action::AdministratorOnly] {
                assert_eq!(seen(&offered, action), Vec::<&str>::new(), "{offered:?} {action}");
            }
        }
    }
}
