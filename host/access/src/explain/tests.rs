//! Random fleets, entries, privileges and resource sets: what is explained is what is decided, and the reasons are all there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::object::{Head, Vtpm};
use model::{Kind, Object, ObjectId, Permission, Principal, Rights, Selector};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::graph::{Link, Linked, Links};
use crate::privileges::{Verdict, judge};
use crate::{ObjectRef, permit};

const IDS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
const ME: [&str; 2] = ["me", "my group"];

/// An object that leads to any others, broken ones among them.
#[derive(Clone, Debug)]
struct Node {
    kind: Kind,
    links: BTreeMap<u8, &'static str>,
    listed: Vec<&'static str>,
    discs: bool,
    resource: &'static str,
    itself: Object,
}

impl Linked for Node {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn link(&self, link: Link) -> Option<&str> {
        self.links.get(&(link as u8)).copied()
    }

    fn links(&self, _links: Links) -> impl Iterator<Item = &str> {
        self.listed.iter().copied()
    }

    fn holds_discs(&self) -> bool {
        self.discs
    }

    fn judge(&self, rights: &Rights, action: &str, trace: &impl Trace) -> Verdict {
        judge(rights, self.resource, action, |selector| selector.selects(&self.itself), trace)
    }
}

type Nodes = BTreeMap<&'static str, Node>;

impl Graph for Nodes {
    type Object = Node;

    fn object(&self, id: &str) -> Option<&Node> {
        self.get(id)
    }
}

/// Picks one object; "?" can tell of none.
#[derive(Debug)]
struct Only(&'static str);

impl Selector for Only {
    fn selects(&self, object: &Object) -> Option<bool> {
        (self.0 != "?").then(|| object.id().as_str() == self.0)
    }
}

fn nodes() -> impl Strategy<Value = Nodes> {
    let kinds = vec![
        Kind::Pool,
        Kind::Host,
        Kind::Vm,
        Kind::VmSnapshot,
        Kind::VmTemplate,
        Kind::Sr,
        Kind::Vdi,
        Kind::Vdi,
        Kind::VdiSnapshot,
        Kind::Vbd,
        Kind::Vif,
        Kind::Network,
        Kind::Pbd,
        Kind::Pusb,
        Kind::UsbGroup,
        Kind::Message,
    ];
    let links = btree_map(0..=Link::Subject as u8, select(&IDS[..]), 0..6);
    let node = (select(kinds), links, vec(select(&IDS[..]), 0..3), select(vec!["vm", "sr"]), any::<bool>());
    btree_map(select(&IDS[..]), node, 3..8).prop_map(|nodes| {
        let node = |(id, (kind, links, listed, resource, discs)): (&'static str, _)| {
            let head = Head::new(ObjectId::from(id), Kind::Vtpm, "pool".into(), "OpaqueRef:1".into());
            (id, Node { kind, links, listed, discs, resource, itself: Object::from(Vtpm { head, vm: None }) })
        };
        nodes.into_iter().map(node).collect()
    })
}

type Line = (&'static str, &'static str, &'static str);

fn entries() -> impl Strategy<Value = Vec<Line>> {
    let roles = select(vec!["viewer", "operator", "admin", "view", "operate", "administrate", "bogus"]);
    vec((select(&ME[..]), select(&IDS[..]), roles), 0..6)
}

fn privileges() -> impl Strategy<Value = Vec<Privilege>> {
    let selector = proptest::option::of(select(vec!["a", "b", "c", "?"]));
    let actions = select(vec!["*", "read", "start", "update", "update:name"]);
    let one = (select(vec!["vm", "sr"]), actions, prop::bool::weighted(0.7), selector);
    let make = |(resource, action, allows, selector): (&str, &str, bool, Option<&'static str>)| Privilege {
        resource: resource.to_owned(),
        action: action.to_owned(),
        allows,
        selector: selector.map(|id| (id.to_owned(), Arc::new(Only(id)) as Arc<dyn Selector>)),
    };
    vec(one.prop_map(make), 0..5)
}

fn needs() -> impl Strategy<Value = Need<'static>> {
    let all = [
        (Action::SignedIn, ""),
        (Action::View, "read"),
        (Action::Operate, "start"),
        (Action::Administrate, "update:name"),
        (Action::Administrate, ""),
        (Action::AdministratorOnly, ""),
    ];
    select(all.map(|(action, privilege)| Need { action, privilege }).to_vec())
}

fn lines(entries: &[Line]) -> Vec<Entry<'static>> {
    entries.iter().map(|&(subject, object, action)| Entry { subject, object, action }).collect()
}

fn caller(entries: &[Entry<'_>], offers: &[Offer<'_>], privileges: &[Privilege], permission: Permission) -> Caller {
    let rights = Rights::of(&ME, entries.iter().copied()).with(privileges.to_vec());
    let rights = rights.offering(offers.iter().map(|offer| offer.object));
    Caller::User(Arc::new(Principal { id: "me".into(), name: "me".into(), permission, rights: rights.into() }))
}

/// The way leads there, by links that are there.
fn leads(nodes: &Nodes, from: &str, way: &[Step], to: &str) -> bool {
    let mut at = from;
    for step in way {
        let Some(node) = nodes.get(at) else { return false };
        let via = |disk: &&str| nodes.get(*disk).and_then(|vbd| vbd.link(Link::Vm)) == Some(&*step.object);
        let is_there = match step.by {
            Relation::User => node.listed.iter().any(via),
            Relation::Device => node.listed.contains(&&*step.object),
            Relation::Link(by) => {
                node.links.iter().any(|(link, id)| Link::ALL[usize::from(*link)] == by && *id == step.object)
            }
        };
        if !is_there {
            return false;
        }
        at = &step.object;
    }
    at == to
}

type Key = (String, String, bool, Option<String>);

fn key(privilege: &Privilege) -> Key {
    let Privilege { resource, action, allows, selector } = privilege;
    (resource.clone(), action.clone(), *allows, selector.as_ref().map(|(text, _)| text.clone()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn explained_is_decided(
        nodes in nodes(),
        entries in entries(),
        offers in vec((select(vec!["one", "other"]), select(&IDS[..])), 0..4),
        privileges in privileges(),
        need in needs(),
        id in select(&IDS[..]),
        is_admin in prop::bool::weighted(0.05),
    ) {
        let entries = lines(&entries);
        let offers: Vec<_> = offers.into_iter().map(|(set, object)| Offer { set, object }).collect();
        let permission = if is_admin { Permission::Admin } else { Permission::None };
        let who = caller(&entries, &offers, &privileges, permission);
        let target = ObjectRef { kind: Kind::Vm, id: id.into() };
        let decided = permit(&who, &nodes, need, &target).map(|_| ());
        let explained = explain(&who, &entries, &offers, &nodes, need, &target);
        prop_assert_eq!(explained.decision, decided);
        prop_assert!(!explained.reasons.is_empty());

        // What is named is there; and without all that is named the decision is another one.
        let mut other_entries = entries.clone();
        let mut other_offers = offers.clone();
        let mut other_privileges = privileges.clone();
        let mut is_by_lists = false;
        for reason in &explained.reasons {
            match reason {
                Reason::Entry { entry, way } => {
                    prop_assert!(decided.is_ok());
                    prop_assert!(leads(&nodes, id, way, entry.object), "{way:?} to {entry:?}");
                    other_entries.retain(|one| (one.subject, one.object, one.action) != (entry.subject, entry.object, entry.action));
                    is_by_lists = true;
                }
                Reason::Set { offer, way } => {
                    prop_assert!(decided.is_ok() && matches!(need.action, Action::View | Action::SignedIn));
                    prop_assert!(leads(&nodes, id, way, offer.object), "{way:?} to {offer:?}");
                    other_offers.retain(|one| (one.set, one.object) != (offer.set, offer.object));
                    is_by_lists = true;
                }
                Reason::Privilege { privilege, is_sure } => {
                    prop_assert!(privileges.iter().any(|one| key(one) == key(privilege)));
                    prop_assert_eq!(privilege.allows, decided.is_ok());
                    prop_assert_eq!(*is_sure, privilege.selector.as_ref().is_none_or(|(text, _)| text != "?"));
                    other_privileges.retain(|one| key(one) != key(privilege));
                    is_by_lists = true;
                }
                Reason::Administrator => prop_assert!(is_admin && decided.is_ok()),
                Reason::AdministratorsOnly => {
                    prop_assert!(decided.is_err() && need.action == Action::AdministratorOnly);
                }
                Reason::NoAccount => prop_assert!(false, "it has an account"),
                Reason::Nothing => prop_assert!(decided.is_err()),
            }
        }
        if is_by_lists {
            let rest = caller(&other_entries, &other_offers, &other_privileges, permission);
            let of_rest = explain(&rest, &other_entries, &other_offers, &nodes, need, &target);
            match decided {
                Ok(()) => prop_assert!(of_rest.decision.is_err(), "{:?}", of_rest.reasons),
                // It may be refused still, but not for such a word.
                Err(refusal) if of_rest.decision == Err(refusal) => {
                    let denies = |reason: &Reason<'_>| matches!(reason, Reason::Privilege { .. });
                    prop_assert!(!of_rest.reasons.iter().any(denies), "{:?}", of_rest.reasons);
                }
                Err(_) => {}
            }
        }
    }
}

#[test]
fn who_has_no_account() {
    let target = ObjectRef { kind: Kind::Vm, id: "a".into() };
    let explained = explain(&Caller::Anonymous, &[], &[], &(), Action::View.into(), &target);
    assert_eq!(explained.decision, Err(Refusal::NotVisible));
    assert!(matches!(explained.reasons[..], [Reason::NoAccount]));
}
