//! A directory in memory. It refuses a second bind on a connection: one connection, one identity.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use xylem_sdk::ldap::{Entry, Query, Scope};
use xylem_sdk::{Error, ErrorKind, error, json};

use crate::directory::{Connection, Credential, Directory};
use crate::settings::Settings;

pub const BASE: &str = "ou=people,dc=example,dc=org";
pub const SERVICE: &str = "cn=xylem,dc=example,dc=org";

/// What the directory holds and how it fails.
pub struct Fake {
    /// DN, attributes.
    pub entries: Vec<Entry>,
    /// DN, password.
    pub passwords: Vec<(String, String)>,
    /// Answers of `open`, one for each connection; then all succeed.
    pub open: RefCell<Vec<Error>>,
    /// Answer to the bind of the service account.
    pub service: Option<Error>,
    /// Answer to the bind of a person.
    pub person: Option<Error>,
    /// Answer to the search for a person.
    pub search: Option<Error>,
    pub opened: Cell<usize>,
}

impl Fake {
    pub fn new() -> Self {
        Self {
            entries: vec![
                person("alice", &[("entryUUID", "1111-a"), ("cn", "Alice Liddell"), ("mail", "alice@example.org")]),
                person("bob", &[("entryUUID", "2222-b")]),
                person("twin", &[("entryUUID", "3333-c")]),
                Entry {
                    dn: "uid=twin,ou=other,dc=example,dc=org".to_owned(),
                    ..person("twin", &[("entryUUID", "4444-d")])
                },
            ],
            passwords: vec![(dn("alice"), "rabbit".to_owned()), (dn("bob"), "builder".to_owned())],
            open: RefCell::default(),
            service: None,
            person: None,
            search: None,
            opened: Cell::new(0),
        }
    }
}

pub fn dn(uid: &str) -> String {
    format!("uid={uid},{BASE}")
}

pub fn person(uid: &str, attributes: &[(&str, &str)]) -> Entry {
    let attribute = |(name, value): (&str, &str)| (name.to_owned(), vec![value.as_bytes().to_vec()]);
    let attributes = [("uid", uid)].into_iter().chain(attributes.iter().copied()).map(attribute).collect();
    Entry { dn: dn(uid), attributes }
}

/// Returns settings that are right for the fake, with other values merged in.
pub fn settings(other: xylem_sdk::Value) -> Settings {
    let mut value = json!({
        "server": {"host": "dc1.example.org"},
        "base": BASE,
        "bind": {"dn": SERVICE, "password": {"$secret": "bind.password"}},
    });
    merge(&mut value, other);
    xylem_sdk::config::parse(&value.to_string()).unwrap()
}

fn merge(into: &mut xylem_sdk::Value, from: xylem_sdk::Value) {
    match (into, from) {
        (xylem_sdk::Value::Object(into), xylem_sdk::Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(xylem_sdk::Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

pub struct FakeConnection {
    passwords: Vec<(String, String)>,
    entries: Rc<Vec<Entry>>,
    service: Option<Error>,
    person: Option<Error>,
    search: Option<Error>,
    bound: Cell<bool>,
}

impl Directory for Fake {
    type Connection = FakeConnection;

    fn open(&self, _: &Settings) -> Result<FakeConnection, Error> {
        self.opened.set(self.opened.get() + 1);
        if !self.open.borrow().is_empty() {
            return Err(self.open.borrow_mut().remove(0));
        }
        Ok(FakeConnection {
            passwords: self.passwords.clone(),
            entries: Rc::new(self.entries.clone()),
            service: self.service.clone(),
            person: self.person.clone(),
            search: self.search.clone(),
            bound: Cell::new(false),
        })
    }
}

impl Connection for FakeConnection {
    fn bind(&self, dn: &str, credential: Credential<'_>) -> Result<(), Error> {
        assert!(!self.bound.replace(true), "a connection has one identity");
        match credential {
            Credential::Anonymous => {
                assert_eq!(dn, "");
                self.service.clone().map_or(Ok(()), Err)
            }
            Credential::Stored(secret) => {
                assert_eq!((dn, secret.name.as_str()), (SERVICE, "bind.password"));
                self.service.clone().map_or(Ok(()), Err)
            }
            Credential::Typed(password) => {
                assert!(!password.is_empty(), "an empty password never gets here");
                if let Some(error) = &self.person {
                    return Err(error.clone());
                }
                let right = self.passwords.iter().any(|(known, right)| known == dn && right == password);
                if right { Ok(()) } else { Err(error::upstream("ldap.invalid-credentials", "invalid credentials")) }
            }
        }
    }

    fn search(&self, query: &Query) -> Result<Vec<Entry>, Error> {
        assert!(self.bound.get(), "nothing is asked before the bind");
        if query.scope == Scope::Base {
            let there = query.base == BASE;
            let base = Entry { dn: BASE.to_owned(), attributes: vec![] };
            return if there { Ok(vec![base]) } else { Err(error::upstream("ldap.no-such-object", "no such object")) };
        }
        if let Some(error) = &self.search {
            return Err(error.clone());
        }
        let [(hole, name)] = query.values.as_slice() else { panic!("one hole, one value") };
        assert_eq!(hole, "name");
        let is_it =
            |entry: &&Entry| entry.attributes.iter().any(|(n, v)| n == "uid" && v == &[name.clone().into_bytes()]);
        let mut found: Vec<Entry> = self.entries.iter().filter(is_it).cloned().collect();
        for entry in &mut found {
            entry.attributes.retain(|(name, _)| query.attributes.contains(name));
        }
        if found.len() > query.limit as usize {
            return Err(error::new(ErrorKind::Exhausted, "ldap.size-limit", "too many"));
        }
        Ok(found)
    }
}
