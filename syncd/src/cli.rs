//! The command line. `--help` is the manual.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::http::Network;

mod discover;

pub use discover::DiscoverArgs;

const EXAMPLES: &str = "\
Examples:
  export DATABASE_URL=postgres://syncd@db.example.org/identity?sslmode=require
  syncd discover ldaps://ldap.example.org   what would a source for this directory look like?
  syncd check corp-ldap           can the source be read, and how would an entry be mapped?
  syncd sync corp-ldap --plan     what would change? nothing is written
  syncd sync corp-ldap            synchronise now
  syncd status                    sources, last runs, plans that wait for a decision
  syncd run                       keep all sources current, and serve SCIM on 127.0.0.1:8480
  syncd export roster.toml        the configuration as a file; syncd apply roster.toml brings it back
  syncd scim log --since 1h       what did providers send that was refused, and why?

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
    /// Keep all sources current and serve HTTP, until it is told to stop
    #[command(after_help = RUN_HELP)]
    Run(ListenArgs),
    /// Synchronise one source now
    #[command(after_help = SYNC_HELP)]
    Sync(SyncArgs),
    /// Test the database and the sources step by step; changes nothing
    #[command(after_help = CHECK_HELP)]
    Check(CheckArgs),
    /// Show sources, the last runs, and plans that wait for a decision
    #[command(after_help = STATUS_HELP)]
    Status(StatusArgs),
    /// Write the configuration in the database as TOML
    #[command(after_help = EXPORT_HELP)]
    Export(ExportArgs),
    /// Make the configuration in the database what a TOML file says
    #[command(after_help = APPLY_HELP)]
    Apply(ApplyArgs),
    /// Look around in an LDAP directory and propose a source configuration; needs no database
    #[command(after_help = discover::HELP)]
    Discover(DiscoverArgs),
    /// See what SCIM clients sent
    Scim {
        #[command(subcommand)]
        command: ScimCommand,
    },
}

#[derive(Debug, Subcommand)]
pub enum ScimCommand {
    /// Show the requests that were refused, or taken only in part, the latest first
    #[command(after_help = SCIM_LOG_HELP)]
    Log(ScimLogArgs),
}

const RUN_HELP: &str = "\
Listens for roster.sync_now() and roster.plan(), and runs sources by their schedules, --parallel-runs
at once; delivers webhooks. Several daemons may run: one acts per source and webhook, all serve HTTP;
when one dies, stands still or is cut off, another takes its sources within 15 seconds. On SIGTERM
running syncs are recorded as cancelled, requests under way are answered, and the daemon ends within
5 seconds with exit code 0.

HTTP:
  /scim/{identity manager}/v2   SCIM 2.0, for keys of roster.create_api_key(..., scopes => '{scim}')
  /v1/changes                   the change feed, for keys with the scope changes; waits when asked to
  /healthz                      200 while the process lives
  /readyz                       200 while the database is there and fits this release, else 503
  /metrics                      for Prometheus; anybody may ask, so it names sources and routes, never people

  Beyond this machine, API keys need encryption: give --tls-cert and --tls-key (renewed files are
  noticed within a minute), or let a proxy encrypt and name its address with --trusted-proxy, so that
  its Forwarded or X-Forwarded-Proto, -Host and -For headers are believed.
  While the database is away, requests are answered with 503 and Retry-After.
  RUST_LOG=syncd=debug logs every request; refused ones are logged anyhow. See also: syncd scim log

Examples:
  syncd --database postgres://syncd@/identity run
  syncd --log-format json --secrets-dir /run/secrets run
  syncd run --listen 0.0.0.0:8443 --tls-cert fullchain.pem --tls-key privkey.pem
  syncd run --trusted-proxy 127.0.0.1
  syncd run --listen 127.0.0.1:0 --port-file /run/syncd/port";

const SCIM_LOG_HELP: &str = "\
Equal requests within an hour are one row with a count. Values are not stored: the shape of a request
has its attribute names, numbers and structure, and texts as string(12), their length. \"left out\" means
that the request was accepted without those attributes, because the source has no place for them.
The log keeps 30 days, and 10,000 rows per source.

Examples:
  syncd scim log --since 1h
  syncd scim log --source okta-scim --shape
  syncd scim log --iam okta --json | jq '.[] | select(.status == 400) | .shape.body'";

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
How fresh each source is, what is under way and for how long, failures in a row, what waits for somebody
(quarantine, events that could not be taken, values past max_age), plans that the guard stopped with the
SQL to look at them and to let them through. The last line says whether all is well. Needs the rights of
roster_reader or roster_syncd.

Examples:
  syncd status
  syncd status --json | jq -e .well > /dev/null || echo somebody should look
  syncd status --json | jq -r '.sources[] | select(.health != \"ok\") | .source'";

#[derive(Debug, Args)]
pub struct ListenArgs {
    /// Where to serve HTTP; port 0 takes a free one [default: 127.0.0.1:8480, once no other process has it]
    #[arg(long, env = "SYNCD_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,

    /// Write the port there, and nothing else, once connections are accepted
    #[arg(long, value_name = "FILE")]
    pub port_file: Option<PathBuf>,

    /// The certificate of the server and its issuers (PEM)
    #[arg(long, env = "SYNCD_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The private key that belongs to it (PEM)
    #[arg(long, env = "SYNCD_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Serve without encryption beyond this machine: everybody on the way can read the API keys
    #[arg(long)]
    pub insecure_http: bool,

    /// Believe what this proxy says about clients: 10.0.0.7 or 10.0.0.0/8; may be repeated
    #[arg(long, value_name = "NETWORK")]
    pub trusted_proxy: Vec<Network>,

    /// Sources that are synchronised at once by this process
    #[arg(long, env = "SYNCD_PARALLEL_RUNS", value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=16))]
    pub parallel_runs: u16,

    /// Connections to PostgreSQL for requests
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub pool_size: u16,
}

#[derive(Debug, Args)]
pub struct ScimLogArgs {
    /// Of this source only
    #[arg(long)]
    pub source: Option<String>,

    /// Of this identity manager only
    #[arg(long)]
    pub iam: Option<String>,

    /// Not older than this: 30m, 24h, 7d
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub since: Option<Duration>,

    /// At most as many rows
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,

    /// Show below each row what the request looked like
    #[arg(long)]
    pub shape: bool,

    /// Print one JSON document, shapes included
    #[arg(long)]
    pub json: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number with s, m, h, d or w, such as 30m or 7d".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(wrong()),
    };
    let count: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    Ok(Duration::from_secs(u64::from(count) * seconds))
}

#[derive(Debug, Args)]
pub struct SyncArgs {
    /// The name of the source, as in roster.sources
    pub source: String,

    /// List what would change and write nothing
    #[arg(long)]
    pub plan: bool,

    /// Read everything, not only what changed since the last run
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

const EXPORT_HELP: &str = "\
Identity managers with their permissions, sources with configuration, schedule and guards, merge rules
and platform rules; sorted, so that two exports can be compared. Passwords and keys are never in it,
only the names of the variables and files that hold them. Needs the rights of roster_reader.

Examples:
  syncd export                        on the screen
  syncd export roster.toml            into a file, to be kept under version control
  syncd --database postgres://test.example.org/roster export | syncd apply - --dry-run";

const APPLY_HELP: &str = "\
Shows the difference, a line per property: + is new, ~ differs (old -> new), - goes. Then applies all of
it in one transaction, or nothing at all when something is refused; the refusal names the line of the
file. What the file does not name stays, and is told. Applying a file twice changes nothing the second
time. Needs the rights of roster_admin.

With --prune, what the file does not name goes: sources are dropped as by roster.drop_source, guards and
rules return to their defaults. Identity managers stay, because users live in them. When the guard does
not let a source go, nothing is applied (exit code 3).

A file:
  [identity_managers.corp]
  kind = \"ldap\"

  [sources.corp-ldap]
  iam = \"corp\"
  kind = \"ldap\"
  schedule = \"0 * * * *\"             # \"none\": on request only

  [sources.corp-ldap.config]
  urls = [\"ldaps://ldap.example.org\"]
  user_base = \"ou=people,dc=example,dc=org\"
  bind_password = { env = \"LDAP_PASSWORD\" }

  [sources.corp-ldap.guards]
  user = { max_count = 100, max_percent = 5.0 }

Examples:
  syncd export roster.toml            begin with what there is
  syncd apply roster.toml --dry-run   what would change? the same checks, nothing is written
  syncd apply roster.toml
  syncd apply roster.toml --prune --json | jq -r '.changes[] | .sign + \" \" + .name'";

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Where to write it; without it the screen
    pub file: Option<PathBuf>,

    /// Write JSON instead of TOML
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// The TOML file; - reads standard input
    pub file: PathBuf,

    /// Show the difference and write nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Let go of what the file does not name
    #[arg(long)]
    pub prune: bool,

    /// Print the difference as one JSON document
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

    #[test]
    fn times_are_numbers_with_a_unit() {
        assert_eq!(super::duration("2h").map(|time| time.as_secs()), Ok(7200));
        for wrong in ["", "h", "5", "5x", "-1h", "5é"] {
            assert!(super::duration(wrong).is_err(), "{wrong}");
        }
    }
}
