//! Whoever starts something in the background owns it: every worker has a name, a soft stop and a hard stop.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{debug, error, warn};

/// The workers of a daemon.
pub struct Workers {
    stopping: watch::Sender<bool>,
    running: Mutex<Vec<Worker>>,
}

/// Its name, and the hold on it.
type Worker = (String, JoinHandle<()>);

impl Default for Workers {
    fn default() -> Self {
        Self { stopping: watch::Sender::new(false), running: Mutex::default() }
    }
}

/// Resolves when a soft stop begins; hand a clone to whoever has to end by itself.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Waits for the soft stop.
    pub async fn wait(&mut self) {
        // An error means that the owner is gone, which is a stop as well.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}

impl Workers {
    /// Returns the signal of the soft stop.
    pub fn stop_signal(&self) -> Stop {
        Stop(self.stopping.subscribe())
    }

    /// Starts a worker. It ends by itself, by the soft stop that it listens to, or by the hard stop.
    pub fn spawn(&self, name: impl Into<String>, work: impl Future<Output = ()> + Send + 'static) {
        let name = name.into();
        debug!(worker = %name, "started");
        let mut running = self.running.lock();
        running.retain(|(name, handle)| {
            if handle.is_finished() {
                debug!(worker = %name, "ended");
            }
            !handle.is_finished()
        });
        running.push((name, tokio::spawn(work)));
    }

    /// Asks all to stop, waits up to `grace`, then ends what is left.
    pub async fn stop(&self, grace: Duration) {
        let _ = self.stopping.send(true);
        let running = std::mem::take(&mut *self.running.lock());
        let deadline = tokio::time::Instant::now() + grace;
        for (name, mut handle) in running {
            match tokio::time::timeout_at(deadline, &mut handle).await {
                Ok(Ok(())) => {}
                Ok(Err(panic)) if panic.is_panic() => error!(worker = %name, %panic, "worker had panicked"),
                Ok(Err(_)) => {}
                Err(_) => {
                    warn!(worker = %name, "worker did not stop in time and is ended");
                    handle.abort();
                }
            }
        }
    }
}
