//! Who gets in, and what the others are told.

use xylem_sdk::auth::{Identity, Verdict};
use xylem_sdk::ldap::Entry;
use xylem_sdk::{Error, ErrorKind, Value, error, json};

use super::fake::{Fake, dn, person, settings};
use crate::language::Language::English;
use crate::sign_in::authenticate;

fn sign_in(fake: &Fake, other: Value, username: &str, password: &str) -> Result<Verdict, Error> {
    authenticate(fake, &settings(other), username, password, English)
}

fn accepted(verdict: Result<Verdict, Error>) -> Identity {
    match verdict {
        Ok(Verdict::Accepted(identity)) => identity,
        other => panic!("not accepted: {other:?}"),
    }
}

fn refused(verdict: Result<Verdict, Error>) -> String {
    match verdict {
        Ok(Verdict::Refused(reason)) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn the_right_password_gives_the_identity_over_two_connections() {
    let fake = Fake::new();
    let identity = accepted(sign_in(&fake, json!({}), "alice", "rabbit"));
    assert_eq!((identity.subject.as_str(), identity.username.as_str()), ("1111-a", "alice"));
    assert_eq!(
        (identity.display_name.as_deref(), identity.email.as_deref()),
        (Some("Alice Liddell"), Some("alice@example.org"))
    );
    assert_eq!((identity.groups.is_none(), identity.strong, identity.attributes.as_str()), (true, false, "{}"));
    assert_eq!(fake.opened.get(), 2);
}

#[test]
fn an_entry_without_name_and_mail_is_a_person_too() {
    let identity = accepted(sign_in(&Fake::new(), json!({}), "bob", "builder"));
    assert_eq!((identity.username.as_str(), identity.display_name, identity.email), ("bob", None, None));
}

#[test]
fn an_empty_password_is_refused_before_any_connection() {
    let fake = Fake::new();
    refused(sign_in(&fake, json!({}), "alice", ""));
    assert_eq!(fake.opened.get(), 0);
}

#[test]
fn others_are_refused_or_unknown() {
    let fake = Fake::new();
    assert!(refused(sign_in(&fake, json!({}), "alice", "hatter")).contains(&dn("alice")));
    assert!(refused(sign_in(&fake, json!({}), "twin", "x")).contains("Several entries"));
    assert!(matches!(sign_in(&fake, json!({}), "nobody", "x"), Ok(Verdict::Unknown)));
    assert!(matches!(sign_in(&fake, json!({}), "", "x"), Ok(Verdict::Unknown)));
}

#[test]
fn more_than_the_limit_is_ambiguous() {
    let mut fake = Fake::new();
    fake.entries.push(person("twin", &[]));
    assert!(refused(sign_in(&fake, json!({}), "twin", "x")).contains("Several entries"));
}

#[test]
fn a_locked_person_is_refused_but_a_busy_server_is_an_error() {
    for (code, is_refusal) in [
        ("ldap.unwilling-to-perform", true),
        ("ldap.constraint-violation", true),
        ("ldap.inappropriate-authentication", true),
        ("ldap.busy", false),
        ("ldap.unavailable", false),
    ] {
        let fake = Fake { person: Some(error::upstream(code, "no")), ..Fake::new() };
        let verdict = sign_in(&fake, json!({}), "alice", "rabbit");
        assert_eq!(matches!(verdict, Ok(Verdict::Refused(_))), is_refusal, "{code}");
        assert_eq!(verdict.is_err(), !is_refusal, "{code}");
    }
}

#[test]
fn a_wrong_service_account_is_an_error_and_no_verdict() {
    let fake = Fake { service: Some(error::upstream("ldap.invalid-credentials", "49")), ..Fake::new() };
    let error = sign_in(&fake, json!({}), "alice", "rabbit").unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Upstream, "ldap.invalid-credentials"));
    assert!(error.message.contains("cn=xylem,dc=example,dc=org"), "{}", error.message);
}

#[test]
fn a_missing_grant_stays_what_it_is() {
    let mut denied = error::new(ErrorKind::Denied, "grant.missing", "");
    denied.params = vec!["ldap:dc1.example.org:636".to_owned()];
    let fake = Fake::new();
    fake.open.borrow_mut().push(denied);
    let error = sign_in(&fake, json!({}), "alice", "rabbit").unwrap_err();
    assert_eq!((error.kind, error.params.len()), (ErrorKind::Denied, 1));
    assert!(error.message.contains("Allow ldap:dc1.example.org:636"), "{}", error.message);
}

#[test]
fn without_a_service_account_the_search_is_anonymous() {
    let identity = accepted(sign_in(&Fake::new(), json!({"bind": {"dn": "", "password": null}}), "alice", "rabbit"));
    assert_eq!(identity.subject, "1111-a");
}

#[test]
fn the_subject_is_stable_or_there_is_none() {
    let guid = (0_u8..16).collect::<Vec<_>>();
    let printable = b"ABCDEFGHIJKLMNOP".to_vec();
    let raw = |name: &str, values: &[&[u8]]| (name.to_owned(), values.iter().map(|value| value.to_vec()).collect());
    let uid = raw("uid", &[b"alice"]);
    type Case<'a> = (&'a str, Vec<(String, Vec<Vec<u8>>)>, Result<&'a str, &'a str>);
    let cases: Vec<Case<'_>> = vec![
        ("entryUUID", vec![raw("entryUUID", &[b"u-1"]), raw("objectGUID", &[&guid])], Ok("u-1")),
        ("entryUUID", vec![raw("objectGUID", &[&guid])], Ok("000102030405060708090a0b0c0d0e0f")),
        ("objectGUID", vec![raw("objectGUID", &[&printable])], Ok("4142434445464748494a4b4c4d4e4f50")),
        ("entryUUID", vec![], Err("ldap.no-user-id")),
        ("nsUniqueId", vec![raw("objectGUID", &[&guid])], Err("ldap.no-user-id")),
        ("uid", vec![], Ok("alice")),
        ("mail", vec![raw("mail", &[b"a@x", b"b@x"])], Err("ldap.ambiguous-user-id")),
        ("mail", vec![raw("mail", &[b""])], Err("ldap.no-user-id")),
        ("objectSid", vec![raw("objectSid", &[&[1, 5, 0, 0xff]])], Ok("010500ff")),
        ("dn", vec![], Ok("uid=alice,ou=people,dc=example,dc=org")),
    ];
    for (attribute, attributes, expected) in cases {
        let attributes = [vec![uid.clone()], attributes].concat();
        let fake = Fake { entries: vec![Entry { dn: dn("alice"), attributes }], ..Fake::new() };
        let verdict = sign_in(&fake, json!({"userIdAttribute": attribute}), "alice", "rabbit");
        match expected {
            Ok(subject) => assert_eq!(accepted(verdict).subject, subject, "{attribute}"),
            Err(code) => assert_eq!(verdict.unwrap_err().code, code, "{attribute}"),
        }
    }
}
