//! Resources as clients write and read them.

mod fold;
mod members;
mod normalise;
mod primary;
mod render;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub use fold::{fold, fold_name, fold_text, fold_time, fold_value};
pub use members::read_members;
pub use normalise::Normaliser;
pub use primary::{is_primary, settle_primary};
pub use render::{Resource, etag, render};

use crate::document::{Document, NOT_STORED, same_name, value_of};
use crate::error::{ScimError, ScimType};
use crate::profile::Profile;
use crate::schema::{Registry, ResourceKind, urns};

/// The body of a POST or PUT, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    pub document: Document,
    /// Of groups: None = not mentioned, so they stay; values in their order, each once.
    pub members: Option<Vec<String>>,
    /// Paths of attributes that no schema has and that were left out.
    pub dropped: BTreeSet<String>,
}

/// Reads the body of a POST or PUT (RFC 7644 sections 3.3 and 3.5.1): read-only input is ignored, passwords are dropped,
/// types are coerced as far as the profile allows.
pub fn read_resource(
    registry: &Registry,
    kind: ResourceKind,
    profile: Profile,
    body: Value,
) -> Result<Incoming, ScimError> {
    let Value::Object(body) = body else {
        return Err(ScimError::bad(ScimType::InvalidSyntax, "the body must be a JSON object"));
    };
    check_schemas(kind, profile, &body)?;
    let members = match kind {
        ResourceKind::Group => {
            value_of(&body, "members").map(|value| read_members(profile, value)).transpose()?
        }
        ResourceKind::User => None,
    };
    let mut reader =
        Reader { registry, kind, normaliser: Normaliser::new(profile), document: Document::new() };
    reader.core(body)?;
    require_name(kind, &reader.document)?;
    Ok(Incoming {
        document: reader.document,
        members: members.flatten(),
        dropped: reader.normaliser.into_dropped(),
    })
}

/// A document needs its name: userName of users (RFC 7643 section 4.1.1), displayName of groups (section 4.2).
pub fn require_name(kind: ResourceKind, document: &Document) -> Result<(), ScimError> {
    let name = match kind {
        ResourceKind::User => "userName",
        ResourceKind::Group => "displayName",
    };
    if document.get(name).and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty()) {
        return Ok(());
    }
    Err(ScimError::bad(
        ScimType::InvalidValue,
        format!("\"{name}\" is required: map it to a value that is never empty"),
    ))
}

/// RFC 7643 section 3: `schemas` is required and names the core schema. Others in it say nothing that the keys do not.
fn check_schemas(kind: ResourceKind, profile: Profile, body: &Map<String, Value>) -> Result<(), ScimError> {
    if profile.accepts_missing_schemas() {
        return Ok(());
    }
    let schemas = value_of(body, "schemas").and_then(Value::as_array);
    let named = schemas
        .is_some_and(|urns| urns.iter().filter_map(Value::as_str).any(|urn| same_name(urn, kind.urn())));
    if named {
        return Ok(());
    }
    Err(ScimError::bad(
        ScimType::InvalidSyntax,
        format!("\"schemas\" must be an array that names \"{}\"", kind.urn()),
    ))
}

struct Reader<'r> {
    registry: &'r Registry,
    kind: ResourceKind,
    normaliser: Normaliser,
    document: Document,
}

impl Reader<'_> {
    fn core(&mut self, fields: Map<String, Value>) -> Result<(), ScimError> {
        for (key, value) in fields {
            if urns::is_urn(&key) { self.schema(key, value)? } else { self.attribute(key, value)? }
        }
        Ok(())
    }

    fn attribute(&mut self, key: String, value: Value) -> Result<(), ScimError> {
        if NOT_STORED.iter().any(|name| same_name(name, &key)) && !self.is_stray(&key) {
            return Ok(());
        }
        let (name, value) = match self.registry.find(self.kind, None, &key) {
            Some(found) => (found.name.into_owned(), self.normaliser.value(&key, found.attribute, value)?),
            None => {
                let value = self.normaliser.unknown(&key, value)?;
                (key, value)
            }
        };
        if let Some(value) = value {
            self.document.insert(name, value);
        }
        Ok(())
    }

    /// `members` of a user, `groups` of a group: no schema has them, which only strict sources mind.
    fn is_stray(&self, key: &str) -> bool {
        self.normaliser.profile().is_strict() && self.registry.find(self.kind, None, key).is_none()
    }

    /// A key that is a URN: an extension, or the core schema with attributes below it, as some clients nest them.
    fn schema(&mut self, key: String, value: Value) -> Result<(), ScimError> {
        let (urn, rest) = self.registry.split_urn(&key);
        let legacy_refused = urns::is_legacy(&key) && !self.normaliser.profile().accepts_legacy_urns();
        if !rest.is_empty() || legacy_refused {
            return self.unknown_schema(key, value);
        }
        let Some(urn) = urn else {
            return match value {
                Value::Object(fields) if self.normaliser.profile().coerces_values() => {
                    self.nested_core(fields)
                }
                value => self.unknown_schema(key, value),
            };
        };
        if self.registry.extension(self.kind, &urn).is_none() {
            return self.unknown_schema(key, value);
        }
        let fields = self.normaliser.extension(self.registry, self.kind, &urn, value)?;
        if fields.is_empty() {
            return Ok(());
        }
        let stored = self.document.entry(urn).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(stored) = stored {
            stored.extend(fields);
        }
        Ok(())
    }

    fn nested_core(&mut self, fields: Map<String, Value>) -> Result<(), ScimError> {
        for (key, value) in fields {
            self.attribute(key, value)?;
        }
        Ok(())
    }

    fn unknown_schema(&mut self, key: String, value: Value) -> Result<(), ScimError> {
        if let Some(value) = self.normaliser.unknown(&key, value)? {
            self.document.insert(key, value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
