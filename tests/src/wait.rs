use std::thread;
use std::time::{Duration, Instant};

/// How long an event may take before a test gives up on it. Generous: a loaded machine is no bug.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for an event that announces itself nowhere but in the state that `happened` looks at.
#[track_caller]
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain until {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
