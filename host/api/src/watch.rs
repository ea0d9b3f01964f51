//! The live lists of one socket, by the names that its client gave them.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use app::watch::{self, Asked, Watch};
use app::{App, Error};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use wire::Failure;

use crate::session::Session;

/// Lists that one socket may watch: a page shows a handful.
const WATCHES: usize = 32;

/// Notifications that may wait for the socket: one of each list. A list whose notification finds no room waits, and tells the
/// latest state when there is.
const QUEUE: usize = WATCHES;

/// What a socket watches.
#[derive(Default)]
pub(crate) struct Watches {
    open: Mutex<HashMap<String, (Asked, Watch)>>,
    /// None where nobody listens: requests have a session, too.
    sink: OnceLock<mpsc::Sender<String>>,
}

impl Watches {
    /// Returns the queue of notifications, for the one that writes them to the socket.
    pub(crate) fn queue(&self) -> mpsc::Receiver<String> {
        let (sink, queue) = mpsc::channel(QUEUE);
        // A second listener would hear nothing; there is none.
        let _ = self.sink.set(sink);
        queue
    }

    fn sink(&self) -> Result<mpsc::Sender<String>, Failure> {
        self.sink.get().cloned().ok_or(Failure::NotImplemented)
    }

    /// Ends a watch; an unknown one has ended already.
    pub(crate) fn end(&self, name: &str) {
        self.open.lock().remove(name);
    }
}

/// Opens a window, in the place of the one of the same name; returns the answer as JSON.
pub(crate) async fn start(app: &Arc<App>, session: &Arc<Session>, asked: Asked) -> Result<String, Error> {
    let prepared = watch::prepare(&session.ctx(app)?, &asked).await?;
    let class = prepared.class().clone();
    let answer = {
        let mut open = session.watches.open.lock();
        if open.len() >= WATCHES && !open.contains_key(&asked.watch) {
            return Err(Failure::invalid(format!("a connection may have {WATCHES} watches")).into());
        }
        // First the end of the old one: nothing of it comes behind the answer.
        open.remove(&asked.watch);
        let (watch, answer) = prepared.start(&asked.watch, session.watches.sink()?)?;
        open.insert(asked.watch.clone(), (asked, watch));
        answer
    };
    // The rights may have changed in the meantime, when this watch was not among those that are looked at.
    if class_now(app, session) != Some(class) {
        review(app, session).await;
    }
    Ok(answer)
}

/// Makes the lists of a socket anew whose rights are not those of its account any more; they are told as a whole.
pub(crate) async fn review(app: &Arc<App>, session: &Arc<Session>) {
    loop {
        let class = class_now(app, session);
        let stale = |(_, watch): &&(Asked, Watch)| Some(watch.class()) != class.as_ref();
        let Some(asked) = session.watches.open.lock().values().find(stale).map(|(asked, _)| asked.clone()) else {
            return;
        };
        let prepared = match session.ctx(app) {
            Ok(ctx) => watch::prepare(&ctx, &asked).await,
            Err(failure) => Err(failure.into()),
        };
        let mut open = session.watches.open.lock();
        match prepared {
            // The client may have asked for something else meanwhile: then that is looked at in its turn.
            Ok(prepared) if open.get(&asked.watch).is_some_and(|(known, _)| *known == asked) => {
                open.remove(&asked.watch);
                let Ok(sink) = session.watches.sink() else { return };
                let watch = prepared.restart(&asked.watch, sink);
                open.insert(asked.watch.clone(), (asked, watch));
            }
            Ok(_) => {}
            Err(_) => _ = open.remove(&asked.watch),
        }
    }
}

fn class_now(app: &Arc<App>, session: &Session) -> Option<access::VisibilityClass> {
    session.ctx(app).ok().map(|ctx| access::visibility(&ctx.caller))
}
