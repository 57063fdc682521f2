//! Resources as the database has them.

use chrono::{DateTime, Utc};
use roster_scim::document::Document;
use roster_scim::projection::Projection;
use roster_scim::resource::{Resource, render};
use roster_scim::schema::ResourceKind;
use serde_json::{Map, Value};
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::http::{Caller, Refusal};

/// One row of `scim_users` or `scim_groups`.
#[derive(Debug)]
pub struct Stored {
    pub rid: i64,
    pub id: Uuid,
    pub version: i64,
    pub created: DateTime<Utc>,
    pub modified: DateTime<Utc>,
    pub document: Document,
    /// Of users, if they were asked for.
    pub groups: Option<Value>,
}

impl Stored {
    /// The columns rid, id, version, created_at, modified_at, document, groups, in this order.
    pub fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        let Json(document) = row.try_get(5)?;
        Ok(Self {
            rid: row.try_get(0)?,
            id: row.try_get(1)?,
            version: row.try_get(2)?,
            created: row.try_get(3)?,
            modified: row.try_get(4)?,
            document,
            groups: row.try_get(6)?,
        })
    }

    /// As the client sees it, but for the members of a group.
    pub fn shown(self, caller: &Caller, kind: ResourceKind, projection: &Projection) -> Map<String, Value> {
        let id = self.id.to_string();
        let resource = Resource {
            kind,
            id: &id,
            document: &self.document,
            version: self.version,
            created: self.created,
            modified: self.modified,
            base: &caller.base,
        };
        let mut shown = render(&caller.source.registry, &resource);
        if let Some(groups) = self.groups.and_then(|groups| with_references(groups, &caller.base)) {
            shown.insert("groups".to_owned(), groups);
        }
        projection.apply(&mut shown);
        shown
    }
}

/// None: in no group, and nothing unassigned is shown.
fn with_references(mut groups: Value, base: &str) -> Option<Value> {
    let items = groups.as_array_mut().filter(|items| !items.is_empty())?;
    for item in items.iter_mut().filter_map(Value::as_object_mut) {
        if let Some(id) = item.get("value").and_then(Value::as_str) {
            let reference = location(base, ResourceKind::Group, id);
            item.insert("$ref".to_owned(), Value::String(reference));
        }
    }
    Some(groups)
}

pub fn location(base: &str, kind: ResourceKind, id: &str) -> String {
    format!("{base}{}/{id}", kind.endpoint())
}

/// An id in a path: exactly as it was given out, in lower case. Anything else is nobody's.
pub fn id(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    let mut buffer = Uuid::encode_buffer();
    (id.hyphenated().encode_lower(&mut buffer) == text).then_some(id)
}

pub fn not_found(kind: ResourceKind, id: &str) -> Refusal {
    let kind = kind.name().to_lowercase();
    // What a path holds is shortened: it may be anything.
    let id: String = id.chars().take(60).collect();
    Refusal::new(axum::http::StatusCode::NOT_FOUND, format!("there is no {kind} with id \"{id}\""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_compare_exactly() {
        let text = "67e55044-10b1-426f-9247-bb680e5fe0c8";
        assert!(id(text).is_some());
        for other in ["67E55044-10B1-426F-9247-BB680E5FE0C8", "67e5504410b1426f9247bb680e5fe0c8", "", "x"] {
            assert!(id(other).is_none(), "{other}");
        }
    }

    #[test]
    fn groups_get_their_references() {
        let groups = json!([{"value": "a", "display": "A", "type": "direct"}]);
        let shown = with_references(groups, "https://x/scim/i/v2").unwrap();
        assert_eq!(shown[0]["$ref"], "https://x/scim/i/v2/Groups/a");
        assert!(with_references(json!([]), "x").is_none());
    }
}
