//! Renews the leases of this process's runs, on a connection of its own, and hears how they stand. A run
//! that nobody renews for ten seconds belongs to whoever takes it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tracing::warn;

use crate::database::{Database, DatabaseError, Session};

/// Three attempts within the time of a lease.
const RENEW_EVERY: Duration = Duration::from_secs(2);
/// However many hints arrive.
const RENEW_AT_MOST_EVERY: Duration = Duration::from_millis(250);
/// Before a lease ends.
const LATE: Duration = Duration::from_secs(8);
const LONGEST_RENEWAL: Duration = Duration::from_secs(4);
/// After that somebody else may have the source, and has it when there is somebody else.
const LONGEST_SILENCE: Duration = Duration::from_secs(15);
const IDLE: Duration = Duration::from_secs(30);

/// Why a run must not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Somebody called `roster.cancel_run`.
    Cancelled(String),
    TimedOut(String),
    /// Another run has the source, or may have it.
    Lost(String),
}

/// One per process. Cheap to clone.
#[derive(Clone)]
pub struct Keeper(Arc<Shared>);

struct Shared {
    database: Database,
    runs: Mutex<HashMap<i64, Kept>>,
    begun: Notify,
    hint: Notify,
    task: OnceLock<()>,
}

struct Kept {
    verdict: watch::Sender<Option<Verdict>>,
    renewed: Instant,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Keeper").field(&self.0.runs().len()).finish()
    }
}

impl Keeper {
    /// Connects to nothing until there is a run.
    pub fn new(database: Database) -> Self {
        let (runs, task) = (Mutex::default(), OnceLock::new());
        Self(Arc::new(Shared { database, runs, begun: Notify::new(), hint: Notify::new(), task }))
    }

    /// The lease of a run that was just claimed is renewed until the answer is dropped.
    pub fn hold(&self, run_id: i64) -> Held {
        let (sender, verdict) = watch::channel(None);
        let first = self.0.insert(run_id, sender);
        self.0.task.get_or_init(|| drop(tokio::spawn(keep(self.0.clone()))));
        if first {
            self.0.begun.notify_one();
        }
        Held { run_id, keeper: self.clone(), verdict }
    }

    /// Whether the runs of this process have had their leases renewed. After a standstill they come first:
    /// a lease that ended and that nobody took is as good as new.
    pub fn is_up_to_date(&self) -> bool {
        self.0.runs().values().all(|kept| kept.renewed.elapsed() < LATE)
    }

    /// Something happened in the database that may concern a run: better look now.
    pub fn look(&self) {
        if !self.0.runs().is_empty() {
            self.0.hint.notify_one();
        }
    }
}

/// The lease of one run.
#[derive(Debug)]
pub struct Held {
    run_id: i64,
    keeper: Keeper,
    verdict: watch::Receiver<Option<Verdict>>,
}

impl Held {
    /// Returns when the run must not go on.
    pub async fn ended(&self) -> Verdict {
        let mut verdict = self.verdict.clone();
        match verdict.wait_for(Option::is_some).await.map(|verdict| verdict.clone()) {
            Ok(Some(verdict)) => verdict,
            _ => std::future::pending().await,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.keeper.0.runs().remove(&self.run_id);
    }
}

impl Shared {
    fn runs(&self) -> MutexGuard<'_, HashMap<i64, Kept>> {
        self.runs.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Whether it is the only one.
    fn insert(&self, run_id: i64, verdict: watch::Sender<Option<Verdict>>) -> bool {
        let mut runs = self.runs();
        runs.insert(run_id, Kept { verdict, renewed: Instant::now() });
        runs.len() == 1
    }

    fn take(&self, run_id: i64, verdict: Option<Verdict>) {
        if let Some(kept) = self.runs().get_mut(&run_id) {
            kept.renewed = Instant::now();
            if let Some(verdict) = verdict {
                kept.verdict.send_replace(Some(verdict));
            }
        }
    }

    /// Without PostgreSQL a run gets nowhere, and whoever still has it may give its source away.
    fn give_up_the_silent(&self) {
        for kept in self.runs().values().filter(|kept| kept.renewed.elapsed() > LONGEST_SILENCE) {
            let message =
                format!("PostgreSQL could not be reached for {} seconds", LONGEST_SILENCE.as_secs());
            kept.verdict.send_replace(Some(Verdict::Lost(message)));
        }
    }
}

async fn keep(shared: Arc<Shared>) {
    let mut session = None;
    loop {
        if shared.runs().is_empty() {
            if tokio::time::timeout(IDLE, shared.begun.notified()).await.is_err() {
                session = None;
            }
        } else {
            renew_all(&shared, &mut session).await;
            tokio::time::sleep(RENEW_AT_MOST_EVERY).await;
        }
        // What ends sooner needs no renewal.
        let _ = tokio::time::timeout(RENEW_EVERY - RENEW_AT_MOST_EVERY, shared.hint.notified()).await;
    }
}

async fn renew_all(shared: &Shared, session: &mut Option<Session>) {
    let runs: Vec<i64> = shared.runs().keys().copied().collect();
    let trouble = match tokio::time::timeout(LONGEST_RENEWAL, renew(shared, session, &runs)).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", LONGEST_RENEWAL.as_secs()),
    };
    *session = None;
    warn!(error = trouble, runs = runs.len(), "leases could not be renewed");
    shared.give_up_the_silent();
}

async fn renew(shared: &Shared, session: &mut Option<Session>, runs: &[i64]) -> Result<(), DatabaseError> {
    if session.is_none() {
        *session = Some(shared.database.connect().await?);
    }
    let Some(session) = session.as_ref() else { return Ok(()) };
    for row in session.client.query(include_str!("../../sql/renew_leases.sql"), &[&runs]).await? {
        let message: Option<String> = row.try_get("message")?;
        let verdict = verdict(row.try_get("verdict")?, message.unwrap_or_default());
        shared.take(row.try_get("run_id")?, verdict);
    }
    Ok(())
}

fn verdict(word: &str, message: String) -> Option<Verdict> {
    match word {
        "cancelled" => Some(Verdict::Cancelled(message)),
        "timed out" => Some(Verdict::TimedOut(message)),
        "lost" => Some(Verdict::Lost(message)),
        _ => None,
    }
}
