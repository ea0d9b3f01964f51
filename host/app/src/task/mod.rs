//! Tasks of our own: what somebody asked for that takes time. Whoever started one sees it, and administrators see all.
//! (The tasks of the pools are objects like others.)

mod record;
mod shelf;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use model::{Caller, Millis};
use parking_lot::Mutex;
use serde_json::Value;
use store::{Expect, Table};
use tokio::sync::{Notify, broadcast};
use tracing::error;
use wire::Failure;

pub use record::{Properties, Status, Task};
pub use shelf::Change;
use shelf::Shelf;

use crate::audit::Keep;
use crate::ctx::{App, Ctx};
use crate::error::Result;

/// Changes that a listener may lag behind; who is slower reads all tasks again, which are some thousand at most.
const CHANGES: usize = 1_000;

/// Time between two looks for tasks that are too old: the end of a task is one, too.
const EACH: Duration = Duration::from_secs(3_600);

/// Tasks read at start; more than are ever kept.
const LISTED: usize = 100_000;

/// The tasks of a daemon.
pub(crate) struct Tasks {
    state: Mutex<State>,
    changes: broadcast::Sender<Change>,
}

#[derive(Default)]
struct State {
    shelf: Shelf,
    /// By id, how those that run are asked to stop.
    stops: HashMap<String, Arc<Notify>>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { state: Mutex::default(), changes: broadcast::Sender::new(CHANGES) }
    }
}

tokio::task_local! {
    /// The task that the running code works for.
    static CURRENT: Arc<Running>;
}

/// A task that runs. Dropped without an end it has failed.
pub struct Running {
    app: Arc<App>,
    id: String,
    stop: Arc<Notify>,
}

impl Tasks {
    fn tell(&self, change: Change) {
        // Nobody listening is fine.
        let _ = self.changes.send(change);
    }

    /// Changes a task that is there, and returns it as it is then.
    fn amend(&self, id: &str, change: impl FnOnce(&mut Task)) -> Option<Arc<Task>> {
        let mut state = self.state.lock();
        let mut task = Task::clone(state.shelf.get(id)?);
        change(&mut task);
        let change = state.shelf.put(task);
        let after = change.after.clone();
        self.tell(change);
        after
    }
}

impl App {
    /// Reads the stored tasks; once, at start.
    pub async fn load_tasks(&self) -> Result<()> {
        let stored = self.store.scan::<Task>(Table::Tasks, "", None, LISTED)?;
        let stored = stored.into_iter().map(|(_, stored)| stored.value).collect();
        let (interrupted, gone) = {
            let mut state = self.tasks.state.lock();
            let now = self.clock.now();
            (state.shelf.load(stored, now), state.shelf.trim(now))
        };
        for task in interrupted {
            self.keep_task(&task).await;
        }
        self.forget_tasks(gone).await;
        Ok(())
    }

    /// Keeps the tasks that are over within these bounds from now on.
    pub fn keep_tasks(self: &Arc<Self>, keep: Keep) {
        self.tasks.state.lock().shelf.keep = keep;
        let (app, mut stop) = (self.clone(), self.workers.stop_signal());
        self.workers.spawn("task retention", async move {
            loop {
                let gone = app.tasks.state.lock().shelf.trim(app.clock.now());
                app.forget_tasks(gone).await;
                tokio::select! {
                    () = tokio::time::sleep(EACH) => {}
                    () = stop.wait() => break,
                }
            }
        });
    }

    /// Returns what happens to tasks from now on. Who listens looks at [`sees`] for each.
    pub fn task_changes(&self) -> broadcast::Receiver<Change> {
        self.tasks.changes.subscribe()
    }

    /// A task that cannot be written is told to the operator; the work goes on.
    async fn keep_task(&self, task: &Task) {
        if let Err(cause) = self.store.put(Table::Tasks, &task.id, task, Expect::Any).await {
            error!(task = task.id, %cause, "a task could not be written");
        }
    }

    async fn forget_tasks(&self, gone: Vec<Change>) {
        for change in gone {
            let Some(task) = &change.before else { continue };
            if let Err(cause) = self.store.delete(Table::Tasks, &task.id, Expect::Any).await {
                error!(task = task.id, %cause, "a task could not be deleted");
            }
            self.tasks.tell(change);
        }
    }
}

/// Returns whether a caller sees a task.
pub fn sees(caller: &Caller, task: &Task) -> bool {
    let own = |id: &str| caller.principal().is_some_and(|principal| principal.id.as_str() == id);
    caller.is_admin() || task.properties.user_id.as_deref().is_some_and(own)
}

/// Begins a task of the caller.
pub async fn start(ctx: &Ctx, mut properties: Properties) -> Result<Running> {
    let app = &ctx.app;
    properties.user_id = ctx.caller.principal().map(|principal| principal.id.to_string());
    let now = app.clock.now();
    let (task, stop) = {
        let mut state = app.tasks.state.lock();
        let busy = || Failure::Busy("too many tasks run; wait until some are over".into());
        let id = state.shelf.new_id(now).ok_or_else(busy)?;
        let task = Task {
            id: id.clone(),
            properties,
            start: now,
            status: Status::Pending,
            updated_at: now,
            end: None,
            abortion_requested_at: None,
            result: None,
        };
        let stop = Arc::new(Notify::new());
        state.stops.insert(id, stop.clone());
        let change = state.shelf.put(task.clone());
        app.tasks.tell(change);
        (task, stop)
    };
    app.keep_task(&task).await;
    Ok(Running { app: app.clone(), id: task.id, stop })
}

impl Running {
    /// Returns the id of the task.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Does the work of the task, unless somebody asks it to stop: then the work is dropped, and with it what it started
    /// on a pool.
    ///
    /// # Errors
    /// Those of the work.
    pub async fn run<T>(
        self: Arc<Self>,
        work: impl Future<Output = Result<T, Failure>>,
        shown: impl FnOnce(&T) -> Option<Value>,
    ) -> Result<T, Failure> {
        let outcome = tokio::select! {
            outcome = CURRENT.scope(self.clone(), work) => outcome,
            () = self.stop.notified() => Err(Failure::Aborted),
        };
        let shown = match &outcome {
            Ok(value) => Ok(shown(value)),
            Err(failure) => Err(failure),
        };
        let app = &self.app;
        let (task, gone) = {
            app.tasks.state.lock().stops.remove(&self.id);
            let now = app.clock.now();
            let task = app.tasks.amend(&self.id, |task| task.finish(shown, now));
            (task, app.tasks.state.lock().shelf.trim(now))
        };
        if let Some(task) = task {
            app.keep_task(&task).await;
        }
        app.forget_tasks(gone).await;
        outcome
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let open = self.app.tasks.state.lock().stops.remove(&self.id);
        if open.is_some() {
            let failure = Failure::Internal("the work broke off; the log says why".into());
            let now = self.app.clock.now();
            self.app.tasks.amend(&self.id, |task| task.finish(Err(&failure), now));
        }
    }
}

/// Takes a task of a pool on behalf of the task that the running code works for, if there is one: its progress is told, and
/// it ends with it.
pub(crate) fn follow(task: xapi::Task) -> xapi::Task {
    let Ok(current) = CURRENT.try_with(Arc::clone) else { return task };
    let mut progress = task.progress();
    tokio::spawn(async move {
        let mut last = 0;
        // Ends when the pool's task does.
        while progress.changed().await.is_ok() {
            let percent = (*progress.borrow_and_update() * 100.0) as u8;
            if percent != last {
                last = percent;
                let now = current.app.clock.now();
                current.app.tasks.amend(&current.id, |task| {
                    if task.is_pending() {
                        (task.properties.progress, task.updated_at) = (Some(percent), now);
                    }
                });
            }
        }
    });
    task.cancel_on_drop()
}

/// Returns the tasks that the caller sees, the oldest first.
pub fn list(ctx: &Ctx) -> Vec<Arc<Task>> {
    let state = ctx.app.tasks.state.lock();
    state.shelf.iter().filter(|task| sees(&ctx.caller, task)).cloned().collect()
}

/// Returns a task that the caller sees.
pub fn get(ctx: &Ctx, id: &str) -> Result<Arc<Task>> {
    let found = ctx.app.tasks.state.lock().shelf.get(id).cloned();
    Ok(found.filter(|task| sees(&ctx.caller, task)).ok_or_else(|| Failure::no_such(id, "task"))?)
}

/// Waits until a task is over, and returns it.
pub async fn wait(ctx: &Ctx, id: &str) -> Result<Arc<Task>> {
    let mut changes = ctx.app.task_changes();
    loop {
        let task = get(ctx, id)?;
        if !task.is_pending() {
            return Ok(task);
        }
        loop {
            match changes.recv().await {
                Ok(Change { before: Some(task), .. } | Change { after: Some(task), .. }) if task.id == id => break,
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(_)) => break,
                // The sender is the application's, which we hold.
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

/// Asks a task to stop.
pub fn abort(ctx: &Ctx, id: &str) -> Result<()> {
    let task = get(ctx, id)?;
    let stop = ctx.app.tasks.state.lock().stops.get(id).cloned();
    let Some(stop) = stop else { return Err(not_pending(&task)) };
    let now: Millis = ctx.app.clock.now();
    ctx.app.tasks.amend(id, |task| {
        task.abortion_requested_at.get_or_insert(now);
        task.updated_at = now;
    });
    stop.notify_one();
    Ok(())
}

fn not_pending(task: &Task) -> crate::Error {
    let actual = serde_json::to_value(task.status).ok().and_then(|word| word.as_str().map(str::to_owned));
    Failure::IncorrectState {
        actual: actual.unwrap_or_default(),
        expected: "pending".into(),
        object: task.id.clone(),
        property: "status".into(),
    }
    .into()
}

/// Deletes the record of a task that is over.
pub async fn delete(ctx: &Ctx, id: &str) -> Result<()> {
    let task = get(ctx, id)?;
    if task.is_pending() {
        return Err(Failure::IncorrectState {
            actual: "pending".into(),
            expected: "success, failure or interrupted".into(),
            object: id.to_owned(),
            property: "status".into(),
        }
        .into());
    }
    let gone = ctx.app.tasks.state.lock().shelf.remove(id);
    ctx.app.forget_tasks(vec![gone]).await;
    Ok(())
}

/// Deletes the records of all tasks that are over and that the caller sees.
pub async fn clear(ctx: &Ctx) -> Result<()> {
    let gone = {
        let mut state = ctx.app.tasks.state.lock();
        let over = state.shelf.iter().filter(|task| !task.is_pending() && sees(&ctx.caller, task));
        let ids: Vec<_> = over.map(|task| task.id.clone()).collect();
        ids.iter().map(|id| state.shelf.remove(id)).collect()
    };
    ctx.app.forget_tasks(gone).await;
    Ok(())
}
