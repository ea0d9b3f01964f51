//! Every kind of caller against every action and every proof, as tables.

use std::collections::HashSet;
use std::sync::Arc;

use model::object::{Head, Vbd};
use model::{
    Caller, Entry, InstanceId, Kind, Object, ObjectId, Permission, Principal, Rights, ServerId, TokenId, UserId,
};

use super::*;

fn user(name: &str, permission: Permission) -> Caller {
    Caller::User(Arc::new(Principal {
        id: UserId::from(name),
        name: name.to_owned(),
        permission,
        rights: Arc::default(),
    }))
}

/// Caller, sees and does everything, has an account or is the daemon, has an account.
fn callers() -> Vec<(Caller, bool, bool, bool)> {
    vec![
        (Caller::Anonymous, false, false, false),
        (user("none", Permission::None), false, true, true),
        (user("read", Permission::Read), false, true, true),
        (user("write", Permission::Write), false, true, true),
        (user("admin", Permission::Admin), true, true, true),
        (Caller::Local(0), true, true, false),
        (Caller::Plugin(InstanceId::from("auth-ldap")), false, false, false),
        (Caller::Daemon, true, true, false),
    ]
}

fn vm() -> ObjectRef {
    ObjectRef { kind: Kind::Vm, id: ObjectId::from("vm-1") }
}

fn vbd() -> Object {
    let head = Head::new("vbd-1".into(), Kind::Vbd, "pool-1".into(), "OpaqueRef:1".into());
    Object::from(Vbd {
        head,
        attached: true,
        bootable: false,
        device: None,
        is_cd_drive: false,
        position: "0".into(),
        read_only: false,
        vdi: None,
        vm: Some("vm-1".into()),
    })
}

fn check_resource<T: Resource + Clone>(kind: &str, id: &str, target: T) {
    assert_eq!((target.kind(), target.id()), (kind, id));
    for (caller, all, ..) in callers() {
        assert_eq!(visible(&caller, &(), &target), all, "{caller} sees {kind}");
        assert_eq!(visibility(&caller).sees(&(), &target), all, "class of {caller} sees {kind}");
        for action in Action::ALL {
            let answer = permit(&caller, &(), action, target.clone());
            match answer {
                Ok(permit) => {
                    assert!(all, "{caller} {action} {kind}");
                    assert_eq!((permit.action(), permit.id()), (action, id));
                    assert_eq!(permit.into_target().id(), id);
                }
                Err(refusal) => {
                    assert!(!all, "{caller} {action} {kind}");
                    assert_eq!(refusal, Refusal::NotVisible, "{caller} {action} {kind}: hidden, so never NotAllowed");
                }
            }
        }
    }
}

#[test]
fn every_caller_every_action_every_resource() {
    check_resource("VM", "vm-1", vm());
    check_resource("VM", "vm-1", Arc::new(vm()));
    check_resource("VM", "vm-1", &vm());
    check_resource("VBD", "vbd-1", Arc::new(vbd()));
    check_resource("server", "s", ServerId::from("s"));
    check_resource("user", "u", UserId::from("u"));
    check_resource("token", "t", TokenId::from("t"));
    check_resource("plugin", "p", InstanceId::from("p"));
}

#[test]
fn proofs_without_an_object() {
    for (caller, all, account_or_daemon, account) in callers() {
        let refused = |action| Err(Refusal::NotAllowed { action });
        assert_eq!(
            admin(&caller).map(|permit| permit.action()),
            if all { Ok(Action::AdministratorOnly) } else { refused(Action::AdministratorOnly) },
            "{caller} admin"
        );
        assert_eq!(
            signed_in(&caller).map(|permit| permit.action()),
            if account_or_daemon { Ok(Action::SignedIn) } else { refused(Action::SignedIn) },
            "{caller} signed in"
        );
        let own = own_account(&caller).map(|permit| permit.id().clone());
        match caller.principal() {
            Some(principal) => assert_eq!(own, Ok(principal.id.clone())),
            None => assert_eq!(own, Err(Refusal::NotAllowed { action: Action::SignedIn })),
        }
        assert_eq!(caller.principal().is_some(), account);
    }
}

#[test]
fn own_account_or_administrator() {
    for (caller, all, _, account) in callers() {
        let other = own_or_admin(&caller, UserId::from("somebody else")).map(Permit::into_target);
        assert_eq!(other.is_ok(), all, "{caller}");
        assert!(all || other == Err(Refusal::NotVisible), "{caller}: another's account does not exist");
        if account {
            let own = caller.principal().expect("has an account").id.clone();
            assert_eq!(own_or_admin(&caller, own.clone()).map(Permit::into_target), Ok(own), "{caller}");
        }
    }
}

#[test]
fn callers_of_a_class_share_it() {
    let classes: HashSet<_> = callers().iter().map(|(caller, ..)| visibility(caller)).collect();
    assert_eq!(classes, HashSet::from([VisibilityClass::Administrator, VisibilityClass::Nothing]));
    for (caller, all, ..) in callers() {
        let class = visibility(&caller);
        assert_eq!((class.sees_all(), class.sees_nothing()), (all, !all), "{caller}");
    }
}

/// One object of a graph that has nothing else.
impl Graph for Object {
    type Object = Object;

    fn object(&self, id: &str) -> Option<&Object> {
        (self.id().as_str() == id).then_some(self)
    }
}

fn listed(object: &str, action: &str) -> Caller {
    let rights = Rights::of(&["u"], [Entry { subject: "u", object, action }]);
    let principal = Principal { id: "u".into(), name: "u".into(), permission: Permission::None, rights: rights.into() };
    Caller::User(Arc::new(principal))
}

#[test]
fn a_list_grants_levels_on_objects_and_on_nothing_else() {
    let head = Head::new("tpm-1".into(), Kind::Vtpm, "pool-1".into(), "OpaqueRef:2".into());
    let module = Object::from(model::object::Vtpm { head, vm: None });
    let pool = "pool-1";
    for (entry, level) in [
        (("tpm-1", "viewer"), Some(Action::View)),
        (("tpm-1", "operator"), Some(Action::Operate)),
        (("tpm-1", "admin"), Some(Action::Administrate)),
        (("tpm-1", "operate"), None),
        (("tpm-1", "bogus"), None),
        (("tpm-2", "admin"), None),
        ((pool, "admin"), None),
    ] {
        let caller = listed(entry.0, entry.1);
        let class = visibility(&caller);
        assert_eq!(class.sees(&module, &module), level.is_some(), "{entry:?}");
        for asked in [Action::View, Action::Operate, Action::Administrate, Action::AdministratorOnly] {
            let expected = match level {
                None => Err(Refusal::NotVisible),
                Some(level) if level >= asked => Ok(()),
                Some(_) => Err(Refusal::NotAllowed { action: asked }),
            };
            let answer = permit(&caller, &module, asked, ObjectRef { kind: Kind::Vtpm, id: "tpm-1".into() });
            assert_eq!(answer.map(|_| ()), expected, "{entry:?} {asked}");
        }
        // An id of something else that happens to be in the list.
        assert!(!visible(&caller, &module, &ServerId::from(entry.0)));
        assert_eq!(admin(&caller).map(|_| ()), Err(Refusal::NotAllowed { action: Action::AdministratorOnly }));
    }
    // Objects that are not in the picture are not there, whatever the list says.
    assert!(!visible(&listed("tpm-1", "admin"), &(), &module));
}

#[test]
fn equal_lists_are_one_class() {
    let class = |object, action| visibility(&listed(object, action));
    assert_eq!(class("a", "viewer"), class("a", "view"));
    let classes = HashSet::from([class("a", "viewer"), class("a", "admin"), class("b", "viewer"), class("a", "view")]);
    assert_eq!(classes.len(), 3);
    assert!(class("a", "bogus").sees_nothing());
}
