//! Watches directories, so that a change is seen when it happens. What is seen is a hint and no more: a run is
//! asked for, and reads from where the last one ended.
//!
//! Of several daemons one watches a source (`hold_live`). A source is watched while it has a cursor and nothing
//! waits for a person: whatever a run cannot carry on from is not asked for again and again.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, info, warn};
use uuid::Uuid;

use crate::database::{DatabaseError, Session};
use crate::lease::{self, HeldLive};
use crate::pipeline::Surroundings;
use crate::source::{self, Opened};
use crate::task::Owned;

mod watcher;
use watcher::Watcher;

/// Three attempts within the time of a lease.
const RENEW_EVERY: Duration = Duration::from_secs(3);
const LEASE: Duration = Duration::from_secs(10);
const LONGEST_ANSWER: Duration = Duration::from_secs(5);
const LONGEST_RELEASE: Duration = Duration::from_millis(500);
/// Hints about one source while somebody takes them.
const WAITING_HINTS: usize = 64;

pub async fn run(around: Surroundings) {
    let (sender, hints) = mpsc::channel(WAITING_HINTS);
    let mut live = Live {
        holder: Uuid::new_v4(),
        session: None,
        watched: HashMap::new(),
        wanted: HashSet::new(),
        renewed: Instant::now(),
        sender,
        hints,
    };
    tokio::select! {
        () = live.keep(&around) => {}
        () = around.shutdown.requested() => {}
    }
    live.watched.clear();
    // Other daemons go on at once.
    if let Some(session) = &live.session {
        let _ = timeout(LONGEST_RELEASE, lease::release_live(&session.client, live.holder)).await;
    }
}

struct Live {
    holder: Uuid,
    session: Option<Session>,
    watched: HashMap<String, Watched>,
    /// Sources of which runs are to be asked for.
    wanted: HashSet<String>,
    renewed: Instant,
    sender: mpsc::Sender<String>,
    hints: mpsc::Receiver<String>,
}

/// A source that this daemon watches.
struct Watched {
    config: Value,
    cursor: watch::Sender<Value>,
    _task: Owned<()>,
}

impl Live {
    async fn keep(&mut self, around: &Surroundings) {
        loop {
            if let Err(error) = self.renew(around).await {
                debug!(%error, "sources could not be held for watching");
                self.session = None;
            }
            if self.renewed.elapsed() > LEASE {
                // Somebody else has them, or may have.
                self.watched.clear();
            }
            self.take_hints(Instant::now() + RENEW_EVERY).await;
        }
    }

    async fn renew(&mut self, around: &Surroundings) -> Result<(), DatabaseError> {
        let session = match self.session.take() {
            Some(session) if !session.client.is_closed() => session,
            _ => around.database.connect().await?,
        };
        let held = answer(lease::hold_live(&session.client, self.holder)).await?;
        self.session = Some(session);
        self.renewed = Instant::now();
        self.watched.retain(|source, _| held.iter().any(|held| held.source.source == *source));
        for held in held {
            self.watch(around, held);
        }
        self.ask_for_runs().await
    }

    fn watch(&mut self, around: &Surroundings, held: HeldLive) {
        let HeldLive { source, cursor } = held;
        if let Some(watched) = self.watched.get(&source.source)
            && watched.config == source.config
        {
            watched.cursor.send_replace(cursor);
            return;
        }
        let opened = match source::open(&source, &around.secrets) {
            Ok(Opened::Ldap(opened)) => *opened,
            // A run says what is wrong.
            _ => return,
        };
        info!(source = source.source, "watching for changes");
        let (sender, cursor) = watch::channel(cursor);
        let watcher =
            Watcher { name: source.source.clone(), source: opened, cursor, hints: self.sender.clone() };
        let watched = Watched { config: source.config, cursor: sender, _task: Owned::spawn(watcher.run()) };
        self.watched.insert(source.source, watched);
    }

    async fn take_hints(&mut self, until: Instant) {
        loop {
            let source = tokio::select! {
                Some(source) = self.hints.recv() => source,
                () = sleep_until(until) => return,
            };
            self.wanted.insert(source);
            if let Err(error) = self.ask_for_runs().await {
                warn!(%error, "a change was seen, and no run could be asked for yet");
                self.session = None;
                sleep(Duration::from_millis(200)).await;
                return;
            }
        }
    }

    /// What cannot be asked for now is asked for on the next connection.
    async fn ask_for_runs(&mut self) -> Result<(), DatabaseError> {
        let Some(session) = &self.session else { return Ok(()) };
        for source in self.wanted.clone() {
            answer(lease::request_run(&session.client, &source)).await?;
            self.wanted.remove(&source);
        }
        Ok(())
    }
}

async fn answer<T>(question: impl Future<Output = Result<T, DatabaseError>>) -> Result<T, DatabaseError> {
    timeout(LONGEST_ANSWER, question).await.unwrap_or_else(|_| {
        Err(DatabaseError::Lost(format!("no answer within {} s", LONGEST_ANSWER.as_secs())))
    })
}
