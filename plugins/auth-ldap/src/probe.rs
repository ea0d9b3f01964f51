//! The Test button and the health check: the walk of a sign-in, one line for each step, with every step in the answer.

use serde::Deserialize;
use xylem_sdk::auth::Identity;
use xylem_sdk::ldap::{Query, Scope};
use xylem_sdk::{Check, Error, ErrorKind, check, error};

use crate::advice::{self, Step};
use crate::directory::{Connection, Directory};
use crate::language::{Language, say};
use crate::person::{self, Found};
use crate::settings::Settings;
use crate::sign_in::{self, Answer};

/// What the Test button asks for, in the shape of the manifest's test schema.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    /// A person to look for; empty for none.
    pub username: String,
    /// Their password; empty for none.
    pub password: String,
}

/// Returns the result of every step. After one that fails, the others are "not reached".
pub fn run(directory: &impl Directory, settings: &Settings, input: &Input, language: Language) -> Vec<Check> {
    let mut steps = Steps { checks: vec![], language };
    let (host, port, base) = (&settings.server.host, settings.server.port, &settings.base);
    let advise = |step| move |error| advice::add(error, step, settings, language);

    let name = say!(language, "Connect to {host}:{port}", "Se connecter à {host}:{port}");
    let connection = steps.then(Some(()), name, |()| {
        let connection = directory.open(settings).map_err(advise(Step::Connect))?;
        Ok((connected(settings, language), connection))
    });

    let name = say!(language, "Sign in as the service account", "S'authentifier avec le compte de service");
    let connection = steps.then(connection, name, |connection| {
        sign_in::bind_service(&connection, settings).map_err(advise(Step::Bind))?;
        let dn = &settings.bind.dn;
        let text = match settings.bind.password {
            Some(_) => say!(language, "The server accepts {dn}.", "Le serveur accepte {dn}."),
            None => say!(language, "The server allows anonymous searches.", "Le serveur permet la recherche anonyme."),
        };
        Ok((text, connection))
    });

    let name = say!(language, "Read the search base {base}", "Lire la base de recherche {base}");
    let connection = steps.then(connection, name, |connection| {
        if connection.search(&entry_itself(base)).map_err(advise(Step::Base))?.is_empty() {
            let missing = error::upstream("ldap.no-such-object", "");
            return Err(advice::add(missing, Step::Base, settings, language));
        }
        Ok((say!(language, "It exists.", "Elle existe."), connection))
    });

    let (username, password) = (&input.username, &input.password);
    if username.is_empty() {
        return steps.checks;
    }
    let name = say!(language, "Find {username}", "Trouver {username}");
    let person = steps.then(connection, name, |connection| {
        let entry = match person::find(&connection, settings, username).map_err(advise(Step::Find))? {
            Found::One(entry) => entry,
            Found::Nobody => return Err(nobody(settings, username, language)),
            Found::Several => {
                let message = sign_in::several(username, language);
                return Err(error::new(ErrorKind::Conflict, "ldap.ambiguous", message));
            }
        };
        let identity = person::identity(settings, &entry, username, language)?;
        Ok((described(&entry.dn, &identity, language), entry))
    });

    if password.is_empty() {
        return steps.checks;
    }
    let name = say!(language, "Sign in as {username}", "Se connecter comme {username}");
    steps.then(person, name, |entry| match sign_in::bind_person(directory, settings, &entry.dn, password, language)? {
        Answer::Accepted => Ok((say!(language, "The password is right.", "Le mot de passe est juste."), ())),
        Answer::Refused(reason) => {
            let hint = say!(
                language,
                "{reason} Type the password again; if it is right, look whether the account is locked or expired.",
                "{reason} Saisissez-le à nouveau ; s'il est juste, voyez si le compte est bloqué ou expiré.",
            );
            Err(error::upstream("ldap.invalid-credentials", hint))
        }
    });
    steps.checks
}

/// The lines so far.
struct Steps {
    checks: Vec<Check>,
    language: Language,
}

impl Steps {
    /// Adds a line. The step runs on what the one before left; without that it is reported as not reached.
    fn then<A, B>(
        &mut self,
        before: Option<A>,
        name: String,
        step: impl FnOnce(A) -> Result<(String, B), Error>,
    ) -> Option<B> {
        let (outcome, left) = match before.map(step) {
            Some(Ok((text, left))) => (Ok(text), Some(left)),
            Some(Err(error)) => (Err(error), None),
            None => (Err(not_reached(self.language)), None),
        };
        self.checks.push(check(name, outcome));
        left
    }
}

fn not_reached(language: Language) -> Error {
    let message =
        say!(language, "Not reached: a step before it failed.", "Non atteint : une étape précédente a échoué.");
    error::new(ErrorKind::Conflict, "test.not-reached", message)
}

/// Returns a query for one entry and none of its attributes ("1.1", RFC 4511 section 4.5.1.8).
fn entry_itself(dn: &str) -> Query {
    Query {
        base: dn.to_owned(),
        scope: Scope::Base,
        filter: "(objectClass=*)".to_owned(),
        values: vec![],
        attributes: vec!["1.1".to_owned()],
        limit: 1,
        options: "{}".to_owned(),
    }
}

fn connected(settings: &Settings, language: Language) -> String {
    use crate::settings::Encryption::{Ldaps, None, Starttls};
    match settings.server.encryption() {
        Ldaps => say!(
            language,
            "Connected with LDAPS; the certificate is trusted.",
            "Connecté par LDAPS ; le certificat est de confiance."
        ),
        Starttls => say!(
            language,
            "Connected with StartTLS; the certificate is trusted.",
            "Connecté par StartTLS ; le certificat est de confiance."
        ),
        None => say!(
            language,
            "Connected without encryption: passwords can be read on the way.",
            "Connecté sans chiffrement : les mots de passe sont lisibles en chemin."
        ),
    }
}

fn nobody(settings: &Settings, username: &str, language: Language) -> Error {
    let (base, filter) = (&settings.base, settings.filter.replace("{{name}}", username));
    let message = say!(
        language,
        "Nobody below {base} matches {filter}. Check the name, the filter and the search base, and that the service account may read people.",
        "Personne sous {base} ne correspond à {filter}. Vérifiez le nom, le filtre, la base, et que le compte de service peut lire les personnes.",
    );
    error::new(ErrorKind::NotFound, "ldap.nobody", message)
}

fn described(dn: &str, identity: &Identity, language: Language) -> String {
    let Identity { subject, username, .. } = identity;
    let name = identity.display_name.as_deref().unwrap_or("-");
    let email = identity.email.as_deref().unwrap_or("-");
    say!(
        language,
        "{dn}: login name {username}, full name {name}, mail {email}, id {subject}.",
        "{dn} : nom de connexion {username}, nom complet {name}, courriel {email}, identité {subject}.",
    )
}
