//! What the database says about a change.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use roster_scim::document::Document;
use roster_scim::error::ScimError;
use roster_scim::schema::ResourceKind;
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use super::unknown_members;
use crate::http::Refusal;
use crate::scim::members::Member;
use crate::scim::stored::{self, Stored};

/// A change that was made, or that was one already.
#[derive(Debug)]
pub struct Written {
    pub id: Uuid,
    pub version: i64,
    pub created: DateTime<Utc>,
    pub modified: DateTime<Utc>,
    /// None: it was neither sent nor read.
    pub document: Option<Document>,
    pub links: Links,
    /// Paths of attributes that were left out.
    pub dropped: BTreeSet<String>,
}

/// What was read next to the change for its answer.
#[derive(Debug, Default)]
pub enum Links {
    #[default]
    Unread,
    Groups(Option<Value>),
    /// None: too many for an answer.
    Members(Option<Vec<Member>>),
}

/// A row of `scim_written`.
#[derive(Debug)]
pub struct Outcome {
    word: String,
    detail: Option<String>,
    row: Option<Written>,
}

impl Outcome {
    /// The columns outcome, scim_id, version, created_at, modified_at, detail, in this order.
    pub fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        let word: String = row.try_get(0)?;
        let id: Option<Uuid> = row.try_get(1)?;
        let written = match id {
            None => None,
            Some(id) => Some(Written {
                id,
                version: row.try_get(2)?,
                created: row.try_get(3)?,
                modified: row.try_get(4)?,
                document: None,
                links: Links::Unread,
                dropped: BTreeSet::new(),
            }),
        };
        Ok(Self { word, detail: row.try_get(5)?, row: written })
    }

    /// True of a user for whom groups had waited.
    pub fn was_admitted(&self) -> bool {
        self.row.is_some() && self.detail.is_some()
    }

    pub fn with_links(mut self, links: Links) -> Self {
        if let Some(written) = &mut self.row {
            written.links = links;
        }
        self
    }

    /// What was read after the change is at least as new.
    pub fn with_stored(mut self, stored: Stored) -> Self {
        if let Some(written) = &mut self.row {
            written.version = stored.version;
            written.modified = stored.modified;
            written.document = Some(stored.document);
        }
        self
    }

    /// None: the resource has another version than the expected one.
    pub fn written(self, kind: ResourceKind, id: &str) -> Result<Option<Written>, Refusal> {
        let detail = self.detail.unwrap_or_default();
        match self.word.as_str() {
            "created" | "changed" | "same" | "deleted" => self.row.map(Some).ok_or_else(Refusal::fault),
            "stale" => Ok(None),
            "missing" => Err(stored::not_found(kind, id)),
            "taken" => Err(ScimError::taken(detail).into()),
            "unknown_members" => Err(unknown_members(&detail)),
            word => {
                tracing::error!(word, "the database answered in a way that this syncd does not know");
                Err(Refusal::fault())
            }
        }
    }
}
