//! `syncd sync`: one run of one source, now.

use std::io::{BufWriter, IsTerminal, Write, stderr, stdout};
use std::time::Instant;

use tokio_postgres::Client;
use tracing::info;

use crate::Outcome;
use crate::apply::RunReport;
use crate::cli::SyncArgs;
use crate::lease::{self, Mode};
use crate::output::CommandError;
use crate::pipeline::{self, Surroundings};
use crate::progress::{Display, Progress};
use crate::report;

pub async fn sync(around: &Surroundings, args: &SyncArgs) -> Result<Outcome, CommandError> {
    let begun = Instant::now();
    let mut session = tokio::select! {
        session = around.database.connect() => session?,
        () = around.shutdown.requested() => return Ok(Outcome::Failed),
    };
    let mode = if args.plan { Mode::Plan } else { Mode::Apply };
    let claimed = lease::claim(&session.client, &args.source, mode, args.full).await?;
    info!(run_id = claimed.run_id, source = args.source, mode = claimed.mode.as_str(), "run started");

    let display = if stderr().is_terminal() { Display::Spinner } else { Display::Lines };
    let progress = Progress::start(display, &claimed);
    let report = pipeline::run(around, &mut session, &claimed, &progress).await?;
    drop(progress);
    info!(run_id = report.run_id, source = args.source, state = report.state, "run ended");

    let mut out = BufWriter::new(stdout());
    tokio::select! {
        printed = print(&mut out, &session.client, args, &report, begun) => printed?,
        () = around.shutdown.requested() => return Ok(Outcome::Failed),
    }
    out.flush()?;
    if report.is_blocked() {
        eprintln!("{}", report::blocked_message(&report));
        return Ok(Outcome::Blocked);
    }
    Ok(Outcome::Ok)
}

async fn print(
    out: &mut (impl Write + Send),
    client: &Client,
    args: &SyncArgs,
    report: &RunReport,
    begun: Instant,
) -> Result<(), CommandError> {
    match (args.plan, args.json) {
        (true, true) => report::print_plan_json(out, client, report).await,
        (true, false) => report::print_plan(out, client, report).await,
        (false, true) => Ok(report::print_report_json(out, report)?),
        (false, false) => Ok(report::print_report(out, report, begun.elapsed())?),
    }
}
