//! A daemon for unit tests: the real store in a folder of its own, no pools, no plugins.

use std::path::PathBuf;
use std::sync::Arc;

use inventory::Inventory;
use model::{Caller, Permission, Principal, Rights, SystemClock, UserId};
use plugin_runtime::Options;
use store::{MasterKey, Store};

use crate::ctx::{App, Ctx, Settings};
use crate::plugin::Plugins;

/// The daemon; its folder goes with it.
pub(crate) struct Rig {
    pub(crate) app: Arc<App>,
    folder: PathBuf,
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Rig {
    pub(crate) fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("xylem-app-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).unwrap();
        let store = Store::open(&folder.join("store.redb"), MasterKey::from_bytes([7; 32])).unwrap();
        let clock = Arc::new(SystemClock);
        let options = Options {
            folders: Vec::new(),
            cache: folder.join("plugin-cache"),
            cache_key: [7; 32],
            compiler: Vec::new(),
            clock: clock.clone(),
        };
        let inventory = Inventory::new();
        let plugins = Plugins::new(options, &store, &inventory, clock.clone()).unwrap();
        let settings = Settings {
            state: folder.clone(),
            version: "0",
            timeouts: xapi::Timeouts::default(),
            ignore_snapshots: false,
        };
        Self { app: App::new(store, inventory, clock, settings, plugins), folder }
    }

    /// Returns a call of the daemon itself, which may do everything.
    pub(crate) fn admin(&self) -> Ctx {
        Ctx::daemon(&self.app)
    }

    /// Returns a call of an account without rights.
    pub(crate) fn user(&self, id: &str) -> Ctx {
        let (name, rights) = (id.to_owned(), Arc::new(Rights::default()));
        let principal = Principal { id: UserId::from(id), name, permission: Permission::None, rights };
        Ctx { caller: Caller::User(Arc::new(principal)), ..self.admin() }
    }
}
