//! What was refused, or only taken in part: told to the database beside the requests, so that an administrator sees
//! what a provider really sent (`syncd scim log`). Never delays a request; what is too much is dropped and counted.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tracing::warn;

use crate::database::{DatabaseError, Pool};

const WAITING: usize = 1024;
const AT_ONCE: usize = 256;
/// The log of losses must not become a flood itself.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// One row of the log, before equal ones are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    pub source_id: Option<i32>,
    pub iam: String,
    pub label: Option<String>,
    pub method: Option<String>,
    pub path: Option<String>,
    pub status: i32,
    pub scim_type: Option<String>,
    pub reason: String,
    pub shape: Option<Value>,
}

#[derive(Debug, Clone)]
pub struct RefusalLog {
    entries: mpsc::Sender<Entry>,
    lost: Arc<AtomicU64>,
}

/// The other end: writes until all handles are gone.
#[derive(Debug)]
pub struct Writer {
    entries: mpsc::Receiver<Entry>,
    lost: Arc<AtomicU64>,
    pool: Pool,
}

impl RefusalLog {
    pub fn new(pool: Pool) -> (Self, Writer) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let lost = Arc::<AtomicU64>::default();
        (Self { entries: sender, lost: Arc::clone(&lost) }, Writer { entries: receiver, lost, pool })
    }

    pub fn note(&self, entry: Entry) {
        if self.entries.try_send(entry).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Writer {
    pub async fn run(mut self) {
        let mut waiting = Vec::with_capacity(AT_ONCE);
        while self.entries.recv_many(&mut waiting, AT_ONCE).await > 0 {
            let counted = counted(waiting.drain(..));
            let is_written = match self.write(&counted).await {
                Ok(()) => true,
                Err(error) => {
                    warn!(%error, "the log of refused requests cannot be written");
                    self.lost.fetch_add(
                        counted.values().map(|count| count.unsigned_abs()).sum(),
                        Ordering::Relaxed,
                    );
                    false
                }
            };
            let lost = self.lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                warn!(lost, "entries are missing in the log of refused requests");
            }
            if !is_written {
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
    }

    async fn write(&self, entries: &HashMap<Entry, i64>) -> Result<(), DatabaseError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(include_str!("../../sql/note_scim_refusal.sql")).await?;
        for (entry, count) in entries {
            client
                .execute(
                    &statement,
                    &[
                        &entry.source_id,
                        &entry.iam,
                        &entry.label,
                        &entry.method,
                        &entry.path,
                        &entry.status,
                        &entry.scim_type,
                        &entry.reason,
                        &entry.shape,
                        count,
                    ],
                )
                .await?;
        }
        Ok(())
    }
}

fn counted(entries: impl Iterator<Item = Entry>) -> HashMap<Entry, i64> {
    let mut counted = HashMap::new();
    for entry in entries {
        *counted.entry(entry).or_default() += 1;
    }
    counted
}
