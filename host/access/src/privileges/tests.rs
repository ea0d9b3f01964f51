//! What privileges allow and deny, alone and beside entries; and what it takes to name one.

use std::sync::Arc;

use model::object::{Head, Vtpm};
use model::{Caller, Entry, Kind, Permission, Principal, Privilege, Selector};

use super::*;
use crate::{Action, Need, Refusal, permit, visibility};

/// Picks the object with this id; "broken" can tell of none.
#[derive(Debug)]
struct Only(&'static str);

impl Selector for Only {
    fn selects(&self, object: &Object) -> Option<bool> {
        (self.0 != "broken").then(|| object.id().as_str() == self.0)
    }
}

/// `+vtpm read`, `-vtpm * if tpm-1`.
fn privilege(text: &'static str) -> Privilege {
    let (what, selector) = text.split_once(" if ").map_or((text, None), |(what, id)| (what, Some(id)));
    let (resource, action) = what[1..].split_once(' ').unwrap();
    let selector = selector.map(|id| (id.to_owned(), Arc::new(Only(id)) as Arc<dyn Selector>));
    Privilege { resource: resource.into(), action: action.into(), allows: what.starts_with('+'), selector }
}

fn module() -> Object {
    let head = Head::new("tpm-1".into(), Kind::Vtpm, "pool-1".into(), "OpaqueRef:2".into());
    Object::from(Vtpm { head, vm: None })
}

fn caller(entries: &[(&str, &str)], privileges: &[&'static str]) -> Caller {
    let entries = entries.iter().map(|(object, action)| Entry { subject: "u", object, action });
    let rights = Rights::of(&["u"], entries).with(privileges.iter().map(|text| privilege(text)).collect());
    let principal = Principal { id: "u".into(), name: "u".into(), permission: Permission::None, rights: rights.into() };
    Caller::User(Arc::new(principal))
}

const READ: Need<'static> = Need { action: Action::View, privilege: "read" };
const START: Need<'static> = Need { action: Action::Operate, privilege: "start" };
const RENAME: Need<'static> = Need { action: Action::Administrate, privilege: "update:name" };
const UNNAMED: Need<'static> = Need { action: Action::Administrate, privilege: "" };

#[test]
fn either_list_grants_and_one_denies() {
    const NOT: Refusal = Refusal::NotVisible;
    let no = |need: Need<'_>| Err(Refusal::NotAllowed { action: need.action });
    type Case = (&'static [(&'static str, &'static str)], &'static [&'static str], Need<'static>, Result<(), Refusal>);
    let cases: &[Case] = &[
        (&[], &[], READ, Err(NOT)),
        (&[], &["+vtpm read"], READ, Ok(())),
        (&[], &["+vm read"], READ, Err(NOT)),
        (&[], &["+vtpm read"], START, no(START)),
        (&[], &["+vtpm start"], START, Err(NOT)),
        (&[], &["+vtpm start", "+vtpm read"], START, Ok(())),
        (&[], &["+vtpm *"], START, Ok(())),
        (&[], &["+vtpm *"], UNNAMED, Ok(())),
        (&[], &["+vtpm read", "+vtpm update"], RENAME, Ok(())),
        (&[], &["+vtpm read", "+vtpm update:name"], RENAME, Ok(())),
        (&[], &["+vtpm read", "+vtpm update:tags"], RENAME, no(RENAME)),
        (&[], &["+vtpm read", "+vtpm up"], RENAME, no(RENAME)),
        (&[], &["+vtpm read", "+vtpm update"], UNNAMED, no(UNNAMED)),
        (&[], &["+vtpm *", "-vtpm start"], START, no(START)),
        (&[], &["+vtpm *", "-vtpm update"], RENAME, no(RENAME)),
        (&[], &["+vtpm *", "-vtpm update:tags"], RENAME, Ok(())),
        (&[], &["+vtpm *", "-vtpm read"], START, Err(NOT)),
        (&[], &["+vtpm read if tpm-1"], READ, Ok(())),
        (&[], &["+vtpm read if tpm-2"], READ, Err(NOT)),
        (&[], &["+vtpm *", "-vtpm * if tpm-2"], START, Ok(())),
        (&[], &["+vtpm *", "-vtpm * if tpm-1"], START, Err(NOT)),
        (&[], &["+vtpm * if broken"], READ, Err(NOT)),
        (&[], &["+vtpm *", "-vtpm start if broken"], START, no(START)),
        (&[("tpm-1", "operator")], &[], START, Ok(())),
        (&[("tpm-1", "operator")], &["+vtpm read"], START, Ok(())),
        (&[("tpm-1", "viewer")], &["+vtpm start"], START, Ok(())),
        (&[("tpm-1", "viewer")], &["+vtpm start"], RENAME, no(RENAME)),
        (&[("tpm-1", "admin")], &["-vtpm start"], START, no(START)),
        (&[("tpm-1", "admin")], &["-vtpm start"], RENAME, Ok(())),
        (&[("tpm-1", "admin")], &["-vtpm *"], START, Err(NOT)),
        (&[("tpm-1", "admin")], &["-vtpm read"], START, Err(NOT)),
        (&[("tpm-1", "admin")], &["-vtpm *"], UNNAMED, Err(NOT)),
        (&[("tpm-2", "admin")], &["-vtpm * if tpm-2"], READ, Err(NOT)),
    ];
    let module = module();
    for (entries, privileges, need, expected) in cases {
        let caller = caller(entries, privileges);
        let answer = permit(&caller, &module, *need, &module).map(|_| ());
        assert_eq!(answer, *expected, "{entries:?} {privileges:?} {need:?}");
        // What is seen is what may be read.
        let sees = visibility(&caller).sees(&module, &module);
        assert_eq!(sees, answer != Err(NOT), "{entries:?} {privileges:?}");
        // What is in no list stays in none.
        let only = permit(&caller, &module, Action::AdministratorOnly, &module);
        assert!(only.is_err(), "{privileges:?}");
    }
}

#[test]
fn equal_privileges_are_one_class() {
    let class = |privileges: &[&'static str]| visibility(&caller(&[], privileges));
    assert_eq!(class(&["+vm read", "+sr read"]), class(&["+sr read", "+vm read", "+sr read"]));
    assert_ne!(class(&["+vm read"]), class(&["+vm read if a"]));
    assert_ne!(class(&["+vm read"]), class(&["-vm read"]));
    assert!(class(&["+vm read if a"]).looks_at_values() && !class(&["+vm read"]).looks_at_values());
    assert!(class(&[]).sees_nothing() && class(&["+vm read"]).sees_some());
}

#[test]
fn privileges_name_what_there_is() {
    for (resource, action, fine) in [
        ("vm", "start", true),
        ("vm", "*", true),
        ("vm", "update", true),
        ("vm", "update:name_label", true),
        ("vm", "update:", false),
        ("vm", "update:*", false),
        ("vm", "update:a b", false),
        ("vm", "fly", false),
        ("sr", "update:tags", true),
        ("sr", "update:name", false),
        ("vmm", "read", false),
        ("alarm", "*", true),
        ("", "", false),
    ] {
        assert_eq!(is_action(resource, action), fine, "{resource} {action}");
    }
    assert!(RESOURCES.windows(2).all(|pair| pair[0].0 < pair[1].0), "sorted");
    assert!(
        RESOURCES.iter().all(|(_, actions)| actions.windows(2).all(|pair| pair[0] < pair[1])),
        "actions are sorted"
    );
}
