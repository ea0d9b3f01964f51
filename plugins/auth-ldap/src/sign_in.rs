//! The walk of a sign-in.

use xylem_sdk::Error;
use xylem_sdk::auth::Verdict;

use crate::advice::{self, Step};
use crate::directory::{Connection, Credential, Directory};
use crate::language::{Language, say};
use crate::person::{self, Found};
use crate::settings::Settings;

/// Results of a bind with which a server refuses the person, not the question: RFC 4511 section 4.2.2, and what OpenLDAP and
/// 389 Directory Server answer for locked and expired accounts.
const REFUSALS: [&str; 6] = [
    "ldap.invalid-credentials",
    "ldap.inappropriate-authentication",
    "ldap.constraint-violation",
    "ldap.insufficient-access-rights",
    "ldap.unwilling-to-perform",
    "ldap.no-such-object",
];

/// Returns who signs in with this name and password.
///
/// # Errors
/// What kept the question from being asked: no grant, no connection, a refused service account, an entry without id.
pub fn authenticate(
    directory: &impl Directory,
    settings: &Settings,
    username: &str,
    password: &str,
    language: Language,
) -> Result<Verdict, Error> {
    // A simple bind with an empty password succeeds as anonymous on many servers (RFC 4513 section 5.1.2).
    if password.is_empty() {
        return Ok(Verdict::Refused(say!(language, "The password is empty.", "Le mot de passe est vide.")));
    }
    if username.is_empty() {
        return Ok(Verdict::Unknown);
    }
    let service = directory.open(settings).map_err(|e| advice::add(e, Step::Connect, settings, language))?;
    bind_service(&service, settings).map_err(|e| advice::add(e, Step::Bind, settings, language))?;
    let found =
        person::find(&service, settings, username).map_err(|e| advice::add(e, Step::Find, settings, language))?;
    drop(service);
    let entry = match found {
        Found::One(entry) => entry,
        Found::Nobody => return Ok(Verdict::Unknown),
        Found::Several => return Ok(Verdict::Refused(several(username, language))),
    };
    match bind_person(directory, settings, &entry.dn, password, language)? {
        Answer::Refused(reason) => Ok(Verdict::Refused(reason)),
        Answer::Accepted => person::identity(settings, &entry, username, language).map(Verdict::Accepted),
    }
}

/// Binds as the service account, or as nobody.
///
/// # Errors
/// Those of the bind.
pub fn bind_service(connection: &impl Connection, settings: &Settings) -> Result<(), Error> {
    match &settings.bind.password {
        Some(secret) => connection.bind(&settings.bind.dn, Credential::Stored(secret)),
        None => connection.bind("", Credential::Anonymous),
    }
}

/// What the server says to a person's password.
pub enum Answer {
    /// It is right.
    Accepted,
    /// It is wrong, or the account is locked; in the words of the server.
    Refused(String),
}

/// Binds as a person, over a connection of its own.
///
/// # Errors
/// What kept the server from answering.
pub fn bind_person(
    directory: &impl Directory,
    settings: &Settings,
    dn: &str,
    password: &str,
    language: Language,
) -> Result<Answer, Error> {
    let connection = directory.open(settings).map_err(|e| advice::add(e, Step::Connect, settings, language))?;
    match connection.bind(dn, Credential::Typed(password)) {
        Ok(()) => Ok(Answer::Accepted),
        Err(error) if REFUSALS.contains(&error.code.as_str()) => {
            let (code, message) = (&error.code, &error.message);
            Ok(Answer::Refused(say!(
                language,
                "The server refuses this password for {dn} ({code}: {message}).",
                "Le serveur refuse ce mot de passe pour {dn} ({code} : {message}).",
            )))
        }
        Err(error) => Err(advice::add(error, Step::Person, settings, language)),
    }
}

/// Returns what to say when a name fits several people.
pub fn several(username: &str, language: Language) -> String {
    say!(
        language,
        "Several entries match the name {username}. Narrow the filter or the search base until one is left.",
        "Plusieurs entrées correspondent au nom {username}. Restreignez le filtre ou la base de recherche à une seule.",
    )
}
