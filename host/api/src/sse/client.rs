//! One client of the event stream: what it asked for, and what was not yet read or may be asked for again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use access::VisibilityClass;
use bytes::Bytes;
use model::{Millis, Principal, TokenId, UserId};
use parking_lot::Mutex;
use tokio::sync::watch;

/// Bytes of events that are kept for a client, read or not: a pool of a thousand VMs comes into sight in four megabytes.
/// They are shared with all who see the same. Whose reader is further behind is disconnected and lists again.
const KEPT: usize = 8 << 20;

/// Bytes that are taken at once, perhaps one event more.
const PIECE: usize = 64 << 10;

/// The properties that a subscription asks for; none = all.
pub(super) type Fields = Option<Vec<String>>;

/// A client, for as long as it listens and a while longer.
pub(crate) struct Client {
    pub(super) id: String,
    pub(super) user: UserId,
    pub(super) token: Option<TokenId>,
    pub(super) expiration: Option<Millis>,
    state: Mutex<State>,
    /// Tells the reader that there is something, or that it is over.
    wake: watch::Sender<()>,
}

struct State {
    principal: Arc<Principal>,
    class: VisibilityClass,
    /// By collection.
    subscriptions: BTreeMap<String, Fields>,
    kept: VecDeque<Bytes>,
    /// Bytes in `kept`.
    size: usize,
    /// Number of the first of `kept`.
    first: u64,
    /// Counts the readers; only the last one goes on.
    readers: u64,
    /// Since when nobody reads.
    left: Option<Millis>,
    is_over: bool,
}

/// What a reader finds.
pub(super) enum Taken {
    Bytes(Bytes),
    Nothing,
    Over,
}

/// Where a reader is.
pub(super) struct Place {
    pub(super) reader: u64,
    pub(super) next: u64,
}

impl Client {
    pub(super) fn new(
        id: String,
        principal: Arc<Principal>,
        class: VisibilityClass,
        token: Option<TokenId>,
        expiration: Option<Millis>,
    ) -> Self {
        let user = principal.id.clone();
        let state = State {
            principal,
            class,
            subscriptions: BTreeMap::new(),
            kept: VecDeque::new(),
            size: 0,
            first: 0,
            readers: 0,
            left: None,
            is_over: false,
        };
        Self { id, user, token, expiration, state: Mutex::new(state), wake: watch::Sender::new(()) }
    }

    pub(super) fn woken(&self) -> watch::Receiver<()> {
        self.wake.subscribe()
    }

    /// Begins to read, behind the event `after` or at the oldest that is kept; none when what comes next is gone.
    pub(super) fn attach(&self, after: Option<u64>) -> Option<Place> {
        let mut state = self.state.lock();
        let end = state.first + state.kept.len() as u64;
        let next = after.map_or(state.first, |after| after.saturating_add(1));
        if state.is_over || next < state.first || next > end {
            return None;
        }
        state.readers += 1;
        state.left = None;
        let place = Place { reader: state.readers, next };
        drop(state);
        // The last reader sees that it is not the last any more.
        self.wake.send_replace(());
        Some(place)
    }

    /// Notes that a reader is gone.
    pub(super) fn detach(&self, place: &Place, now: Millis) {
        let mut state = self.state.lock();
        if state.readers == place.reader {
            state.left = Some(now);
        }
    }

    /// Returns since when nobody reads.
    pub(super) fn left(&self) -> Option<Millis> {
        self.state.lock().left
    }

    /// Ends it: the reader stops, and nobody can go on here.
    pub(super) fn end(&self) {
        let mut state = self.state.lock();
        state.is_over = true;
        state.kept.clear();
        drop(state);
        self.wake.send_replace(());
    }

    pub(super) fn is_over(&self) -> bool {
        self.state.lock().is_over
    }

    /// Returns what is there for a reader.
    pub(super) fn take(&self, place: &mut Place) -> Taken {
        let state = self.state.lock();
        if state.is_over || state.readers != place.reader || place.next < state.first {
            return Taken::Over;
        }
        let skip = usize::try_from(place.next - state.first).unwrap_or(usize::MAX);
        let mut out = Vec::new();
        for event in state.kept.iter().skip(skip) {
            out.extend_from_slice(format!("id: {}.{}\n", self.id, place.next).as_bytes());
            out.extend_from_slice(event);
            place.next += 1;
            if out.len() >= PIECE {
                break;
            }
        }
        if out.is_empty() { Taken::Nothing } else { Taken::Bytes(out.into()) }
    }

    /// Adds events at the end; the oldest make room.
    pub(super) fn push(&self, events: &[Bytes]) {
        if events.is_empty() {
            return;
        }
        let mut state = self.state.lock();
        for event in events {
            state.size += event.len();
            state.kept.push_back(event.clone());
            while state.size > KEPT
                && let Some(oldest) = state.kept.pop_front()
            {
                state.size -= oldest.len();
                state.first += 1;
            }
        }
        drop(state);
        self.wake.send_replace(());
    }

    pub(super) fn subscribe(&self, collection: &str, fields: Fields) {
        self.state.lock().subscriptions.insert(collection.to_owned(), fields);
    }

    /// Returns whether there was such a subscription.
    pub(super) fn unsubscribe(&self, collection: &str) -> bool {
        self.state.lock().subscriptions.remove(collection).is_some()
    }

    pub(super) fn class(&self) -> VisibilityClass {
        self.state.lock().class.clone()
    }

    pub(super) fn principal(&self) -> Arc<Principal> {
        self.state.lock().principal.clone()
    }

    pub(super) fn subscriptions(&self) -> Vec<(String, Fields)> {
        let state = self.state.lock();
        state.subscriptions.iter().map(|(collection, fields)| (collection.clone(), fields.clone())).collect()
    }

    pub(super) fn fields_of(&self, collection: &str) -> Option<Fields> {
        self.state.lock().subscriptions.get(collection).cloned()
    }

    /// Sets what the account may see from now on; returns what it saw until now.
    pub(super) fn change(&self, principal: Arc<Principal>, class: VisibilityClass) -> VisibilityClass {
        let mut state = self.state.lock();
        state.principal = principal;
        std::mem::replace(&mut state.class, class)
    }
}

#[cfg(test)]
mod tests {
    use model::{Permission, Rights};

    use super::*;

    fn client() -> Client {
        let principal = Principal {
            id: UserId::from("u"),
            name: "u".to_owned(),
            permission: Permission::Admin,
            rights: Rights::default().into(),
        };
        Client::new("c".to_owned(), principal.into(), VisibilityClass::Administrator, None, None)
    }

    fn text(taken: Taken) -> String {
        match taken {
            Taken::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            Taken::Nothing => "nothing".to_owned(),
            Taken::Over => "over".to_owned(),
        }
    }

    #[test]
    fn a_reader_goes_on_where_the_last_one_stopped() {
        let client = client();
        let mut one = client.attach(None).unwrap();
        assert_eq!(text(client.take(&mut one)), "nothing");
        client.push(&["a\n\n".into(), "b\n\n".into()]);
        assert_eq!(text(client.take(&mut one)), "id: c.0\na\n\nid: c.1\nb\n\n");
        // It had heard of the first only.
        let mut two = client.attach(Some(0)).unwrap();
        assert_eq!(text(client.take(&mut two)), "id: c.1\nb\n\n");
        assert_eq!(text(client.take(&mut one)), "over");
        client.detach(&one, 5);
        assert_eq!(client.left(), None, "another reads");
        client.detach(&two, 6);
        assert_eq!(client.left(), Some(6));
        assert!(client.attach(Some(2)).is_none(), "from the future");
        client.end();
        assert!(client.attach(Some(1)).is_none());
    }

    #[test]
    fn memory_is_bounded_and_who_is_too_slow_is_over() {
        let client = client();
        let mut slow = client.attach(None).unwrap();
        let event = Bytes::from(vec![b'x'; 1 << 20]);
        for _ in 0..8 {
            client.push(std::slice::from_ref(&event));
        }
        assert!(matches!(client.take(&mut slow), Taken::Bytes(_)));
        for _ in 0..8 {
            client.push(std::slice::from_ref(&event));
        }
        assert!(client.state.lock().size <= KEPT);
        assert_eq!(text(client.take(&mut slow)), "over");
        assert!(client.attach(Some(0)).is_none(), "what came next is gone");
        assert!(client.attach(Some(12)).is_some());
    }
}
