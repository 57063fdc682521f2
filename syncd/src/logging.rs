//! The log goes to stderr, results go to stdout.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, registry};

mod json;

use json::JsonLines;

use crate::cli::{Command, LogFormat};

pub fn start(format: LogFormat, command: &Command) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_filter(command)));
    match format {
        LogFormat::Text => {
            let log =
                tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_target(false);
            log.with_ansi(stderr().is_terminal()).init();
        }
        LogFormat::Json => registry().with(filter).with(JsonLines).init(),
    }
}

/// Somebody at a terminal watches the spinner instead of lines.
fn default_filter(command: &Command) -> &'static str {
    match command {
        Command::Run(_) => "warn,syncd=info",
        Command::Sync(_) if !stderr().is_terminal() => "warn,syncd=info",
        Command::Sync(_)
        | Command::Check(_)
        | Command::Status(_)
        | Command::Export(_)
        | Command::Apply(_)
        | Command::Discover(_)
        | Command::Scim { .. } => "warn",
    }
}
