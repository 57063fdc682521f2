//! Webhooks: which of them this daemon delivers, and a task for each. A webhook belongs to one daemon at a time, by a lease
//! in the database.

mod client;
mod message;
mod store;
mod worker;

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};
use uuid::Uuid;

use crate::database::{DatabaseError, Session};
use crate::feed::Feed;
use crate::pipeline::Surroundings;
use crate::task::Owned;
use store::{Held, Store};
use worker::Worker;

const LEASE: Duration = Duration::from_secs(15);
/// Nothing is sent in the last seconds of a lease: a request takes as long as it takes.
const UNUSED: Duration = Duration::from_secs(3);
const RENEW_EVERY: Duration = Duration::from_secs(1);
const FAREWELL: Duration = Duration::from_millis(500);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Until the daemon is to stop. Connects again whenever PostgreSQL goes away.
pub async fn run(around: Surroundings, feed: Feed) {
    let client = match client::client() {
        Ok(client) => client,
        Err(error) => return warn!(%error, "webhooks cannot be delivered"),
    };
    let holder = Uuid::new_v4();
    let mut pause = FIRST_PAUSE;
    loop {
        let mut deliverers =
            Deliverers { around: &around, feed: &feed, client: &client, holder, working: HashMap::new() };
        match deliverers.serve(&mut pause).await {
            Ok(()) => return,
            // The scheduler says that PostgreSQL is gone.
            Err(error) if error.is_closed() => debug!(%error, "webhooks wait for PostgreSQL"),
            Err(error) => warn!(%error, "webhooks cannot be delivered at present"),
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = around.shutdown.requested() => return,
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

struct Deliverers<'a> {
    around: &'a Surroundings,
    feed: &'a Feed,
    client: &'a reqwest::Client,
    holder: Uuid,
    working: HashMap<i32, (Held, Owned<()>)>,
}

impl Deliverers<'_> {
    /// Returns when the daemon is to stop.
    async fn serve(&mut self, pause: &mut Duration) -> Result<(), DatabaseError> {
        // Renewing the lease must not wait for what the workers ask.
        let mut session = self.around.database.connect().await?;
        let leases = Store::new(session.client.clone(), self.holder);
        let mut working = None;
        let (lease, _) = watch::channel(Instant::now());
        loop {
            let asked = Instant::now();
            let held = leases.hold(LEASE).await?;
            *pause = FIRST_PAUSE;
            // Another daemon may have had them in between: what the workers remember is no longer true.
            if *lease.borrow() < asked {
                self.working.clear();
            }
            lease.send_replace(asked + LEASE - UNUSED);
            if !held.is_empty() && working.is_none() {
                working = Some(self.around.database.connect().await?);
            }
            if let Some(working) = &working {
                self.adjust(held, &Store::new(working.client.clone(), self.holder), &lease);
            }
            tokio::select! {
                () = sleep(RENEW_EVERY) => {}
                error = session.lost() => return Err(error),
                error = lost(&mut working) => return Err(error),
                () = self.around.shutdown.requested() => {
                    self.working.clear();
                    // Another daemon goes on at once; without it, when the lease is over.
                    let _ = tokio::time::timeout(FAREWELL, leases.release()).await;
                    return Ok(());
                }
            }
        }
    }

    /// One task for each webhook that is held, as it is configured now.
    fn adjust(&mut self, held: Vec<Held>, store: &Store, lease: &watch::Sender<Instant>) {
        self.working.retain(|_, (known, task)| held.contains(known) && !task.is_finished());
        for webhook in held {
            if self.working.contains_key(&webhook.webhook_id) {
                continue;
            }
            let worker = Worker {
                store: store.clone(),
                webhook: webhook.clone(),
                client: self.client.clone(),
                secrets: self.around.secrets.clone(),
                lease: lease.subscribe(),
                feed: self.feed.watch(),
            };
            self.working.insert(webhook.webhook_id, (webhook, Owned::spawn(worker.run())));
        }
    }
}

async fn lost(session: &mut Option<Session>) -> DatabaseError {
    match session {
        Some(session) => session.lost().await,
        None => std::future::pending().await,
    }
}
