//! What goes into a call and what comes out of it, in our own words instead of generated ones.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::{InstanceId, Millis, Principal, Secret};
use serde::Serialize;
use serde_json::Value;

use crate::{Grant, PluginError};

/// How a plugin is called: which instance, with what configuration, under whose rights. Nothing in it comes from the plugin.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The instance.
    pub instance: InstanceId,
    /// Its configuration; secrets read `{"$secret": "<path>"}` (see [`Plugin::split`](crate::Plugin::split)).
    pub config: Arc<Value>,
    /// The secrets, by path in the configuration ("bind.password").
    pub secrets: Arc<BTreeMap<String, Secret>>,
    /// What the administrator granted.
    pub grants: Arc<Vec<Grant>>,
    /// The user behind the call; None = the plugin's own authority.
    pub principal: Option<Arc<Principal>>,
    /// Address of the client behind the call.
    pub client_address: Option<String>,
    /// BCP 47 tag for texts, such as "en".
    pub locale: String,
    /// Wall clock of the call, waiting in the queue included; None = [`DEFAULT_WALL`], for `authenticate` [`SIGN_IN_WALL`].
    pub wall: Option<Duration>,
}

/// Wall clock of a call.
pub const DEFAULT_WALL: Duration = Duration::from_secs(30);

/// Wall clock of a sign-in: someone waits, and other providers may come after this one.
pub const SIGN_IN_WALL: Duration = Duration::from_secs(5);

impl Spec {
    /// Returns a call without secrets, grants and user, in English, under the default limits.
    pub fn new(instance: InstanceId, config: Value) -> Self {
        Self {
            instance,
            config: Arc::new(config),
            secrets: Arc::default(),
            grants: Arc::default(),
            principal: None,
            client_address: None,
            locale: "en".to_owned(),
            wall: None,
        }
    }
}

/// A group at a sign-in provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Stable id at the provider.
    pub subject: String,
    /// Name for people.
    pub name: String,
}

/// A person at a sign-in provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Stable id at the provider; accounts are linked by (instance, subject).
    pub subject: String,
    /// Wanted login name.
    pub username: String,
    /// Name for people.
    pub display_name: Option<String>,
    /// Mail address.
    pub email: Option<String>,
    /// Exactly the groups of the person; None = leave memberships as they are.
    pub groups: Option<Vec<Group>>,
    /// When the session must end at the latest.
    pub valid_until: Option<Millis>,
    /// True if the provider checked a second factor.
    pub strong: bool,
    /// How the provider names this session.
    pub session_key: Option<String>,
    /// What a sign-out at the provider will need (JSON text); keep it sealed.
    #[serde(skip)]
    pub session: Option<String>,
    /// What else the provider said.
    pub attributes: Value,
}

/// The answer to a sign-in. The plugin vouches, the daemon decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This is the person.
    Accepted(Identity),
    /// Known here and refused; the text is for the log.
    Refused(String),
    /// Not known here; ask the next provider.
    Unknown,
}

/// One line of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was checked, for people.
    pub name: String,
    /// What was found, or what is wrong.
    pub outcome: Result<String, PluginError>,
}

/// Events wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Name, unique in the activation.
    pub name: String,
    /// Topics, with `*`.
    pub topics: Vec<String>,
    /// Kinds of object wanted; empty = all.
    pub kinds: Vec<String>,
    /// Filter in the search language of the API.
    pub filter: Option<String>,
    /// Fields of objects whose changes count.
    pub fields: Vec<String>,
    /// Events in a batch at most.
    pub max_batch: u32,
}

/// Runs wanted at set times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Name, unique in the activation.
    pub name: String,
    /// Job of the manifest.
    pub job: String,
    /// Five fields of cron.
    pub cron: String,
    /// IANA name of the time zone.
    pub timezone: String,
    /// Parameters of the run.
    pub params: Value,
    /// Run once after a downtime in which a run was missed.
    pub catch_up: bool,
}

/// What a configuration turns on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Activation {
    /// Events wanted.
    pub subscriptions: Vec<Subscription>,
    /// Runs wanted at set times.
    pub schedules: Vec<Schedule>,
}
