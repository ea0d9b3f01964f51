//! Answers of hosts, kept for as long as there can be no news; and however many ask, a host is asked once.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Millis, ObjectId};
use parking_lot::Mutex;
use tokio::sync::watch;
use wire::Failure;

use super::Granularity;
use super::answer::Answer;

/// What became of asking a host.
pub(super) type Outcome = Result<Arc<Answer>, Failure>;

/// What is kept for.
type Key = (ObjectId, Granularity);

/// Bytes of answers that are kept. A host with 30 VMs has about 400 KB at a granularity: enough for the hosts that people
/// look at in one moment; whoever wants more than that only makes the hosts work again.
const ROOM: usize = 24 << 20;

/// How long a host that failed is left alone. Readers come each few seconds, and some failures take all the time limit.
const FAILED: Millis = 10_000;

/// How long an answer is kept that nobody wants: those of days would be good for a day.
const UNUSED: Millis = 600_000;

/// All answers.
#[derive(Default)]
pub(crate) struct Cache(Mutex<HashMap<Key, Entry>>);

struct Entry {
    /// None while the host is being asked.
    outcome: watch::Receiver<Option<(Millis, Outcome)>>,
    used: Millis,
}

/// The duty to ask a host, and to say what came of it. Dropped, those who wait are told that there is nothing.
pub(super) struct Ticket {
    key: Key,
    outcome: watch::Sender<Option<(Millis, Outcome)>>,
}

impl Entry {
    /// Returns whether it may still be told at `now`, to somebody who wants nothing from before `since`.
    fn is_good(&self, granularity: Granularity, now: Millis, since: Millis) -> bool {
        match &*self.outcome.borrow() {
            // Still on the way, unless whoever had the ticket is gone.
            None => self.outcome.has_changed().is_ok(),
            Some((at, outcome)) => {
                let step = Millis::from(granularity.step()) * 1_000;
                let life = if outcome.is_ok() { step } else { FAILED };
                // A clock that was set back makes everything old.
                *at >= since && (*at..at.saturating_add(life)).contains(&now)
            }
        }
    }

    fn bytes(&self) -> usize {
        match &*self.outcome.borrow() {
            Some((_, Ok(answer))) => answer.bytes,
            _ => 0,
        }
    }
}

impl Cache {
    /// Returns where the outcome is, or will be; with a ticket, the caller has to fetch it.
    pub(super) fn look(
        &self,
        key: &Key,
        now: Millis,
        since: Millis,
    ) -> (Option<Ticket>, watch::Receiver<Option<(Millis, Outcome)>>) {
        let mut entries = self.0.lock();
        if let Some(entry) = entries.get_mut(key).filter(|entry| entry.is_good(key.1, now, since)) {
            entry.used = now;
            return (None, entry.outcome.clone());
        }
        let (sender, outcome) = watch::channel(None);
        entries.insert(key.clone(), Entry { outcome: outcome.clone(), used: now });
        (Some(Ticket { key: key.clone(), outcome: sender }), outcome)
    }

    /// Tells all who wait, and makes room.
    pub(super) fn finish(&self, ticket: Ticket, outcome: Outcome, now: Millis) {
        ticket.outcome.send_replace(Some((now, outcome)));
        let mut entries = self.0.lock();
        entries.retain(|(_, granularity), entry| {
            entry.is_good(*granularity, now, 0) && now.saturating_sub(entry.used) < UNUSED
        });
        let mut bytes: usize = entries.values().map(Entry::bytes).sum();
        while bytes > ROOM {
            let oldest = entries.iter().filter(|(_, entry)| entry.bytes() > 0).min_by_key(|(_, entry)| entry.used);
            let Some((key, entry)) = oldest.map(|(key, entry)| (key.clone(), entry.bytes())) else { break };
            entries.remove(&key);
            bytes -= entry;
        }
        let _ = ticket.key;
    }
}

/// Waits for what comes of it.
pub(super) async fn wait(mut outcome: watch::Receiver<Option<(Millis, Outcome)>>) -> Outcome {
    match outcome.wait_for(Option::is_some).await.as_deref() {
        Ok(Some((_, outcome))) => outcome.clone(),
        _ => Err(Failure::Busy("the daemon is stopping".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::tests::answer;
    use super::*;

    const KEY: &str = "host";

    fn key(granularity: Granularity) -> Key {
        (KEY.into(), granularity)
    }

    fn good(now: Millis) -> Outcome {
        let body = "{meta:{start:0,step:5,end:5,legend:['AVERAGE:host:h:a']},data:[]}";
        Ok(Arc::new(answer(body, Granularity::Seconds, now).unwrap()))
    }

    #[tokio::test]
    async fn a_hundred_readers_make_one_fetch() {
        let cache = Arc::new(Cache::default());
        let (ticket, first) = cache.look(&key(Granularity::Seconds), 1_000, 0);
        let ticket = ticket.expect("the first one fetches");
        let mut readers = Vec::new();
        for _ in 0..99 {
            let (ticket, outcome) = cache.look(&key(Granularity::Seconds), 1_000, 0);
            assert!(ticket.is_none());
            readers.push(tokio::spawn(wait(outcome)));
        }
        // The first reader hangs up; that is no harm to the others.
        drop(first);
        cache.finish(ticket, good(1_000), 1_000);
        for reader in readers {
            assert_eq!(reader.await.unwrap().unwrap().fetched, 1_000);
        }
    }

    #[test]
    fn answers_are_good_for_a_step_and_failures_for_ten_seconds() {
        let fails = || Err(Failure::HostOffline { id: KEY.to_owned() });
        for (granularity, outcome, life) in [
            (Granularity::Seconds, good(0), 5_000),
            (Granularity::Minutes, good(0), 60_000),
            (Granularity::Hours, good(0), 3_600_000),
            (Granularity::Days, good(0), 86_400_000),
            (Granularity::Days, fails(), 10_000),
        ] {
            let cache = Cache::default();
            let fetches = |now, since| cache.look(&key(granularity), now, since).0;
            let ticket = fetches(1_000, 0).expect("nothing is there");
            cache.finish(ticket, outcome, 1_000);
            assert!(fetches(1_000 + life - 1, 0).is_none(), "{granularity:?}");
            assert!(fetches(1_000 + life - 1, 1_001).is_some(), "{granularity:?}: a reader who wants a newer one");
        }
        let cache = Cache::default();
        let ticket = cache.look(&key(Granularity::Seconds), 9_000, 0).0.expect("nothing is there");
        cache.finish(ticket, good(9_000), 9_000);
        assert!(cache.look(&key(Granularity::Seconds), 14_000, 0).0.is_some());
        assert!(cache.look(&key(Granularity::Minutes), 9_000, 0).0.is_some(), "each granularity on its own");
    }

    #[tokio::test]
    async fn a_lost_ticket_holds_nobody_up() {
        let cache = Cache::default();
        let (ticket, outcome) = cache.look(&key(Granularity::Seconds), 0, 0);
        drop(ticket);
        assert!(wait(outcome).await.is_err());
        assert!(cache.look(&key(Granularity::Seconds), 0, 0).0.is_some());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let cache = Cache::default();
        let columns: Vec<_> = (0..2_000).map(|n| format!("'AVERAGE:vm:v:cpu{n}'")).collect();
        let row = |t: usize| format!("{{t:{t},values:[{}]}}", vec![t.to_string(); 2_000].join(","));
        let rows: Vec<_> = (0..120).map(|n| row(n * 3_600)).collect();
        let body =
            format!("{{meta:{{start:0,step:3600,end:0,legend:[{}]}},data:[{}]}}", columns.join(","), rows.join(","));
        let large = Arc::new(answer(&body, Granularity::Hours, 0).unwrap());
        assert!((1_900_000..2_500_000).contains(&large.bytes), "{}", large.bytes);
        for host in 0..40 {
            let key = (format!("host-{host:02}").as_str().into(), Granularity::Hours);
            let ticket = cache.look(&key, host, 0).0.expect("a new one");
            cache.finish(ticket, Ok(large.clone()), host);
        }
        let entries = cache.0.lock();
        let bytes: usize = entries.values().map(Entry::bytes).sum();
        assert!(bytes <= ROOM && bytes > ROOM - large.bytes, "{bytes}");
        assert!(entries.contains_key(&("host-39".into(), Granularity::Hours)), "the newest stays");
        drop(entries);
        let ticket = cache.look(&key(Granularity::Days), UNUSED + 40, 0).0.expect("a new one");
        cache.finish(ticket, good(0), UNUSED + 40);
        assert_eq!(cache.0.lock().len(), 1, "what nobody wants goes");
    }
}
