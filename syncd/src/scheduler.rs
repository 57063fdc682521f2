//! `syncd run`: keeps all sources current. NOTIFY is a hint, polling is the truth: every few seconds the
//! database is asked whether there is something to do.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_postgres::Client;
use tracing::{error, info, warn};

use crate::Outcome;
use crate::database::{DatabaseError, Notifications};
use crate::lease::{self, ClaimedRun};
use crate::output::CommandError;
use crate::pipeline::{self, RunError, Surroundings};
use crate::progress::{Display, Progress};

const RUNS_AT_ONCE: usize = 4;
const POLL_EVERY: Duration = Duration::from_secs(5);
/// A schedule that is due and claimed by another daemon must not make this one spin.
const POLL_AT_MOST_EVERY: Duration = Duration::from_millis(250);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Within the 5 seconds that a stop may take; a run needs less to record its end.
const FAREWELL: Duration = Duration::from_millis(4500);

pub async fn run(around: &Surroundings) -> Result<Outcome, CommandError> {
    let mut runs = JoinSet::new();
    tokio::select! {
        never = serve_for_ever(around, &mut runs) => match never {},
        () = around.shutdown.requested() => {}
    }
    info!(running = runs.len(), "syncd is stopping");
    let ended = tokio::time::timeout(FAREWELL, async { while runs.join_next().await.is_some() {} });
    if ended.await.is_err() {
        warn!("runs were left behind without a recorded end");
    }
    info!("syncd has stopped");
    Ok(Outcome::Ok)
}

/// Connects again whenever PostgreSQL goes away.
async fn serve_for_ever(around: &Surroundings, runs: &mut JoinSet<()>) -> Infallible {
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match Watch::open(around).await {
            Ok(watch) => {
                pause = FIRST_PAUSE;
                info!(database = around.database.place(), "syncd is ready");
                match watch.serve(around, runs).await {
                    Ok(never) => match never {},
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        warn!(%error, retry_in_ms = pause.as_millis(), "PostgreSQL cannot be used");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Two connections: one listens, the other claims the next run and is given to it.
struct Watch {
    listener: Client,
    notifications: Notifications,
    claimer: Option<Client>,
}

impl Watch {
    async fn open(around: &Surroundings) -> Result<Self, DatabaseError> {
        let (listener, notifications) = around.database.connect_listening().await?;
        listener.batch_execute(include_str!("../sql/listen.sql")).await?;
        Ok(Self { listener, notifications, claimer: None })
    }

    async fn serve(
        mut self,
        around: &Surroundings,
        runs: &mut JoinSet<()>,
    ) -> Result<Infallible, DatabaseError> {
        loop {
            while runs.try_join_next().is_some() {}
            while runs.len() < RUNS_AT_ONCE
                && let Some((client, claimed)) = self.claim_next(around).await?
            {
                runs.spawn(run_claimed(around.clone(), client, claimed));
            }
            self.wait(runs).await?;
        }
    }

    async fn claim_next(
        &mut self,
        around: &Surroundings,
    ) -> Result<Option<(Client, ClaimedRun)>, DatabaseError> {
        let client = match self.claimer.take() {
            Some(client) if !client.is_closed() => client,
            _ => around.database.connect().await?,
        };
        match lease::claim_next(&client).await {
            Ok(Some(claimed)) => Ok(Some((client, claimed))),
            Ok(None) => {
                self.claimer = Some(client);
                Ok(None)
            }
            Err(error) if error.is_closed() => Err(error),
            Err(error) => {
                warn!(%error, "no run could be claimed");
                Ok(None)
            }
        }
    }

    /// Until something may be there to do: a hint, a schedule, a free place, or simply some time.
    async fn wait(&mut self, runs: &mut JoinSet<()>) -> Result<(), DatabaseError> {
        let is_full = runs.len() >= RUNS_AT_ONCE;
        let due = lease::next_due(&self.listener).await?;
        let pause = due.map_or(POLL_EVERY, |due| due.clamp(POLL_AT_MOST_EVERY, POLL_EVERY));
        tokio::select! {
            hint = self.notifications.recv(), if !is_full => {
                hint.ok_or_else(DatabaseError::connection_ended)
            }
            Some(_) = runs.join_next() => Ok(()),
            () = tokio::time::sleep(pause) => Ok(()),
        }
    }
}

async fn run_claimed(around: Surroundings, client: Client, claimed: ClaimedRun) {
    let (run_id, source) = (claimed.run_id, claimed.source.source.clone());
    info!(run_id, source, mode = claimed.mode.as_str(), "run started");
    let progress = Progress::start(Display::Lines, &claimed);
    match pipeline::run(&around, Arc::new(client), &claimed, &progress).await {
        Ok(report) if report.is_blocked() => {
            warn!(run_id, source, note = report.message, "run blocked by the guard; see syncd status");
        }
        Ok(report) => info!(
            run_id,
            source,
            state = report.state,
            read = report.read,
            added = report.added,
            changed = report.changed,
            removed = report.removed,
            quarantined = report.quarantined,
            note = report.message,
            "run ended"
        ),
        Err(RunError::Cancelled) => warn!(run_id, source, "run cancelled"),
        Err(error) => error!(run_id, source, %error, "run failed"),
    }
}
