//! A store that moves to another master key by way of a file.

use model::Secret;
use serde_json::{Value, json};
use store::backup::{self, Error, Summary};
use store::{Expect, KeyState, MasterKey, Sealed, Store, Table};

use crate::{Folder, key, other_key};

fn passphrase() -> Secret {
    Secret::new("correct horse")
}

fn seal(store: &Store, table: Table, key: &str, field: &str, plain: &str) -> Sealed {
    store.seal(table, key, field, &Secret::new(plain)).unwrap()
}

async fn filled(store: &Store) {
    let put = async |table, key: &str, value: &Value| {
        store.put(table, key, value, Expect::Absent).await.unwrap();
    };
    let server = json!({
        "password": seal(store, Table::Servers, "s1", "password", "pool-pw"),
        "proxy_password": seal(store, Table::Servers, "s1", "proxy_password", ""),
        "members": [{ "address": "10.0.0.1" }],
    });
    put(Table::Servers, "s1", &server).await;
    let path = "servers/0/~password";
    let plugin = json!({ "configuration": { "secrets": { path: seal(store, Table::Plugins, "ldap", path, "bind") } } });
    put(Table::Plugins, "ldap", &plugin).await;
    // As others write such a thing; and one that belongs to another record.
    let foreign = seal(store, Table::Servers, "s2", "password", "x");
    put(Table::Tokens, "t1", &json!({ "description": foreign, "text": "x1.no" })).await;
    for number in 0..70 {
        // The order of what is in a record counts to whoever signs it.
        let raw = format!("{{\"z\":{number},\"a\":1.10,\"text\":\"{}\"}}", "ä".repeat(2_000));
        let raw: Box<serde_json::value::RawValue> = serde_json::from_str(&raw).unwrap();
        store.put(Table::Audit, &format!("{number:05}"), &raw, Expect::Absent).await.unwrap();
    }
}

fn written(store: &Store) -> (Vec<u8>, Summary) {
    let mut file = Vec::new();
    let summary = backup::write(store, &mut file, &passphrase()).unwrap();
    (file, summary)
}

#[tokio::test]
async fn secrets_open_under_the_other_key_and_the_rest_is_the_same_to_the_letter() {
    let (one, two) = (Folder::new(), Folder::new());
    let store = one.open();
    filled(&store).await;
    let (file, summary) = written(&store);
    assert_eq!(summary, Summary { records: 73, secrets: 3, lost: 1 });
    assert_eq!(backup::check(&file[..], &passphrase()).unwrap(), summary);
    let path = two.path("new.redb");
    let restored = backup::restore(&file[..], &passphrase(), &path, &other_key()).await.unwrap();
    assert_eq!(restored, summary);

    let moved = Store::open(&path, other_key()).unwrap();
    assert_eq!(moved.key_state(), KeyState::Ok);
    let server = moved.get::<Value>(Table::Servers, "s1").unwrap().unwrap().value;
    let open = |table, key, field: &str, text: &Value| {
        let sealed = Sealed::from(text.as_str().unwrap().to_owned());
        assert_eq!(sealed.key_id(), other_key().current_id());
        moved.unseal(table, key, field, &sealed).unwrap().expose().to_owned()
    };
    assert_eq!(open(Table::Servers, "s1", "password", &server["password"]), "pool-pw");
    assert_eq!(open(Table::Servers, "s1", "proxy_password", &server["proxy_password"]), "");
    let plugin = moved.get::<Value>(Table::Plugins, "ldap").unwrap().unwrap().value;
    let path = "servers/0/~password";
    assert_eq!(open(Table::Plugins, "ldap", path, &plugin["configuration"]["secrets"][path]), "bind");
    let token = |store: &Store| store.get::<Value>(Table::Tokens, "t1").unwrap().unwrap().value;
    assert_eq!(token(&moved), token(&store), "what does not open is kept as it is");
    let audit = |store: &Store| {
        let rows = store.scan::<Box<serde_json::value::RawValue>>(Table::Audit, "", None, 100).unwrap();
        rows.into_iter().map(|(key, stored)| (key, stored.value.get().to_owned())).collect::<Vec<_>>()
    };
    assert!(audit(&moved) == audit(&store), "to the letter");
}

#[tokio::test]
async fn what_is_no_good_is_refused() {
    let folder = Folder::new();
    let store = folder.open();
    filled(&store).await;
    let (file, _) = written(&store);
    let path = folder.path("new.redb");
    let wrong = Secret::new("wrong horse");
    assert!(matches!(backup::restore(&file[..], &wrong, &path, &other_key()).await, Err(Error::Passphrase)));
    assert!(!path.exists());
    for cut in [file.len() - 1, file.len() / 2, 60] {
        assert!(matches!(backup::check(&file[..cut], &passphrase()), Err(Error::Damaged)), "{cut}");
    }
    drop(store);
    // Without its key, or under another, the secrets would stay behind.
    for key in [MasterKey::missing(), other_key()] {
        let store = Store::open(&folder.path("store.redb"), key).unwrap();
        assert!(matches!(backup::write(&store, Vec::new(), &passphrase()), Err(Error::Key(_))));
    }
    let ring = MasterKey::ring(key(), vec![other_key()]);
    let store = Store::open(&folder.path("store.redb"), ring).unwrap();
    assert!(backup::write(&store, Vec::new(), &passphrase()).is_ok());
}
