//! How far the change feed has come. One task per daemon numbers changes and watches their highest number, while anybody
//! waits for it: that costs one connection, however many wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::database::{Database, DatabaseError, Session};
use crate::shutdown::Shutdown;

/// Single changes notify nobody: every transaction would wait for all others that do.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const LOOK_AT_MOST_EVERY: Duration = Duration::from_millis(20);
/// The connection is kept for whoever comes next.
const LINGER: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Feed(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    head: watch::Sender<i64>,
    interested: AtomicUsize,
    somebody: Notify,
    shutdown: Shutdown,
}

/// Somebody who waits for changes.
#[derive(Debug)]
pub struct Interest {
    feed: Feed,
    head: watch::Receiver<i64>,
}

impl Feed {
    pub fn new(shutdown: Shutdown) -> Self {
        let shared = Shared {
            head: watch::Sender::new(0),
            interested: AtomicUsize::new(0),
            somebody: Notify::new(),
            shutdown,
        };
        Self(Arc::new(shared))
    }

    pub fn watch(&self) -> Interest {
        self.0.interested.fetch_add(1, Ordering::SeqCst);
        self.0.somebody.notify_one();
        Interest { feed: self.clone(), head: self.0.head.subscribe() }
    }

    fn is_watched(&self) -> bool {
        self.0.interested.load(Ordering::SeqCst) > 0
    }

    async fn watched(&self) {
        while !self.is_watched() {
            self.0.somebody.notified().await;
        }
    }
}

impl Interest {
    /// Until a change with a higher number is there; false when the daemon is to stop.
    pub async fn beyond(&mut self, change_id: i64) -> bool {
        tokio::select! {
            found = self.head.wait_for(|head| *head > change_id) => found.is_ok(),
            () = self.feed.0.shutdown.requested() => false,
        }
    }

    /// Until the highest number is another one than when this was asked last.
    pub async fn moved(&mut self) {
        if self.head.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        self.feed.0.interested.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Connects again whenever PostgreSQL goes away. Returns when the daemon is to stop.
pub async fn run(feed: Feed, database: Database, shutdown: Shutdown) {
    let watching = async {
        let mut pause = FIRST_PAUSE;
        loop {
            feed.watched().await;
            match watch_once(&feed, &database, &mut pause).await {
                Ok(()) => {}
                // The scheduler says that PostgreSQL is gone.
                Err(error) if error.is_closed() => debug!(%error, "the change feed cannot be watched"),
                Err(error) => warn!(%error, "the change feed cannot be watched"),
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    };
    tokio::select! {
        () = watching => {}
        () = shutdown.requested() => {}
    }
}

/// Until nobody has been interested for a while.
async fn watch_once(feed: &Feed, database: &Database, pause: &mut Duration) -> Result<(), DatabaseError> {
    let mut session = database.connect().await?;
    session.client.batch_execute(include_str!("../sql/listen_changes.sql")).await?;
    let head = session.client.prepare(include_str!("../sql/feed_head.sql")).await?;
    loop {
        let row = session.client.query_one(&head, &[]).await?;
        let found: i64 = row.try_get("head")?;
        *pause = FIRST_PAUSE;
        feed.0.head.send_if_modified(|known| std::mem::replace(known, found) != found);
        if !feed.is_watched() && timeout(LINGER, feed.watched()).await.is_err() {
            return Ok(());
        }
        rest(&mut session).await?;
    }
}

async fn rest(session: &mut Session) -> Result<(), DatabaseError> {
    tokio::select! {
        hint = session.notified() => hint?,
        () = sleep(LOOK_EVERY) => return Ok(()),
    }
    sleep(LOOK_AT_MOST_EVERY).await;
    Ok(())
}
