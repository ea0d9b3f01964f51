//! The thin face towards the daemon: gives the logic a real directory and the language of the call.

use xylem_sdk::ldap::{self, Entry, Query};
use xylem_sdk::prelude::*;
use xylem_sdk::types::{Endpoint, Tls};
use xylem_sdk::{ErrorKind, context};

use crate::directory::{Connection, Credential, Directory};
use crate::language::Language;
use crate::probe::{self, Input};
use crate::settings::{Encryption, Settings};
use crate::{sign_in, syntax};

xylem_sdk::manifest!("manifest.json");
xylem_sdk::export!(AuthLdap: password_provider);

/// The plugin.
pub struct AuthLdap;

impl Plugin for AuthLdap {
    type Config = Settings;

    fn validate(settings: &Settings) -> Vec<FieldError> {
        syntax::problems(settings, language())
    }

    fn test(settings: &Settings, input: Option<Value>) -> Result<Vec<Check>, Error> {
        let input = match input {
            Some(input) => config::parse(&input.to_string())?,
            None => Input::default(),
        };
        Ok(probe::run(&Host, settings, &input, language()))
    }
}

impl PasswordProvider for AuthLdap {
    fn authenticate(settings: &Settings, username: &str, password: &str) -> Result<Verdict, Error> {
        sign_in::authenticate(&Host, settings, username, password, language())
    }
}

fn language() -> Language {
    Language::of(&context::current().locale)
}

/// The directory behind the daemon's `ldap` capability.
struct Host;

impl Directory for Host {
    type Connection = ldap::Connection;

    fn open(&self, settings: &Settings) -> Result<ldap::Connection, Error> {
        let server = &settings.server;
        ldap::Connection::open(&Endpoint {
            host: server.host.clone(),
            port: server.port,
            tls: match server.encryption() {
                Encryption::Ldaps => Tls::Implicit,
                Encryption::Starttls => Tls::Starttls,
                Encryption::None => Tls::None,
            },
            ca_pem: server.ca().map(str::to_owned),
            timeout: settings.timeout * 1_000,
            options: "{}".to_owned(),
        })
    }
}

impl Connection for ldap::Connection {
    fn bind(&self, dn: &str, credential: Credential<'_>) -> Result<(), Error> {
        match credential {
            Credential::Anonymous => self.bind(dn, &ldap::Credential::Anonymous),
            Credential::Stored(secret) => self.bind(dn, &ldap::Credential::Secret(&secret.open()?)),
            Credential::Typed(password) => self.bind(dn, &ldap::Credential::Password(password.to_owned())),
        }
    }

    fn search(&self, query: &Query) -> Result<Vec<Entry>, Error> {
        let entries = self.search(query)?;
        let mut found = vec![];
        loop {
            match entries.next(query.limit) {
                Ok(page) if page.is_empty() => return Ok(found),
                Ok(page) => found.extend(page),
                // Told only after the entries that were within the limit.
                Err(error) if error.kind == ErrorKind::Exhausted && found.len() >= query.limit as usize => {
                    return Ok(found);
                }
                Err(error) => return Err(error),
            }
            if found.len() >= query.limit as usize {
                return Ok(found);
            }
        }
    }
}
