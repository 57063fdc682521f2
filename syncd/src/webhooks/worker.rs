//! Delivers one webhook: several requests at once, but one at a time about the same user or group.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use reqwest::{Client, Url};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, info, warn};

use super::client::{Answer, Target, send};
use super::message::Message;
use super::store::{About, Due, Held, Outcome, Store};
use crate::database::DatabaseError;
use crate::feed::Interest;
use crate::secret::{SecretRef, Secrets};

const AT_ONCE: usize = 8;
/// Fetched when there are few left.
const FEW: usize = 64;
const FETCH: i32 = 256;
/// For what nobody announces: a time to try again, a delivery that was asked for again.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const PURGE_EVERY: Duration = Duration::from_secs(60);
/// While nobody is there: one attempt, less and less often.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// After so many failures in a row, the first success tells that the receiver is back.
const AWAY: u32 = 3;

pub struct Worker {
    pub store: Store,
    pub webhook: Held,
    pub client: Client,
    pub secrets: Secrets,
    /// Nothing is sent after this moment.
    pub lease: watch::Receiver<Instant>,
    pub feed: Interest,
}

/// What is on its way and what comes next.
struct Traffic {
    target: Target,
    waiting: VecDeque<Due>,
    flying: JoinSet<(Due, Answer)>,
    busy: HashSet<About>,
    ids: HashSet<i64>,
    failures: u32,
    /// Nobody is there until then.
    away_until: Option<Instant>,
    /// Changes may be there that are no deliveries yet.
    is_behind: bool,
    /// Deliveries may be due that are not taken yet.
    is_stale: bool,
}

impl Worker {
    /// Until the webhook is another daemon's, or the database fails.
    pub async fn run(mut self) {
        match self.deliver().await {
            Ok(()) => debug!(webhook = self.webhook.label, "no longer delivered here"),
            Err(error) if error.is_closed() => {
                debug!(%error, webhook = self.webhook.label, "delivery interrupted")
            }
            Err(error) => warn!(%error, webhook = self.webhook.label, "delivery interrupted"),
        }
    }

    async fn deliver(&mut self) -> Result<(), DatabaseError> {
        let mut traffic = Traffic::to(self.target().await?);
        let (mut look_at, mut purge_at) = (Instant::now(), Instant::now());
        loop {
            if !self.fetch(&mut traffic).await? {
                return Ok(());
            }
            self.start(&mut traffic);
            let is_hungry = traffic.is_behind && traffic.waiting.len() < FEW;
            tokio::select! {
                Some(ended) = traffic.flying.join_next() => self.note(&mut traffic, landed(ended)).await?,
                () = self.feed.moved() => traffic.is_behind = true,
                () = sleep_until(look_at) => {
                    look_at = Instant::now() + LOOK_EVERY;
                    // When there was no room for more, there may be now.
                    (traffic.is_stale, traffic.is_behind) = (true, true);
                }
                () = std::future::ready(()), if is_hungry => {}
            }
            if purge_at <= Instant::now() {
                purge_at = Instant::now() + PURGE_EVERY;
                self.store.purge(self.webhook.webhook_id).await?;
                // A secret that was rotated is read again.
                traffic.target = self.target().await?;
            }
        }
    }

    /// Where to deliver. What is wrong with it an administrator has to see, and nothing is sent until it is right.
    async fn target(&self) -> Result<Target, DatabaseError> {
        loop {
            match self.try_target() {
                Ok(target) => {
                    self.store.note_trouble(self.webhook.webhook_id, None).await?;
                    return Ok(target);
                }
                Err(trouble) => {
                    warn!(webhook = self.webhook.label, trouble, "the webhook cannot be delivered");
                    self.store.note_trouble(self.webhook.webhook_id, Some(&trouble)).await?;
                }
            }
            sleep(LONGEST_PAUSE).await;
        }
    }

    fn try_target(&self) -> Result<Target, String> {
        let url =
            Url::parse(&self.webhook.url).map_err(|error| format!("the URL cannot be used: {error}"))?;
        let Some(secret) = &self.webhook.secret else { return Ok(Target { url, secret: None }) };
        let secret: SecretRef = serde_json::from_value(secret.clone()).map_err(|error| error.to_string())?;
        let secret = self.secrets.resolve(&secret).map_err(|error| error.to_string())?;
        // Found out now rather than with every delivery.
        crate::signature::sign(&secret, "", 0, b"").map_err(|error| error.to_string())?;
        Ok(Target { url, secret: Some(secret) })
    }

    /// False: the webhook is another daemon's.
    async fn fetch(&self, traffic: &mut Traffic) -> Result<bool, DatabaseError> {
        if traffic.waiting.len() >= FEW {
            return Ok(true);
        }
        if traffic.is_behind {
            match self.store.fill(self.webhook.webhook_id).await? {
                Some(more) => traffic.is_behind = more,
                None => return Ok(false),
            }
            traffic.is_stale = true;
        }
        if traffic.is_stale {
            let taken: Vec<i64> = traffic.ids.iter().copied().collect();
            let due = self.store.due(self.webhook.webhook_id, &taken, FETCH).await?;
            traffic.is_stale = due.len() == FETCH as usize;
            traffic.take(due);
        }
        Ok(true)
    }

    fn start(&self, traffic: &mut Traffic) {
        if *self.lease.borrow() < Instant::now() {
            return;
        }
        let at_once = match traffic.away_until {
            Some(until) if until > Instant::now() => 0,
            Some(_) => 1,
            None => AT_ONCE,
        };
        while traffic.flying.len() < at_once
            && let Some(due) = traffic.next()
        {
            let message = Message::of(self.webhook.webhook_id, &due);
            let (client, target) = (self.client.clone(), traffic.target.clone());
            traffic.flying.spawn(async move {
                let answer = send(&client, &target, message).await;
                (due, answer)
            });
        }
    }

    /// All that have ended by now, in one statement.
    async fn note(&self, traffic: &mut Traffic, first: (Due, Answer)) -> Result<(), DatabaseError> {
        let mut ended = vec![first];
        while let Some(next) = traffic.flying.try_join_next() {
            ended.push(landed(next));
        }
        let was_away = traffic.failures >= AWAY;
        let outcomes: Vec<Outcome> = ended.iter().map(|(due, answer)| traffic.learn(due, answer)).collect();
        self.store.note(&outcomes).await?;
        for (due, _) in &ended {
            traffic.ids.remove(&due.delivery_id);
        }
        let is_back = was_away && traffic.failures < AWAY;
        if is_back {
            info!(webhook = self.webhook.label, "the receiver is back");
            self.store.retry_all(self.webhook.webhook_id).await?;
        }
        if !was_away
            && traffic.failures >= AWAY
            && let Some(error) = outcomes.iter().find_map(|outcome| outcome.error.as_deref())
        {
            warn!(webhook = self.webhook.label, error, "the receiver does not take deliveries");
        }
        traffic.is_stale |= is_back || traffic.waiting.is_empty();
        Ok(())
    }
}

impl Traffic {
    fn to(target: Target) -> Self {
        Self {
            target,
            waiting: VecDeque::new(),
            flying: JoinSet::new(),
            busy: HashSet::new(),
            ids: HashSet::new(),
            failures: 0,
            away_until: None,
            is_behind: true,
            is_stale: true,
        }
    }

    fn take(&mut self, due: Vec<Due>) {
        self.ids.extend(due.iter().map(|due| due.delivery_id));
        self.waiting.extend(due);
    }

    /// The first about whom nothing is on its way.
    fn next(&mut self) -> Option<Due> {
        let place = self.waiting.iter().position(|due| !self.busy.contains(&due.about))?;
        let due = self.waiting.remove(place)?;
        self.busy.insert(due.about.clone());
        Some(due)
    }

    fn learn(&mut self, due: &Due, answer: &Answer) -> Outcome {
        self.busy.remove(&due.about);
        let (status, error, pause) = match answer {
            Answer::Taken { status } => (Some(*status), None, None),
            Answer::Refused { status, reason, pause } => (Some(*status), Some(reason.clone()), *pause),
            Answer::Unreachable { reason } | Answer::Silent { reason } => (None, Some(reason.clone()), None),
        };
        if error.is_none() {
            self.failures = 0;
            self.away_until = None;
        } else {
            self.failures = self.failures.saturating_add(1);
            // What comes later about the same waits with it.
            let ids = &mut self.ids;
            self.waiting.retain(|waiting| {
                let goes_on = waiting.about != due.about;
                if !goes_on {
                    ids.remove(&waiting.delivery_id);
                }
                goes_on
            });
        }
        if matches!(answer, Answer::Unreachable { .. }) {
            let pause =
                FIRST_PAUSE.saturating_mul(1 << self.failures.min(6).saturating_sub(1)).min(LONGEST_PAUSE);
            self.away_until = Some(Instant::now() + pause);
        }
        Outcome { delivery_id: due.delivery_id, status, error, pause }
    }
}

/// Nobody cancels a request, so what did not end well was a fault of ours.
fn landed(ended: Result<(Due, Answer), JoinError>) -> (Due, Answer) {
    match ended {
        Ok(ended) => ended,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => unreachable!("a request ended early: {error}"),
        },
    }
}
