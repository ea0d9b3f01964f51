//! The task of one connection. It reads, answers what it can answer from memory at once, and writes; a call that has to
//! wait for something becomes a task of its own, so that it ends well even if the peer has left.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use access::VisibilityClass;
use app::Notice;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{broadcast, mpsc};
use tokio_tungstenite::tungstenite::{Error, Utf8Bytes};
use tracing::{debug, info};

use super::lines::Lines;
use super::outbox::{Control, Framing, Out, Outbox};
use super::{envelope, reading};
use crate::Api;
use crate::feed::{self, Batch, Frame, Moved};
use crate::listing::{Listing, Stream};
use crate::session::Session;

/// Calls per socket that wait for something; the next message waits, too. A bulk client of Xen Orchestra has some 20.
const CALLS: usize = 256;

/// Answers of such calls that wait for the socket's task; beyond it the calls wait.
const ANSWERS: usize = 16;

/// How long our reason for the end may take to leave, and the peer to hear it.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long who has said all may take to hear the rest.
const HEARING: Duration = Duration::from_secs(30);

/// Why we end a socket; codes of RFC 6455.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    TooBig,
    NotText,
    NotUtf8,
    SignedOut,
    Dismissed,
    Slow,
    Leaving,
    /// The peer said goodbye.
    Theirs,
    /// The peer has said all, and heard all that belongs to it.
    Done,
    /// Nothing can be said any more.
    Broken,
}

impl Ending {
    fn code(self) -> Option<(u16, &'static str)> {
        Some(match self {
            Self::TooBig => (1009, "messages may have 4 MiB"),
            Self::NotText => (1003, "send text frames"),
            Self::NotUtf8 => (1007, "text must be UTF-8"),
            Self::SignedOut => (1008, "the session has ended"),
            Self::Dismissed => (1001, "an administrator has closed all connections; connect again"),
            Self::Slow => (1013, "too much was missed; connect and list again"),
            Self::Leaving => (1001, "the daemon is stopping"),
            Self::Theirs | Self::Done | Self::Broken => return None,
        })
    }

    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::Utf8(_) => Self::NotUtf8,
            Error::Capacity(_) => Self::TooBig,
            _ => Self::Broken,
        }
    }
}

/// What came from the peer.
pub(super) enum Received {
    /// A message.
    Text(Utf8Bytes),
    /// Nothing to answer.
    Nothing,
    /// The peer says nothing more, but may listen.
    End,
}

/// The reading half of a connection.
pub(super) trait Incoming: Send {
    /// Waits for what comes next. Dropping the future loses nothing.
    fn next(&mut self) -> impl Future<Output = Result<Received, Ending>> + Send;
    /// Reads and drops what still comes until the peer ends the connection.
    fn drain(&mut self) -> impl Future<Output = ()> + Send;
}

/// Serves a WebSocket until it ends.
pub(super) async fn run(api: Api, session: Arc<Session>, io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let (read, write) = tokio::io::split(io);
    let control = Control::default();
    let incoming = reading::new(read, control.clone()).await;
    run_on(api, session, incoming, Outbox::new(write, Framing::WebSocket, control)).await;
}

/// Serves a connection on which a message is a line until it ends.
pub(super) async fn run_lines(
    api: Api,
    session: Arc<Session>,
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) {
    let (read, write) = tokio::io::split(io);
    let outbox = Outbox::new(write, Framing::Lines, Control::default());
    run_on(api, session, Lines::new(read), outbox).await;
}

async fn run_on<W: AsyncWrite + Unpin + Send>(
    api: Api,
    session: Arc<Session>,
    mut incoming: impl Incoming,
    mut outbox: Outbox<W>,
) {
    let ending = serve(&api, &session, &mut incoming, &mut outbox).await;
    if let Some((code, reason)) = ending.code() {
        info!(code, reason, "socket closed by the daemon");
        outbox.close(code, reason);
        // What the peer still sends is read and dropped for a moment: closing with unread bytes would reset the connection
        // and could take our reason with it.
        let farewell = async { tokio::join!(outbox.finish(), incoming.drain()) };
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    } else if ending == Ending::Done {
        let _ = tokio::time::timeout(HEARING, outbox.finish()).await;
    } else if ending == Ending::Theirs {
        outbox.give_up();
        // The library has the answer to the peer's close frame ready, and hands it out when it is asked for more.
        let _ = incoming.next().await;
        let _ = tokio::time::timeout(FAREWELL, outbox.finish()).await;
    }
}

async fn serve<W: AsyncWrite + Unpin + Send>(
    api: &Api,
    session: &Arc<Session>,
    incoming: &mut impl Incoming,
    outbox: &mut Outbox<W>,
) -> Ending {
    let (answered, mut answers) = mpsc::channel::<Option<Stream>>(ANSWERS);
    let mut waiting = 0;
    let mut has_ended = false;
    let mut class = heard_by(api, session);
    let mut feed = api.feed.listen(class.clone());
    let mut notices = api.app.notices();
    let mut watched = session.watches.queue();
    let mut stop = api.app.workers.stop_signal();
    loop {
        if has_ended && waiting == 0 {
            return Ending::Done;
        }
        let room = outbox.has_room();
        tokio::select! {
            // Whoever signed in hears of every change from then on, before the first question is answered. Pongs that
            // reading makes are written by the outbox, which is polled behind it.
            biased;
            () = session.changed.notified() => {
                if session.is_dismissed() {
                    return Ending::Dismissed;
                }
                follow(api, session, &mut class, &mut feed);
            }
            received = incoming.next(), if room && waiting < CALLS && !has_ended => match received {
                Ok(Received::Text(text)) => {
                    if session.is_expired(api.app.clock.now()) {
                        return Ending::SignedOut;
                    }
                    match at_once_or_later(api, session, text, &answered).await {
                        Poll::Ready(answer) => answer.into_iter().for_each(|answer| outbox.push(Out::Stream(answer))),
                        Poll::Pending => waiting += 1,
                    }
                }
                Ok(Received::Nothing) => {}
                Ok(Received::End) => has_ended = true,
                Err(ending) => return ending,
            },
            driven = outbox.drive() => if let Err(cause) = driven {
                debug!(%cause, "socket cannot be written");
                return Ending::Broken;
            },
            Some(answer) = answers.recv(), if room => {
                waiting -= 1;
                answer.into_iter().for_each(|answer| outbox.push(Out::Stream(answer)));
            }
            frame = feed.recv(), if room => {
                let told = match frame {
                    Ok(frame) => tell(api, &class, frame, outbox),
                    Err(broadcast::error::RecvError::Lagged(_)) => Err(Ending::Slow),
                    Err(broadcast::error::RecvError::Closed) => Err(Ending::Leaving),
                };
                if let Err(ending) = told {
                    return ending;
                }
            }
            notice = notices.recv(), if room => match notice {
                Ok(Notice::UserRemoved(id)) if session.user_id().as_ref() == Some(&id) => return Ending::SignedOut,
                Ok(Notice::RightsChanged(users)) => if let Some(id) = session.user_id().filter(|id| users.contains(id)) {
                    if let Err(ending) = shift(api, session, &mut class, &mut feed, outbox).await {
                        return ending;
                    }
                    // Told without being asked for: what one may do has changed under the page.
                    outbox.push(Out::Stream(feed::user_changed(&id).into()));
                }
                Ok(Notice::TokenRemoved(id)) if session.token_id().as_ref() == Some(&id) => return Ending::SignedOut,
                Ok(notice) => {
                    if let Some((topic, text)) = feed::notification(&api.app, &notice)
                        && session.wants(topic)
                        && class_of(api, session).sees_all()
                    {
                        outbox.push(Out::Stream(text.into()));
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => return Ending::Slow,
                Err(broadcast::error::RecvError::Closed) => return Ending::Leaving,
            },
            Some(notification) = watched.recv(), if room => outbox.push(Out::Stream(notification.into_bytes().into())),
            () = stop.wait() => return Ending::Leaving,
        }
    }
}

/// Answers a message if that takes no waiting; otherwise its answer comes later, by `answered`, even an empty one.
async fn at_once_or_later(
    api: &Api,
    session: &Arc<Session>,
    text: Utf8Bytes,
    answered: &mpsc::Sender<Option<Stream>>,
) -> Poll<Option<Stream>> {
    let (api, session) = (api.clone(), session.clone());
    let mut call = Box::pin(async move { envelope::answer(&api, &session, &text).await });
    let first = futures::poll!(call.as_mut());
    if first.is_pending() {
        let answered = answered.clone();
        tokio::spawn(async move {
            let answer = call.await;
            // The socket may be gone; the call was made all the same.
            let _ = answered.send(answer).await;
        });
    }
    first
}

/// Passes on what a class is told.
fn tell<W: AsyncWrite + Unpin>(
    api: &Api,
    class: &VisibilityClass,
    frame: Frame,
    outbox: &mut Outbox<W>,
) -> Result<(), Ending> {
    match frame {
        Frame::Ready(bytes, stamp) => {
            outbox.push(Out::Frames(bytes));
            outbox.stamp(stamp);
        }
        Frame::Bulk(batch, stamp) => {
            let exit = batch.exit(class);
            outbox.push(Out::Stream(entered(api, batch, class)));
            if let Some(exit) = exit {
                outbox.push(Out::Stream(exit.into()));
            }
            outbox.stamp(stamp);
        }
        Frame::Resync => return Err(Ending::Slow),
    }
    Ok(())
}

fn entered(api: &Api, batch: Arc<Batch>, class: &VisibilityClass) -> Stream {
    let mut enter = Stream::from(feed::ENTER.to_vec());
    enter.append(Listing::changed(api.app.inventory.json(), batch, class.clone()).into());
    enter.bytes(feed::END);
    enter
}

/// Goes on with what an account sees whose rights have changed: what it lost goes out of sight, what it gained comes in.
async fn shift<W: AsyncWrite + Unpin>(
    api: &Api,
    session: &Arc<Session>,
    class: &mut VisibilityClass,
    feed: &mut broadcast::Receiver<Frame>,
    outbox: &mut Outbox<W>,
) -> Result<(), Ending> {
    let to = heard_by(api, session);
    if to != *class {
        let old = std::mem::replace(feed, api.feed.listen(VisibilityClass::Nothing));
        let Moved { rest, at, feed: new } = api.feed.shift(old, to.clone()).await.ok_or(Ending::Slow)?;
        // These may be more than the queue has room for; they are shared, and the socket takes nothing else until they left.
        rest.into_iter().try_for_each(|frame| tell(api, class, frame, outbox))?;
        let from = std::mem::replace(class, to.clone());
        *feed = new;
        let look = tokio::task::spawn_blocking(move || Batch::difference(at, &from, &to));
        let (seen, lost) = look.await.map_err(|_| Ending::Slow)?;
        if let Some(lost) = lost {
            outbox.push(Out::Stream(lost.into()));
        }
        if !seen.is_empty() {
            outbox.push(Out::Stream(entered(api, Arc::new(seen), class)));
        }
    }
    let (app, session) = (api.app.clone(), session.clone());
    tokio::spawn(async move { crate::watch::review(&app, &session).await });
    Ok(())
}

/// Lets what the socket is told follow who signed in and what it asked for.
fn follow(api: &Api, session: &Arc<Session>, class: &mut VisibilityClass, feed: &mut broadcast::Receiver<Frame>) {
    let now = heard_by(api, session);
    // Otherwise what waits in the channel would be lost.
    if now != *class {
        (*class, *feed) = (now.clone(), api.feed.listen(now));
    }
    let (app, session) = (api.app.clone(), session.clone());
    tokio::spawn(async move { crate::watch::review(&app, &session).await });
}

/// Returns the class whose changes the socket is told: that of its account, or none when it asked not to be told.
fn heard_by(api: &Api, session: &Session) -> VisibilityClass {
    if session.wants_all() { class_of(api, session) } else { VisibilityClass::Nothing }
}

/// Returns what the socket's account sees.
fn class_of(api: &Api, session: &Session) -> VisibilityClass {
    session.ctx(&api.app).map_or(VisibilityClass::Nothing, |ctx| access::visibility(&ctx.caller))
}
