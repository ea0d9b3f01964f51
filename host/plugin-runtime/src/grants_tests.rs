//! The grammar and the matcher of grants, as tables.

use serde_json::json;

use super::*;

#[test]
fn spelling() {
    for (text, canonical) in [
        ("ldap:DC1.Example.org.:636", Some("ldap:dc1.example.org:636")),
        ("ldap:dc1:0636", Some("ldap:dc1:636")),
        ("ldap:[::1]:636", Some("ldap:[::1]:636")),
        ("ldap:[0:0::1]:636", Some("ldap:[::1]:636")),
        ("ldap:*:636", Some("ldap:*:636")),
        ("ldap:*.example.org:*", Some("ldap:*.example.org:*")),
        ("ldap:dc*.example.org:636", None),
        ("ldap:dc1", None),
        ("ldap:dc1:0", None),
        ("ldap:dc1:65536", None),
        ("ldap:dc1:+636", None),
        ("ldap:user@dc1:636", None),
        ("ldap:a b:636", None),
        ("ldap::636", None),
        ("ldap:a..b:636", None),
        ("ldap", None),
        ("http:https://api.github.com", Some("http:https://api.github.com")),
        ("http:https://api.github.com:443", Some("http:https://api.github.com")),
        ("http:http://h:8080", Some("http:http://h:8080")),
        ("http:ftp://h", None),
        ("http:https://u@h", None),
        ("http:https://h/path", None),
        ("secret:bind.password", Some("secret:bind.password")),
        ("secret:", None),
        ("stats", Some("stats")),
        ("stats:x", None),
        ("notify", Some("notify")),
        ("route", Some("route")),
        ("route:public", Some("route:public")),
        ("route:all", None),
        ("xapi:*/VM.*", Some("xapi:*/VM.*")),
        ("xapi:pool-1/GET /updates", Some("xapi:pool-1/GET /updates")),
        ("xapi:*/session.login", None),
        ("xapi:VM.start", None),
        ("remote:nas", Some("remote:nas")),
        ("remote:nas/a/b:r", Some("remote:nas/a/b:r")),
        ("remote:nas/../x", None),
        ("remote:nas/a:w", None),
        ("files:/etc", None),
    ] {
        assert_eq!(canonical_capability(text).ok().as_deref(), canonical, "{text}");
    }
}

#[test]
fn covering() {
    for (grant, needed, expected) in [
        ("ldap:dc1:636", "ldap:dc1:636", true),
        ("ldap:dc1:636", "ldap:DC1.:636", true),
        ("ldap:dc1:636", "ldap:dc1:389", false),
        ("ldap:dc1:636", "tcp:dc1:636", false),
        ("ldap:*:636", "ldap:anything.example.org:636", true),
        ("ldap:*:636", "ldap:127.0.0.1:636", true),
        ("ldap:dc1:*", "ldap:dc1:1", true),
        ("ldap:*.example.org:636", "ldap:dc1.example.org:636", true),
        ("ldap:*.example.org:636", "ldap:a.dc1.example.org:636", false),
        ("ldap:*.example.org:636", "ldap:example.org:636", false),
        ("ldap:*.example.org:636", "ldap:dc1.example.org.evil.net:636", false),
        ("ldap:*.0.0.1:636", "ldap:127.0.0.1:636", false),
        ("xapi:*/VM.*", "xapi:p/VM.start", true),
        ("xapi:*/VM.*", "xapi:p/VMSS.start", false),
        ("xapi:*/*", "xapi:p/VM.start", true),
        ("xapi:p/*", "xapi:q/VM.start", false),
        ("xapi:*/GET *", "xapi:p/GET /updates", false),
        ("api:*", "api:vm.start", true),
        ("api:*", "api:user.create", false),
        ("api:*", "api:token.create", false),
        ("api:user.*", "api:user.create", true),
        ("api:*.create", "api:user.create", false),
        ("api:user.create", "api:user.create", true),
        ("secret:bind.password", "secret:bind.password", true),
        ("secret:*", "secret:bind.password", true),
        ("secret:servers.*.password", "secret:servers.0.password", true),
        ("remote:nas", "remote:nas/a/b", true),
        ("remote:nas/a", "remote:nas/ab", false),
        ("remote:nas/a", "remote:nas/a/b", true),
        ("remote:nas:r", "remote:nas/a", false),
        ("remote:nas:r", "remote:nas/a:r", true),
        ("route", "route:public", false),
        ("http:https://*.github.com", "http:https://api.github.com", true),
        ("http:https://api.github.com", "http:http://api.github.com", false),
        ("nonsense", "ldap:dc1:636", false),
    ] {
        assert_eq!(Grant::on(grant).covers(needed), expected, "{grant} covers {needed}");
    }
}

#[test]
fn modes_and_precision() {
    let grant = |capability: &str, mode, options| Grant { capability: capability.to_owned(), mode, options };
    let set = GrantSet::read(&[
        grant("ldap:*:636", Mode::On, json!(null)),
        grant("ldap:dc1:636", Mode::Count, json!({"addresses": ["loopback"], "plaintext": true})),
        grant("ldap:dc2:389", Mode::Off, json!({})),
        grant("ldap:dc3:389", Mode::On, json!({"surprise": 1})),
    ]);
    let decide = |text: &str| match set.decide(&Right::parse(text).unwrap()) {
        Decision::Granted(options, counted) => format!("{} {counted} {:?}", options.plaintext, options.addresses),
        other => format!("{other:?}"),
    };
    assert_eq!(decide("ldap:dc1:636"), r#"true true ["loopback"]"#);
    assert_eq!(decide("ldap:dc9:636"), "false false []");
    assert_eq!(decide("ldap:dc2:389"), "Off");
    assert_eq!(decide("ldap:dc3:389"), "Missing", "a grant with an option we cannot read grants nothing");
    assert_eq!(decide("tcp:dc1:636"), "Missing");
    assert!(set.has_word("ldap") && !set.has_word("tcp"));
}

#[test]
fn options() {
    for (options, ok) in [
        (json!(null), true),
        (json!({}), true),
        (json!({"plaintext": true}), true),
        (json!({"plaintext": "yes"}), false),
        (json!({"addresses": ["loopback", "pool"]}), true),
        (json!({"addresses": ["everything"]}), false),
        (json!({"fingerprint": "AB:".repeat(31) + "ab"}), true),
        (json!({"fingerprint": "abcd"}), false),
        (json!({"ca": "-----BEGIN CERTIFICATE-----\n"}), true),
        (json!({"ca": "x"}), false),
        (json!({"insecure": true}), false),
        (json!([]), false),
    ] {
        let grant = Grant { capability: "ldap:h:1".to_owned(), mode: Mode::On, options: options.clone() };
        assert_eq!(grant.problem().is_none(), ok, "{options}");
    }
}
