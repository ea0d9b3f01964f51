//! The daemon as the verbs see it ([`App`]), and the call in progress ([`Ctx`]).

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use access::{Need, Permit, Refusal};
use inventory::Inventory;
use model::{Caller, Clock, InstanceId, ServerId, UserId};
use parking_lot::Mutex;
use store::Store;
use tokio::sync::broadcast;

use crate::audit;
use crate::known::Known;
use crate::otp;
use crate::password::Passwords;
use crate::plugin::Plugins;
use crate::server::Pools;
use crate::stats;
use crate::task::Tasks;
use crate::throttle::Throttle;
use crate::token;
use crate::watch;
use crate::workers::Workers;

/// A page that falls further behind than this reads the lists again, which costs as much as 256 notices.
const NOTICES: usize = 256;

/// Something that pages which show servers, plugins or sessions want to know.
#[derive(Clone, Debug)]
pub enum Notice {
    /// The state of a server changed.
    Server(ServerId),
    /// A server was removed.
    ServerRemoved(ServerId),
    /// Something about a plugin changed.
    Plugin(InstanceId),
    /// The rights of these accounts changed: their connections see more or less from now on. Together, because a group may
    /// have more members than there is room for notices.
    RightsChanged(Arc<BTreeSet<UserId>>),
    /// An account was removed: its connections end.
    UserRemoved(UserId),
    /// A token was deleted: connections that were opened with it end.
    TokenRemoved(model::TokenId),
}

/// Settings that the verbs need; the daemon's configuration fills them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folder with everything that survives a restart.
    pub state: PathBuf,
    /// Version that the API tells.
    pub version: &'static str,
    /// How XAPI connections behave.
    pub timeouts: xapi::Timeouts,
    /// Snapshots use nothing of a resource set but their number.
    pub ignore_snapshots: bool,
}

/// The daemon as the verbs see it.
pub struct App {
    /// What survives a restart.
    pub store: Store,
    /// The live picture of every pool.
    pub inventory: Inventory,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// See [`Settings`].
    pub settings: Settings,
    /// Everything that runs in the background.
    pub workers: Workers,
    /// The connections to the pools.
    pub pools: Pools,
    /// The installed plugins.
    pub plugins: Plugins,
    pub(crate) passwords: Passwords,
    pub(crate) throttle: Throttle,
    pub(crate) codes: otp::Used,
    pub(crate) audit: audit::Chain,
    pub(crate) token_uses: token::Uses,
    pub(crate) stats: stats::Cache,
    pub(crate) watches: watch::Hub,
    pub(crate) known: Known,
    /// Addresses on their way to a card, by pool; as many as there are requests that give some.
    pub(crate) addresses: Mutex<BTreeSet<(String, IpAddr)>>,
    pub(crate) tasks: Tasks,
    notices: broadcast::Sender<Notice>,
}

impl App {
    /// Puts the parts together; nothing runs yet.
    pub fn new(
        store: Store,
        inventory: Inventory,
        clock: Arc<dyn Clock>,
        settings: Settings,
        plugins: Plugins,
    ) -> Arc<Self> {
        let passwords = Passwords::new(store.derive_key("remembered passwords"));
        Arc::new(Self {
            store,
            inventory,
            clock,
            settings,
            workers: Workers::default(),
            pools: Pools::default(),
            plugins,
            passwords,
            throttle: Throttle::default(),
            codes: otp::Used::default(),
            audit: audit::Chain::default(),
            token_uses: token::Uses::default(),
            stats: stats::Cache::default(),
            watches: watch::Hub::default(),
            known: Known::default(),
            addresses: Mutex::default(),
            tasks: Tasks::default(),
            notices: broadcast::Sender::new(NOTICES),
        })
    }

    /// Returns a receiver of notices from now on.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// Tells all who listen; nobody listening is fine.
    pub fn notify(&self, notice: Notice) {
        let _ = self.notices.send(notice);
    }

    /// Keeps the audit log within its bounds from now on.
    pub fn keep_audit(self: &Arc<Self>, keep: audit::Keep) {
        audit::watch(self, keep);
    }

    /// Tells that these accounts may do more or less from now on.
    pub(crate) fn rights_changed(&self, users: impl IntoIterator<Item = UserId>) {
        let users: BTreeSet<UserId> = users.into_iter().collect();
        if !users.is_empty() {
            self.notify(Notice::RightsChanged(users.into()));
        }
    }
}

/// A call in progress: of which daemon, by whom, from where.
#[derive(Clone)]
pub struct Ctx {
    /// The daemon.
    pub app: Arc<App>,
    /// Who asks.
    pub caller: Caller,
    /// Address of the client, if the call came over the network.
    pub address: Option<IpAddr>,
    /// What the call means in the words of fine rights.
    pub means: Arc<[Meaning]>,
}

/// What a call does to an object that it names, in the words of fine rights.
#[derive(Clone, Debug)]
pub struct Meaning {
    /// Types that the object may have; empty = any.
    pub kinds: &'static [&'static str],
    /// The level that an access list has to grant.
    pub action: access::Action,
    /// What privileges have to allow, each of them.
    pub privileges: Vec<Cow<'static, str>>,
}

impl Ctx {
    /// Permits an action on an object, or says why not. In the words of fine rights it is what the call says it means.
    pub fn permit<T: access::Resource>(&self, action: access::Action, target: T) -> Result<Permit<T>, Refusal> {
        let is_meant = |meaning: &&Meaning| {
            meaning.action == action && (meaning.kinds.is_empty() || meaning.kinds.contains(&target.kind()))
        };
        let snapshot = self.app.inventory.snapshot();
        let meaning = self.means.iter().find(is_meant);
        let privileges = meaning.map_or(&[][..], |meaning| &meaning.privileges);
        for privilege in privileges {
            let _permit = access::permit(&self.caller, &snapshot, Need { action, privilege }, &target)?;
        }
        if privileges.is_empty() {
            return access::permit(&self.caller, &snapshot, action, target);
        }
        let need = Need { action, privilege: &privileges[0] };
        access::permit(&self.caller, &snapshot, need, target)
    }

    /// Returns a context of the daemon's own.
    pub fn daemon(app: &Arc<App>) -> Self {
        Self { app: app.clone(), caller: Caller::Daemon, address: None, means: Arc::default() }
    }
}
