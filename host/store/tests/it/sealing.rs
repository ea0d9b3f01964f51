//! Sealed secrets: they open where they were sealed, under a key of the ring, and nowhere else.

use model::Secret;
use store::{Error, Expect, KeyState, MasterKey, Sealed, Store, Table};

use crate::{Folder, key, other_key};

const PASSWORD: &str = "correct horse";

fn seal(store: &Store) -> Sealed {
    store.seal(Table::Servers, "s1", "password", &Secret::new(PASSWORD)).unwrap()
}

fn unseal(store: &Store, sealed: &Sealed) -> Result<Secret, Error> {
    store.unseal(Table::Servers, "s1", "password", sealed)
}

#[test]
fn opens_in_its_own_field_only() {
    let folder = Folder::new();
    let store = folder.open();
    let sealed = seal(&store);
    assert_eq!(unseal(&store, &sealed).unwrap().expose(), PASSWORD);
    assert_ne!(sealed, seal(&store), "each time another nonce");
    let elsewhere = [
        (Table::Plugins, "s1", "password"),
        (Table::Servers, "s2", "password"),
        (Table::Servers, "s1", "user"),
        (Table::Servers, "s1passw", "ord"),
        (Table::Servers, "", "s1password"),
    ];
    for (table, key, field) in elsewhere {
        let error = store.unseal(table, key, field, &sealed).unwrap_err();
        assert!(matches!(error, Error::Unseal { .. }), "{table}/{key} {field}: {error}");
    }
    drop(store);
    assert_eq!(unseal(&folder.open(), &sealed).unwrap().expose(), PASSWORD, "after a restart");
}

#[test]
fn keeps_its_form_and_shows_nothing() {
    let store = Folder::new().open();
    let sealed = seal(&store);
    let parts: Vec<&str> = sealed.as_str().split('.').collect();
    assert_eq!((parts.len(), parts[0], parts[1]), (3, "x1", key().current_id()));
    assert_eq!(parts[1].len(), 16);
    let json = serde_json::to_string(&sealed).unwrap();
    assert_eq!(json, format!("\"{}\"", sealed.as_str()));
    assert_eq!(serde_json::from_str::<Sealed>(&json).unwrap(), sealed);
    assert_eq!(format!("{sealed:?}"), format!("Sealed(x1.{}...)", key().current_id()));
    let empty = store.seal(Table::Servers, "s1", "password", &Secret::new("")).unwrap();
    assert_eq!(unseal(&store, &empty).unwrap().expose(), "");
}

#[test]
fn altered_text_does_not_open() {
    let store = Folder::new().open();
    let sealed = seal(&store);
    let text = sealed.as_str();
    let id = sealed.key_id();
    for at in [text.len() - 60, text.len() - 30, text.len() - 1] {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let altered = Sealed::from(String::from_utf8(bytes).unwrap());
        assert!(matches!(unseal(&store, &altered), Err(Error::Unseal { .. })), "byte {at}");
    }
    let broken = [
        "",
        "x1",
        "x1.",
        "x2.a.b",
        &format!("x1.{id}."),
        &format!("x1.{id}.AAAA"),
        &format!("x1.{id}.!"),
        &text[..text.len() - 8],
    ];
    for text in broken {
        let error = unseal(&store, &Sealed::from(text.to_owned())).unwrap_err();
        assert!(matches!(error, Error::Unseal { .. }), "{text}: {error}");
    }
}

#[test]
fn wrong_key_opens_the_store_but_no_secret() {
    let folder = Folder::new();
    let sealed = seal(&folder.open());
    let expected = key().current_id().to_owned();

    let store = Store::open(&folder.path("store.redb"), other_key()).unwrap();
    let found = other_key().current_id().to_owned();
    assert_eq!(store.key_state(), KeyState::Wrong { expected: expected.clone(), found });
    let error = unseal(&store, &sealed).unwrap_err();
    assert!(matches!(&error, Error::UnknownKey { key_id, .. } if *key_id == expected), "{error}");
    assert!(!error.to_string().contains(PASSWORD));
    let error = store.seal(Table::Servers, "s1", "password", &Secret::new("new")).unwrap_err();
    assert!(matches!(error, Error::Seal { .. }), "{error}");
    assert!(error.to_string().contains(&expected), "{error}");
    drop(store);

    let store = Store::open(&folder.path("store.redb"), MasterKey::missing()).unwrap();
    assert_eq!(store.key_state(), KeyState::Missing { expected });
    assert!(matches!(unseal(&store, &sealed), Err(Error::UnknownKey { .. })));
    assert!(store.seal(Table::Servers, "s1", "password", &Secret::new("new")).is_err());
    assert_eq!(store.derive_key("cookies"), store.derive_key("cookies"));
    drop(store);

    assert_eq!(unseal(&folder.open(), &sealed).unwrap().expose(), PASSWORD, "the right key is back: all is well");
}

#[tokio::test]
async fn records_stay_writable_without_the_key() {
    let folder = Folder::new();
    drop(folder.open());
    let store = Store::open(&folder.path("store.redb"), MasterKey::missing()).unwrap();
    store.put(Table::Settings, "a", "x", Expect::Absent).await.unwrap();
    assert!(matches!(store.adopt_key().await, Err(Error::AdoptKey { .. })));
    assert!(matches!(store.give_up_lost_key().await, Err(Error::AdoptKey { .. })));
}

#[test]
fn a_new_store_needs_a_key() {
    let folder = Folder::new();
    let path = folder.path("store.redb");
    let error = Store::open(&path, MasterKey::missing()).unwrap_err();
    assert!(matches!(error, Error::CreateWithoutKey), "{error}");
    assert!(!path.exists());
}

#[tokio::test]
async fn rotation_reseals_and_then_adopts() {
    let folder = Folder::new();
    let path = folder.path("store.redb");
    let old = seal(&folder.open());

    let store = Store::open(&path, MasterKey::ring(other_key(), vec![key()])).unwrap();
    assert_eq!(store.key_state(), KeyState::Ok);
    assert!(store.needs_reseal(&old));
    let plain = unseal(&store, &old).unwrap();
    let new = store.seal(Table::Servers, "s1", "password", &plain).unwrap();
    assert!(!store.needs_reseal(&new));
    drop(store);

    let store = Store::open(&path, other_key()).unwrap();
    assert!(matches!(store.key_state(), KeyState::Wrong { .. }), "not adopted yet: the old key still counts");
    drop(store);
    let store = Store::open(&path, MasterKey::ring(other_key(), vec![key()])).unwrap();
    store.adopt_key().await.unwrap();
    drop(store);

    let store = Store::open(&path, other_key()).unwrap();
    assert_eq!(store.key_state(), KeyState::Ok);
    assert_eq!(unseal(&store, &new).unwrap().expose(), PASSWORD);
    assert!(matches!(unseal(&store, &old), Err(Error::UnknownKey { .. })));
}

#[tokio::test]
async fn a_lost_key_is_given_up_only_when_told_to() {
    let folder = Folder::new();
    let path = folder.path("store.redb");
    let lost = seal(&folder.open());
    let store = Store::open(&path, other_key()).unwrap();
    store.give_up_lost_key().await.unwrap();
    assert_eq!(store.key_state(), KeyState::Ok);
    let new = seal(&store);
    drop(store);
    let store = Store::open(&path, other_key()).unwrap();
    assert_eq!(store.key_state(), KeyState::Ok);
    assert_eq!(unseal(&store, &new).unwrap().expose(), PASSWORD);
    assert!(matches!(unseal(&store, &lost), Err(Error::UnknownKey { .. })));
}

#[test]
fn derived_keys_depend_on_purpose_and_master_key() {
    let folder = Folder::new();
    let store = folder.open();
    let other = Store::open(&Folder::new().path("store.redb"), other_key()).unwrap();
    assert_eq!(store.derive_key("cache"), store.derive_key("cache"));
    assert_ne!(store.derive_key("cache"), store.derive_key("cookies"));
    assert_ne!(store.derive_key("cache"), other.derive_key("cache"));
}
