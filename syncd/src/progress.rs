//! What a run is doing, for whoever watches: a spinner on a terminal, a line every few seconds otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use tracing::info;

use crate::lease::ClaimedRun;
use crate::task::Owned;

const LINE_EVERY: Duration = Duration::from_secs(10);
const FRAME_EVERY: Duration = Duration::from_millis(120);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    Spinner,
    Lines,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    LoadingKnown = 0,
    Reading = 1,
    Applying = 2,
}

impl Phase {
    fn as_str(self) -> &'static str {
        match self {
            Phase::LoadingKnown => "loading what is known",
            Phase::Reading => "reading",
            Phase::Applying => "planning and applying",
        }
    }
}

/// Dropping it ends the display.
#[derive(Debug)]
pub struct Progress {
    counters: Arc<Counters>,
    spinner: Option<ProgressBar>,
    _reporter: Owned<()>,
}

#[derive(Debug)]
struct Counters {
    entries: AtomicU64,
    phase: AtomicU8,
    reading_since: std::sync::OnceLock<Instant>,
}

impl Progress {
    pub fn start(display: Display, claimed: &ClaimedRun) -> Self {
        let counters = Arc::new(Counters {
            entries: AtomicU64::new(0),
            phase: AtomicU8::new(0),
            reading_since: std::sync::OnceLock::new(),
        });
        let source = claimed.source.source.clone();
        let spinner = (display == Display::Spinner).then(spinner);
        let reporter = match spinner.clone() {
            Some(spinner) => Owned::spawn(spin(spinner, source, counters.clone())),
            None => Owned::spawn(log_lines(claimed.run_id, source, counters.clone())),
        };
        Self { counters, spinner, _reporter: reporter }
    }

    pub fn enter(&self, phase: Phase) {
        self.counters.phase.store(phase as u8, Ordering::Relaxed);
        if phase == Phase::Reading {
            self.counters.reading_since.get_or_init(Instant::now);
        }
    }

    pub fn count_entry(&self) {
        self.counters.entries.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

impl Counters {
    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::LoadingKnown,
            1 => Phase::Reading,
            _ => Phase::Applying,
        }
    }

    fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    fn rate(&self) -> u64 {
        let millis = self.reading_since.get().map_or(0, |since| since.elapsed().as_millis());
        u64::try_from(u128::from(self.entries()) * 1000 / millis.max(1)).unwrap_or(u64::MAX)
    }
}

fn spinner() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]");
    ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}

async fn spin(spinner: ProgressBar, source: String, counters: Arc<Counters>) {
    loop {
        spinner.set_message(message(&source, &counters));
        spinner.tick();
        tokio::time::sleep(FRAME_EVERY).await;
    }
}

fn message(source: &str, counters: &Counters) -> String {
    let entries = HumanCount(counters.entries());
    match counters.phase() {
        Phase::LoadingKnown => format!("{source}: {}", Phase::LoadingKnown.as_str()),
        Phase::Reading => {
            format!(
                "{source}: {} {entries} entries ({}/s)",
                Phase::Reading.as_str(),
                HumanCount(counters.rate())
            )
        }
        Phase::Applying => format!("{source}: {} ({entries} entries read)", Phase::Applying.as_str()),
    }
}

async fn log_lines(run_id: i64, source: String, counters: Arc<Counters>) {
    loop {
        tokio::time::sleep(LINE_EVERY).await;
        let (phase, entries) = (counters.phase(), counters.entries());
        let per_second = (phase == Phase::Reading).then(|| counters.rate());
        info!(run_id, source, phase = phase.as_str(), entries, per_second, "under way");
    }
}
