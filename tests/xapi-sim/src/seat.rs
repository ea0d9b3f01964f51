//! Which host a listener is: the master answers, the others name it.

use std::{net::SocketAddr, sync::Arc};

use crate::core::Core;

/// One listener's view of the pool.
pub struct Seat {
    pub core: Arc<Core>,
    /// Reference of its host; `None` for a pool with a single listener, which is whoever the master is.
    pub host: Option<String>,
}

impl Seat {
    /// Returns the address of the master, when that is another host.
    pub fn master_elsewhere(&self) -> Option<String> {
        if let Some(master) = &*self.core.slave_of.lock() {
            return Some(master.clone());
        }
        let own = self.host.as_deref()?;
        self.core.read(|db| {
            let master = db.master();
            (master != own).then(|| db.text("host", master, "address").to_owned())
        })
    }

    /// Returns the reference of the host that this listener is.
    pub fn host(&self) -> String {
        self.host.clone().unwrap_or_else(|| self.core.read(|db| db.master().to_owned()))
    }

    /// Where to send a caller that must ask another host: `None` when this is that host, or when the pool has one listener.
    /// Real hosts name an address alone; ours have ports.
    pub fn place_of(&self, host: &str) -> Option<SocketAddr> {
        if self.host.as_deref()? == host { None } else { self.core.places.lock().get(host).copied() }
    }
}
