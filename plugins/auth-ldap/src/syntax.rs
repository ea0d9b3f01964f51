//! What is wrong with a configuration that the schema cannot see: names, filters and certificates that no server would take.

use xylem_sdk::{FieldError, error};

use crate::language::{Language, say};
use crate::settings::{Encryption, Settings};

/// Returns everything that is wrong.
pub fn problems(settings: &Settings, language: Language) -> Vec<FieldError> {
    let mut found = vec![];
    let mut check = |path: &str, problem: Option<String>| {
        found.extend(problem.map(|message| error::field(path, "format", message)));
    };
    check("/server/host", host(&settings.server.host, language));
    check("/server/ca", settings.server.ca().and_then(|text| certificates(text, language)));
    check("/base", (!is_dn(&settings.base)).then(|| not_a_dn(&settings.base, language)));
    check("/filter", filter(&settings.filter, language));
    check("/userIdAttribute", attribute(&settings.user_id_attribute, false, language));
    check("/attributes/username", attribute(&settings.attributes.username, true, language));
    check("/attributes/displayName", attribute(&settings.attributes.display_name, true, language));
    check("/attributes/email", attribute(&settings.attributes.email, true, language));
    let (dn, password) = (settings.bind.dn.as_str(), settings.bind.password.is_some());
    match (dn.is_empty(), password) {
        (true, true) => found.push(error::field("/bind/dn", "required", missing_dn(language))),
        (false, false) => found.push(error::field("/bind/password", "required", missing_password(language))),
        (false, true) if !is_account(dn) => found.push(error::field("/bind/dn", "format", not_a_dn(dn, language))),
        _ => {}
    }
    if settings.server.encryption() == Encryption::None && settings.server.ca().is_some() {
        let message = say!(
            language,
            "Without encryption no certificate is checked. Choose ldaps or starttls, or empty this field.",
            "Sans chiffrement, aucun certificat n'est vérifié. Choisissez ldaps ou starttls, ou videz ce champ.",
        );
        found.push(error::field("/server/ca", "conflict", message));
    }
    found
}

fn missing_dn(language: Language) -> String {
    say!(language, "A password needs the DN it belongs to.", "Un mot de passe va avec le DN d'un compte.")
}

fn missing_password(language: Language) -> String {
    say!(
        language,
        "The service account needs its password. For anonymous searches leave both empty.",
        "Il faut le mot de passe du compte de service. Pour une recherche anonyme, laissez les deux vides.",
    )
}

fn not_a_dn(text: &str, language: Language) -> String {
    say!(
        language,
        "{text:?} is not a distinguished name, such as ou=people,dc=example,dc=org.",
        "{text:?} n'est pas un nom distinctif, comme ou=people,dc=example,dc=org.",
    )
}

/// A name or address alone: what people paste is often a URL.
fn host(text: &str, language: Language) -> Option<String> {
    let bare_v6 = text.parse::<std::net::Ipv6Addr>().is_ok();
    let wrong = text.is_empty() || text.contains(['/', '@', '[', ']']) || text.contains(char::is_whitespace);
    (wrong || (text.contains(':') && !bare_v6)).then(|| {
        say!(
            language,
            "Only a name or an address, such as dc1.example.org: without ldap://, and with the port in its own field.",
            "Seulement un nom ou une adresse, comme dc1.example.org : sans ldap://, et le port dans son propre champ.",
        )
    })
}

/// A filter of RFC 4515, as far as people get it wrong: parentheses and holes.
fn filter(text: &str, language: Language) -> Option<String> {
    if !text.contains("{{name}}") {
        return Some(say!(
            language,
            "The filter must contain {{{{name}}}}, or everyone would match: (uid={{{{name}}}}).",
            "Le filtre doit contenir {{{{name}}}}, sinon tout le monde correspondrait : (uid={{{{name}}}}).",
        ));
    }
    let rest = text.replace("{{name}}", "");
    if rest.contains("{{") || rest.contains("}}") {
        return Some(say!(language, "The only placeholder is {{{{name}}}}.", "Le seul paramètre est {{{{name}}}}."));
    }
    (!is_balanced(text)).then(|| {
        say!(
            language,
            "The parentheses do not match: the whole filter and each of its parts stand in one pair, as in (&(objectClass=person)(uid={{{{name}}}})).",
            "Les parenthèses ne vont pas par paires : le filtre entier et chaque partie sont entre parenthèses, comme (&(objectClass=person)(uid={{{{name}}}})).",
        )
    })
}

/// True if one pair of parentheses holds everything. Literal ones are written `\28` and `\29`, so each one here counts.
fn is_balanced(filter: &str) -> bool {
    let mut depth = 0_usize;
    let mut closed = false;
    for character in filter.trim().chars() {
        match character {
            _ if closed => return false,
            '(' => depth += 1,
            ')' if depth == 0 => return false,
            ')' => {
                depth -= 1;
                closed = depth == 0;
            }
            _ if depth == 0 => return false,
            _ => {}
        }
    }
    closed
}

/// Certificates in PEM, and nothing that must stay secret.
fn certificates(text: &str, language: Language) -> Option<String> {
    if text.contains("PRIVATE KEY-----") {
        return Some(say!(
            language,
            "This is a private key. It must stay where it is; a CA certificate begins with -----BEGIN CERTIFICATE-----.",
            "C'est une clé privée. Elle doit rester où elle est ; un certificat commence par -----BEGIN CERTIFICATE-----.",
        ));
    }
    (!are_certificates(text)).then(|| {
        say!(
            language,
            "This is not a certificate in PEM: whole blocks from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE----- are needed.",
            "Ce n'est pas un certificat PEM : il faut des blocs entiers, de -----BEGIN CERTIFICATE----- à -----END CERTIFICATE-----.",
        )
    })
}

fn are_certificates(text: &str) -> bool {
    let mut blocks = text.split("-----BEGIN CERTIFICATE-----").skip(1).peekable();
    blocks.peek().is_some()
        && blocks.all(|block| {
            let Some((body, _)) = block.split_once("-----END CERTIFICATE-----") else { return false };
            let mut letters = body.chars().filter(|letter| !letter.is_whitespace()).peekable();
            letters.peek().is_some() && letters.all(|letter| letter.is_ascii_alphanumeric() || "+/=".contains(letter))
        })
}

/// The name of an attribute (RFC 4512 section 2.5): a word or an OID, perhaps with options.
fn attribute(text: &str, may_be_empty: bool, language: Language) -> Option<String> {
    let fits = is_attribute(text) || (text.is_empty() && may_be_empty);
    (!fits).then(|| {
        say!(
            language,
            "{text:?} is not the name of an attribute, such as entryUUID.",
            "{text:?} n'est pas un nom d'attribut, comme entryUUID.",
        )
    })
}

fn is_attribute(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-.;".contains(letter))
}

/// True for what a service account may be called: a DN; in Active Directory also `user@domain` and `DOMAIN\user`.
fn is_account(text: &str) -> bool {
    let pair =
        |separator| text.split_once(separator).is_some_and(|(a, b): (&str, &str)| !a.is_empty() && !b.is_empty());
    is_dn(text) || (!text.contains(['=', ',']) && (pair('@') || pair('\\')))
}

/// True if it looks like a DN (RFC 4514): `type=value` pairs between commas, with `+` and escapes allowed.
fn is_dn(text: &str) -> bool {
    parts(text).iter().all(|part| {
        part.split_once('=').is_some_and(|(name, value)| {
            let name = name.trim();
            is_attribute(name) && !name.contains(';') && !value.trim().is_empty()
        })
    })
}

/// Splits a DN at the commas that are neither escaped nor in quotes.
fn parts(dn: &str) -> Vec<String> {
    let (mut parts, mut quoted) = (vec![String::new()], false);
    let mut letters = dn.chars();
    while let Some(letter) = letters.next() {
        let last = parts.last_mut().expect("there is always one part");
        match letter {
            '\\' => last.extend(['\\', letters.next().unwrap_or('\\')]),
            '"' => {
                quoted = !quoted;
                last.push(letter);
            }
            ',' | '+' if !quoted => parts.push(String::new()),
            _ => last.push(letter),
        }
    }
    parts
}
