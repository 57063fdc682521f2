//! Configuration as a file: `syncd export` writes what the database has, `syncd apply` makes the database what the file
//! says, in one transaction and through the same functions that everybody calls.

mod compare;
mod file;
mod perform;
mod read;
mod show;
mod values;

use std::io::{self, IsTerminal, Read, Write, stdout};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tokio_postgres::Client;

use crate::Outcome;
use crate::cli::{ApplyArgs, ExportArgs};
use crate::database::DatabaseError;
use crate::output::json;
use crate::pipeline::Surroundings;
use compare::Difference;
use file::{Declared, FileError};
use perform::{Blocked, PerformError};

#[derive(Debug, thiserror::Error)]
pub enum DeclareError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Perform(#[from] PerformError),
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: io::Error },
    #[error("cannot write {}: {reason}", path.display())]
    Unwritable { path: PathBuf, reason: io::Error },
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    #[error("the configuration cannot be written as TOML: {0}")]
    Toml(#[from] toml::ser::Error),
}

pub async fn export(around: &Surroundings, args: &ExportArgs) -> Result<Outcome, DeclareError> {
    let session = around.database.connect().await?;
    let declaration = read::read(&session.client).await?;
    let mut text = Vec::new();
    match args.json {
        true => json(&mut text, &declaration)?,
        false => text.write_all(file::text(&declaration)?.as_bytes())?,
    }
    match &args.file {
        Some(path) => write_file(path, &text)?,
        None => stdout().lock().write_all(&text)?,
    }
    Ok(Outcome::Ok)
}

pub async fn apply(around: &Surroundings, args: &ApplyArgs) -> Result<Outcome, DeclareError> {
    let declared = Declared::parse(&args.file.display().to_string(), &read_file(&args.file)?)?;
    let session = around.database.connect().await?;
    let client = &session.client;
    client.batch_execute(include_str!("../sql/declare/begin.sql")).await.map_err(DatabaseError::from)?;
    // An error leaves the transaction to the end of the connection, which undoes it.
    let applied = apply_in_transaction(client, declared, args).await?;
    let end = match applied.is_final {
        true => include_str!("../sql/declare/commit.sql"),
        false => include_str!("../sql/declare/rollback.sql"),
    };
    client.batch_execute(end).await.map_err(DatabaseError::from)?;
    let mut out = stdout().lock();
    match args.json {
        true => json(&mut out, &applied)?,
        false => show::show(&mut out, &applied, stdout().is_terminal())?,
    }
    Ok(if applied.blocked.is_empty() { Outcome::Ok } else { Outcome::Blocked })
}

/// What came of a file.
#[derive(Debug, Serialize)]
struct Applied {
    /// Whether it was written.
    #[serde(rename = "applied")]
    is_final: bool,
    dry_run: bool,
    #[serde(flatten)]
    difference: Difference,
    blocked: Vec<Blocked>,
}

/// A dry run does all that an application does, and is undone.
async fn apply_in_transaction(
    client: &Client,
    mut declared: Declared,
    args: &ApplyArgs,
) -> Result<Applied, DeclareError> {
    let present = read::read(client).await?;
    read::normalise_times(client, &mut declared).await?;
    let difference = compare::compare(&present, &declared, args.prune)?;
    let blocked = perform::perform(client, &difference.changes).await?;
    let is_final = blocked.is_empty() && !args.dry_run;
    Ok(Applied { is_final, dry_run: args.dry_run, difference, blocked })
}

fn read_file(path: &Path) -> Result<String, DeclareError> {
    let mut text = String::new();
    let read = match path == Path::new("-") {
        true => io::stdin().read_to_string(&mut text).map(|_| text),
        false => std::fs::read_to_string(path),
    };
    read.map_err(|reason| DeclareError::Unreadable { path: path.to_owned(), reason })
}

/// Whoever sees the file sees all of it.
fn write_file(path: &Path, text: &[u8]) -> Result<(), DeclareError> {
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".{}.new", std::process::id()));
    let written = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path));
    written.map_err(|reason| DeclareError::Unwritable { path: path.to_owned(), reason })
}
