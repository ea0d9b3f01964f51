//! Every way an operation can fail, with the code, message and data that Xen Orchestra's clients know.

use serde_json::{Value, json};

use crate::schema::Issue;

/// A failure as the person who called may see it. Codes 0 to 28 are those of Xen Orchestra's error table; what has no
/// code of its own is -32000.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The method exists, but cannot be served yet.
    #[error("not implemented")]
    NotImplemented,
    /// There is no such thing, or the caller may not see it.
    #[error("no such {kind} {id}")]
    NoSuchObject {
        /// Id that was asked for.
        id: String,
        /// Type that was expected; "object" if any would do.
        kind: String,
    },
    /// The caller sees the thing, but may not do this.
    #[error("not enough permissions")]
    Unauthorized {
        /// Permission that is missing.
        permission: String,
        /// Id and type of the object, if the permission is about one.
        object: Option<(String, String)>,
    },
    /// Wrong name, password or token.
    #[error("invalid credentials")]
    InvalidCredentials,
    /// The password is right, but the account wants its one-time password beside it.
    #[error("invalid credentials")]
    OneTimePassword {
        /// Whether none was given; otherwise it was wrong.
        is_missing: bool,
    },
    /// Never allowed in this situation, whoever asks.
    #[error("forbidden operation: {operation}")]
    Forbidden {
        /// What was tried.
        operation: String,
        /// Why it is not allowed.
        reason: String,
    },
    /// No host can take the VM.
    #[error("no hosts available")]
    NoHostsAvailable,
    /// A pool refused the credentials of its server entry.
    #[error("authentication failed")]
    AuthenticationFailed,
    /// A pool cannot be reached.
    #[error("server unreachable")]
    ServerUnreachable {
        /// Id of the server, or address.
        id: String,
    },
    /// Parameters do not match the schema or make no sense.
    #[error("{message}")]
    InvalidParameters {
        /// What is wrong, for people.
        message: String,
        /// Where it is wrong.
        issues: Vec<Issue>,
    },
    /// A filter does not parse, or takes too long.
    #[error("{message}")]
    BadFilter {
        /// What is wrong with it.
        message: String,
        /// The filter.
        text: String,
    },
    /// The guest tools are needed and not there.
    #[error("missing PV drivers")]
    VmMissingPvDrivers {
        /// Id of the VM.
        id: String,
    },
    /// A template cannot do that.
    #[error("VM is a template")]
    VmIsTemplate {
        /// Id of the template.
        id: String,
    },
    /// The VM is in another power state.
    #[error("VM state is {actual} but should be {expected}")]
    VmBadPowerState {
        /// Id of the VM.
        id: String,
        /// States that would do.
        expected: String,
        /// State it is in.
        actual: String,
    },
    /// The VM runs on no host; what only a host knows of it is not there.
    #[error("the VM is not running")]
    NotRunning {
        /// Id of the VM.
        id: String,
    },
    /// The guest does not offer what is asked.
    #[error("VM lacks feature {feature}")]
    VmLacksFeature {
        /// Id of the VM.
        id: String,
        /// Name of the feature; may be empty.
        feature: String,
    },
    /// The pool is being upgraded.
    #[error("not supported during upgrade")]
    NotSupportedDuringUpgrade,
    /// A thing of that name is there already.
    #[error("{kind} already exists")]
    AlreadyExists {
        /// Id of what is there.
        id: String,
        /// Its type; "object" if unknown.
        kind: String,
    },
    /// A disk is in use.
    #[error("VDI in use")]
    VdiInUse {
        /// Id of the disk.
        id: String,
        /// Operation that was refused.
        operation: String,
    },
    /// A host is off or out of reach of its master.
    #[error("host offline")]
    HostOffline {
        /// Id of the host.
        id: String,
    },
    /// An administrator blocked the operation on this object.
    #[error("operation blocked")]
    OperationBlocked {
        /// Id of the object.
        id: String,
        /// Reason that was left there.
        code: String,
    },
    /// A resource set has not enough of something.
    #[error("not enough resources in resource set")]
    NotEnoughResources {
        /// Of what: objects with resourceSet, resourceType, available, requested.
        lacking: Vec<Value>,
    },
    /// The thing is in another state than the call needs.
    #[error("incorrect state")]
    IncorrectState {
        /// State it is in.
        actual: String,
        /// State that is needed.
        expected: String,
        /// Id of the thing.
        object: String,
        /// Which property is meant.
        property: String,
    },
    /// A record of the audit log is not where it should be.
    #[error("missing record")]
    MissingAuditRecord {
        /// Its id.
        id: String,
        /// How many newer ones are as they were written.
        n_valid: u64,
    },
    /// A record of the audit log is not what was written.
    #[error("altered record")]
    AlteredAuditRecord {
        /// Its id.
        id: String,
        /// What it says now.
        record: Value,
        /// How many newer ones are as they were written.
        n_valid: u64,
    },
    /// A service behind the daemon does not answer.
    #[error("service unavailable")]
    ServiceUnavailable {
        /// Name of the service.
        service: String,
    },
    /// A pool said no in its own words.
    #[error("{message}")]
    Xapi {
        /// The pool's error code, such as `HOST_NOT_ENOUGH_FREE_MEMORY`.
        code: String,
        /// Its positional parameters.
        params: Vec<String>,
        /// The method that was called there.
        call: String,
        /// For people.
        message: String,
    },
    /// Another attempt came too soon after a failed one.
    #[error("too fast authentication tries")]
    TooFast,
    /// Somebody asked it to stop before it was done.
    #[error("aborted")]
    Aborted,
    /// Too much at once; the text says what to do.
    #[error("{0}")]
    Busy(String),
    /// Anything else; the text is for administrators, others read "unknown error from the peer".
    #[error("{0}")]
    Internal(String),
    /// There is no such method.
    #[error("method not found: {0}")]
    MethodNotFound(String),
    /// The message is JSON, but no JSON-RPC request.
    #[error("invalid JSON-RPC request")]
    InvalidRequest,
    /// The message is not JSON.
    #[error("invalid JSON")]
    InvalidJson,
}

impl Failure {
    /// Returns [`Failure::InvalidParameters`] with a text and nothing else.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidParameters { message: message.into(), issues: Vec::new() }
    }

    /// Returns [`Failure::NoSuchObject`].
    pub fn no_such(id: impl Into<String>, kind: impl Into<String>) -> Self {
        Self::NoSuchObject { id: id.into(), kind: kind.into() }
    }

    /// Returns the JSON-RPC code.
    pub fn code(&self) -> i64 {
        match self {
            Self::NotImplemented => 0,
            Self::NoSuchObject { .. } => 1,
            Self::Unauthorized { .. } => 2,
            Self::InvalidCredentials | Self::OneTimePassword { .. } => 3,
            Self::Forbidden { .. } => 5,
            Self::NoHostsAvailable => 7,
            Self::AuthenticationFailed => 8,
            Self::ServerUnreachable { .. } => 9,
            Self::InvalidParameters { .. } | Self::BadFilter { .. } => 10,
            Self::VmMissingPvDrivers { .. } => 11,
            Self::VmIsTemplate { .. } => 12,
            Self::VmBadPowerState { .. } => 13,
            Self::VmLacksFeature { .. } => 14,
            Self::NotSupportedDuringUpgrade => 15,
            Self::AlreadyExists { .. } => 16,
            Self::VdiInUse { .. } => 17,
            Self::HostOffline { .. } => 18,
            Self::OperationBlocked { .. } => 19,
            Self::NotEnoughResources { .. } => 24,
            Self::MissingAuditRecord { .. } => 22,
            Self::AlteredAuditRecord { .. } => 23,
            Self::IncorrectState { .. } | Self::NotRunning { .. } => 25,
            Self::ServiceUnavailable { .. } => 28,
            Self::Xapi { .. } | Self::Aborted | Self::TooFast | Self::Busy(_) | Self::Internal(_) => -32000,
            Self::MethodNotFound(_) => -32601,
            Self::InvalidRequest => -32600,
            Self::InvalidJson => -32700,
        }
    }

    /// Returns the HTTP status that REST answers with.
    pub fn status(&self) -> u16 {
        match self {
            Self::NotImplemented => 501,
            Self::NoSuchObject { .. } | Self::MethodNotFound(_) => 404,
            Self::Unauthorized { .. } | Self::Forbidden { .. } => 403,
            Self::InvalidCredentials | Self::OneTimePassword { .. } => 401,
            Self::InvalidParameters { .. } | Self::NotRunning { .. } => 422,
            Self::NotEnoughResources { .. } => 409,
            Self::AlreadyExists { .. } | Self::IncorrectState { .. } | Self::VmBadPowerState { .. } | Self::Aborted => {
                409
            }
            Self::InvalidRequest | Self::InvalidJson | Self::BadFilter { .. } => 400,
            Self::TooFast | Self::Busy(_) => 429,
            Self::ServiceUnavailable { .. } => 503,
            _ => 500,
        }
    }

    /// Returns the `data` of the error, if it has any. What only administrators may read is left out for others.
    pub fn data(&self, admin: bool) -> Option<Value> {
        Some(match self {
            Self::NoSuchObject { id, kind } => json!({ "id": id, "type": kind }),
            Self::Unauthorized { permission, object } => match object {
                Some((id, kind)) => json!({ "permission": permission, "object": { "id": id, "type": kind } }),
                None => json!({ "permission": permission }),
            },
            Self::OneTimePassword { is_missing } => json!({ "otp": if *is_missing { "required" } else { "wrong" } }),
            Self::Forbidden { operation, reason } => json!({ "operation": operation, "reason": reason }),
            Self::ServerUnreachable { id }
            | Self::VmMissingPvDrivers { id }
            | Self::VmIsTemplate { id }
            | Self::HostOffline { id } => json!({ "objectId": id }),
            Self::InvalidParameters { issues, .. } => json!({ "errors": issues }),
            Self::BadFilter { text, .. } => json!({ "errors": [], "stringToParse": text }),
            Self::VmBadPowerState { id, expected, actual } => {
                json!({ "objectId": id, "expected": expected, "actual": actual })
            }
            Self::VmLacksFeature { id, feature } => json!({ "objectId": id, "feature": feature }),
            Self::AlreadyExists { id, kind } => json!({ "objectId": id, "objectType": kind }),
            Self::VdiInUse { id, operation } => json!({ "objectId": id, "operation": operation }),
            Self::OperationBlocked { id, code } => json!({ "objectId": id, "code": code }),
            Self::IncorrectState { actual, expected, object, property } => {
                json!({ "actual": actual, "expected": expected, "object": object, "property": property })
            }
            Self::NotRunning { id } => {
                json!({ "actual": null, "expected": "<host-uuid>", "object": id, "property": "resident_on" })
            }
            Self::NotEnoughResources { lacking } => json!(lacking),
            Self::MissingAuditRecord { id, n_valid } => json!({ "id": id, "nValid": n_valid }),
            Self::AlteredAuditRecord { id, record, n_valid } => {
                json!({ "id": id, "record": record, "nValid": n_valid })
            }
            Self::ServiceUnavailable { service } => json!({ "serviceName": service }),
            Self::Xapi { code, params, call, message } if admin => json!({
                "code": code, "params": params, "call": { "method": call }, "message": message, "name": "XapiError",
            }),
            Self::MethodNotFound(name) => json!(name),
            _ => return None,
        })
    }

    /// Returns the message that this caller may read: what has no code of its own is told to administrators only.
    pub fn message_for(&self, admin: bool) -> String {
        match self {
            Self::Xapi { .. } | Self::Internal(_) if !admin => "unknown error from the peer".to_owned(),
            other => other.to_string(),
        }
    }
}
