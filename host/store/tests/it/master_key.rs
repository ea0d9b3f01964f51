//! The file of the master key: made once, for its owner only, never replaced.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use store::{Error, KeyState, MasterKey, Store};

use crate::Folder;

#[test]
fn is_made_once_for_its_owner() {
    let folder = Folder::new();
    let path = folder.path("master.key");
    let made = MasterKey::load_or_create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!((text.len(), text.ends_with('\n')), (65, true));
    assert!(text.trim_end().bytes().all(|byte| byte.is_ascii_hexdigit()));
    let loaded = MasterKey::load_or_create(&path).unwrap();
    assert_eq!(made.current_id(), loaded.current_id());
    assert_eq!(text, fs::read_to_string(&path).unwrap());
    assert!(!format!("{made:?}").contains(text.trim_end()), "printing a key shows ids");
    let other = MasterKey::load_or_create(&folder.path("other.key")).unwrap();
    assert_ne!(made.current_id(), other.current_id());
}

#[test]
fn a_file_open_to_others_is_refused_with_the_remedy() {
    let folder = Folder::new();
    let path = folder.path("master.key");
    MasterKey::load_or_create(&path).unwrap();
    for mode in [0o640, 0o604, 0o660, 0o644, 0o601] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = MasterKey::load_or_create(&path).unwrap_err();
        assert!(matches!(error, Error::KeyFileMode { mode: found, .. } if found == mode), "{error}");
        assert!(error.to_string().contains(&format!("chmod 600 {}", path.display())), "{error}");
    }
    for mode in [0o600, 0o400] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        MasterKey::load_or_create(&path).unwrap();
    }
}

#[test]
fn a_file_without_a_key_is_refused_and_kept() {
    let folder = Folder::new();
    let path = folder.path("master.key");
    let digits = "0123456789abcdefABCDEF0123456789".repeat(2);
    let cases: [(&[u8], bool); 8] = [
        (format!("{digits}\n").as_bytes(), true),
        (digits.as_bytes(), true),
        (b"", false),
        (b"\n", false),
        (&digits.as_bytes()[..63], false),
        (format!("{digits}0\n").as_bytes(), false),
        (format!("{}g\n", &digits[..63]).as_bytes(), false),
        (&[0xff; 64], false),
    ]
    .map(|(text, fine)| (&*text.to_vec().leak(), fine));
    for (text, fine) in cases {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        match MasterKey::load_or_create(&path) {
            Ok(_) => assert!(fine, "{text:?}"),
            Err(error) => {
                assert!(!fine && matches!(error, Error::KeyFileContent { .. }), "{text:?}: {error}");
            }
        }
        assert_eq!(fs::read(&path).unwrap(), text, "never replaced");
    }
}

#[test]
fn a_lost_file_is_never_replaced_beside_a_store() {
    let folder = Folder::new();
    let (file, store) = (folder.path("master.key"), folder.path("store.redb"));
    let key = MasterKey::for_store(&file, &store).unwrap();
    assert!(file.exists(), "no store yet: a new key");
    let expected = key.current_id().to_owned();
    drop(Store::open(&store, key).unwrap());
    fs::rename(&file, folder.path("elsewhere")).unwrap();
    let key = MasterKey::for_store(&file, &store).unwrap();
    assert!(key.is_missing() && !file.exists());
    assert_eq!(Store::open(&store, key).unwrap().key_state(), KeyState::Missing { expected });
    fs::rename(folder.path("elsewhere"), &file).unwrap();
    let key = MasterKey::for_store(&file, &store).unwrap();
    assert_eq!(Store::open(&store, key).unwrap().key_state(), KeyState::Ok);
}

#[test]
fn a_credential_of_systemd() {
    let folder = Folder::new();
    assert!(MasterKey::from_credentials(&folder.path("")).unwrap().is_none());
    let made = MasterKey::load_or_create(&folder.path("xylem-master-key")).unwrap();
    // systemd shows its access list as group rights.
    fs::set_permissions(folder.path("xylem-master-key"), fs::Permissions::from_mode(0o440)).unwrap();
    let loaded = MasterKey::from_credentials(&folder.path("")).unwrap().unwrap();
    assert_eq!(made.current_id(), loaded.current_id());
}

#[test]
fn a_folder_that_is_not_there_is_an_error_with_the_path() {
    let error = MasterKey::load_or_create(&Folder::new().path("nowhere/master.key")).unwrap_err();
    assert!(matches!(error, Error::KeyFile { doing: "create", .. }), "{error}");
}
