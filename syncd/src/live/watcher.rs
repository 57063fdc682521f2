//! One directory, watched for as long as its source is held.

use std::convert::Infallible;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use crate::connector::ldap::{LdapSource, LdapSourceError};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A connection that lasted so long was a good one.
const GOOD: Duration = Duration::from_secs(60);
/// Changes come in bursts: those of so short a time are one.
const BURST: Duration = Duration::from_millis(40);

pub(super) struct Watcher {
    pub name: String,
    pub source: LdapSource,
    /// Where the last run ended.
    pub cursor: watch::Receiver<Value>,
    pub hints: mpsc::Sender<String>,
}

impl Watcher {
    pub(super) async fn run(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = Instant::now();
            let error = match self.follow().await {
                Err(Lost::Nobody) => return,
                Err(Lost::Directory(error)) => error,
                Ok(never) => match never {},
            };
            if error.credentials_refused() {
                warn!(source = self.name, %error, "changes cannot be watched");
                // A run fails of it as well, and everybody waits as long as its hold says.
                self.hint().await;
                sleep(LONGEST_PAUSE).await;
                continue;
            }
            if begun.elapsed() > GOOD {
                pause = FIRST_PAUSE;
            }
            debug!(source = self.name, %error, retry_in_ms = pause.as_millis(), "changes cannot be watched");
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn follow(&self) -> Result<Infallible, Lost> {
        let changed = Notify::new();
        let since = self.cursor.borrow().clone();
        let mut watching = std::pin::pin!(self.source.watch(&since, &changed));
        loop {
            let error = tokio::select! {
                lost = &mut watching => match lost { Err(error) => Some(error), Ok(never) => match never {} },
                () = changed.notified() => None,
            };
            let Some(error) = error else {
                if !self.hint().await {
                    return Err(Lost::Nobody);
                }
                sleep(BURST).await;
                continue;
            };
            // The last thing that it saw may be why it ended.
            if matches!(error, LdapSourceError::SearchRefused { .. }) {
                self.hint().await;
            }
            return Err(Lost::Directory(error));
        }
    }

    /// False if nobody listens any more.
    async fn hint(&self) -> bool {
        self.hints.send(self.name.clone()).await.is_ok()
    }
}

enum Lost {
    Directory(LdapSourceError),
    /// The daemon stops.
    Nobody,
}
