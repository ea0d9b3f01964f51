//! The HTTP handlers beside the calls: who asks, which host must answer, and the task that stands for the transfer.

mod console;
mod disk;
mod files;
mod machine;
mod receive;
mod rrd;
pub mod transfer;

use std::{collections::BTreeMap, sync::Arc};

use base64::Engine;
use hyper::{
    HeaderMap, Method, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderName},
    http::request::Parts,
    upgrade::OnUpgrade,
};

pub use receive::Visit;

use crate::{
    clock,
    failure::Failure,
    seat::Seat,
    server::{self, Body},
    sessions,
};

/// A request to a handler.
pub struct Ask {
    pub seat: Arc<Seat>,
    pub path: &'static str,
    /// Path and query as they came, for redirects.
    pub target: String,
    pub query: BTreeMap<String, Vec<String>>,
    pub headers: HeaderMap,
    pub session: String,
    /// Does the client want the connection closed?
    pub close: bool,
}

impl Ask {
    /// The first value of a query parameter, else of a cookie.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.get(name).and_then(|v| v.first()).map(String::as_str)
    }

    /// All values of a query parameter.
    pub fn params(&self, name: &str) -> &[String] {
        self.query.get(name).map_or(&[], Vec::as_slice)
    }

    /// Sends the caller to the host that has what it asks for, unless this is it.
    pub fn elsewhere(&self, host: &str) -> Option<Response<Body>> {
        let place = self.seat.place_of(host)?;
        let scheme = if self.seat.core.options.tls { "https" } else { "http" };
        Some(server::found(&format!("{scheme}://{place}{}", self.target)))
    }

    /// Returns the object that a parameter names by reference or by uuid.
    pub fn object(&self, class: &str, name: &str) -> Option<String> {
        let given = self.param(name)?;
        self.seat.core.read(|db| match db.get(class, given) {
            Some(_) => Some(given.to_owned()),
            None => db.by_uuid(class, given).map(|r| r.to_string()),
        })
    }
}

/// Handlers by method and longest path; the name is the realm of a refusal.
const TABLE: [(&str, &str, &str); 21] = [
    ("GET", "/export", "get_export"),
    ("GET", "/export_metadata", "get_export_metadata"),
    ("PUT", "/import", "put_import"),
    ("GET", "/export_raw_vdi", "get_export_raw_vdi"),
    ("PUT", "/import_raw_vdi", "put_import_raw_vdi"),
    ("CONNECT", "/console", "connect_console"),
    ("GET", "/console", "get_console"),
    ("GET", "/rrd_updates", "get_rrd_updates"),
    ("GET", "/vm_rrds", "get_vm_rrd"),
    ("GET", "/vm_rrd", "get_vm_rrd"),
    ("GET", "/host_rrds", "get_host_rrd"),
    ("GET", "/host_rrd", "get_host_rrd"),
    ("GET", "/sr_rrd", "get_sr_rrd"),
    ("GET", "/pool/xmldbdump", "get_pool_xml_db_sync"),
    ("GET", "/system-status", "get_system_status"),
    ("GET", "/updates", "get_updates"),
    ("GET", BLOB, "get_blob"),
    ("PUT", BLOB, "put_blob"),
    ("PUT", "/pool_patch_upload", "put_pool_patch_upload"),
    ("PUT", SERVICE, "put_services_xenops"),
    // Not here: without its own line it would be taken for a shorter path.
    ("PUT", "/import_metadata", NOBODY),
];
const BLOB: &str = "/blob";
/// Where hosts of other pools knock.
pub const SERVICE: &str = "/services/xenops";
const NOBODY: &str = "";

/// Finds the handler of a path.
pub fn find(method: &Method, path: &str) -> Option<(&'static str, &'static str)> {
    let fits = TABLE.iter().filter(|(m, prefix, _)| method == m && path.starts_with(prefix));
    let longest = fits.max_by_key(|(_, prefix, _)| prefix.len()).map(|(_, path, name)| (*path, *name));
    longest.filter(|(_, name)| *name != NOBODY)
}

/// Answers a request that `find` found a handler for.
pub async fn answer(
    seat: &Arc<Seat>,
    (path, name): (&'static str, &'static str),
    mut parts: Parts,
    body: Incoming,
    close: bool,
) -> Response<Body> {
    let upgrade = parts.extensions.remove::<OnUpgrade>();
    let visit = parts.extensions.remove::<Arc<Visit>>();
    let method = parts.method.clone();
    let core = &seat.core;
    *core.calls.lock().entry(path.to_owned()).or_default() += 1;
    core.faults.wait(path).await;
    if let Some(status) = core.faults.http(path) {
        return server::page(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    }
    if let Some(place) = core.faults.redirect(path) {
        return server::found(&place);
    }
    let mut query = pairs(parts.uri.query().unwrap_or_default(), '&');
    let session = match session(seat, &parts.headers, &query).await {
        Ok(session) => session,
        Err(_) if path == BLOB && method == Method::GET && is_public(seat, &query) => {
            Session { reference: String::new(), temporary: false }
        }
        Err(_) => return refuse(name),
    };
    // The task may be named by a cookie too.
    if let Some(task) = cookies(&parts.headers).remove("task_id") {
        query.insert("task_id".to_owned(), task);
    }
    let ask = Ask {
        seat: seat.clone(),
        path,
        target: parts.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        query,
        headers: parts.headers,
        session: session.reference.clone(),
        close,
    };
    let response = clock::skewed(core.skew(), async {
        let put = method == Method::PUT;
        match path {
            "/export" | "/export_metadata" => machine::export(&ask),
            "/import" => machine::import(&ask, body),
            "/export_raw_vdi" => disk::export(&ask),
            "/import_raw_vdi" => disk::import(&ask, body),
            "/console" => console::answer(&ask, &method, upgrade),
            "/pool/xmldbdump" => files::database(&ask),
            "/system-status" => files::status(&ask),
            "/updates" => files::updates(&ask),
            SERVICE => receive::receive(&ask, visit, body).await,
            BLOB if put => files::write_blob(&ask, body),
            BLOB => files::read_blob(&ask),
            "/pool_patch_upload" => files::patch(&ask, body),
            "/rrd_updates" => rrd::updates(&ask),
            "/vm_rrd" | "/vm_rrds" => rrd::vm(&ask),
            "/host_rrd" | "/host_rrds" => rrd::host(&ask),
            _ => rrd::sr(&ask),
        }
    })
    .await;
    if session.temporary {
        core.write(|db| db.remove("session", &session.reference));
    }
    response
}

fn is_public(seat: &Seat, query: &BTreeMap<String, Vec<String>>) -> bool {
    let given = query.get("ref").or_else(|| query.get("uuid")).and_then(|v| v.first());
    files::is_public_blob(&seat.core, given.map(String::as_str))
}

/// 401, with the name of the handler as the realm.
fn refuse(name: &str) -> Response<Body> {
    let mut response = server::page(StatusCode::UNAUTHORIZED);
    if let Ok(realm) = format!("Basic realm=\"{name}\"").parse() {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
    }
    response
}

struct Session {
    reference: String,
    /// Made for this request alone.
    temporary: bool,
}

/// The session: by cookie, by query, else by name and password.
async fn session(seat: &Seat, headers: &HeaderMap, query: &BTreeMap<String, Vec<String>>) -> Result<Session, Failure> {
    let text = |name: HeaderName| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let given = cookies(headers).remove("session_id").or_else(|| query.get("session_id").cloned());
    if let Some(reference) = given.and_then(|v| v.into_iter().next()) {
        seat.core.check_session(&reference)?;
        return Ok(Session { reference, temporary: false });
    }
    let basic = text(header::AUTHORIZATION).strip_prefix("Basic ").unwrap_or_default();
    let plain = base64::engine::general_purpose::STANDARD.decode(basic).unwrap_or_default();
    let plain = String::from_utf8_lossy(&plain).into_owned();
    let (user, password) = plain.split_once(':').unwrap_or_default();
    let reference = sessions::open(&seat.core, user, password, "Basic auth").await?;
    Ok(Session { reference, temporary: true })
}

/// Both forms are understood: `a=b; c=d` and `a=b&c=d`.
fn cookies(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let text = headers.get(header::COOKIE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    pairs(&text.replace("; ", "&"), '&')
}

/// Reads `a=b&c=d`.
fn pairs(text: &str, separator: char) -> BTreeMap<String, Vec<String>> {
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in text.split(separator).filter(|p| !p.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        out.entry(decode(name)).or_default().push(decode(value));
    }
    out
}

/// Undoes percent-encoding; a plus is a space.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_are_found_by_the_longest_path() {
        let get = |path| find(&Method::GET, path).map(|(p, _)| p);
        assert_eq!(get("/vm_rrds"), Some("/vm_rrds"));
        assert_eq!(get("/vm_rrd"), Some("/vm_rrd"));
        assert_eq!(get("/host_rrd/"), Some("/host_rrd"));
        assert_eq!(get("/export_raw_vdi/x"), Some("/export_raw_vdi"));
        assert_eq!(get("/export_metadata"), Some("/export_metadata"));
        assert_eq!(find(&Method::PUT, "/import_metadata"), None);
        assert_eq!(get("/nonsense"), None);
        assert_eq!(find(&Method::PUT, "/vm_rrd"), None);
    }

    #[test]
    fn queries_are_decoded() {
        let query = pairs("a=OpaqueRef%3A1&b=x+y&a=2&c&d=1,2", '&');
        assert_eq!(query["a"], ["OpaqueRef:1", "2"]);
        assert_eq!(
            (&query["b"][0], &query["c"][0], &query["d"][0]),
            (&"x y".to_owned(), &String::new(), &"1,2".to_owned())
        );
        assert_eq!(decode("%zz%4"), "%zz%4");
    }
}
