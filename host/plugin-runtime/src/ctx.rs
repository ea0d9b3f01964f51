//! What lives as long as one call, and the gate that every host function goes through.
//!
//! ```text
//! cancelled? -> budget -> pure? -> grant -> body, under what is left of the deadline -> ring, counters, audit
//! ```
//! A refusal is a value for the plugin and has no side effect: no name is resolved, no task started.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use model::{Clock, Millis, Secret};
use tokio::time::Instant;
use wasmtime::ResourceLimiter;
use wasmtime::component::{ResourceTable, ResourceTableError};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::capabilities::http::Egress;
use crate::grants::{Decision, GrantOptions, GrantSet, Right};
use crate::log::CallLog;
use crate::matrix::{Effect, Row};
use crate::supervisor::{HostCall, Watch};
use crate::{AuditLine, AuditOutcome, ErrorKind, PluginError, Services, Spec};

/// Bytes of linear memory, all memories of a call together.
pub(crate) const MEMORY: u64 = 64 << 20;
/// Elements of tables, all tables of a call together.
const TABLE_ELEMENTS: u64 = 100_000;
/// Core instances of a call. Python components have a dozen.
const INSTANCES: usize = 100;
/// Memories of a call.
const MEMORIES: usize = 32;
/// Handles of a call.
pub(crate) const HANDLES: usize = 1_024;
/// Bytes that host calls move in one call, both ways; also what one host call or result may carry at once.
pub(crate) const HOST_BYTES: usize = 8 << 20;
/// Denials of one call that go to the audit one by one; a loop of denied calls must not flood it. All are counted.
const AUDITED_DENIALS: usize = 32;
/// Time kept back from the deadline, so that a plugin whose host call ran out of it can still say so.
const GRACE: Duration = Duration::from_millis(100);

/// What a call may do besides its grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// All that is granted.
    Normal,
    /// Nothing that changes or reaches something.
    Pure,
}

/// How a host function ends if not well.
pub(crate) enum Fault {
    /// A value for the plugin.
    Error(PluginError),
    /// The end of the call: a defect of ours.
    Trap(wasmtime::Error),
}

impl From<PluginError> for Fault {
    fn from(error: PluginError) -> Self {
        Self::Error(error)
    }
}

impl From<ResourceTableError> for Fault {
    fn from(error: ResourceTableError) -> Self {
        match error {
            ResourceTableError::Full => fault(
                ErrorKind::Exhausted,
                "handles.full",
                format!("more than {HANDLES} handles; drop those that are not needed"),
            ),
            // A forged handle never gets this far: wasmtime keeps its own table of what a plugin holds.
            other => Self::Trap(other.into()),
        }
    }
}

pub(crate) fn fault(kind: ErrorKind, code: &str, message: impl Into<String>) -> Fault {
    Fault::Error(PluginError::new(kind, code, message))
}

/// What a call uses; it can be read after the call is gone.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    pub(crate) memory: AtomicU64,
    pub(crate) ticks: AtomicU64,
    pub(crate) memory_denied: AtomicBool,
}

/// Limits of the engine's own allocations, over all memories and tables of a call. wasmtime's `StoreLimits` bounds each one,
/// and a component may have many.
pub(crate) struct Limits {
    memory: u64,
    elements: u64,
    usage: Arc<Usage>,
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.memory + desired.saturating_sub(current) as u64;
        if wanted > MEMORY {
            self.usage.memory_denied.store(true, Ordering::Relaxed);
            return Ok(false);
        }
        self.memory = wanted;
        self.usage.memory.fetch_max(wanted, Ordering::Relaxed);
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.elements + desired.saturating_sub(current) as u64;
        if wanted > TABLE_ELEMENTS {
            self.usage.memory_denied.store(true, Ordering::Relaxed);
            return Ok(false);
        }
        self.elements = wanted;
        Ok(true)
    }

    fn instances(&self) -> usize {
        INSTANCES
    }

    fn tables(&self) -> usize {
        INSTANCES
    }

    fn memories(&self) -> usize {
        MEMORIES
    }
}

/// The call itself. Nothing in it comes from the plugin.
pub(crate) struct CallInfo {
    pub(crate) id: String,
    pub(crate) spec: Spec,
    pub(crate) phase: Phase,
    pub(crate) deadline: Instant,
    pub(crate) deadline_at: Millis,
    pub(crate) services: Arc<dyn Services>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) log: Arc<CallLog>,
    pub(crate) cancelled: AtomicBool,
    grants: OnceLock<GrantSet>,
}

/// What [`CallInfo::new`] needs.
pub(crate) struct CallParts {
    pub(crate) spec: Spec,
    pub(crate) phase: Phase,
    pub(crate) wall: Duration,
    pub(crate) deadline: Instant,
    pub(crate) services: Arc<dyn Services>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) typed: Option<Secret>,
}

impl CallInfo {
    pub(crate) fn new(parts: CallParts) -> Self {
        let CallParts { spec, phase, wall, deadline, services, clock, watch, typed } = parts;
        let log = Arc::new(CallLog::new(services.clone(), watch.clone(), &spec, typed.as_ref()));
        Self {
            id: uuid::Uuid::new_v4().simple().to_string(),
            deadline_at: clock.now() + u64::try_from(wall.as_millis()).unwrap_or(u64::MAX),
            deadline,
            phase,
            services,
            clock,
            watch,
            log,
            cancelled: AtomicBool::new(false),
            grants: OnceLock::new(),
            spec,
        }
    }

    pub(crate) fn grants(&self) -> &GrantSet {
        self.grants.get_or_init(|| GrantSet::read(&self.spec.grants))
    }

    /// Returns what is left of the deadline for a host function.
    pub(crate) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()).saturating_sub(GRACE)
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    pub(crate) fn audit(&self, action: String, capability: Option<String>, outcome: AuditOutcome, detail: String) {
        self.services.audit(AuditLine {
            at: self.clock.now(),
            instance: self.spec.instance.clone(),
            call: self.id.clone(),
            principal: self.spec.principal.clone(),
            action,
            capability,
            outcome,
            detail: self.log.mask(&detail),
        });
    }
}

/// What lives as long as one call: the data of its store.
pub(crate) struct Ctx {
    pub(crate) call: Arc<CallInfo>,
    pub(crate) limits: Limits,
    pub(crate) table: ResourceTable,
    /// Secrets that this call has set anew.
    pub(crate) rotated: BTreeMap<String, Secret>,
    /// Bytes from servers that this call may still take in, all connections together.
    pub(crate) inflow: Arc<AtomicU64>,
    pub(crate) connections: usize,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    egress: Egress,
    budget: usize,
    denials: BTreeSet<String>,
}

/// The way through the gate.
pub(crate) struct Pass {
    row: &'static Row,
    right: Option<String>,
    counted: bool,
    /// Options of the grant that opened the gate.
    pub(crate) options: GrantOptions,
}

impl Ctx {
    pub(crate) fn new(call: Arc<CallInfo>, usage: Arc<Usage>) -> Self {
        let wasi = crate::capabilities::stdio::context(&call.log);
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        Self {
            limits: Limits { memory: 0, elements: 0, usage },
            table,
            rotated: BTreeMap::new(),
            inflow: Arc::new(AtomicU64::new(crate::capabilities::ldap_wire::CALL_BYTES)),
            connections: 0,
            wasi,
            http: WasiHttpCtx::new(),
            egress: Egress { call: call.clone(), audited: false },
            budget: HOST_BYTES,
            denials: BTreeSet::new(),
            call,
        }
    }

    /// Opens the gate for a function, or says why not. `right` is what a function with a grant is about to use.
    pub(crate) fn enter(&mut self, row: &'static Row, right: Option<Right>) -> Result<Pass, Fault> {
        self.call.watch.count_host_call();
        if row.effect == Effect::Reach && self.call.is_cancelled() {
            return Err(fault(ErrorKind::Cancelled, "call.cancelled", "the call was cancelled"));
        }
        self.spend(0)?;
        let mut pass =
            Pass { row, right: right.as_ref().map(Right::to_string), counted: false, options: GrantOptions::default() };
        if self.call.phase == Phase::Pure && row.effect == Effect::Reach {
            let message =
                format!("{} is not for calls that must not change or reach anything (validate, migrate)", row.name());
            return Err(self.deny(&pass, "phase.pure", message, row.name()));
        }
        if row.words.is_empty() {
            return Ok(pass);
        }
        let call = self.call.clone();
        let instance = &call.spec.instance;
        let Some(right) = right else {
            // A function without a body yet, whose exact right nobody works out: any grant of its word lets it say so.
            if row.words.iter().any(|word| call.grants().has_word(word)) {
                return Ok(pass);
            }
            let word = row.words[0];
            let message =
                format!("{} needs a grant {word}:...; an administrator can give it to {instance}", row.name());
            return Err(self.deny(&pass, "grant.missing", message, word.to_owned()));
        };
        match call.grants().decide(&right) {
            Decision::Granted(options, counted) => {
                pass.options = options.clone();
                pass.counted = counted;
                Ok(pass)
            }
            decision => {
                let name = right.to_string();
                let state = if matches!(decision, Decision::Off) { "is turned off" } else { "is not granted" };
                let message =
                    format!("{name} {state}; an administrator can grant it in the settings of the plugin {instance}");
                Err(self.deny(&pass, "grant.missing", message, name))
            }
        }
    }

    /// Refuses: counted always, audited the first times.
    pub(crate) fn deny(&mut self, pass: &Pass, code: &str, message: String, param: String) -> Fault {
        let action = pass.row.name();
        let call = self.host_call(pass, code);
        self.call.watch.host_call(call, true, false);
        if self.denials.len() < AUDITED_DENIALS && self.denials.insert(format!("{action} {param} {code}")) {
            let outcome = AuditOutcome::Denied(code.to_owned());
            self.call.audit(action, pass.right.clone().or(Some(param.clone())), outcome, message.clone());
        }
        Fault::Error(PluginError::new(ErrorKind::Denied, code, message).param(param))
    }

    fn host_call(&self, pass: &Pass, outcome: &str) -> HostCall {
        HostCall {
            at: self.call.clock.now(),
            call: self.call.id.clone(),
            function: pass.row.name(),
            capability: pass.right.clone(),
            outcome: outcome.to_owned(),
        }
    }

    /// Closes the gate: ring, counters, audit.
    pub(crate) fn leave<T>(&mut self, pass: Pass, outcome: Result<T, Fault>) -> Result<T, Fault> {
        let word = match &outcome {
            Ok(_) => "ok",
            Err(Fault::Error(error)) => error.code.as_str(),
            Err(Fault::Trap(_)) => "trap",
        };
        let call = self.host_call(&pass, word);
        let denied = matches!(&outcome, Err(Fault::Error(error)) if error.kind == ErrorKind::Denied);
        self.call.watch.host_call(call, denied, pass.counted);
        if pass.row.is_audited() {
            let (result, detail) = match &outcome {
                Ok(_) => (AuditOutcome::Done, String::new()),
                Err(Fault::Error(error)) if denied => (AuditOutcome::Denied(error.code.clone()), error.message.clone()),
                Err(Fault::Error(error)) => (AuditOutcome::Failed(error.code.clone()), error.message.clone()),
                Err(Fault::Trap(error)) => (AuditOutcome::Failed("trap".to_owned()), error.to_string()),
            };
            self.call.audit(pass.row.name(), pass.right, result, detail);
        }
        outcome
    }

    /// Counts bytes that go through host calls.
    pub(crate) fn spend(&mut self, bytes: usize) -> Result<(), Fault> {
        match self.budget.checked_sub(bytes) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => {
                self.budget = 0;
                let message = format!("host calls of one call move {} MiB at most", HOST_BYTES >> 20);
                Err(fault(ErrorKind::Exhausted, "budget.bytes", message))
            }
        }
    }

    /// Answers for a function whose body comes with a later version: the gate first, so that a plugin sees the same refusals.
    pub(crate) fn stub<T>(&mut self, row: &'static Row) -> Result<T, Fault> {
        let pass = self.enter(row, None)?;
        let message = format!("{} is not in this version of Xylem", row.name());
        self.leave(pass, Err(fault(ErrorKind::Unsupported, "capability.unsupported", message)))
    }
}

/// Runs the body of a host function under what is left of the deadline.
pub(crate) async fn bounded<T>(limit: Duration, body: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match tokio::time::timeout(limit, body).await {
        Ok(outcome) => outcome,
        Err(_) => Err(fault(ErrorKind::Timeout, "call.deadline", "the time of the call is over")),
    }
}

/// The gate around a host function: `gate!(self, "kv", "get", right, body)`.
macro_rules! gate {
    ($ctx:ident, $interface:literal, $function:literal, $right:expr, |$pass:ident| $body:expr) => {{
        const ROW: &$crate::matrix::Row = $crate::matrix::row($interface, $function);
        #[allow(unused_mut)]
        let mut $pass = $ctx.enter(ROW, $right)?;
        let limit = $ctx.call.remaining();
        let outcome = $crate::ctx::bounded(limit, async { $body }).await;
        $ctx.leave($pass, outcome)
    }};
}
pub(crate) use gate;

impl WasiView for Ctx {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Ctx {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.egress }
    }
}
