//! A table, view or query of another PostgreSQL, read in one read-only snapshot.
//!
//! What to ask is worded by the roster's database, which knows the formats: the pipeline hands the statements over.

use futures_util::TryStreamExt;
use tokio::sync::mpsc;
use tokio_postgres::Client;

use super::{ConnectorError, ReadSummary};
use crate::config::table::TableConfig;
use crate::record::{Fact, Record, Statement};
use crate::secret::{SecretRef, Secrets};

mod connection;
mod error;
mod survey;

use connection::Connection;
pub use error::TableError;
pub use survey::Survey;

/// Statements that are sent on together.
const BATCH: usize = 512;

#[derive(Debug)]
pub struct TableSource {
    connection: SecretRef,
    relation: Option<String>,
    secrets: Secrets,
}

/// A snapshot of the other database, as long as this lives.
pub struct OpenTable {
    connection: Connection,
}

/// A column of what is to be read: its name and its type, as that server calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub type_name: String,
}

/// Who reads, and what else the account could do.
#[derive(Debug)]
pub struct Account {
    pub server: String,
    pub name: String,
    pub is_superuser: bool,
    pub is_encrypted: bool,
    pub may_write: bool,
}

/// The columns that a statement has, on whatever connection; nothing is read.
pub async fn describe(client: &Client, probe: &str) -> Result<Vec<Column>, tokio_postgres::Error> {
    let prepared = client.prepare(probe).await?;
    let types: Vec<u32> = prepared.columns().iter().map(|column| column.type_().oid()).collect();
    let names = client.query(include_str!("../../sql/foreign_types.sql"), &[&types]).await?;
    prepared
        .columns()
        .iter()
        .zip(&names)
        .map(|(column, row)| Ok(Column { name: column.name().to_owned(), type_name: row.try_get("name")? }))
        .collect()
}

impl TableSource {
    pub fn relation(&self) -> Option<&str> {
        self.relation.as_deref()
    }

    /// `None`: the table is in the roster's own database.
    pub fn new(config: TableConfig, secrets: Secrets) -> Option<Self> {
        Some(Self { connection: config.connection?, relation: config.relation, secrets })
    }

    pub async fn open(&self) -> Result<OpenTable, TableError> {
        let connection = Connection::open(&self.connection, &self.secrets).await?;
        Ok(OpenTable { connection })
    }
}

impl OpenTable {
    /// The columns that a statement has; nothing is read.
    pub async fn describe(&self, probe: &str) -> Result<Vec<Column>, TableError> {
        describe(self.connection.client(), probe).await.map_err(|error| self.connection.refused(&error))
    }

    pub fn place(&self) -> &str {
        &self.connection.place
    }

    /// The server's certificate was checked.
    pub fn is_verified(&self) -> bool {
        self.connection.verified
    }

    /// Who we are there. `relation`: what we might be able to change.
    pub async fn account(&self, relation: Option<&str>) -> Result<Account, TableError> {
        let statement = include_str!("../../sql/foreign_account.sql");
        let rows = self.connection.query(statement, &[&relation]).await?;
        let shape = |error: tokio_postgres::Error| self.connection.shape(&error);
        let row = rows.first().ok_or_else(|| self.connection.shape_of("nobody knows who we are"))?;
        Ok(Account {
            server: row.try_get("server").map_err(shape)?,
            name: row.try_get("account").map_err(shape)?,
            is_superuser: row.try_get("is_superuser").map_err(shape)?,
            is_encrypted: row.try_get("encrypted").map_err(shape)?,
            may_write: row.try_get("may_write").map_err(shape)?,
        })
    }

    /// Looks at everything that a statement brings, and keeps nothing of it.
    pub async fn survey(&self, statement: &str) -> Result<Survey, TableError> {
        Survey::of(self.connection.client(), statement).await.map_err(|error| self.connection.refused(&error))
    }

    /// What the database found wrong with the columns.
    pub fn schema(&self, errors: Vec<String>) -> TableError {
        TableError::Schema { place: self.connection.place.clone(), errors }
    }

    /// The only value of a statement.
    pub async fn text(&self, statement: &str) -> Result<Option<String>, TableError> {
        let rows = self.connection.query(statement, &[]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        row.try_get(0).map_err(|error| self.connection.shape(&error))
    }

    /// Sends everything on that the statement brings. `Ok` means that it came to its end.
    pub async fn read(
        self,
        statement: String,
        sink: mpsc::Sender<Record>,
    ) -> Result<ReadSummary, ConnectorError> {
        let mut read = 0;
        let mut batch = Vec::with_capacity(BATCH);
        let rows = self.connection.rows(&statement).await?;
        let mut rows = std::pin::pin!(rows);
        loop {
            let row = match rows.try_next().await {
                Ok(Some(row)) => row,
                Ok(None) => break,
                Err(error) => return Err(self.connection.broken(&error, read).await.into()),
            };
            read += 1;
            batch.push(fact(&row).map_err(|error| self.connection.shape(&error))?);
            if batch.len() >= BATCH {
                send(&sink, std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).await?;
            }
        }
        self.connection.close().await?;
        send(&sink, batch).await?;
        Ok(ReadSummary { read, ..ReadSummary::default() })
    }
}

async fn send(sink: &mpsc::Sender<Record>, batch: Vec<Fact>) -> Result<(), ConnectorError> {
    sink.send(Record::Facts(batch)).await.map_err(|_| ConnectorError::Stopped)
}

/// The columns are those of staging: who, kind, name, value, problem.
fn fact(row: &tokio_postgres::Row) -> Result<Fact, tokio_postgres::Error> {
    let kind: &str = row.try_get(1)?;
    let statement = Statement::Row { kind: kind.to_owned(), name: row.try_get(2)?, value: row.try_get(3)? };
    Ok(Fact { who: row.try_get(0)?, statement, problem: row.try_get(4)? })
}
