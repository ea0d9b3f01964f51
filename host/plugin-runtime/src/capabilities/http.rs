//! Outgoing HTTP: refused until its capability comes. The refusal is a value of `wasi:http`, as the contract says.

use std::sync::Arc;

use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::AuditOutcome;
use crate::ctx::CallInfo;

/// The one way out for `wasi:http`.
pub(crate) struct Egress {
    pub(crate) call: Arc<CallInfo>,
    /// Whether the audit has a line of this call already; a loop of requests must not flood it.
    pub(crate) audited: bool,
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Answer = Box<dyn Future<Output = Result<(http::Response<WasiBody>, Io), Error>> + Send>;

impl WasiHttpHooks for Egress {
    fn send_request(&mut self, request: http::Request<WasiBody>, _: Option<RequestOptions>, _: Io) -> Answer {
        let denied = Box::new(async { Err(Error::HttpRequestDenied) });
        if std::mem::replace(&mut self.audited, true) {
            return denied;
        }
        let scheme = request.uri().scheme_str().unwrap_or("https");
        let authority = request.uri().authority().map_or("", |authority| authority.as_str());
        let capability = format!("http:{scheme}://{authority}");
        let detail = "outgoing HTTP is not in this version of Xylem".to_owned();
        let outcome = AuditOutcome::Denied("capability.unsupported".to_owned());
        self.call.audit("wasi:http.request".to_owned(), Some(capability), outcome, detail);
        denied
    }
}
