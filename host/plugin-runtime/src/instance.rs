//! One call: a fresh store and instance, limits set before the first instruction, and what became of it in our words.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::BoxFuture;
use wasmtime::component::Instance;
use wasmtime::{Store, Trap, UpdateDeadline, WasmBacktrace};

use crate::ctx::{CallInfo, Ctx, HOST_BYTES, MEMORY, Usage};
use crate::engine::TICK;
use crate::{CallError, Plugin};

/// Processor time of a call, in ticks of the epoch: 2 s. A tick in which the plugin did not run costs nothing.
pub(crate) const CPU_TICKS: u64 = 200;

/// Time between asking a call to stop and ending it.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// Frames of a backtrace that are worth keeping.
const BACKTRACE_BYTES: usize = 8 << 10;

/// A plugin about to be called.
pub(crate) struct Running {
    pub(crate) store: Store<Ctx>,
    pub(crate) instance: Instance,
    pub(crate) plugin: Arc<Plugin>,
}

/// What a call comes to: the outer error is the engine's, the inner ours or the plugin's.
pub(crate) type Called<T> = wasmtime::Result<Result<T, CallError>>;

#[derive(Debug)]
struct CpuSpent;

impl std::fmt::Display for CpuSpent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the processor time of the call is used up")
    }
}

impl std::error::Error for CpuSpent {}

/// Runs one call to its end, whatever that is. Dropping the future drops the store and all that is in flight.
pub(crate) async fn run<T>(
    plugin: Arc<Plugin>,
    info: Arc<CallInfo>,
    usage: Arc<Usage>,
    wall: Duration,
    work: impl FnOnce(Running) -> BoxFuture<'static, Called<T>>,
) -> Result<T, CallError> {
    let mut cancellations = info.watch.cancellations();
    let stopped = async {
        if cancellations.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        info.cancelled.store(true, Ordering::Relaxed);
        tokio::time::sleep(STOP_GRACE).await;
    };
    let call = async {
        let mut store = Store::new(plugin.pre.engine(), Ctx::new(info.clone(), usage.clone()));
        store.limiter(|ctx| &mut ctx.limits);
        store.set_hostcall_fuel(HOST_BYTES);
        store.set_epoch_deadline(1);
        let counter = usage.clone();
        store.epoch_deadline_callback(move |_| {
            if counter.ticks.fetch_add(1, Ordering::Relaxed) + 1 < CPU_TICKS {
                // Each tick also lets the other tasks of this thread run, and the wall clock look.
                Ok(UpdateDeadline::Yield(1))
            } else {
                Err(wasmtime::Error::new(CpuSpent))
            }
        });
        let instance = plugin.pre.instantiate_async(&mut store).await?;
        work(Running { store, instance, plugin: plugin.clone() }).await
    };
    let outcome = tokio::select! {
        outcome = tokio::time::timeout_at(info.deadline, call) => outcome,
        () = stopped => return Err(CallError::Cancelled),
    };
    match outcome {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => Err(classify(&error, &info, &usage)),
        Err(_) => Err(CallError::Timeout { limit_ms: millis(wall) }),
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Turns the engine's error into ours. A plugin that was refused memory mostly dies of its own allocator, so the refusal counts.
fn classify(error: &wasmtime::Error, info: &CallInfo, usage: &Usage) -> CallError {
    if error.downcast_ref::<CpuSpent>().is_some() {
        return CallError::Cpu { limit_ms: millis(TICK) * CPU_TICKS };
    }
    if usage.memory_denied.load(Ordering::Relaxed) {
        return CallError::Memory { limit: MEMORY };
    }
    let text = format!("{:#}", error.root_cause());
    // wasmtime keeps the type of this error to itself; a test holds us to its words.
    if text.contains("fuel allocated for hostcalls has been exhausted") {
        return CallError::ResultTooLarge { limit: HOST_BYTES as u64 };
    }
    if error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>().is_some() {
        return CallError::Busy;
    }
    let what = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => text,
    };
    let words = info.log.last_words();
    let message = if words.is_empty() { what } else { format!("{what}: {words}") };
    let backtrace = error.downcast_ref::<WasmBacktrace>().map(ToString::to_string).unwrap_or_default();
    CallError::Trap { message, backtrace: crate::log::cut(&backtrace, BACKTRACE_BYTES).to_owned() }
}
