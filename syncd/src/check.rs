//! `syncd check`: from the connection to the database to a sample entry of each source.

use std::io::{self, Write, stdout};

use serde::Serialize;
use tokio_postgres::Client;

use crate::Outcome;
use crate::cli::CheckArgs;
use crate::config::SourceConfig;
use crate::connector::endpoint::Subjects;
use crate::connector::{CheckState, CheckStep, Connector};
use crate::database::{DatabaseError, Session};
use crate::lease::{self, Source};
use crate::output::{CommandError, json, printable};
use crate::pipeline::Surroundings;
use crate::source::{self, Opened};
use crate::{push, scim};

mod table;

/// The interface between the database and this daemon, as `roster.api_version()` counts it.
pub const API_VERSION: i32 = 1;

#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    database: Vec<CheckStep>,
    sources: Vec<SourceReport>,
}

#[derive(Debug, Serialize)]
struct SourceReport {
    source: String,
    kind: String,
    steps: Vec<CheckStep>,
}

pub async fn check(around: &Surroundings, args: &CheckArgs) -> Result<Outcome, CommandError> {
    let mut report = Report { ok: true, database: Vec::new(), sources: Vec::new() };
    if let Some(session) = check_database(around, &mut report.database).await? {
        for source in sources(&session, args).await? {
            let steps = check_source(around, &session, &source).await;
            report.sources.push(SourceReport { source: source.source, kind: source.kind, steps });
        }
    }
    let sources = report.sources.iter().flat_map(|source| &source.steps);
    report.ok = report.database.iter().chain(sources).all(|step| step.state != CheckState::Failed);

    let mut out = stdout().lock();
    match args.json {
        true => json(&mut out, &report)?,
        false => print(&mut out, &report)?,
    }
    Ok(if report.ok { Outcome::Ok } else { Outcome::Failed })
}

/// The session, if there is anything to go on with.
async fn check_database(
    around: &Surroundings,
    steps: &mut Vec<CheckStep>,
) -> Result<Option<Session>, DatabaseError> {
    let session = match around.database.connect().await {
        Ok(session) => session,
        Err(error) => {
            steps.push(failed("connection", error.to_string(), None));
            return Ok(None);
        }
    };
    let row = session.client.query_one(include_str!("../sql/installation.sql"), &[]).await?;
    let (server, role): (String, String) = (row.try_get("server")?, row.try_get("role")?);
    let message = format!("{} (PostgreSQL {server}) as {role}", around.database.place());
    steps.push(ok("connection", message));

    let version: Option<String> = row.try_get("extension")?;
    let has_schema: bool = row.try_get("has_schema")?;
    if !has_schema {
        let remedy = "CREATE EXTENSION pg_roster;  -- as a superuser, in this database";
        steps.push(failed("extension", "pg_roster is not installed here".to_owned(), Some(remedy)));
        return Ok(None);
    }
    steps.push(ok("extension", format!("pg_roster {}", version.as_deref().unwrap_or("(plain SQL)"))));
    if !row.try_get::<_, bool>("may_sync")? {
        let message = format!("{role} may not do what the daemon has to");
        steps.push(failed("rights", message, Some("GRANT roster_syncd TO the daemon's role;")));
        return Ok(None);
    }
    steps.push(ok("rights", format!("{role} has those of roster_syncd")));
    let row = session.client.query_one(include_str!("../sql/api_version.sql"), &[]).await?;
    let version: i32 = row.try_get("version")?;
    if version != API_VERSION {
        let message =
            format!("this syncd speaks version {API_VERSION} of the interface, the database {version}");
        steps.push(failed("interface", message, Some("install syncd and extension of the same release")));
        return Ok(None);
    }
    steps.push(ok("interface", format!("version {version}, as this syncd speaks")));
    Ok(Some(session))
}

async fn sources(session: &Session, args: &CheckArgs) -> Result<Vec<Source>, CommandError> {
    let names = match &args.source {
        Some(name) => vec![name.clone()],
        None => {
            let rows = session
                .client
                .query(include_str!("../sql/checkable_sources.sql"), &[])
                .await
                .map_err(DatabaseError::from)?;
            rows.iter()
                .map(|row| row.try_get("source"))
                .collect::<Result<_, _>>()
                .map_err(DatabaseError::from)?
        }
    };
    let mut found = Vec::new();
    for name in names {
        let source = lease::source_config(&session.client, &name).await?;
        found.push(source.ok_or(CommandError::NoSuchSource(name))?);
    }
    Ok(found)
}

async fn check_source(around: &Surroundings, session: &Session, source: &Source) -> Vec<CheckStep> {
    match SourceConfig::parse(&source.kind, &source.config) {
        Ok(SourceConfig::Scim(config)) => return scim::check(&config),
        Ok(SourceConfig::Push(config)) => return push::check(&config, &around.secrets),
        _ => {}
    }
    match source::open(source, &around.secrets) {
        Ok(Opened::Ldap(connector)) => connector.check().await,
        Ok(Opened::Endpoint(connector)) => match sample(&session.client, &source.source).await {
            Ok(subjects) => connector.about(subjects).check().await,
            Err(error) => vec![failed("configuration", error.to_string(), None)],
        },
        Ok(Opened::Table(source_table)) => table::elsewhere(&session.client, source, &source_table).await,
        Ok(Opened::LocalTable) => table::here(&session.client, source).await,
        Err(error) => vec![failed("configuration", error.to_string(), None)],
    }
}

/// A few users to ask an endpoint about.
async fn sample(client: &Client, source: &str) -> Result<Subjects, DatabaseError> {
    let mut subjects = Subjects::default();
    for row in client.query(include_str!("../sql/endpoint_sample.sql"), &[&source]).await? {
        subjects.push(row.try_get(0)?, None);
    }
    Ok(subjects)
}

/// The steps that an earlier one made senseless.
fn skipped(mut steps: Vec<CheckStep>, all: &[&str]) -> Vec<CheckStep> {
    for step in all {
        if !steps.iter().any(|done| done.step == *step) {
            let message = "an earlier step failed".to_owned();
            steps.push(CheckStep { state: CheckState::Skipped, ..ok(step, message) });
        }
    }
    steps
}

fn warning(step: &str, message: String, remedy: &str) -> CheckStep {
    CheckStep { state: CheckState::Warning, ..failed(step, message, Some(remedy)) }
}

fn ok(step: &str, message: String) -> CheckStep {
    CheckStep { step: step.to_owned(), state: CheckState::Ok, message, remedy: None, sample: None }
}

fn failed(step: &str, message: String, remedy: Option<&str>) -> CheckStep {
    CheckStep {
        step: step.to_owned(),
        state: CheckState::Failed,
        message,
        remedy: remedy.map(str::to_owned),
        sample: None,
    }
}

fn print(out: &mut impl Write, report: &Report) -> io::Result<()> {
    writeln!(out, "database")?;
    print_steps(out, &report.database)?;
    for source in &report.sources {
        writeln!(out, "\nsource {} ({})", printable(&source.source), source.kind)?;
        print_steps(out, &source.steps)?;
    }
    Ok(())
}

fn print_steps(out: &mut impl Write, steps: &[CheckStep]) -> io::Result<()> {
    let width = steps.iter().map(|step| step.step.chars().count()).max().unwrap_or(0);
    for step in steps {
        let state = state_word(step.state);
        writeln!(out, "  {:<width$}  {state:<7}  {}", step.step, printable(&step.message))?;
        let indent = width + 13;
        if let Some(remedy) = &step.remedy {
            writeln!(out, "{:indent$}-> {}", "", printable(remedy))?;
        }
        if let Some(sample) = &step.sample {
            for line in serde_json::to_string_pretty(sample).map_err(io::Error::from)?.lines() {
                writeln!(out, "{:indent$}{line}", "")?;
            }
        }
    }
    Ok(())
}

fn state_word(state: CheckState) -> &'static str {
    match state {
        CheckState::Ok => "ok",
        CheckState::Warning => "warning",
        CheckState::Failed => "failed",
        CheckState::Skipped => "skipped",
    }
}
