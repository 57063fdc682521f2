//! What a service manager is told, if there is one (systemd's `Type=notify`); without one nothing happens.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::debug;

use crate::shutdown::Shutdown;

/// The daemon does its work. The database may be away: that is no reason to start the daemon again.
pub fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("serving")]);
}

/// The daemon was asked to end, and does so.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

/// Says that the daemon is alive, as often as the service manager wants to hear it (`WatchdogSec=`), until it is to stop.
pub async fn keep_alive(shutdown: &Shutdown) {
    let mut microseconds = 0;
    if !sd_notify::watchdog_enabled(false, &mut microseconds) {
        return shutdown.requested().await;
    }
    let pause = Duration::from_micros(microseconds / 2);
    loop {
        tell(&[NotifyState::Watchdog]);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.requested() => return,
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, states) {
        debug!(%error, "the service manager cannot be told");
    }
}
