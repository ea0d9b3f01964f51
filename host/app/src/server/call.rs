//! A call to the pool of an object, and the words in which its refusal reaches the caller.

use std::sync::Arc;
use std::time::Duration;

use access::Permit;
use bytes::Bytes;
use inventory::Snapshot;
use model::Object;
use wire::Failure;
use xapi::{Connection, Error as XapiError, Task, TlsFailure, Value};

use crate::ctx::App;
use crate::error::{Error, Result};
use crate::task;

impl App {
    /// Calls a method of the pool that an object belongs to. Only someone who holds a permit gets here.
    pub(crate) async fn call(&self, on: &Permit<Arc<Object>>, method: &str, params: Vec<Value>) -> Result<Value> {
        let outcome = self.connection(on)?.call(method, params).await;
        outcome.map_err(|error| self.explained(on, &error))
    }

    /// Starts a long operation on the pool that an object belongs to.
    pub(crate) async fn start(&self, on: &Permit<Arc<Object>>, method: &str, params: Vec<Value>) -> Result<Task> {
        let outcome = self.connection(on)?.start(method, params).await;
        outcome.map(task::follow).map_err(|error| self.explained(on, &error))
    }

    /// Waits for the end of a long operation.
    pub(crate) async fn end(&self, on: &Permit<Arc<Object>>, task: &Task) -> Result<Value> {
        task.wait().await.map_err(|error| self.explained(on, &error))
    }

    /// Does a long operation from start to end. Whoever asked may leave: it goes on.
    pub(crate) async fn run(&self, on: &Permit<Arc<Object>>, method: &str, params: Vec<Value>) -> Result<Value> {
        let task = self.start(on, method, params).await?;
        self.end(on, &task).await
    }

    fn connection(&self, on: &Permit<Arc<Object>>) -> Result<Connection> {
        let pool = on.pool();
        let connection = self.pools.connection(pool);
        connection.ok_or_else(|| Error::from(Failure::ServerUnreachable { id: pool.to_string() }))
    }

    fn explained(&self, on: &Permit<Arc<Object>>, error: &XapiError) -> Error {
        let snapshot = self.inventory.snapshot();
        Error::from(failure_of(error, on.pool().as_str(), Some(&snapshot))).with_detail(error.chain())
    }

    /// Sends bytes to a host of the pool over HTTP, or to its master, and waits until the pool has taken them.
    pub(crate) async fn send(
        &self,
        on: &Permit<Arc<Object>>,
        member: Option<&str>,
        path: &str,
        body: Bytes,
        limit: Duration,
    ) -> Result<()> {
        let outcome = self.connection(on)?.upload(member, path, body, limit).await;
        outcome.map(drop).map_err(|error| self.explained(on, &error))
    }

    /// Fetches something from the master of a pool over HTTP. Only someone who holds a permit gets here.
    pub(crate) async fn fetch_from_pool(
        &self,
        on: &Permit<Arc<Object>>,
        path: &str,
        limit: Duration,
        max_bytes: usize,
    ) -> Result<Bytes> {
        let outcome = self.connection(on)?.fetch(None, path, limit, max_bytes).await;
        outcome.map_err(|error| self.explained(on, &error))
    }

    /// Fetches a file of a host over HTTP, such as its statistics. It only reads; whoever asks has looked at visibility.
    pub(crate) async fn fetch(&self, host: &Object, path: &str, limit: Duration, max_bytes: usize) -> Result<Bytes> {
        let pool = host.pool();
        let unreachable = || Error::from(Failure::ServerUnreachable { id: pool.to_string() });
        let connection = self.pools.connection(pool).ok_or_else(unreachable)?;
        let snapshot = self.inventory.snapshot();
        let master = snapshot.get(pool.as_str()).and_then(|pool| pool.as_pool()?.master.clone());
        // The way to the master is known; its own address may not be reachable from here.
        let member = host.as_host().filter(|_| master.as_ref() != Some(host.id())).map(|host| &*host.address);
        connection.fetch(member, path, limit, max_bytes).await.map_err(|error| {
            let failure = match &error {
                XapiError::Unreachable { .. } | XapiError::Timeout { .. } => {
                    Failure::HostOffline { id: host.id().to_string() }
                }
                error => failure_of(error, pool.as_str(), Some(&snapshot)),
            };
            Error::from(failure).with_detail(error.chain())
        })
    }
}

/// Returns the failure of the public API for one of XAPI; references inside become ids where they are known.
pub(super) fn failure_of(error: &XapiError, server: &str, snapshot: Option<&Snapshot>) -> Failure {
    let id_of = |reference: &str| {
        let known = snapshot.and_then(|snapshot| snapshot.by_ref(reference));
        known.map_or_else(|| reference.to_owned(), |object| object.id().to_string())
    };
    match error {
        XapiError::Unreachable { .. }
        | XapiError::Timeout { .. }
        | XapiError::Closed
        | XapiError::Status { .. }
        | XapiError::HostIsSlave { .. }
        | XapiError::TaskLost { .. } => Failure::ServerUnreachable { id: server.to_owned() },
        XapiError::AuthenticationFailed { .. } => Failure::AuthenticationFailed,
        XapiError::ReadOnly { method } => Failure::Forbidden {
            operation: method.clone(),
            reason: "the server is registered as read-only; an administrator can change that in its settings".into(),
        },
        XapiError::Api { method, code, params } => {
            let param = |index: usize| params.get(index).map_or("", |param| &**param);
            let id = || id_of(param(0));
            match &**code {
                "EHOSTUNREACH" => Failure::ServerUnreachable { id: server.to_owned() },
                "HOST_OFFLINE" => Failure::HostOffline { id: id() },
                "NO_HOSTS_AVAILABLE" => Failure::NoHostsAvailable,
                "NOT_SUPPORTED_DURING_UPGRADE" => Failure::NotSupportedDuringUpgrade,
                "OPERATION_BLOCKED" => Failure::OperationBlocked { id: id(), code: param(1).to_owned() },
                "PIF_VLAN_EXISTS" => Failure::AlreadyExists { id: id(), kind: "PIF".into() },
                "SESSION_AUTHENTICATION_FAILED" => Failure::AuthenticationFailed,
                "VDI_IN_USE" => Failure::VdiInUse { id: id(), operation: param(1).to_owned() },
                "VM_BAD_POWER_STATE" => {
                    Failure::VmBadPowerState { id: id(), expected: param(1).to_owned(), actual: param(2).to_owned() }
                }
                "VM_IS_TEMPLATE" => Failure::VmIsTemplate { id: id() },
                "VM_LACKS_FEATURE" => Failure::VmLacksFeature { id: id(), feature: String::new() },
                "VM_LACKS_FEATURE_SHUTDOWN" => Failure::VmLacksFeature { id: id(), feature: "shutdown".into() },
                "VM_MISSING_PV_DRIVERS" => Failure::VmMissingPvDrivers { id: id() },
                "HANDLE_INVALID" => Failure::no_such(id_of(param(1)), param(0)),
                _ => {
                    let params: Vec<String> = params.iter().map(|param| id_of(param)).collect();
                    let message = format!("{code}({})", params.join(", "));
                    Failure::Xapi { code: code.to_string(), params, call: method.clone(), message }
                }
            }
        }
        other => Failure::Internal(other.chain()),
    }
}

/// Returns what went wrong with a connection in words for the person who looks after it; the log has the whole story.
pub(super) fn explain(error: &XapiError) -> String {
    match error {
        XapiError::Unreachable { host, source } => {
            let mut root: &dyn std::error::Error = &**source;
            while let Some(cause) = root.source() {
                root = cause;
            }
            format!("{host} cannot be reached: {root}")
        }
        XapiError::Tls { host, failure: TlsFailure::UnknownCertificate { reason, .. } } => {
            format!("{host} shows a certificate that this system does not trust ({reason})")
        }
        XapiError::Tls { host, failure: TlsFailure::ChangedCertificate { expected, .. } } => {
            format!(
                "{host} shows another certificate than the trusted {expected}: it was renewed, or somebody is in between"
            )
        }
        XapiError::HostIsSlave { master, stranger: Some(reason) } => {
            format!(
                "the master of the pool is {master}, and {reason}: register {master} instead, or confirm its certificate"
            )
        }
        XapiError::AuthenticationFailed { username, .. } => {
            format!("the pool refuses the user name or the password of {username}")
        }
        other => other.chain(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explanations_name_the_host_and_the_cause_without_the_layers_between() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let layer = std::io::Error::other(refused);
        let lost = XapiError::Unreachable { host: "pool-1:443".into(), source: Arc::new(layer) };
        assert_eq!(explain(&lost), "pool-1:443 cannot be reached: connection refused");
        let failure = TlsFailure::UnknownCertificate { fingerprint: "ab:cd".into(), reason: "UnknownIssuer".into() };
        let unknown = XapiError::Tls { host: "pool-1:443".into(), failure };
        assert_eq!(explain(&unknown), "pool-1:443 shows a certificate that this system does not trust (UnknownIssuer)");
        assert_eq!(explain(&XapiError::Closed), "the connection is closed");
    }
}
