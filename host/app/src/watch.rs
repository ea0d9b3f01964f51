//! Live lists for clients: a filtered, sorted window of what the caller may see, and from then on what changes in it.
//!
//! ```text
//!   Hub --(class, types, filter, sort)--> Shared list --> worker: changes of the picture, every 50 ms at most
//!                                            |               |
//!                                            +-- windows ----+--> text of the notification --> queue of the socket
//! ```
//! Everybody who asks for the same list in the same order with the same rights shares it; a window costs what it shows.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use access::VisibilityClass;
use inventory::watch::{Change, Group, Order, Path, Sees, Sort, Spec, Window, WindowSpec};
use inventory::{Feed, Filter, Inventory, Snapshot, Subscription};
use model::{Changes, Kind, Object, ObjectId};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use wire::{Failure, Issue};

use crate::ctx::{App, Ctx};
use crate::error::{Error, Result};
use crate::query::wrong;

/// Between two notifications of a list: people do not read faster than twenty times a second.
const APART: Duration = Duration::from_millis(50);

/// Rows of a window: ten screens.
const ROWS: usize = 500;

/// Fields of a row, keys of a sort, and what is counted by: each costs a walk per object or row.
const FIELDS: usize = 64;
const SORTS: usize = 8;
const COUNTED_BY: usize = 4;

/// Lines of a count; who gets more than that asked for something that is not for counting.
const GROUPS: usize = 10_000;

/// Changed objects above which a list is brought up to date on a thread of its own: some milliseconds of work.
const MANY: usize = 1_000;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Asked {
    /// The client's name for it.
    pub watch: String,
    #[serde(rename = "type")]
    kinds: OneOrMany,
    fields: Vec<String>,
    filter: Option<String>,
    #[serde(default)]
    sort: Vec<AskedSort>,
    window: AskedWindow,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct AskedSort {
    by: String,
    #[serde(default)]
    descending: bool,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct AskedWindow {
    start: usize,
    count: usize,
}

/// The lists that somebody watches.
#[derive(Default)]
pub struct Hub {
    lists: Mutex<HashMap<Key, Weak<Shared>>>,
    /// Counts answers and notifications: they are told apart from older ones by it.
    revision: Arc<AtomicU64>,
}

/// What makes two lists one.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    class: VisibilityClass,
    kinds: Vec<Kind>,
    filter: Option<String>,
    sort: Vec<Sort>,
}

struct Shared {
    state: Mutex<State>,
    /// Wakes the worker when a window is owed something.
    wake: Arc<Notify>,
    revision: Arc<AtomicU64>,
}

struct State {
    order: Order,
    windows: HashMap<u64, Open>,
    last: u64,
}

struct Open {
    name: String,
    window: Window,
    sink: mpsc::Sender<String>,
    owed: Owed,
}

/// What a window has not been told yet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Owed {
    Nothing,
    /// It is not known any more which objects changed, because the socket was slow.
    Changes,
    /// Everything that it shows.
    Everything,
}

/// A list that is ready, and the window that is wanted of it.
pub struct Prepared {
    shared: Arc<Shared>,
    window: WindowSpec,
    class: VisibilityClass,
    inventory: Inventory,
}

/// An open window; it ends when this is dropped.
pub struct Watch {
    shared: Arc<Shared>,
    id: u64,
    class: VisibilityClass,
}

/// The answer to `inventory.watch`.
#[derive(Serialize)]
struct Answer<'a> {
    watch: &'a str,
    revision: u64,
    total: usize,
    start: usize,
    ids: Vec<ObjectId>,
    rows: BTreeMap<ObjectId, Arc<RawValue>>,
}

#[derive(Serialize)]
struct Notification<'a> {
    jsonrpc: &'static str,
    method: &'static str,
    params: Params<'a>,
}

#[derive(Serialize)]
struct Params<'a> {
    watch: &'a str,
    revision: u64,
    #[serde(flatten)]
    change: &'a Change,
}

/// Finds or makes the list that is asked for.
///
/// # Errors
/// Unknown types, paths that are none, a filter that does not parse, too much of something.
pub async fn prepare(ctx: &Ctx, asked: &Asked) -> Result<Prepared> {
    let words = match &asked.kinds {
        OneOrMany::One(word) => std::slice::from_ref(word),
        OneOrMany::Many(words) => words,
    };
    let kinds = words.iter().map(|word| word.parse()).collect::<Result<Vec<Kind>, _>>();
    let mut kinds = kinds.map_err(|error| refused("/type", &error.to_string()))?;
    kinds.sort_unstable();
    kinds.dedup();
    at_most("/fields", asked.fields.len(), FIELDS)?;
    at_most("/sort", asked.sort.len(), SORTS)?;
    at_most("/window/count", asked.window.count, ROWS)?;
    let fields = asked.fields.iter().map(|text| path("/fields", text)).collect::<Result<_, _>>()?;
    let sort = asked.sort.iter().map(|sort| Ok(Sort { by: path("/sort", &sort.by)?, descending: sort.descending }));
    let sort = sort.collect::<Result<Vec<_>, Failure>>()?;
    let filter = filter(asked.filter.as_deref())?;
    let class = access::visibility(&ctx.caller);
    let shared = list(&ctx.app, class.clone(), Spec { kinds, filter: filter.clone(), sort }).await?;
    check(filter.as_ref(), asked.filter.as_deref())?;
    let AskedWindow { start, count } = asked.window;
    let inventory = ctx.app.inventory.clone();
    Ok(Prepared { shared, window: WindowSpec { start, count, fields }, class, inventory })
}

/// Returns how many objects there are with each combination of values, as JSON: a list of the values by path, and `count`.
///
/// # Errors
/// Paths that are none, a filter that does not parse, too many combinations.
pub async fn counts(ctx: &Ctx, by: &[String], text: Option<&str>) -> Result<String> {
    at_most("/by", by.len(), COUNTED_BY)?;
    let by = by.iter().map(|text| path("/by", text)).collect::<Result<Vec<_>, _>>()?;
    let filter = filter(text)?;
    let (snapshot, sees, of) = (ctx.app.inventory.snapshot(), sees(access::visibility(&ctx.caller)), filter.clone());
    let groups = blocking(move || inventory::watch::count(&snapshot, &by, of.as_ref(), &*sees, GROUPS)).await?;
    check(filter.as_ref(), text)?;
    let groups: Vec<Group> = groups.ok_or_else(|| refused("/by", "too many combinations"))?;
    serde_json::to_string(&groups).map_err(|error| Error::internal(&error))
}

fn refused(place: &str, message: &str) -> Failure {
    let issues = vec![Issue::at(place, "watch", message)];
    Failure::InvalidParameters { message: format!("invalid parameters: {message}"), issues }
}

fn at_most(place: &str, number: usize, most: usize) -> Result<(), Failure> {
    if number > most { Err(refused(place, &format!("must NOT be more than {most}"))) } else { Ok(()) }
}

fn path(place: &str, text: &str) -> Result<Path, Failure> {
    Path::parse(text).ok_or_else(|| refused(place, &format!("{text} is no path")))
}

fn filter(text: Option<&str>) -> Result<Option<Filter>, Failure> {
    text.map(|text| Filter::parse(text).map_err(|error| wrong(&error, text))).transpose()
}

/// Asks a filter whether what it said can be trusted.
fn check(filter: Option<&Filter>, text: Option<&str>) -> Result<(), Failure> {
    filter.map_or(Ok(()), |filter| filter.check().map_err(|error| wrong(&error, text.unwrap_or_default())))
}

fn sees(class: VisibilityClass) -> Sees {
    Arc::new(move |snapshot: &Snapshot, object: &Object| class.sees(snapshot, object))
}

/// Works on a thread that may be kept.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::internal(&error))
}

async fn list(app: &Arc<App>, class: VisibilityClass, spec: Spec) -> Result<Arc<Shared>> {
    let filter = spec.filter.as_ref().map(Filter::canonical);
    let key = Key { class: class.clone(), kinds: spec.kinds.clone(), filter, sort: spec.sort.clone() };
    let known = |lists: &HashMap<Key, Weak<Shared>>| lists.get(&key).and_then(Weak::upgrade);
    if let Some(shared) = known(&app.watches.lists.lock()) {
        return Ok(shared);
    }
    let mut news = app.inventory.subscribe();
    let (snapshot, sees) = (news.snapshot(), sees(class.clone()));
    let order = blocking(move || Order::new(&snapshot, spec, sees)).await?;
    let mut lists = app.watches.lists.lock();
    // Somebody may have been faster.
    if let Some(shared) = known(&lists) {
        return Ok(shared);
    }
    let state = Mutex::new(State { order, windows: HashMap::new(), last: 0 });
    let wake = Arc::new(Notify::new());
    let shared = Arc::new(Shared { state, wake: wake.clone(), revision: app.watches.revision.clone() });
    lists.retain(|_, shared| shared.strong_count() > 0);
    lists.insert(key, Arc::downgrade(&shared));
    app.workers.spawn("watch", work(app.clone(), class, Arc::downgrade(&shared), wake, news));
    Ok(shared)
}

impl Prepared {
    /// Returns whose eyes the list was made for.
    pub fn class(&self) -> &VisibilityClass {
        &self.class
    }

    /// Opens the window; returns the answer as JSON. What changes from now on goes to `sink`, as whole JSON-RPC messages.
    pub fn start(self, name: &str, sink: mpsc::Sender<String>) -> Result<(Watch, String)> {
        let Self { shared, window, class, inventory } = self;
        let snapshot = inventory.snapshot();
        let mut state = shared.state.lock();
        let window = Window::new(&state.order, &snapshot, window);
        let Change { total, start, ids, set } = window.whole();
        // Under the lock: whatever is told of this window later has a greater number, and of one it replaces a lesser.
        let revision = shared.revision.fetch_add(1, Ordering::Relaxed);
        let answer = Answer { watch: name, revision, total, start, ids: ids.unwrap_or_default(), rows: set };
        let answer = serde_json::to_string(&answer).map_err(|error| Error::internal(&error))?;
        let id = state.open(Open { name: name.to_owned(), window, sink, owed: Owed::Nothing });
        drop(state);
        Ok((Watch { shared, id, class }, answer))
    }

    /// Opens the window instead of an answer with a notification that has everything.
    pub fn restart(self, name: &str, sink: mpsc::Sender<String>) -> Watch {
        let Self { shared, window, class, inventory } = self;
        let snapshot = inventory.snapshot();
        let mut state = shared.state.lock();
        let window = Window::new(&state.order, &snapshot, window);
        let id = state.open(Open { name: name.to_owned(), window, sink, owed: Owed::Everything });
        drop(state);
        shared.wake.notify_one();
        Watch { shared, id, class }
    }
}

impl Watch {
    /// Returns whose eyes the list was made for.
    pub fn class(&self) -> &VisibilityClass {
        &self.class
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.state.lock().windows.remove(&self.id);
    }
}

impl State {
    fn open(&mut self, open: Open) -> u64 {
        self.last += 1;
        self.windows.insert(self.last, open);
        self.last
    }
}

/// Keeps a list up to date for as long as somebody watches it.
async fn work(app: Arc<App>, class: VisibilityClass, list: Weak<Shared>, wake: Arc<Notify>, mut news: Subscription) {
    let mut stop = app.workers.stop_signal();
    let mut next = Instant::now();
    let mut is_behind = false;
    loop {
        // What changed; none when that is not known.
        let mut changed = Some(Vec::new());
        tokio::select! {
            feed = news.recv() => note(&mut changed, feed),
            () = wake.notified() => {}
            () = tokio::time::sleep_until(next), if is_behind => {}
            () = stop.wait() => return,
        }
        // What comes before the next notification may go goes with it.
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(next) => break,
                feed = news.recv() => note(&mut changed, feed),
                () = stop.wait() => return,
            }
        }
        let Some(shared) = list.upgrade() else { return };
        let snapshot = if changed.is_none() { news.snapshot() } else { app.inventory.snapshot() };
        let changed = changed.map(|changes| touched(&snapshot, &class, &changes));
        let is_long = changed.as_ref().is_none_or(|changed| changed.len() > MANY);
        let go_on = move || shared.go_on(&snapshot, changed.as_ref());
        let Ok(behind) = (if is_long { blocking(go_on).await } else { Ok(go_on()) }) else { return };
        is_behind = behind;
        next = Instant::now() + APART;
    }
}

fn note(changed: &mut Option<Vec<Arc<Changes>>>, feed: Feed) {
    match feed {
        Feed::Changes(changes) => changed.iter_mut().for_each(|all| all.push(changes.clone())),
        Feed::Resync => *changed = None,
    }
}

/// Returns the objects that a class has to look at again.
fn touched(snapshot: &Snapshot, class: &VisibilityClass, changes: &[Arc<Changes>]) -> HashSet<ObjectId> {
    let states = || changes.iter().flat_map(|changes| changes.states());
    let mut ids: HashSet<_> =
        states().filter_map(|(before, after)| after.or(before)).map(|object| object.id().clone()).collect();
    if class.sees_some() {
        ids.extend(snapshot.heirs(states()));
    }
    ids
}

impl Shared {
    /// Goes on to a snapshot and tells the windows; returns whether a socket was too slow to be told.
    fn go_on(&self, snapshot: &Snapshot, changed: Option<&HashSet<ObjectId>>) -> bool {
        let state = &mut *self.state.lock();
        match changed {
            Some(changed) => state.order.advance(snapshot, changed),
            None => state.order.resync(snapshot),
        }
        let order = &state.order;
        for open in state.windows.values_mut() {
            if changed.is_none() {
                open.owed = Owed::Everything;
            }
            let Ok(place) = open.sink.try_reserve() else {
                // One that is closed goes with its socket.
                open.owed = open.owed.max(Owed::Changes);
                continue;
            };
            let touched = changed.filter(|_| open.owed == Owed::Nothing);
            let mut change = open.window.update(order, snapshot, touched);
            if std::mem::replace(&mut open.owed, Owed::Nothing) == Owed::Everything {
                change = Some(open.window.whole());
            }
            let Some(change) = change else { continue };
            let revision = self.revision.fetch_add(1, Ordering::Relaxed);
            let params = Params { watch: &open.name, revision, change: &change };
            let notification = Notification { jsonrpc: "2.0", method: "inventory.watch", params };
            place.send(serde_json::to_string(&notification).expect("rows are JSON already"));
        }
        state.windows.values().any(|open| open.owed != Owed::Nothing)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The worker finds nobody there and ends.
        self.wake.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use model::ServerId;
    use serde_json::{Value as Json, json};
    use xapi::{Delta, Value};

    use super::*;

    fn record(class: &str, name: &str, label: &str) -> Delta {
        let text = Value::from;
        let fields = [("uuid", text(name)), ("name_label", text(label)), ("power_state", text("Running"))];
        Delta::Apply {
            class: class.into(),
            reference: format!("OpaqueRef:{name}").into(),
            record: Value::record(fields),
        }
    }

    /// A picture with the VMs a, b and c, its writer, and the list of them by name.
    fn world() -> (Inventory, inventory::Writer, Shared) {
        let inventory = Inventory::new();
        let mut writer = inventory.writer(ServerId::from("s"));
        writer.begin();
        writer.apply(&[record("pool", "p", "pool")]);
        writer.apply(&["a", "b", "c"].map(|name| record("VM", name, name)));
        writer.finish().unwrap();
        let sort = vec![Sort { by: Path::parse("name_label").unwrap(), descending: false }];
        let spec = Spec { kinds: vec![Kind::Vm], filter: None, sort };
        let order = Order::new(&inventory.snapshot(), spec, sees(VisibilityClass::Administrator));
        let state = Mutex::new(State { order, windows: HashMap::new(), last: 0 });
        let shared = Shared { state, wake: Arc::default(), revision: Arc::default() };
        (inventory, writer, shared)
    }

    fn prepared(shared: &Arc<Shared>, inventory: &Inventory) -> Prepared {
        let window = WindowSpec { start: 0, count: 2, fields: vec![Path::parse("name_label").unwrap()] };
        let (shared, inventory) = (shared.clone(), inventory.clone());
        Prepared { shared, window, class: VisibilityClass::Administrator, inventory }
    }

    fn told(queue: &mut mpsc::Receiver<String>) -> Json {
        queue.try_recv().map_or(Json::Null, |text| {
            let message: Json = serde_json::from_str(&text).unwrap();
            assert_eq!((&message["jsonrpc"], &message["method"]), (&json!("2.0"), &json!("inventory.watch")));
            message["params"].clone()
        })
    }

    fn go_on(shared: &Shared, inventory: &Inventory, changed: &[&str]) -> bool {
        let ids = changed.iter().map(|id| ObjectId::from(*id)).collect();
        shared.go_on(&inventory.snapshot(), Some(&ids))
    }

    fn row(id: &str, label: &str) -> Json {
        json!({ "id": id, "type": "VM", "name_label": label })
    }

    #[test]
    fn a_slow_socket_is_told_the_latest_state() {
        let (inventory, mut writer, shared) = world();
        let shared = Arc::new(shared);
        let (sink, mut queue) = mpsc::channel(1);
        let (watch, answer) = prepared(&shared, &inventory).start("w", sink).unwrap();
        let answer: Json = serde_json::from_str(&answer).unwrap();
        let rows = json!({ "a": row("a", "a"), "b": row("b", "b") });
        assert_eq!(
            answer,
            json!({ "watch": "w", "revision": 0, "total": 3, "start": 0, "ids": ["a", "b"], "rows": rows })
        );

        writer.apply(&[record("VM", "a", "a1")]);
        assert!(!go_on(&shared, &inventory, &["a"]));
        // There is no room for these two.
        for label in ["b1", "b2"] {
            writer.apply(&[record("VM", "b", label)]);
            assert!(go_on(&shared, &inventory, &["b"]));
        }
        let set = json!({ "a": row("a", "a1") });
        assert_eq!(told(&mut queue), json!({ "watch": "w", "revision": 1, "total": 3, "start": 0, "set": set }));
        assert_eq!(told(&mut queue), Json::Null);
        assert!(!go_on(&shared, &inventory, &[]));
        let set = json!({ "b": row("b", "b2") });
        assert_eq!(told(&mut queue), json!({ "watch": "w", "revision": 2, "total": 3, "start": 0, "set": set }));
        // Nothing that is shown.
        writer.apply(&[record("VM", "c", "c1")]);
        assert!(!go_on(&shared, &inventory, &["c"]));
        assert_eq!(told(&mut queue), Json::Null);
        drop(watch);
        assert!(shared.state.lock().windows.is_empty());
    }

    #[test]
    fn after_a_resync_everything_is_told() {
        let (inventory, _writer, shared) = world();
        let shared = Arc::new(shared);
        let (sink, mut queue) = mpsc::channel(4);
        let _watch = prepared(&shared, &inventory).restart("w", sink);
        let set = json!({ "a": row("a", "a"), "b": row("b", "b") });
        let whole = |revision: u64| json!({ "watch": "w", "revision": revision, "total": 3, "start": 0, "ids": ["a", "b"], "set": set });
        assert!(!go_on(&shared, &inventory, &[]));
        assert_eq!(told(&mut queue), whole(0));
        assert!(!shared.go_on(&inventory.snapshot(), None));
        assert_eq!(told(&mut queue), whole(1));
    }
}
