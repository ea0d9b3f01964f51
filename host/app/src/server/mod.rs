//! Registered servers: each is the entry to one pool, with the credentials to use there.

mod call;
mod entry;
mod pools;
mod worker;

use model::{Secret, ServerId};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use store::{Expect, Sealed, Stored, Table};
use tracing::{info, warn};
use wire::Failure;
use xapi::{Member, Target, Tls};

pub(crate) use entry::{add_like, of_pool, password};
pub use pools::{Pools, Status};

use crate::ctx::{App, Ctx, Notice};
use crate::error::{Error, Result};

/// Servers listed at once.
const LISTED: usize = 10_000;

/// A server as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Server {
    /// Its id.
    pub id: ServerId,
    /// Name for people; empty = that of the pool.
    #[serde(default)]
    pub label: String,
    /// `name`, `name:port` or a URL of scheme http or https.
    pub host: String,
    /// Account on the pool.
    pub username: String,
    /// Its password, sealed.
    pub password: Sealed,
    /// Whether the daemon should be connected.
    pub enabled: bool,
    /// Whether any certificate is taken.
    #[serde(default)]
    pub allow_unauthorized: bool,
    /// Whether calls that change something are refused.
    #[serde(default)]
    pub read_only: bool,
    /// Proxy to go through, without its password.
    #[serde(default)]
    pub http_proxy: Option<String>,
    /// The proxy's password, sealed.
    #[serde(default)]
    pub proxy_password: Option<Sealed>,
    /// SHA-256 of the only certificate that is taken.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// Members of the pool as its master told them, to find it again when this host is dead.
    #[serde(default)]
    pub members: Vec<Member>,
}

/// A server to register.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct New {
    /// Name for people.
    #[serde(default)]
    pub label: String,
    /// As in [`Server`].
    pub host: String,
    /// As in [`Server`].
    pub username: String,
    /// In clear; sealed before it is stored.
    pub password: Secret,
    /// Connect now; true unless said otherwise.
    pub auto_connect: Option<bool>,
    /// As in [`Server`].
    #[serde(default)]
    pub allow_unauthorized: bool,
    /// As in [`Server`].
    #[serde(default)]
    pub read_only: bool,
    /// As in [`Server`].
    pub http_proxy: Option<String>,
    /// As in [`Server`].
    pub fingerprint: Option<String>,
}

/// Changes to a server; an outer none stays, an inner none clears.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Changes {
    #[serde(deserialize_with = "present")]
    label: Option<Option<String>>,
    host: Option<String>,
    username: Option<String>,
    password: Option<Secret>,
    allow_unauthorized: Option<bool>,
    read_only: Option<bool>,
    #[serde(deserialize_with = "present")]
    http_proxy: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    fingerprint: Option<Option<String>>,
}

/// Tells null (clear it) from absent (leave it).
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(|value| Some(value.filter(|text| !text.is_empty())))
}

impl App {
    fn server(&self, id: &ServerId) -> Result<Stored<Server>> {
        let stored = self.store.get(Table::Servers, id.as_str())?;
        Ok(stored.ok_or_else(|| Failure::no_such(id.as_str(), "server"))?)
    }

    fn servers(&self) -> Result<Vec<Stored<Server>>> {
        let servers = self.store.scan(Table::Servers, "", None, LISTED)?;
        Ok(servers.into_iter().map(|(_, stored)| stored).collect())
    }

    /// Returns the whole address of the proxy.
    fn proxy(&self, server: &Server) -> Result<Option<String>> {
        let (Some(proxy), Some(sealed)) = (&server.http_proxy, &server.proxy_password) else {
            return Ok(server.http_proxy.clone());
        };
        let password = self.store.unseal(Table::Servers, server.id.as_str(), "proxy_password", sealed)?;
        Ok(Some(xapi::join_proxy(proxy, &password)))
    }

    /// Sets the proxy. Without a password it keeps the one it had: that is how it is shown.
    fn set_proxy(&self, server: &mut Server, proxy: Option<&str>) -> Result<()> {
        let (proxy, password) = match proxy.filter(|proxy| !proxy.is_empty()) {
            Some(proxy) => {
                let (proxy, password) = xapi::split_proxy(proxy);
                (Some(proxy), password)
            }
            None => (None, None),
        };
        // Older records have the password in the address.
        let (known, inside) = server.http_proxy.as_deref().map(xapi::split_proxy).unzip();
        let same = proxy == known;
        if let Some(password) = password.or_else(|| inside.flatten().filter(|_| same)) {
            let sealed = self.store.seal(Table::Servers, server.id.as_str(), "proxy_password", &password)?;
            server.proxy_password = Some(sealed);
        } else if !same {
            server.proxy_password = None;
        }
        server.http_proxy = proxy;
        Ok(())
    }

    fn target(&self, server: &Server) -> Result<Target> {
        let password = self.store.unseal(Table::Servers, server.id.as_str(), "password", &server.password)?;
        let tls = match &server.fingerprint {
            Some(fingerprint) => Tls::Pin(fingerprint.clone()),
            None if server.allow_unauthorized => Tls::AllowUnauthorized,
            None => Tls::Verify,
        };
        Ok(Target {
            host: server.host.clone(),
            username: server.username.clone(),
            password,
            tls,
            http_proxy: self.proxy(server)?,
            read_only: server.read_only,
            members: server.members.clone(),
        })
    }
}

/// Connects to every enabled server; called once, at start.
pub fn connect_all(ctx: &Ctx) -> Result<()> {
    for stored in ctx.app.servers()? {
        if stored.value.enabled
            && let Err(error) = worker::start(&ctx.app, &stored.value)
        {
            warn!(server = %stored.value.id, %error, "server cannot be connected");
            ctx.app.pools.failed_to_start(&stored.value.id, &error, ctx.app.clock.now());
        }
    }
    Ok(())
}

/// Registers servers of the configuration whose host is not known yet.
pub async fn seed(ctx: &Ctx, servers: Vec<New>) -> Result<()> {
    for new in servers {
        let host = new.host.clone();
        match add(ctx, new).await {
            Ok(id) => info!(server = %id, host, "server of the configuration registered"),
            Err(Error { failure: Failure::AlreadyExists { .. }, .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Registers a server and returns its id; connects in the background.
pub async fn add(ctx: &Ctx, new: New) -> Result<ServerId> {
    let _admin = access::admin(&ctx.caller)?;
    let app = &ctx.app;
    if let Some(known) = app.servers()?.into_iter().find(|known| known.value.host == new.host) {
        return Err(Failure::AlreadyExists { id: known.value.id.to_string(), kind: "server".into() }.into());
    }
    let id = ServerId::random();
    let mut server = Server {
        password: app.store.seal(Table::Servers, id.as_str(), "password", &new.password)?,
        id: id.clone(),
        label: new.label,
        host: new.host,
        username: new.username,
        enabled: new.auto_connect.unwrap_or(true),
        allow_unauthorized: new.allow_unauthorized,
        read_only: new.read_only,
        http_proxy: None,
        proxy_password: None,
        fingerprint: new.fingerprint.filter(|text| !text.is_empty()),
        members: vec![],
    };
    app.set_proxy(&mut server, new.http_proxy.as_deref())?;
    check(app, &server)?;
    app.store.put(Table::Servers, id.as_str(), &server, Expect::Absent).await?;
    if server.enabled {
        worker::start(app, &server)?;
    }
    app.notify(Notice::Server(id.clone()));
    Ok(id)
}

/// Changes a server. What concerns the connection can only be changed while it is down.
pub async fn set(ctx: &Ctx, id: &ServerId, changes: Changes) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let app = &ctx.app;
    let connection = changes.concern_the_connection();
    app.server(id)?;
    if connection && app.pools.status(id) == Status::Connected {
        return Err(Failure::IncorrectState {
            actual: "connected".into(),
            expected: "disconnected".into(),
            object: id.to_string(),
            property: "status".into(),
        }
        .into());
    }
    let (before, server) = amend(app, id, |server| changes.apply(app, server)).await?;
    if server.enabled && (connection || server.read_only != before.read_only) {
        // Elsewhere is another pool; any other change leads to the same one.
        if server.host != before.host {
            worker::stop(app, id).await;
        }
        worker::restart(app, id).await?;
    }
    app.notify(Notice::Server(id.clone()));
    Ok(())
}

impl Changes {
    fn concern_the_connection(&self) -> bool {
        self.host.is_some()
            || self.username.is_some()
            || self.password.is_some()
            || self.allow_unauthorized.is_some()
            || self.http_proxy.is_some()
            || self.fingerprint.is_some()
    }

    fn apply(&self, app: &App, server: &mut Server) -> Result<()> {
        // Another pool, or another way to trust: what the last one said about members does not count any more.
        let elsewhere = self.host.as_ref().is_some_and(|host| *host != server.host);
        let fingerprint = self.fingerprint.as_ref().filter(|print| !confirm_member(app, server, print.as_deref()));
        if elsewhere || self.allow_unauthorized.is_some() || fingerprint.is_some() {
            server.members.clear();
        }
        if let Some(label) = &self.label {
            server.label = label.clone().unwrap_or_default();
        }
        if let Some(host) = &self.host {
            server.host.clone_from(host);
        }
        if let Some(username) = &self.username {
            server.username.clone_from(username);
        }
        if let Some(password) = &self.password {
            server.password = app.store.seal(Table::Servers, server.id.as_str(), "password", password)?;
        }
        if let Some(allow) = self.allow_unauthorized {
            server.allow_unauthorized = allow;
        }
        if let Some(proxy) = &self.http_proxy {
            app.set_proxy(server, proxy.as_deref())?;
        }
        if let Some(fingerprint) = fingerprint {
            server.fingerprint.clone_from(fingerprint);
        }
        server.read_only = self.read_only.unwrap_or(server.read_only);
        check(app, server)
    }
}

/// Trusts the certificate of another member than the entry, if it is the one that was refused last. Returns whether it was.
fn confirm_member(app: &App, server: &mut Server, fingerprint: Option<&str>) -> bool {
    let Some((refused, expected)) = app.pools.refused(&server.id) else { return false };
    let is_of = |print: Option<&str>, other: &str| print.is_some_and(|print| xapi::same_fingerprint(print, other));
    if !is_of(fingerprint, &refused) || is_of(server.fingerprint.as_deref(), &expected) {
        return false;
    }
    let member = server.members.iter_mut().find(|member| is_of(member.fingerprint.as_deref(), &expected));
    member.map(|member| member.fingerprint = Some(refused)).is_some()
}

/// Changes a stored server, and returns it as it was and as it is. Its worker changes it, too (the members of the pool):
/// whoever comes second looks again.
async fn amend(app: &App, id: &ServerId, change: impl Fn(&mut Server) -> Result<()>) -> Result<(Server, Server)> {
    loop {
        let stored = app.server(id)?;
        let mut server = stored.value.clone();
        change(&mut server)?;
        match app.store.put(Table::Servers, id.as_str(), &server, Expect::Revision(stored.revision)).await {
            Ok(_) => return Ok((stored.value, server)),
            Err(store::Error::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Connects to a pool and waits for the outcome of the first try; after a failure the tries go on.
pub async fn enable(ctx: &Ctx, id: &ServerId) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    let app = &ctx.app;
    let server = app.server(id)?.value;
    if server.enabled && app.pools.status(id) == Status::Connected {
        return Err(Failure::IncorrectState {
            actual: "connected".into(),
            expected: "disconnected".into(),
            object: id.to_string(),
            property: "status".into(),
        }
        .into());
    }
    if !server.enabled {
        amend(app, id, |server| {
            server.enabled = true;
            Ok(())
        })
        .await?;
    }
    worker::restart(app, id).await?;
    worker::first_outcome(app, id).await
}

/// Disconnects from a pool and stays away from it.
pub async fn disable(ctx: &Ctx, id: &ServerId) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    amend(&ctx.app, id, |server| {
        server.enabled = false;
        Ok(())
    })
    .await?;
    worker::stop(&ctx.app, id).await;
    ctx.app.notify(Notice::Server(id.clone()));
    Ok(())
}

/// Forgets a server and everything about its pool.
pub async fn remove(ctx: &Ctx, id: &ServerId) -> Result<()> {
    let _admin = access::admin(&ctx.caller)?;
    ctx.app.server(id)?;
    ctx.app.store.delete(Table::Servers, id.as_str(), Expect::Any).await?;
    worker::stop(&ctx.app, id).await;
    ctx.app.notify(Notice::ServerRemoved(id.clone()));
    Ok(())
}

/// Lists the servers as the API shows them.
pub fn get_all(ctx: &Ctx) -> Result<Vec<Value>> {
    let _admin = access::admin(&ctx.caller)?;
    Ok(ctx.app.servers()?.iter().map(|stored| view(&ctx.app, &stored.value)).collect())
}

/// Returns one server as the API shows it.
pub fn get(ctx: &Ctx, id: &ServerId) -> Result<Value> {
    let _admin = access::admin(&ctx.caller)?;
    Ok(view(&ctx.app, &ctx.app.server(id)?.value))
}

fn view(app: &App, server: &Server) -> Value {
    let mut view = json!({
        "id": server.id,
        "host": server.host,
        "username": server.username,
        "enabled": server.enabled,
        "allowUnauthorized": server.allow_unauthorized,
        "readOnly": server.read_only,
        "status": Status::Disconnected,
        "stale": false,
    });
    if let Some(proxy) = &server.http_proxy {
        // Older records have the password in it.
        view["httpProxy"] = json!(xapi::split_proxy(proxy).0);
    }
    if let Some(fingerprint) = &server.fingerprint {
        view["fingerprint"] = json!(fingerprint);
    }
    if !server.members.is_empty() {
        view["members"] = json!(server.members);
    }
    app.pools.describe(&server.id, &app.inventory.snapshot(), &mut view);
    if !server.label.is_empty() {
        view["label"] = json!(server.label);
    } else if let Some(name) = view.get("poolNameLabel").cloned() {
        view["label"] = name;
    }
    view
}

/// Keeps what a pool told about its members, unless the server was pointed elsewhere meanwhile. It may fail: the pool tells
/// it again.
async fn remember(app: &App, told_to: &Server, members: Vec<Member>) {
    let id = &told_to.id;
    let outcome = amend(app, id, |server| {
        let trust = |server: &Server| (server.host.clone(), server.fingerprint.clone(), server.allow_unauthorized);
        if trust(server) == trust(told_to) {
            server.members.clone_from(&members);
        }
        Ok(())
    });
    if let Err(error) = outcome.await {
        warn!(server = %id, %error, "members of the pool are not kept");
    }
}

/// Refuses what could never connect, while the person who typed it is still there.
fn check(app: &App, server: &Server) -> Result<()> {
    let target = app.target(server)?;
    target.check().map_err(|error| Failure::invalid(error.chain()))?;
    Ok(())
}
