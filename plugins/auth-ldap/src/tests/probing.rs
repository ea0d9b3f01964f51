//! What the Test button shows.

use xylem_sdk::{Check, ErrorKind, Value, error, json};

use super::fake::{Fake, settings};
use crate::language::Language::{self, English, French};
use crate::probe::{Input, run};

/// Runs a test and returns one line for each check: "+ text", "- code: text" or ". " for not reached.
fn lines(fake: &Fake, other: Value, username: &str, password: &str, language: Language) -> Vec<String> {
    let input = Input { username: username.to_owned(), password: password.to_owned() };
    let line = |check: Check| match check.outcome {
        Ok(text) => format!("+ {}: {text}", check.name),
        Err(error) if error.code == "test.not-reached" => format!(". {}", check.name),
        Err(error) => format!("- {}: {}: {}", check.name, error.code, error.message),
    };
    run(fake, &settings(other), &input, language).into_iter().map(line).collect()
}

/// Returns the signs of the lines: "++-.".
fn signs(lines: &[String]) -> String {
    lines.iter().filter_map(|line| line.chars().next()).collect()
}

#[test]
fn all_is_well() {
    let lines = lines(&Fake::new(), json!({}), "alice", "rabbit", English);
    assert_eq!(signs(&lines), "+++++");
    assert_eq!(lines[0], "+ Connect to dc1.example.org:636: Connected with LDAPS; the certificate is trusted.");
    assert_eq!(
        lines[3],
        "+ Find alice: uid=alice,ou=people,dc=example,dc=org: login name alice, full name Alice Liddell, mail alice@example.org, id 1111-a."
    );
}

#[test]
fn what_is_not_asked_for_is_not_there() {
    assert_eq!(signs(&lines(&Fake::new(), json!({}), "", "", English)), "+++");
    assert_eq!(signs(&lines(&Fake::new(), json!({}), "", "rabbit", English)), "+++");
    assert_eq!(signs(&lines(&Fake::new(), json!({}), "alice", "", English)), "++++");
}

#[test]
fn each_failure_says_what_to_do_and_stops_the_rest() {
    let kinds = |code: &str| match code {
        "grant.missing" => ErrorKind::Denied,
        code if code.starts_with("ldap.") => ErrorKind::Upstream,
        "connect.timeout" => ErrorKind::Timeout,
        _ => ErrorKind::Unavailable,
    };
    let ca = json!({"server": {"ca": "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"}});
    for (code, other, expected) in [
        ("grant.missing", json!({}), "Allow ldap:dc1.example.org:636"),
        ("connect.dns", json!({}), "No address is known for dc1.example.org"),
        ("connect.refused", json!({"server": {"port": 389}}), "refuses connections on port 389"),
        ("connect.timeout", json!({"timeout": 7}), "did not answer within 7 s"),
        ("tls.unknown-ca", json!({}), "Paste that authority's certificate"),
        ("tls.unknown-ca", ca, "not signed by the CA certificate that is set here"),
        ("tls.name-mismatch", json!({}), "not for the name dc1.example.org"),
        ("tls.handshake", json!({"server": {"port": 389, "tls": "ldaps"}}), "choose starttls, or port 636"),
        ("tls.handshake", json!({"server": {"port": 636, "tls": "starttls"}}), "choose ldaps, or port 389"),
        ("tls.expired", json!({}), "(the words of the daemon)"),
        ("something.new", json!({}), "the words of the daemon"),
    ] {
        let fake = Fake::new();
        fake.open.borrow_mut().push(error::new(kinds(code), code, "the words of the daemon"));
        let lines = lines(&fake, other, "alice", "rabbit", English);
        assert_eq!(signs(&lines), "-....", "{code}");
        assert!(lines[0].contains(code) && lines[0].contains(expected), "{}", lines[0]);
    }
}

#[test]
fn a_wrong_password_and_a_wrong_authority_read_differently() {
    let fake = Fake { service: Some(error::upstream("ldap.invalid-credentials", "49")), ..Fake::new() };
    let password = lines(&fake, json!({}), "", "", English);
    assert_eq!(signs(&password), "+-.");
    assert!(password[1].contains("The server refuses the service account cn=xylem"), "{}", password[1]);
    let missing = Fake { service: Some(error::not_found("no secret")), ..Fake::new() };
    assert!(lines(&missing, json!({}), "", "", English)[1].contains("No password is stored"));
}

#[test]
fn a_base_that_is_not_there() {
    let lines = lines(&Fake::new(), json!({"base": "dc=elsewhere"}), "alice", "rabbit", English);
    assert_eq!(signs(&lines), "++-..");
    assert!(lines[2].contains("dc=elsewhere does not exist"), "{}", lines[2]);
}

#[test]
fn nobody_or_several() {
    for (username, code, expected) in [
        ("nobody", "ldap.nobody", "matches (uid=nobody)"),
        ("twin", "ldap.ambiguous", "Several entries match the name twin"),
    ] {
        let lines = lines(&Fake::new(), json!({}), username, "x", English);
        assert_eq!(signs(&lines), "+++-.");
        assert!(lines[3].contains(code) && lines[3].contains(expected), "{}", lines[3]);
    }
}

#[test]
fn the_password_of_a_person() {
    let lines = lines(&Fake::new(), json!({}), "alice", "hatter", English);
    assert_eq!(signs(&lines), "++++-");
    assert!(
        lines[4].contains("ldap.invalid-credentials: The server refuses this password for uid=alice"),
        "{}",
        lines[4]
    );
}

#[test]
fn an_entry_without_id_is_found_out_before_anyone_signs_in() {
    let lines = lines(&Fake::new(), json!({"userIdAttribute": "employeeNumber"}), "alice", "rabbit", English);
    assert_eq!(signs(&lines), "+++-.");
    assert!(lines[3].contains("has no attribute employeeNumber"), "{}", lines[3]);
}

#[test]
fn french_is_spoken() {
    assert_eq!(Language::of("fr-CA"), French);
    assert_eq!(Language::of("de"), English);
    let lines = lines(&Fake::new(), json!({}), "alice", "hatter", French);
    assert!(lines[0].starts_with("+ Se connecter à dc1.example.org:636"), "{}", lines[0]);
    assert!(lines[4].contains("Le serveur refuse ce mot de passe"), "{}", lines[4]);
}
