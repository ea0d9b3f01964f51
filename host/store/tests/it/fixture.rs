//! Stores of earlier formats, which every later version must open. See `tests/fixtures/README.md`.

use std::path::{Path, PathBuf};

use model::Secret;
use serde::{Deserialize, Serialize};
use store::{Expect, KeyState, MasterKey, Sealed, Store, Table};

use crate::Folder;

/// The master key of the fixtures.
fn key() -> MasterKey {
    MasterKey::from_bytes(*b"the fixtures of Xylem are public")
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Server {
    host: String,
    password: Sealed,
}

fn path(format: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/format-{format}.redb"))
}

/// Makes the file of the format of today. Run once for a format, before it is released; it refuses to replace a file.
#[tokio::test]
#[ignore = "makes a fixture"]
async fn make() {
    let path = path(1);
    assert!(!path.exists(), "a fixture is never made again: it is what that version wrote");
    let store = Store::open(&path, key()).unwrap();
    let password = store.seal(Table::Servers, "server-1", "password", &Secret::new("a password")).unwrap();
    let server = Server { host: "192.0.2.1".to_owned(), password };
    store.put(Table::Servers, "server-1", &server, Expect::Absent).await.unwrap();
    for table in Table::ALL {
        store.put(table, "known", table.name(), Expect::Absent).await.unwrap();
    }
    store.put(Table::Users, "gone", "x", Expect::Absent).await.unwrap();
    store.delete(Table::Users, "gone", Expect::Any).await.unwrap();
    store.put(Table::Meta, "known", "twice", Expect::Any).await.unwrap();
}

#[tokio::test]
async fn format_1_opens() {
    let folder = Folder::new();
    let copy = folder.path("store.redb");
    std::fs::copy(path(1), &copy).unwrap();
    let store = Store::open(&copy, key()).unwrap();
    assert_eq!(store.key_state(), KeyState::Ok);
    assert!(!store.was_repaired());

    let server = store.get::<Server>(Table::Servers, "server-1").unwrap().unwrap();
    assert_eq!((server.revision, &*server.value.host), (1, "192.0.2.1"));
    let password = store.unseal(Table::Servers, "server-1", "password", &server.value.password).unwrap();
    assert_eq!(password.expose(), "a password");
    for table in Table::ALL {
        let known = store.get::<String>(table, "known").unwrap().map(|known| known.value);
        let wanted = match table {
            Table::Meta => Some("twice"),
            // They came after the file was made.
            Table::Acls | Table::Groups | Table::TokenUses | Table::Roles | Table::ResourceSets | Table::Tasks => None,
            Table::Tags | Table::CloudConfigs | Table::IpPools | Table::Jobs => None,
            _ => Some(table.name()),
        };
        assert_eq!(known.as_deref(), wanted, "{table}");
    }
    assert!(store.get::<String>(Table::Users, "gone").unwrap().is_none());
    let last = store.get::<String>(Table::Meta, "known").unwrap().unwrap().revision;
    assert_eq!(last, 14);
    assert_eq!(store.put(Table::Users, "new", "x", Expect::Absent).await.unwrap(), last + 1);
}
