//! What the database knows of what a directory stated before.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use serde_json::Value;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use crate::apply;
use crate::connector::{Answer, ConnectorError, Memory};
use crate::database::DatabaseError;
use crate::known::Known;
use crate::record::{Key, Kind, Member, Reference};

#[derive(Debug)]
pub struct Recollection {
    client: Arc<Client>,
    run_id: i64,
    cursor: Option<Value>,
    /// Everything is read: what is not mentioned is gone.
    everything: AtomicBool,
    /// Everyone who is there is mentioned.
    everyone: AtomicBool,
    /// What could not be taken, as far as it was asked for.
    again: Mutex<HashSet<(Kind, Key)>>,
}

impl Recollection {
    pub async fn open(client: &Arc<Client>, run_id: i64) -> Result<Self, DatabaseError> {
        let row = client.query_one(include_str!("../../sql/ldap_state.sql"), &[&run_id]).await?;
        let cursor: Option<Value> = row.try_get("cursor")?;
        let everything = AtomicBool::new(cursor.is_none());
        let (everyone, again) = (AtomicBool::new(false), Mutex::default());
        Ok(Self { client: client.clone(), run_id, cursor, everything, everyone, again })
    }

    /// Everyone whom the source has stated.
    pub async fn known_entities(&self) -> Result<Known, DatabaseError> {
        apply::known_entities(&self.client, self.run_id).await
    }

    pub fn is_for_everything(&self) -> bool {
        self.everything.load(Ordering::Acquire)
    }

    /// Whether so much is mentioned that it is worth knowing beforehand what is unchanged.
    pub fn is_for_many(&self) -> bool {
        self.is_for_everything() || self.everyone.load(Ordering::Acquire)
    }

    pub fn was_quarantined(&self, kind: Kind, key: Key) -> bool {
        self.quarantined().contains(&(kind, key))
    }

    fn quarantined(&self) -> MutexGuard<'_, HashSet<(Kind, Key)>> {
        self.again.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory for Recollection {
    fn cursor(&self) -> Option<&Value> {
        self.cursor.as_ref()
    }

    fn everything(&self) {
        self.everything.store(true, Ordering::Release);
    }

    fn everyone(&self) {
        self.everyone.store(true, Ordering::Release);
    }

    fn members<'a>(&'a self, references: &'a [Reference]) -> Answer<'a, HashMap<Reference, Member>> {
        let statement = include_str!("../../sql/ldap_members.sql");
        let asked = async move {
            let references = uuids(references);
            rows(self.client.query(statement, &[&self.run_id, &references]).await, member)
        };
        asked.boxed()
    }

    fn known<'a>(&'a self, keys: &'a [Key]) -> Answer<'a, HashSet<Key>> {
        let statement = include_str!("../../sql/ldap_known.sql");
        let asked = async move {
            let keys: Vec<Uuid> = keys.iter().map(|key| Uuid::from_bytes(*key.as_bytes())).collect();
            rows(self.client.query(statement, &[&self.run_id, &keys]).await, |row| key(row, "key"))
        };
        asked.boxed()
    }

    fn waiting<'a>(&'a self, references: &'a [Reference]) -> Answer<'a, Vec<String>> {
        let statement = include_str!("../../sql/ldap_waiting.sql");
        let asked = async move {
            let references = uuids(references);
            rows(self.client.query(statement, &[&self.run_id, &references]).await, |row| row.try_get(0))
        };
        asked.boxed()
    }

    fn again(&self) -> Answer<'_, Vec<(Kind, String)>> {
        let statement = include_str!("../../sql/ldap_again.sql");
        let asked = async move {
            let entries: Vec<(Kind, String)> =
                rows(self.client.query(statement, &[&self.run_id]).await, |row| {
                    Ok((kind(row, "kind")?, row.try_get("external_id")?))
                })?;
            self.quarantined().extend(entries.iter().map(|(kind, id)| (*kind, Key::of(id))));
            Ok(entries)
        };
        asked.boxed()
    }

    fn containers(&self) -> Answer<'_, HashMap<Key, Reference>> {
        let statement = include_str!("../../sql/ldap_containers.sql");
        let asked = async move {
            rows(self.client.query(statement, &[&self.run_id]).await, |row| {
                Ok((key(row, "key")?, reference(row, "reference")?))
            })
        };
        asked.boxed()
    }
}

fn rows<T, C: FromIterator<T>>(
    answer: Result<Vec<Row>, tokio_postgres::Error>,
    read: impl Fn(&Row) -> Result<T, tokio_postgres::Error>,
) -> Result<C, ConnectorError> {
    let failed =
        |error: tokio_postgres::Error| ConnectorError::Memory(DatabaseError::from(error).to_string());
    answer.map_err(failed)?.iter().map(read).collect::<Result<C, _>>().map_err(failed)
}

fn uuids(references: &[Reference]) -> Vec<Uuid> {
    references.iter().map(|reference| Uuid::from_bytes(*reference.as_bytes())).collect()
}

fn member(row: &Row) -> Result<(Reference, Member), tokio_postgres::Error> {
    Ok((reference(row, "reference")?, Member { kind: kind(row, "kind")?, key: key(row, "key")? }))
}

fn reference(row: &Row, column: &str) -> Result<Reference, tokio_postgres::Error> {
    row.try_get::<_, Uuid>(column).map(|uuid| Reference::from_bytes(*uuid.as_bytes()))
}

fn key(row: &Row, column: &str) -> Result<Key, tokio_postgres::Error> {
    row.try_get::<_, Uuid>(column).map(|uuid| Key::from_bytes(*uuid.as_bytes()))
}

fn kind(row: &Row, column: &str) -> Result<Kind, tokio_postgres::Error> {
    let word: &str = row.try_get(column)?;
    Ok(if word == Kind::Group.as_str() { Kind::Group } else { Kind::User })
}
