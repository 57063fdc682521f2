//! `syncd run`: keeps all sources current. NOTIFY is a hint, polling is the truth: every few seconds the
//! database is asked whether there is something to do.

use std::time::Duration;

use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::Outcome;
use crate::database::{DatabaseError, Session};
use crate::housekeeping;
use crate::lease::{self, ClaimedRun};
use crate::output::CommandError;
use crate::pipeline::{self, RunError, Surroundings};
use crate::progress::{Display, Progress};

const POLL_EVERY: Duration = Duration::from_secs(5);
/// A schedule that is due and claimed by another daemon must not make this one spin.
const POLL_AT_MOST_EVERY: Duration = Duration::from_millis(250);
/// A server that says nothing for so long is gone, whatever the network thinks.
const LONGEST_ANSWER: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Together less than the 5 seconds that a stop may take; a run needs less to record its end.
const LONGEST_CLAIM: Duration = Duration::from_secs(1);
const FAREWELL: Duration = Duration::from_millis(3500);

pub async fn run(around: &Surroundings, at_once: usize) -> Result<Outcome, CommandError> {
    let mut runs = JoinSet::new();
    let housekeeping = tokio::spawn(housekeeping::run(around.clone()));
    let hung = async {
        around.shutdown.requested().await;
        tokio::time::sleep(LONGEST_CLAIM).await;
    };
    tokio::select! {
        () = serve_until_stopped(around, at_once, &mut runs) => {}
        () = hung => {}
    }
    info!(running = runs.len(), "syncd is stopping");
    housekeeping.abort();
    let ended = tokio::time::timeout(FAREWELL, async { while runs.join_next().await.is_some() {} });
    if ended.await.is_err() {
        warn!("runs were left behind without a recorded end");
    }
    info!("syncd has stopped");
    Ok(Outcome::Ok)
}

/// Connects again whenever PostgreSQL goes away.
async fn serve_until_stopped(around: &Surroundings, at_once: usize, runs: &mut JoinSet<()>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match serve(around, at_once, runs, &mut pause).await {
            Ok(()) => return,
            Err(error) => error,
        };
        warn!(%error, retry_in_ms = pause.as_millis(), "PostgreSQL cannot be used");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = around.shutdown.requested() => return,
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Returns when the daemon is to stop.
async fn serve(
    around: &Surroundings,
    at_once: usize,
    runs: &mut JoinSet<()>,
    pause: &mut Duration,
) -> Result<(), DatabaseError> {
    let mut watch = tokio::select! {
        watch = Watch::open(around, at_once) => watch?,
        () = around.shutdown.requested() => return Ok(()),
    };
    *pause = FIRST_PAUSE;
    info!(database = around.database.place(), "syncd is ready");
    loop {
        // Never interrupted: a run that was claimed has to get to somebody who ends it.
        watch.start_runs(around, runs).await?;
        tokio::select! {
            waited = watch.wait(around, runs) => waited?,
            () = around.shutdown.requested() => return Ok(()),
        }
    }
}

/// Two connections: one listens, the other claims the next run and is given to it.
struct Watch {
    listener: Session,
    claimer: Option<Session>,
    at_once: usize,
}

impl Watch {
    async fn open(around: &Surroundings, at_once: usize) -> Result<Self, DatabaseError> {
        let listener = around.database.connect().await?;
        answer(listener.client.batch_execute(include_str!("../sql/listen.sql"))).await?;
        Ok(Self { listener, claimer: None, at_once })
    }

    async fn start_runs(
        &mut self,
        around: &Surroundings,
        runs: &mut JoinSet<()>,
    ) -> Result<(), DatabaseError> {
        while runs.try_join_next().is_some() {}
        // What was just cancelled is for the next daemon.
        while runs.len() < self.at_once
            && !around.shutdown.is_requested()
            && around.keeper.is_up_to_date()
            && let Some((session, claimed)) = self.claim_next(around).await?
        {
            runs.spawn(run_claimed(around.clone(), session, claimed));
        }
        Ok(())
    }

    async fn claim_next(
        &mut self,
        around: &Surroundings,
    ) -> Result<Option<(Session, ClaimedRun)>, DatabaseError> {
        let session = match self.claimer.take() {
            Some(session) if !session.client.is_closed() => session,
            _ => around.database.connect().await?,
        };
        match answer(lease::claim_next(&session.client)).await {
            Ok(Some(claimed)) => Ok(Some((session, claimed))),
            Ok(None) => {
                self.claimer = Some(session);
                Ok(None)
            }
            Err(error) if error.is_closed() => Err(error),
            // The session is dropped: an attempt that failed may have left locks in it.
            Err(error) => {
                warn!(%error, "no run could be claimed");
                Ok(None)
            }
        }
    }

    /// Until something may be there to do: a hint, a schedule, a free place, or simply some time.
    async fn wait(&mut self, around: &Surroundings, runs: &mut JoinSet<()>) -> Result<(), DatabaseError> {
        let is_full = runs.len() >= self.at_once;
        let due = answer(lease::next_due(&self.listener.client)).await?;
        let pause = due.map_or(POLL_EVERY, |due| due.clamp(POLL_AT_MOST_EVERY, POLL_EVERY));
        tokio::select! {
            hint = self.listener.notified() => {
                // It may be about a run of ours that somebody cancelled.
                around.keeper.look();
                if is_full {
                    tokio::time::sleep(POLL_AT_MOST_EVERY).await;
                }
                hint
            }
            Some(_) = runs.join_next() => Ok(()),
            () = tokio::time::sleep(pause) => Ok(()),
        }
    }
}

/// A connection that was cut without a word answers never.
async fn answer<T, E>(question: impl Future<Output = Result<T, E>>) -> Result<T, DatabaseError>
where
    DatabaseError: From<E>,
{
    match tokio::time::timeout(LONGEST_ANSWER, question).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(DatabaseError::Lost(format!("no answer within {} s", LONGEST_ANSWER.as_secs()))),
    }
}

async fn run_claimed(around: Surroundings, mut session: Session, claimed: ClaimedRun) {
    let (run_id, source) = (claimed.run_id, claimed.source.source.clone());
    info!(run_id, source, mode = claimed.mode.as_str(), "run started");
    let progress = Progress::start(Display::Lines, &claimed);
    match pipeline::run(&around, &mut session, &claimed, &progress).await {
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
        Err(RunError::Stopped { state: "cancelled", message }) => {
            warn!(run_id, source, note = message, "run cancelled");
        }
        Err(error) => error!(run_id, source, %error, "run failed"),
    }
}
