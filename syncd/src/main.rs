//! `syncd` reads identity sources and hands what they say to PostgreSQL: see ARCHITECTURE.md.

mod apply;
mod changes;
mod check;
mod cli;
mod config;
mod connector;
mod database;
mod declare;
mod discover;
mod feed;
mod housekeeping;
mod http;
mod known;
mod lease;
mod live;
mod logging;
mod metrics;
mod output;
mod pipeline;
mod plan;
mod postgres;
mod progress;
mod push;
mod record;
mod report;
mod scheduler;
mod scim;
mod scim_log;
mod secret;
mod service;
mod shutdown;
mod signature;
mod source;
mod staging;
mod status;
mod sync;
mod task;
mod user_info;
mod webhooks;

use std::io::ErrorKind;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{CommandFactory, Parser};

use cli::{Cli, Command, ListenArgs, ScimCommand};
use database::Database;
use feed::Feed;
use http::{HttpServer, ServerError};
use lease::Keeper;
use pipeline::Surroundings;
use secret::Secrets;
use shutdown::Shutdown;
use task::Owned;

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;
const BLOCKED: u8 = 3;
const FAREWELL: Duration = Duration::from_secs(1);

/// How a command ended that did what it was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    Failed,
    Blocked,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start(cli.log_format, &cli.command);
    ended(match &cli.command {
        Command::Discover(args) => {
            let (args, secrets) = (args.clone(), Secrets::new(cli.secrets_dir.clone()));
            on_threads(async move { Ok(discover::discover(&args, &secrets).await?) })
        }
        _ => execute(&database_url(&cli), cli),
    })
}

fn database_url(cli: &Cli) -> String {
    cli.database.clone().unwrap_or_else(|| {
        Cli::command()
            .error(
                clap::error::ErrorKind::MissingRequiredArgument,
                "no database given: use --database URL or set DATABASE_URL, \
                 for example postgres://syncd@localhost/identity",
            )
            .exit()
    })
}

fn ended(outcome: anyhow::Result<Outcome>) -> ExitCode {
    match outcome {
        Ok(Outcome::Ok) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(FAILED),
        Ok(Outcome::Blocked) => ExitCode::from(BLOCKED),
        // Whoever read the output has seen enough, as `head` does.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if is_wrong_usage(&error) { WRONG_USAGE } else { FAILED })
        }
    }
}

fn execute(url: &str, cli: Cli) -> anyhow::Result<Outcome> {
    let database = Database::from_url(url)?;
    on_threads(async move {
        let shutdown = Shutdown::on_signals().context("cannot listen for signals")?;
        let keeper = Keeper::new(database.clone());
        let around = Surroundings { database, secrets: Secrets::new(cli.secrets_dir), shutdown, keeper };
        dispatch(&around, cli.command).await
    })
}

fn on_threads(
    command: impl Future<Output = anyhow::Result<Outcome>> + Send + 'static,
) -> anyhow::Result<Outcome> {
    // Fails only when a provider was installed before, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    // On a worker, not on this thread: entries pass from task to task without waking a thread for each.
    let outcome = runtime.block_on(runtime.spawn(command));
    // A connector's blocking call must not hold up the end.
    runtime.shutdown_background();
    outcome.context("syncd stopped because of a fault of its own")?
}

async fn dispatch(around: &Surroundings, command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Run(args) => serve(around, &args).await,
        Command::Sync(args) => Ok(sync::sync(around, &args).await?),
        Command::Check(args) => unless_stopped(around, check::check(around, &args)).await,
        Command::Status(args) => unless_stopped(around, status::status(around, &args)).await,
        Command::Export(args) => unless_stopped(around, declare::export(around, &args)).await,
        Command::Apply(args) => unless_stopped(around, declare::apply(around, &args)).await,
        Command::Discover(args) => Ok(discover::discover(&args, &around.secrets).await?),
        Command::Scim { command: ScimCommand::Log(args) } => {
            unless_stopped(around, scim_log::scim_log(around, &args)).await
        }
    }
}

/// Both end on a signal, side by side.
async fn serve(around: &Surroundings, args: &ListenArgs) -> anyhow::Result<Outcome> {
    let feed = Feed::new(around.shutdown.clone());
    let server = HttpServer::start_if_free(&around.database, &around.secrets, &feed, args)?;
    let served = async {
        let (database, secrets) = (&around.database, &around.secrets);
        anyhow::Ok(HttpServer::run_when_free(server, database, secrets, &feed, &around.shutdown, args).await?)
    };
    let _watched = Owned::spawn(feed::run(feed.clone(), around.database.clone(), around.shutdown.clone()));
    let mut delivered = Owned::spawn(webhooks::run(around.clone(), feed.clone()));
    let mut live = Owned::spawn(live::run(around.clone()));
    let synchronised = async { anyhow::Ok(scheduler::run(around, usize::from(args.parallel_runs)).await?) };
    let told = async {
        service::ready();
        service::keep_alive(&around.shutdown).await;
        service::stopping();
        anyhow::Ok(())
    };
    let ((), outcome, ()) = tokio::try_join!(served, synchronised, told)?;
    // Other daemons go on with the webhooks and with watching at once.
    let _ = tokio::time::timeout(FAREWELL, async { tokio::join!(delivered.join(), live.join()) }).await;
    Ok(outcome)
}

/// Commands that only read simply end on a signal.
async fn unless_stopped<E>(
    around: &Surroundings,
    command: impl Future<Output = Result<Outcome, E>>,
) -> anyhow::Result<Outcome>
where
    anyhow::Error: From<E>,
{
    tokio::select! {
        outcome = command => Ok(outcome?),
        () = around.shutdown.requested() => Ok(Outcome::Failed),
    }
}

fn is_wrong_usage(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(ServerError::ClearText(_)))
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == ErrorKind::BrokenPipe)
}
