//! The command line. `--help` is the manual.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  export DATABASE_URL=postgres://syncd@db.example.org/identity?sslmode=require
  syncd check corp-ldap           can the source be read, and how would an entry be mapped?
  syncd sync corp-ldap --plan     what would change? nothing is written
  syncd sync corp-ldap            synchronise now
  syncd status                    sources, last runs, plans that wait for a decision
  syncd run                       keep all sources current, by their schedules

Connecting:
  Database URLs and key=value strings work; without a host the local socket is used, and PGPASSWORD
  is used when the string has no password. sslmode: disable; prefer (the default: encrypted if the
  server can); require and verify-full (the server's certificate must verify against the system's
  roots or the file given by sslrootcert).
  The role needs the rights of roster_syncd: GRANT roster_syncd TO syncd;

Exit codes:
  0 ok, 1 failed, 2 wrong usage, 3 blocked by the guard

Sources, schedules and limits live in the database: see roster.create_source, roster.schedule and
roster.set_guard.";

/// Keeps users, groups and attributes in PostgreSQL in step with the directories they come from.
#[derive(Parser)]
#[command(name = "syncd", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// The database with the pg_roster extension
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database: Option<String>,

    /// Where secrets of the form {"file": "name"} are read from
    #[arg(long, global = true, env = "SYNCD_SECRETS_DIR", value_name = "DIRECTORY")]
    pub secrets_dir: Option<PathBuf>,

    /// The form of the log on stderr; RUST_LOG sets what it contains
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Keep all sources current: runs what is due or asked for, until it is told to stop
    #[command(after_help = RUN_HELP)]
    Run,
    /// Synchronise one source now
    #[command(after_help = SYNC_HELP)]
    Sync(SyncArgs),
    /// Test the database and the sources step by step; changes nothing
    #[command(after_help = CHECK_HELP)]
    Check(CheckArgs),
    /// Show sources, the last runs, and plans that wait for a decision
    #[command(after_help = STATUS_HELP)]
    Status(StatusArgs),
}

const RUN_HELP: &str = "\
Listens for roster.sync_now() and roster.plan(), and runs sources by their schedules, up to four at
once. Several daemons may run: one acts per source. On SIGTERM running syncs are recorded as
cancelled, and the daemon ends within 5 seconds with exit code 0.

Examples:
  syncd --database postgres://syncd@/identity run
  syncd --log-format json --secrets-dir /run/secrets run";

const SYNC_HELP: &str = "\
Without --plan: reads the source, and applies what differs in one transaction. Removals beyond the
source's guard apply nothing: the run is blocked (exit code 3) and waits for a decision.
With --plan: lists what would change, and writes nothing. To apply exactly what was listed:
  SELECT roster.apply_run(RUN_ID);

Examples:
  syncd sync corp-ldap
  syncd sync corp-ldap --plan | less
  syncd sync corp-ldap --plan --json | jq '.changes[] | select(.change == \"remove\")'";

const CHECK_HELP: &str = "\
Goes through connection, credentials, bases and filters, and shows a sample entry and how it would be
mapped. Exit code 1 when a step failed.

Examples:
  syncd check
  syncd check corp-ldap --json";

const STATUS_HELP: &str = "\
Examples:
  syncd status
  syncd status --json | jq -r '.sources[] | select(.health != \"ok\") | .source'";

#[derive(Debug, Args)]
pub struct SyncArgs {
    /// The name of the source, as in roster.sources
    pub source: String,

    /// List what would change and write nothing
    #[arg(long)]
    pub plan: bool,

    /// Read everything, not only what changed since the last run (at present every read is full)
    #[arg(long)]
    pub full: bool,

    /// Print the report, or the plan, as one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Check this source only; without it all sources that the daemon can read
    pub source: Option<String>,

    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
