//! `ldap`: an LDAP client through ldap3, made safe against servers that hang, lie or flood.
//!
//! A connection belongs to one call of one plugin and is never shared, so a second bind on it (the check of a user's password)
//! changes the identity of nobody else. Each search page is read whole before the next function is called, so no bind ever
//! meets a search under way (RFC 4511, 4.2.1), and no further page is read under another identity than the first.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ldap3::controls::{PagedResults, RawControl};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, ResultEntry, Scope, StdStream};
use model::Secret;
use wasmtime::component::Resource;

use super::ldap_wire::{Broken, Owned, guard, page_cookie, start_tls};
use super::net::{self, Target};
use super::{ldap_filter, tls};
use crate::bindings::xylem::plugin::{ldap, types};
use crate::ctx::{Ctx, Fault, fault, gate};
use crate::grants::{GrantOptions, Right};
use crate::{ErrorKind, PluginError, Services};

/// Entries of a search without a limit of its own.
const MAX_ENTRIES: u32 = 100_000;
/// Entries in one answer to the plugin.
const MAX_NEXT: u32 = 1_000;
/// Entries asked for at a time.
const PAGE: u32 = 500;
const MAX_DN: usize = 8 << 10;
const MAX_ATTRIBUTES: usize = 1_000;
/// Bounds of the time for a network step that a plugin may ask for; the deadline of the call bounds the sum.
const STEP: std::ops::RangeInclusive<u64> = 100..=60_000;

/// Counts connections.
static SERIAL: AtomicU64 = AtomicU64::new(1);

/// A connection to an LDAP server; its tasks end with it.
pub struct Connection {
    ldap: Ldap,
    /// Tells this connection from a later one with the same handle.
    serial: u64,
    right: Right,
    step: Duration,
    /// Grows with each bind, tried or done.
    identity: u64,
    broken: Broken,
    dead: bool,
    _guard: Owned<()>,
    _drive: Owned<()>,
    _share: net::Share,
}

/// Entries of a search, page by page.
pub struct Entries {
    connection: Resource<Connection>,
    serial: u64,
    identity: u64,
    search: Search,
    ready: VecDeque<ldap::Entry>,
    /// Entries that may still be given out.
    left: u32,
    state: Paging,
}

#[derive(Clone)]
struct Search {
    base: String,
    scope: Scope,
    filter: String,
    attributes: Vec<String>,
}

enum Paging {
    /// More may come, after this cookie.
    More(Vec<u8>),
    /// All has come.
    Done,
    /// More than the limit has come.
    OverLimit,
}

struct Page {
    entries: Vec<ldap::Entry>,
    state: Paging,
}

fn invalid(code: &str, message: impl Into<String>) -> Fault {
    fault(ErrorKind::Invalid, code, message)
}

fn no_options(options: &str) -> Result<(), Fault> {
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(options) {
        Ok(options) => match options.keys().next() {
            None => Ok(()),
            Some(key) => Err(fault(ErrorKind::Unsupported, "option.unknown", format!("there is no option {key:?}"))),
        },
        Err(_) if options.is_empty() => Ok(()),
        Err(_) => Err(invalid("option.invalid", "options are a JSON object, \"{}\" for none")),
    }
}

impl ldap::Host for Ctx {}

impl ldap::HostConnection for Ctx {
    async fn open(&mut self, server: types::Endpoint) -> Result<Resource<Connection>, Fault> {
        let right = Right::host_port("ldap", &server.host, server.port)
            .map_err(|message| invalid("endpoint.invalid", message))?;
        gate!(self, "ldap", "[static]connection.open", Some(right.clone()), |pass| {
            no_options(&server.options)?;
            if matches!(server.tls, types::Tls::None) && !pass.options.plaintext {
                let message = format!(
                    "{right} is granted with TLS only; the grant needs the option plaintext for connections without"
                );
                return Err(Fault::Error(
                    PluginError::new(ErrorKind::Denied, "grant.plaintext", message).param("plaintext"),
                ));
            }
            if self.connections >= net::PER_CALL {
                let message = format!("a call may open {} connections", net::PER_CALL);
                return Err(fault(ErrorKind::Exhausted, "connect.limit", message));
            }
            let (services, inflow) = (self.call.services.clone(), self.inflow.clone());
            let options = std::mem::take(&mut pass.options);
            // On a task of its own: the handshake wants more stack than a plugin's call should have to spare.
            let opening = tokio::spawn(async move { open(server, right, options, &*services, inflow).await });
            let mut opening = Owned(opening);
            let connection = (&mut opening.0).await.map_err(|error| task_failed(&error))??;
            let handle = self.table.push(connection)?;
            self.connections += 1;
            Ok(handle)
        })
    }

    async fn bind(
        &mut self,
        handle: Resource<Connection>,
        dn: String,
        credential: ldap::Credential,
    ) -> Result<(), Fault> {
        let password = match credential {
            ldap::Credential::Anonymous => None,
            ldap::Credential::Secret(secret) => Some(self.table.get(&secret)?.value.clone()),
            ldap::Credential::Password(text) => Some(Secret::new(text)),
        };
        let right = self.table.get(&handle)?.right.clone();
        gate!(self, "ldap", "[method]connection.bind", Some(right), |pass| {
            if dn.len() > MAX_DN {
                return Err(invalid("ldap.dn", "the DN is too long"));
            }
            match &password {
                None if !dn.is_empty() => return Err(invalid("ldap.dn", "an anonymous bind has no DN")),
                // An empty password makes an unauthenticated bind (RFC 4513, 5.1.2): servers answer success to anybody.
                Some(password) if password.is_empty() => {
                    return Err(invalid("ldap.empty-password", "a bind needs a password"));
                }
                Some(_) if dn.is_empty() => return Err(invalid("ldap.empty-dn", "a bind with a password needs a DN")),
                _ => {}
            }
            let connection = self.table.get_mut(&handle)?;
            connection.identity += 1;
            let result = connection
                .run(|mut ldap, step| async move {
                    let password = password.unwrap_or_default();
                    ldap.with_timeout(step).simple_bind(&dn, password.expose()).await
                })
                .await?;
            check(&result).map_err(Fault::Error)
        })
    }

    async fn search(&mut self, handle: Resource<Connection>, query: ldap::Query) -> Result<Resource<Entries>, Fault> {
        let right = self.table.get(&handle)?.right.clone();
        gate!(self, "ldap", "[method]connection.search", Some(right), |pass| {
            no_options(&query.options)?;
            if query.base.len() > MAX_DN || query.attributes.len() > MAX_ATTRIBUTES {
                return Err(invalid("ldap.query", "the search base or the list of attributes is too long"));
            }
            let search = Search {
                filter: ldap_filter::fill(&query.filter, &query.values)?,
                base: query.base,
                scope: match query.scope {
                    ldap::Scope::Base => Scope::Base,
                    ldap::Scope::One => Scope::OneLevel,
                    ldap::Scope::Subtree => Scope::Subtree,
                },
                attributes: query.attributes,
            };
            let limit = if query.limit == 0 { MAX_ENTRIES } else { query.limit.min(MAX_ENTRIES) };
            let connection = self.table.get_mut(&handle)?;
            let (serial, identity) = (connection.serial, connection.identity);
            // The first page now: a wrong base or filter is an error of the search, not of reading on.
            let page = connection.page(search.clone(), vec![], limit).await?;
            let connection = Resource::new_own(handle.rep());
            let mut entries = Entries {
                connection,
                serial,
                identity,
                search,
                ready: VecDeque::new(),
                left: limit,
                state: Paging::Done,
            };
            entries.take(page);
            Ok(self.table.push(entries)?)
        })
    }

    async fn drop(&mut self, handle: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        self.connections -= 1;
        Ok(())
    }
}

impl ldap::HostEntries for Ctx {
    async fn next(&mut self, handle: Resource<Entries>, max: u32) -> Result<Vec<ldap::Entry>, Fault> {
        let entries = self.table.get(&handle)?;
        let parent = Resource::<Connection>::new_borrow(entries.connection.rep());
        let gone = || fault(ErrorKind::Conflict, "ldap.connection-gone", "the connection of this search was dropped");
        let serial = entries.serial;
        let connection = self.table.get(&parent).ok().filter(|connection| connection.serial == serial);
        let right = connection.ok_or_else(gone)?.right.clone();
        gate!(self, "ldap", "[method]entries.next", Some(right), |pass| {
            let max = max.clamp(1, MAX_NEXT) as usize;
            loop {
                let entries = self.table.get(&handle)?;
                let cookie = match &entries.state {
                    Paging::More(cookie) if entries.ready.len() < max => cookie.clone(),
                    _ => break,
                };
                let (search, left, identity) = (entries.search.clone(), entries.left, entries.identity);
                let connection = self.table.get_mut(&parent)?;
                if connection.identity != identity {
                    let message = "the connection was bound anew since this search; search again";
                    return Err(fault(ErrorKind::Conflict, "ldap.rebound", message));
                }
                let page = connection.page(search, cookie, left).await?;
                self.table.get_mut(&handle)?.take(page);
            }
            let entries = self.table.get_mut(&handle)?;
            if entries.ready.is_empty() && matches!(entries.state, Paging::OverLimit) {
                let message = "the search found more entries than its limit; narrow its filter or base";
                return Err(fault(ErrorKind::Exhausted, "ldap.limit", message));
            }
            let found: Vec<_> = entries.ready.drain(..max.min(entries.ready.len())).collect();
            self.spend(found.iter().map(weight).sum())?;
            Ok(found)
        })
    }

    async fn drop(&mut self, handle: Resource<Entries>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

fn weight(entry: &ldap::Entry) -> usize {
    let values = |(name, values): &(String, Vec<Vec<u8>>)| name.len() + values.iter().map(Vec::len).sum::<usize>();
    entry.dn.len() + entry.attributes.iter().map(values).sum::<usize>()
}

impl Entries {
    fn take(&mut self, page: Page) {
        let room = self.left as usize;
        self.state = if page.entries.len() > room { Paging::OverLimit } else { page.state };
        let fresh: Vec<_> = page.entries.into_iter().take(room).collect();
        self.left -= u32::try_from(fresh.len()).unwrap_or(self.left);
        self.ready.extend(fresh);
    }
}

/// Resolves, connects, starts TLS, and puts ldap3 behind the guard.
async fn open(
    server: types::Endpoint,
    right: Right,
    options: GrantOptions,
    services: &dyn Services,
    inflow: Arc<AtomicU64>,
) -> Result<Connection, PluginError> {
    let share = net::share()?;
    let step = Duration::from_millis(server.timeout.clamp(*STEP.start(), *STEP.end()));
    let target = Target { host: &server.host, port: server.port, addresses: &options.addresses, step };
    let (mut stream, address) = target.connect(services).await?;
    tracing::debug!(%right, %address, "plugin connects");
    let authorities = server.ca_pem.as_deref().into_iter().chain(options.ca.as_deref()).collect();
    let trust = tls::Trust { authorities, fingerprint: options.fingerprint };
    let stream: Box<dyn super::ldap_wire::Stream> = match server.tls {
        types::Tls::None => Box::new(stream),
        types::Tls::Implicit => Box::new(tls::connect(stream, &server.host, trust, step).await?),
        types::Tls::Starttls => {
            let asked = tokio::time::timeout(step, start_tls(&mut stream)).await;
            asked.unwrap_or_else(|_| Err(silent(step)))?;
            Box::new(tls::connect(stream, &server.host, trust, step).await?)
        }
    };
    let internal = |error: String| PluginError::new(ErrorKind::Internal, "ldap.internal", error);
    let (end, guard, broken) = guard(stream, inflow).map_err(|error| internal(error.to_string()))?;
    let settings = LdapConnSettings::new().set_conn_timeout(step).set_std_stream(StdStream::Unix(end));
    let (drive, ldap) =
        LdapConnAsync::with_settings(settings, "ldapi:///").await.map_err(|error| internal(error.to_string()))?;
    let drive = tokio::spawn(async move {
        if let Err(error) = drive.drive().await {
            tracing::debug!(%error, "LDAP connection of a plugin ended");
        }
    });
    Ok(Connection {
        ldap,
        serial: SERIAL.fetch_add(1, Ordering::Relaxed),
        right,
        step,
        identity: 0,
        broken,
        dead: false,
        _guard: guard,
        _drive: Owned(drive),
        _share: share,
    })
}

fn silent(step: Duration) -> PluginError {
    let message = format!("the LDAP server did not answer within {} ms", step.as_millis());
    PluginError::new(ErrorKind::Timeout, "ldap.timeout", message)
}

fn task_failed(error: &tokio::task::JoinError) -> PluginError {
    if error.is_panic() {
        // ldap3 panics on some answers that are no LDAP; the guard lets only well-formed BER through, not only sense.
        PluginError::new(ErrorKind::Upstream, "ldap.protocol", "the server sent an answer that makes no sense")
    } else {
        PluginError::new(ErrorKind::Cancelled, "call.cancelled", "the daemon is stopping")
    }
}

impl Connection {
    /// Runs one operation: under a timeout, on a task of its own, so that neither silence nor a panic of ldap3 gets far. After any
    /// failure that is not the server's own answer the connection is dead.
    async fn run<T, F>(&mut self, operation: impl FnOnce(Ldap, Duration) -> F) -> Result<T, PluginError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, LdapError>> + Send + 'static,
    {
        let step = self.step;
        if self.dead {
            return Err(self.cause("the connection is closed"));
        }
        // Until it ends well: the caller may lose interest in the middle.
        self.dead = true;
        let mut task = Owned(tokio::spawn(operation(self.ldap.clone(), step)));
        match tokio::time::timeout(step, &mut task.0).await {
            Ok(Ok(Ok(value))) => {
                self.dead = false;
                Ok(value)
            }
            Ok(Ok(Err(LdapError::Timeout { .. }))) | Err(_) => Err(silent(step)),
            Ok(Ok(Err(error))) => Err(self.cause(&error.to_string())),
            Ok(Err(error)) => Err(task_failed(&error)),
        }
    }

    /// Returns why the connection broke: the guard's words, if it has some.
    fn cause(&self, otherwise: &str) -> PluginError {
        self.broken.lock().clone().unwrap_or_else(|| {
            let message = format!("the connection to the LDAP server broke: {otherwise}");
            PluginError::new(ErrorKind::Unavailable, "connect.closed", message)
        })
    }

    /// Reads one page; `left` are the entries still wanted.
    async fn page(&mut self, search: Search, cookie: Vec<u8>, left: u32) -> Result<Page, PluginError> {
        let size = i32::try_from(PAGE.min(left.saturating_add(1))).unwrap_or(500);
        let most = left as usize + 1;
        let (found, result) = self
            .run(move |mut ldap, step| async move {
                let Search { base, scope, filter, attributes } = search;
                ldap.with_timeout(step).with_controls(RawControl::from(PagedResults { size, cookie }));
                let mut stream = ldap.streaming_search(&base, scope, &filter, attributes).await?;
                let mut found = vec![];
                while let Some(entry) = stream.next().await? {
                    // A server without pages sends all at once; beyond the limit its entries are read and let go.
                    if let Some(entry) = read_entry(entry).filter(|_| found.len() < most) {
                        found.push(entry);
                    }
                }
                Ok((found, stream.finish().await))
            })
            .await?;
        match result.rc {
            0 => {}
            // The server's own limit: what came counts, and that there is more.
            4 => return Ok(Page { entries: found, state: Paging::OverLimit }),
            _ => check(&result)?,
        }
        const PAGED: &str = "1.2.840.113556.1.4.319";
        let control = result.ctrls.iter().find(|control| control.1.ctype == PAGED);
        let next = control.and_then(|control| page_cookie(control.1.val.as_ref()?)).filter(|next| !next.is_empty());
        Ok(Page { entries: found, state: next.map_or(Paging::Done, Paging::More) })
    }
}

/// Reads an entry; None for referrals and for what makes no sense. ldap3's own `SearchEntry::construct` panics on the latter.
fn read_entry(entry: ResultEntry) -> Option<ldap::Entry> {
    if entry.is_ref() || entry.is_intermediate() {
        return None;
    }
    let mut parts = entry.0.match_id(4)?.expect_constructed()?.into_iter();
    let dn = String::from_utf8(parts.next()?.expect_primitive()?).ok()?;
    let mut attributes = vec![];
    for attribute in parts.next()?.expect_constructed()? {
        let mut pair = attribute.expect_constructed()?.into_iter();
        let name = String::from_utf8(pair.next()?.expect_primitive()?).ok()?;
        let values = pair.next()?.expect_constructed()?.into_iter().map(|value| value.expect_primitive());
        attributes.push((name, values.collect::<Option<Vec<_>>>()?));
    }
    Some(ldap::Entry { dn, attributes })
}

/// Turns a result code of the server into an error; names as in RFC 4511, appendix A.
fn check(result: &LdapResult) -> Result<(), PluginError> {
    let (name, hint) = match result.rc {
        0 => return Ok(()),
        1 => ("operations-error", "on Active Directory this means that a bind must come first"),
        2 => ("protocol-error", "the server did not understand the request"),
        3 => ("time-limit-exceeded", "the search took the server too long; narrow it"),
        4 => ("size-limit-exceeded", "the search found more than the server gives out; narrow it"),
        7 => ("auth-method-not-supported", "the server does not take simple binds"),
        8 => ("stronger-auth-required", "the server wants TLS or signing before a password"),
        10 => ("referral", "the server sends us to another one; use that one's name"),
        11 => ("admin-limit-exceeded", "the search found more than the server gives out; narrow it"),
        13 => ("confidentiality-required", "the server wants TLS; use LDAPS or StartTLS"),
        16 => ("no-such-attribute", "there is no such attribute"),
        17 => ("undefined-attribute-type", "the server does not know an attribute of the filter"),
        18 => ("inappropriate-matching", "the filter compares an attribute in a way it does not allow"),
        32 => ("no-such-object", "there is no such entry; check the search base"),
        34 => ("invalid-dn-syntax", "this is not a DN; an example: cn=xylem,dc=example,dc=org"),
        48 => ("inappropriate-authentication", "this account cannot bind with a password"),
        49 => ("invalid-credentials", "the DN or the password is wrong"),
        50 => ("insufficient-access-rights", "this account may not do that; check its rights in the directory"),
        51 => ("busy", "the server is busy; try again"),
        52 => ("unavailable", "the server is shutting down or overloaded"),
        53 => ("unwilling-to-perform", "the server refuses; its text says why"),
        _ => ("other", "the server refuses; its text says why"),
    };
    let hint = match (result.rc, active_directory(&result.text)) {
        (49, Some(better)) => better,
        _ => hint,
    };
    let text = crate::log::cut(result.text.trim(), 500);
    let message = if text.is_empty() { format!("LDAP: {hint}") } else { format!("LDAP: {hint} ({text})") };
    let code = if name == "other" { format!("ldap.result-{}", result.rc) } else { format!("ldap.{name}") };
    Err(PluginError::new(ErrorKind::Upstream, code, message).param(result.rc.to_string()).param(text))
}

/// Active Directory says in a number why a bind failed: Win32 error codes in hex behind "data".
fn active_directory(text: &str) -> Option<&'static str> {
    let code = text.split("data ").nth(1)?.split(',').next()?.trim();
    Some(match code {
        "525" => "there is no such account",
        "52e" => "the password is wrong",
        "530" => "the account may not sign in at this time",
        "532" => "the password has expired",
        "533" => "the account is disabled",
        "701" => "the account has expired",
        "773" => "the password must be changed first",
        "775" => "the account is locked",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_codes() {
        let result = |rc, text: &str| {
            let result = LdapResult { rc, matched: String::new(), text: text.to_owned(), refs: vec![], ctrls: vec![] };
            check(&result).map_err(|error| (error.code, error.message))
        };
        assert!(result(0, "").is_ok());
        assert_eq!(result(49, "").unwrap_err().0, "ldap.invalid-credentials");
        let locked = "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 775, v3839";
        assert!(result(49, locked).unwrap_err().1.contains("the account is locked"));
        assert_eq!(result(32, "").unwrap_err().0, "ldap.no-such-object");
        assert_eq!(
            result(80, "oops").unwrap_err(),
            ("ldap.result-80".into(), "LDAP: the server refuses; its text says why (oops)".into())
        );
    }

    #[test]
    fn options_must_be_known() {
        assert!(no_options("{}").is_ok() && no_options("").is_ok());
        for (text, code) in [(r#"{"x": 1}"#, "option.unknown"), ("[]", "option.invalid"), ("{", "option.invalid")] {
            let Err(Fault::Error(error)) = no_options(text) else { panic!("{text} must be refused") };
            assert_eq!(error.code, code);
        }
    }
}
