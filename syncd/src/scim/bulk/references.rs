//! `bulkId:x` stands for the id that the operation x of the same request gives to a new resource.

use std::collections::HashMap;

use roster_scim::error::{ScimError, ScimType};
use serde_json::Value;
use uuid::Uuid;

use super::invalid;
use super::operation::{Operation, Verb};

pub const PREFIX: &str = "bulkId:";

/// The ids of everything that the request creates.
#[derive(Debug)]
pub struct References {
    drawn: Vec<Uuid>,
    named: HashMap<String, Named>,
}

#[derive(Debug)]
struct Named {
    id: String,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Created,
    Failed,
}

impl References {
    pub fn new(operations: &[Operation]) -> Result<Self, ScimError> {
        let drawn: Vec<Uuid> = operations.iter().map(|_| Uuid::new_v4()).collect();
        let mut named = HashMap::new();
        for (operation, id) in operations.iter().zip(&drawn) {
            let Some(bulk_id) = operation.bulk_id.as_ref().filter(|_| operation.verb == Some(Verb::Post))
            else {
                continue;
            };
            let new = Named { id: id.to_string(), state: State::Waiting };
            if named.insert(bulk_id.clone(), new).is_some() {
                return Err(invalid("two POST operations have the same bulkId; give each its own"));
            }
        }
        Ok(Self { drawn, named })
    }

    /// The id of what the operation at that place creates.
    pub fn drawn(&self, at: usize) -> Uuid {
        self.drawn[at]
    }

    pub fn settle(&mut self, bulk_id: &str, is_created: bool) {
        if let Some(named) = self.named.get_mut(bulk_id) {
            named.state = if is_created { State::Created } else { State::Failed };
        }
    }

    pub fn id_in_path(&self, segment: &str) -> Result<String, ScimError> {
        match segment.strip_prefix(PREFIX) {
            None => Ok(segment.to_owned()),
            Some(bulk_id) => Ok(self.named(bulk_id)?.id.clone()),
        }
    }

    /// The value with ids in the place of references; those of resources that are still to come are added to `later`.
    pub fn resolve(&self, value: Value, later: &mut Vec<String>) -> Result<Value, ScimError> {
        Ok(match value {
            Value::String(text) if text.contains(PREFIX) => Value::String(self.resolve_text(&text, later)?),
            Value::Array(items) => Value::Array(
                items.into_iter().map(|item| self.resolve(item, later)).collect::<Result<_, _>>()?,
            ),
            Value::Object(fields) => {
                let resolved =
                    fields.into_iter().map(|(name, value)| Ok((name, self.resolve(value, later)?)));
                Value::Object(resolved.collect::<Result<_, ScimError>>()?)
            }
            other => other,
        })
    }

    /// A whole text, or a part of one such as `members[value eq "bulkId:x"]` and `https://host/Users/bulkId:x`.
    fn resolve_text(&self, text: &str, later: &mut Vec<String>) -> Result<String, ScimError> {
        if let Some(bulk_id) = text.strip_prefix(PREFIX) {
            return Ok(self.noted(self.named(bulk_id)?, later));
        }
        let mut resolved = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(PREFIX) {
            let behind = &rest[at + PREFIX.len()..];
            let end = behind.find(['"', '/', ']', ' ', '?', '#']).unwrap_or(behind.len());
            resolved.push_str(&rest[..at]);
            match self.named.contains_key(&behind[..end]) {
                true => resolved.push_str(&self.noted(self.named(&behind[..end])?, later)),
                false => resolved.push_str(&rest[at..at + PREFIX.len() + end]),
            }
            rest = &behind[end..];
        }
        resolved.push_str(rest);
        Ok(resolved)
    }

    fn noted(&self, named: &Named, later: &mut Vec<String>) -> String {
        if named.state == State::Waiting {
            later.push(named.id.clone());
        }
        named.id.clone()
    }

    fn named(&self, bulk_id: &str) -> Result<&Named, ScimError> {
        let shown: String = bulk_id.chars().take(60).collect();
        match self.named.get(bulk_id) {
            None => {
                let detail = format!("no POST of this request has the bulkId \"{shown}\"");
                Err(ScimError::bad(ScimType::InvalidValue, detail))
            }
            Some(named) if named.state == State::Failed => {
                let detail = format!(
                    "the operation with bulkId \"{shown}\" failed, and this one needs what it creates"
                );
                Err(ScimError::with_status(409, detail))
            }
            Some(named) => Ok(named),
        }
    }
}
