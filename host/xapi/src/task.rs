//! Long operations: started as tasks of the pool, followed by its events, tidied up afterwards.
//!
//! All tasks of a connection share one `event.from` loop, which runs while there is something to wait for: a hundred VMs
//! that start hold one of XAPI's threads and not a hundred.
//!
//! ```text
//!   start --Async.X--> reference --> board --+-- a look at the record (it may be done already)
//!                                            +-- the loop: pending -> progress; success, failure, cancelled -> outcome
//!   outcome --> everybody who waits; task.destroy
//! ```

use std::collections::HashMap;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::connection::WeakConnection;
use crate::exchange::failure;
use crate::{Connection, Error, Value, xml};

/// A long operation that was started on a pool. Dropping it leaves the operation running.
#[derive(Debug)]
pub struct Task {
    connection: Connection,
    reference: Box<str>,
    method: String,
    progress: watch::Receiver<f64>,
    outcome: watch::Receiver<Outcome>,
    cancel_on_drop: bool,
}

/// `None` while it runs.
type Outcome = Option<Result<Value, Error>>;

/// The tasks of one connection that are waited for.
#[derive(Debug, Default)]
pub(crate) struct Tasks(Mutex<Board>);

#[derive(Debug, Default)]
struct Board {
    /// By reference. No bound of ours: XAPI refuses more than it can hold (TOO_MANY_PENDING_TASKS).
    watched: HashMap<Box<str>, Watched>,
    /// Whether the loop runs.
    looping: bool,
}

#[derive(Debug)]
struct Watched {
    method: String,
    progress: watch::Sender<f64>,
    outcome: watch::Sender<Outcome>,
}

impl Connection {
    /// Starts a method (without `Async.`) as a task and returns at once. A busy pool is asked again for a while.
    ///
    /// # Errors
    /// As [`Connection::call`]; what goes wrong with the operation itself is for [`Task::wait`].
    pub async fn start(&self, method: &str, params: Vec<Value>) -> Result<Task, Error> {
        let name = format!("Async.{method}");
        match self.call(&name, params).await? {
            Value::String(reference) if !reference.is_empty() => Ok(self.follow(method, reference)),
            _ => Err(Error::Protocol { method: name, reason: "the task is not a reference".to_owned() }),
        }
    }

    /// Makes a task for something that is done over HTTP, and follows it.
    pub(crate) async fn open_task(&self, label: &str) -> Result<Task, Error> {
        match self.call("task.create", vec![label.into(), "".into()]).await? {
            Value::String(reference) if !reference.is_empty() => Ok(self.follow(label, reference)),
            _ => Err(Error::Protocol { method: "task.create".into(), reason: "the task is not a reference".into() }),
        }
    }

    /// Puts a task onto the board.
    fn follow(&self, method: &str, reference: Box<str>) -> Task {
        let (progress, seen) = watch::channel(0.0);
        let (outcome, ended) = watch::channel(None);
        let watched = Watched { method: method.to_owned(), progress, outcome };
        let idle = {
            let mut board = self.tasks().0.lock();
            board.watched.insert(reference.clone(), watched);
            !std::mem::replace(&mut board.looping, true)
        };
        if idle {
            tokio::spawn(follow_events(self.downgrade()));
        }
        // What happened before the loop knew about it is in the record.
        let (connection, task) = (self.clone(), reference.clone());
        tokio::spawn(async move { connection.look(&task).await });
        Task {
            connection: self.clone(),
            reference,
            method: method.to_owned(),
            progress: seen,
            outcome: ended,
            cancel_on_drop: false,
        }
    }

    /// Reads the record of one task.
    async fn look(&self, reference: &str) {
        let limit = self.timeouts().login;
        match self.call_within("task.get_record", vec![reference.into()], limit).await {
            Ok(record) => self.see(reference, &record),
            Err(error) if error.is("HANDLE_INVALID") => self.lost(reference),
            // The loop meets the same trouble and decides.
            Err(error) => tracing::debug!(host = self.member(), error = %error.chain(), "a task cannot be read"),
        }
    }

    /// Takes note of a task's record.
    fn see(&self, reference: &str, record: &Value) {
        let mut board = self.tasks().0.lock();
        let Some(watched) = board.watched.get(reference) else { return };
        match read(&watched.method, reference, record) {
            None => {
                let progress = record.get("progress").and_then(Value::as_f64).unwrap_or_default().clamp(0.0, 1.0);
                watched.progress.send_if_modified(|last| std::mem::replace(last, progress) != progress);
            }
            Some(outcome) => {
                if outcome.is_ok() {
                    watched.progress.send_replace(1.0);
                }
                watched.outcome.send_replace(Some(outcome));
                board.watched.remove(reference);
                drop(board);
                let (connection, task) = (self.clone(), Value::from(reference));
                tokio::spawn(async move {
                    // Only politeness: XAPI throws old tasks away by itself.
                    let limit = connection.timeouts().login;
                    let _ = connection.call_once("task.destroy", vec![task], limit).await;
                });
            }
        }
    }

    /// Takes note that a task is gone without an end.
    fn lost(&self, reference: &str) {
        if let Some(watched) = self.tasks().0.lock().watched.remove(reference) {
            let method = watched.method;
            watched.outcome.send_replace(Some(Err(Error::TaskLost { method })));
        }
    }

    /// Gives up on all tasks.
    fn give_up(&self, error: &Error) {
        let mut board = self.tasks().0.lock();
        for (_, watched) in board.watched.drain() {
            watched.outcome.send_replace(Some(Err(error.clone())));
        }
        board.looping = false;
    }

    /// Asks once what happened to tasks since `token`, and returns the next token.
    async fn task_events(&self, token: &str) -> Result<Box<str>, Error> {
        let (wait, margin) = (self.timeouts().event_poll, self.timeouts().event_margin);
        let params = vec![vec!["task"].into(), token.into(), wait.as_secs_f64().into()];
        let mut answer = self.call_once("event.from", params, wait + margin).await?;
        for event in answer.get("events").and_then(Value::as_array).unwrap_or_default() {
            let text = |name| event.get(name).and_then(Value::as_str).unwrap_or_default();
            match (text("operation"), event.get("snapshot")) {
                _ if text("class") != "task" => {}
                ("del", _) => self.lost(text("ref")),
                (_, Some(record)) => self.see(text("ref"), record),
                (_, None) => self.look(text("ref")).await,
            }
        }
        match answer.take("token") {
            Some(Value::String(token)) => Ok(token),
            _ => Err(Error::Protocol { method: "event.from".to_owned(), reason: "no token".to_owned() }),
        }
    }
}

/// The loop of one connection; ends when nobody waits any more.
async fn follow_events(connection: WeakConnection) {
    let mut token = Box::default();
    let mut failing = None;
    while let Some(connection) = connection.upgrade() {
        {
            let mut board = connection.tasks().0.lock();
            if board.watched.is_empty() {
                board.looping = false;
                return;
            }
        }
        let epoch = connection.epoch();
        let error = match connection.task_events(&token).await {
            Ok(next) => {
                (token, failing) = (next, None);
                continue;
            }
            Err(error) if error.is("SESSION_INVALID") => match connection.renew(epoch).await {
                Ok(()) => error,
                Err(refused) => refused,
            },
            Err(error) => error,
        };
        let since = *failing.get_or_insert_with(Instant::now);
        let hopeless = matches!(error, Error::Closed | Error::HostIsSlave { .. }) || error.needs_administrator();
        if hopeless || since.elapsed() > connection.timeouts().call {
            return connection.give_up(&error);
        }
        tokio::time::sleep(connection.timeouts().retry_first).await;
        // Another history may have begun, with or without our tasks.
        token = Box::default();
        let watched: Vec<Box<str>> = connection.tasks().0.lock().watched.keys().cloned().collect();
        for task in watched {
            connection.look(&task).await;
        }
    }
}

/// Returns how a task ended, `None` while it runs.
fn read(method: &str, reference: &str, record: &Value) -> Outcome {
    let malformed = |reason: String| Error::Protocol { method: method.to_owned(), reason };
    let ended = || {
        let info = record.get("error_info").and_then(Value::as_array).unwrap_or_default();
        let parts: Vec<Box<str>> = info.iter().map(|part| part.clone().into_text()).collect();
        (!parts.is_empty()).then(|| failure(method, parts, &model::Secret::default()))
    };
    match record.get("status").and_then(Value::as_str) {
        Some("success") => {
            let result = record.get("result").and_then(Value::as_str).unwrap_or_default();
            Some(xml::task_result(result).map_err(|error| malformed(error.to_string())))
        }
        Some("failure") => Some(Err(ended().unwrap_or_else(|| malformed("a failure without a reason".to_owned())))),
        Some("cancelled") => Some(Err(ended().unwrap_or_else(|| Error::Api {
            method: method.to_owned(),
            code: "TASK_CANCELLED".into(),
            params: vec![reference.into()],
        }))),
        _ => None,
    }
}

impl Task {
    /// Returns the reference of the task's record on the pool.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// Returns how far it is, from 0 to 1, now and from now on.
    pub fn progress(&self) -> watch::Receiver<f64> {
        self.progress.clone()
    }

    /// Waits until it is done and returns its result. There is no time limit here: a clean shutdown takes as long as the
    /// guest wants.
    ///
    /// # Errors
    /// What XAPI says went wrong ([`Error::Api`], also for a cancelled one); [`Error::TaskLost`] when nobody knows;
    /// a failure of the connection that lasted for `Timeouts::call`, or that waiting cannot mend.
    pub async fn wait(&self) -> Result<Value, Error> {
        let mut outcome = self.outcome.clone();
        let ended = outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
        ended.unwrap_or_else(|| Err(Error::TaskLost { method: self.method.clone() }))
    }

    /// Asks the pool to end it. Whether it does, [`Task::wait`] tells; a finished one is left as it is.
    ///
    /// # Errors
    /// The pool cannot be asked, or the operation cannot be cancelled (`OPERATION_NOT_ALLOWED`).
    pub async fn cancel(&self) -> Result<(), Error> {
        match self.connection.call("task.cancel", vec![(&*self.reference).into()]).await {
            Ok(_) => Ok(()),
            Err(error) if error.is("HANDLE_INVALID") => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes the operation end when this is dropped before it is done.
    pub fn cancel_on_drop(mut self) -> Self {
        self.cancel_on_drop = true;
        self
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if !self.cancel_on_drop || self.outcome.borrow().is_some() {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (connection, task) = (self.connection.clone(), Value::from(&*self.reference));
            runtime.spawn(async move { connection.call("task.cancel", vec![task]).await });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records() {
        let record = |status: &str, result: &str, info: &[&str]| {
            let info = Value::Array(info.iter().map(|&part| part.into()).collect());
            let record = Value::record([("status", status.into()), ("result", result.into()), ("error_info", info)]);
            match read("VM.start", "OpaqueRef:t", &record) {
                None => "runs".to_owned(),
                Some(Ok(value)) => format!("{value:?}"),
                Some(Err(error)) => error.to_string(),
            }
        };
        for (status, result, info, expected) in [
            ("pending", "", [].as_slice(), "runs"),
            ("cancelling", "", &[], "runs"),
            ("success", "", &[], "\"\""),
            ("success", "<value></value>", &[], "\"\""),
            ("success", "<value>OpaqueRef:1</value>", &[], "\"OpaqueRef:1\""),
            ("success", "OpaqueRef:1", &[], "\"OpaqueRef:1\""),
            ("success", "<value><array><data><value>a</value></data></array></value>", &[], "[\"a\"]"),
            (
                "failure",
                "",
                &["VM_BAD_POWER_STATE", "r", "halted", "running"],
                "VM.start: VM_BAD_POWER_STATE (r, halted, running)",
            ),
            ("failure", "", &[], "understand the answer to VM.start: a failure without a reason"),
            ("cancelled", "", &["TASK_CANCELLED", "t"], "VM.start: TASK_CANCELLED (t)"),
            ("cancelled", "", &[], "VM.start: TASK_CANCELLED (OpaqueRef:t)"),
        ] {
            assert_eq!(record(status, result, info), expected, "{status} {result}");
        }
        assert!(record("success", "<value>", &[]).contains("malformed"));
    }
}
