//! Tells systemd how the service stands, when it runs under systemd; elsewhere nothing happens.

use sd_notify::NotifyState;

/// Says that the daemon is ready.
pub fn notify_ready() {
    tell(NotifyState::Ready);
}

/// Says that the daemon is stopping.
pub fn notify_stopping() {
    tell(NotifyState::Stopping);
}

fn tell(state: NotifyState<'_>) {
    if let Err(cause) = sd_notify::notify(false, &[state]) {
        tracing::warn!(%cause, "systemd could not be told");
    }
}
