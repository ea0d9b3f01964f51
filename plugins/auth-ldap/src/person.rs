//! Finds one person and says who it is.

use xylem_sdk::auth::Identity;
use xylem_sdk::ldap::{Entry, Query, Scope};
use xylem_sdk::{Error, ErrorKind, error};

use crate::directory::Connection;
use crate::language::{Language, say};
use crate::settings::Settings;

/// Identifies people in Active Directory, which has no `entryUUID`. Always 16 raw bytes.
const OBJECT_GUID: &str = "objectGUID";
/// Identifies entries in most other directories (RFC 4530).
const ENTRY_UUID: &str = "entryUUID";

/// What the search for a person came to.
#[derive(Debug)]
pub enum Found {
    /// Nobody.
    Nobody,
    /// Exactly one.
    One(Entry),
    /// More than one: whoever it is, it cannot be told.
    Several,
}

/// Searches for the person who signs in under this name.
///
/// # Errors
/// Those of the search.
pub fn find(connection: &impl Connection, settings: &Settings, username: &str) -> Result<Found, Error> {
    let query = Query {
        base: settings.base.clone(),
        scope: Scope::Subtree,
        filter: settings.filter.clone(),
        values: vec![("name".to_owned(), username.to_owned())],
        attributes: wanted(settings),
        // One is the person; a second is enough to know that the answer is ambiguous.
        limit: 2,
        options: "{}".to_owned(),
    };
    let mut entries = match connection.search(&query) {
        Ok(entries) => entries,
        Err(error) if error.kind == ErrorKind::Exhausted => return Ok(Found::Several),
        Err(error) => return Err(error),
    };
    Ok(match (entries.pop(), entries.pop()) {
        (None, _) => Found::Nobody,
        (Some(entry), None) => Found::One(entry),
        (Some(_), Some(_)) => Found::Several,
    })
}

/// Returns the names of the attributes to ask for, each once. Operational ones such as `entryUUID` come only when named.
fn wanted(settings: &Settings) -> Vec<String> {
    let attributes = &settings.attributes;
    let id = settings.user_id_attribute.as_str();
    let fallback = if id.eq_ignore_ascii_case(ENTRY_UUID) { OBJECT_GUID } else { "" };
    let mut names: Vec<String> = vec![];
    for name in [id, fallback, &attributes.username, &attributes.display_name, &attributes.email] {
        let known = names.iter().any(|known| known.eq_ignore_ascii_case(name));
        if !known && !name.is_empty() && !name.eq_ignore_ascii_case("dn") {
            names.push(name.to_owned());
        }
    }
    names
}

/// Returns who an entry is. `typed` is the name the person signed in with.
///
/// # Errors
/// `invalid` if the entry has no identifying attribute, or more than one value of it.
pub fn identity(settings: &Settings, entry: &Entry, typed: &str, language: Language) -> Result<Identity, Error> {
    let text = |name: &str| {
        let value = values(entry, name).first()?;
        String::from_utf8(value.clone()).ok().filter(|text| !text.trim().is_empty())
    };
    Ok(Identity {
        display_name: text(&settings.attributes.display_name),
        email: text(&settings.attributes.email),
        ..Identity::new(
            subject(settings, entry, language)?,
            text(&settings.attributes.username).unwrap_or_else(|| typed.to_owned()),
        )
    })
}

/// Returns the stable id: the attribute of the settings; `objectGUID` where `entryUUID` is set and missing. Never falls back
/// to the DN or a name: these change hands, and the account would with them.
fn subject(settings: &Settings, entry: &Entry, language: Language) -> Result<String, Error> {
    let wanted = settings.user_id_attribute.as_str();
    if wanted.eq_ignore_ascii_case("dn") {
        return Ok(entry.dn.clone());
    }
    let found = values(entry, wanted);
    let (name, found) = match found {
        [] if wanted.eq_ignore_ascii_case(ENTRY_UUID) => (OBJECT_GUID, values(entry, OBJECT_GUID)),
        _ => (wanted, found),
    };
    let dn = &entry.dn;
    match found {
        [value] if !value.is_empty() => Ok(spelled(name, value)),
        [_] | [] => Err(error::new(
            ErrorKind::Invalid,
            "ldap.no-user-id",
            say!(
                language,
                "{dn} has no attribute {wanted}, or the service account may not read it. Choose as identifying attribute one that every person has.",
                "{dn} n'a pas d'attribut {wanted}, ou le compte de service ne peut pas le lire. Choisissez comme attribut d'identité un attribut que chaque personne possède.",
            ),
        )),
        _ => Err(error::new(
            ErrorKind::Invalid,
            "ldap.ambiguous-user-id",
            say!(
                language,
                "{dn} has several values of {wanted}. Choose as identifying attribute one that has a single value.",
                "{dn} a plusieurs valeurs de {wanted}. Choisissez comme attribut d'identité un attribut à valeur unique.",
            ),
        )),
    }
}

/// Returns a value as text; binary ones in hexadecimal. `objectGUID` always is: some GUIDs happen to be UTF-8.
fn spelled(name: &str, value: &[u8]) -> String {
    let text = std::str::from_utf8(value).ok().filter(|text| !text.chars().any(char::is_control));
    match text {
        Some(text) if !name.eq_ignore_ascii_case(OBJECT_GUID) => text.to_owned(),
        _ => value.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn values<'a>(entry: &'a Entry, name: &str) -> &'a [Vec<u8>] {
    entry.attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or(&[], |(_, values)| values)
}
