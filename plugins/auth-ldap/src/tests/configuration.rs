//! What is wrong with a configuration before anything is reached.

use xylem_sdk::{Value, json};

use super::fake::settings;
use crate::language::Language::English;
use crate::settings::Encryption;
use crate::syntax::problems;

/// Returns the paths that are wrong, with their codes.
fn wrong(other: Value) -> Vec<String> {
    problems(&settings(other), English).into_iter().map(|field| format!("{} {}", field.path, field.code)).collect()
}

const PEM: &str = "comment\n-----BEGIN CERTIFICATE-----\nMIIB+/==\n-----END CERTIFICATE-----\n";

#[test]
fn right_ones() {
    for other in [
        json!({}),
        json!({"server": {"ca": PEM}}),
        json!({"server": {"ca": format!("{PEM}{PEM}")}}),
        json!({"server": {"ca": " "}}),
        json!({"server": {"host": "192.0.2.1"}}),
        json!({"server": {"host": "2001:db8::1"}}),
        json!({"base": "OU=Smith\\, John+CN=x,O=\"a,b\",DC=org"}),
        json!({"base": "2.5.4.3=x"}),
        json!({"bind": {"dn": "svc@example.org"}}),
        json!({"bind": {"dn": "EXAMPLE\\svc"}}),
        json!({"bind": {"dn": "", "password": null}}),
        json!({"filter": "(&(objectClass=person)(|(uid={{name}})(mail={{name}})))"}),
        json!({"filter": "(cn=a\\28b\\29{{name}})"}),
        json!({"attributes": {"email": ""}}),
    ] {
        assert_eq!(wrong(other.clone()), Vec::<String>::new(), "{other}");
    }
}

#[test]
fn wrong_ones() {
    for (other, expected) in [
        (json!({"server": {"host": "ldaps://dc1"}}), "/server/host format"),
        (json!({"server": {"host": "dc1:636"}}), "/server/host format"),
        (json!({"server": {"host": "dc 1"}}), "/server/host format"),
        (json!({"server": {"ca": "MIIB"}}), "/server/ca format"),
        (json!({"server": {"ca": "-----BEGIN CERTIFICATE-----\nMIIB"}}), "/server/ca format"),
        (json!({"server": {"ca": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"}}), "/server/ca format"),
        (json!({"server": {"ca": "-----BEGIN PRIVATE KEY-----\nMIIB"}}), "/server/ca format"),
        (json!({"server": {"ca": PEM, "tls": "none"}}), "/server/ca conflict"),
        (json!({"base": "example.org"}), "/base format"),
        (json!({"base": ""}), "/base format"),
        (json!({"base": "dc=example,,dc=org"}), "/base format"),
        (json!({"base": "dc=,dc=org"}), "/base format"),
        (json!({"bind": {"dn": "xylem"}}), "/bind/dn format"),
        (json!({"bind": {"dn": "cn=x,@y"}}), "/bind/dn format"),
        (json!({"bind": {"dn": ""}}), "/bind/dn required"),
        (json!({"bind": {"password": null}}), "/bind/password required"),
        (json!({"filter": "(uid=alice)"}), "/filter format"),
        (json!({"filter": "(uid={{name}}"}), "/filter format"),
        (json!({"filter": "uid={{name}}"}), "/filter format"),
        (json!({"filter": "(uid={{name}}))"}), "/filter format"),
        (json!({"filter": "(a=b)(uid={{name}})"}), "/filter format"),
        (json!({"filter": "(&(uid={{name}})(ou={{group}}))"}), "/filter format"),
        (json!({"userIdAttribute": ""}), "/userIdAttribute format"),
        (json!({"userIdAttribute": "entry UUID"}), "/userIdAttribute format"),
        (json!({"attributes": {"email": "mail)"}}), "/attributes/email format"),
    ] {
        assert_eq!(wrong(other.clone()), [expected], "{other}");
    }
}

#[test]
fn placeholders_are_shown_as_they_are_written() {
    let message = &problems(&settings(json!({"filter": "(uid=x)"})), English)[0].message;
    assert!(message.contains("(uid={{name}})"), "{message}");
}

#[test]
fn the_port_decides_the_encryption_if_nobody_does() {
    for (server, expected) in [
        (json!({}), Encryption::Ldaps),
        (json!({"port": 3269}), Encryption::Ldaps),
        (json!({"port": 389}), Encryption::Starttls),
        (json!({"port": 389, "tls": "none"}), Encryption::None),
        (json!({"port": 389, "tls": "ldaps"}), Encryption::Ldaps),
    ] {
        assert_eq!(settings(json!({"server": server})).server.encryption(), expected);
    }
}
