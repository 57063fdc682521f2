//! Values in canonical form: the one way into a document, for POST, PUT and PATCH alike.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::primary::settle_primary;
use crate::document::{is_unassigned, pruned, same_name};
use crate::error::{ScimError, ScimType};
use crate::profile::{Profile, UnknownAttribute};
use crate::schema::{Attribute, DataType, Registry, ResourceKind, Returned};

/// How many paths of dropped attributes are remembered: enough for a report, whatever the body.
const DROPPED_LIMIT: usize = 100;
const DROPPED_LENGTH: usize = 200;

/// Turns values into canonical ones as leniently as the profile allows, and notes what it left out. The `path` of every
/// method is for messages only.
#[derive(Debug, Clone)]
pub struct Normaliser {
    profile: Profile,
    dropped: BTreeSet<String>,
}

impl Normaliser {
    pub fn new(profile: Profile) -> Self {
        Self { profile, dropped: BTreeSet::new() }
    }

    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Paths of attributes that were left out because no schema has them.
    pub fn dropped(&self) -> &BTreeSet<String> {
        &self.dropped
    }

    pub fn into_dropped(self) -> BTreeSet<String> {
        self.dropped
    }

    /// A whole attribute. None: unassigned (RFC 7643 section 2.5), or not for clients to set (read-only input is ignored,
    /// RFC 7644 section 3.5.1; passwords are not kept). Without a definition any JSON is taken as it is.
    pub fn value(
        &mut self,
        path: &str,
        attribute: Option<&Attribute>,
        value: Value,
    ) -> Result<Option<Value>, ScimError> {
        let Some(attribute) = attribute else {
            return self.undefined(path, value);
        };
        if is_unassigned(&value) || attribute.is_read_only() || attribute.returned == Returned::Never {
            return Ok(None);
        }
        if attribute.multi_valued {
            self.list(path, attribute, value)
        } else {
            self.single(path, attribute, value)
        }
    }

    /// One value: of a single-valued attribute, or one element of a multi-valued one.
    pub fn element(
        &mut self,
        path: &str,
        attribute: &Attribute,
        value: Value,
    ) -> Result<Option<Value>, ScimError> {
        match attribute.data_type {
            _ if is_unassigned(&value) => Ok(None),
            DataType::Complex => self.complex(path, attribute, value),
            DataType::Boolean => self.boolean(path, value),
            DataType::Integer | DataType::Decimal => self.number(path, value),
            DataType::String | DataType::DateTime | DataType::Binary | DataType::Reference => {
                self.text(path, value)
            }
        }
    }

    /// The fields of an extension in canonical form (RFC 7643 section 3.3). `urn` is canonical, see `Registry::split_urn`.
    pub fn extension(
        &mut self,
        registry: &Registry,
        kind: ResourceKind,
        urn: &str,
        value: Value,
    ) -> Result<Map<String, Value>, ScimError> {
        let mut fields = Map::new();
        match value {
            Value::Object(given) => {
                for (name, value) in given {
                    // Some clients say the schemas of an extension inside of it.
                    if same_name(&name, "schemas") {
                        continue;
                    }
                    let path = format!("{urn}:{name}");
                    match registry.find(kind, Some(urn), &name) {
                        Some(found) => {
                            let value = self.value(&path, found.attribute, value)?;
                            put(&mut fields, &found.name, value);
                        }
                        None => put(&mut fields, &name, self.unknown(&path, value)?),
                    }
                }
            }
            value if is_unassigned(&value) => {}
            _ if self.profile.is_strict() => {
                return Err(wrong_type(urn, "an object with the fields of the extension"));
            }
            _ => self.drop(urn),
        }
        Ok(fields)
    }

    /// What becomes of an attribute that no schema has: left out and noted, refused or kept, as the profile says.
    pub fn unknown(&mut self, path: &str, value: Value) -> Result<Option<Value>, ScimError> {
        match self.profile.unknown_attribute() {
            UnknownAttribute::Refuse => Err(ScimError::bad(
                ScimType::InvalidSyntax,
                format!(
                    "attribute \"{}\" is in no schema of this server: remove it, or map its extension",
                    shown(path)
                ),
            )),
            UnknownAttribute::Keep => self.undefined(path, value),
            UnknownAttribute::Drop => {
                self.drop(path);
                Ok(None)
            }
        }
    }

    fn drop(&mut self, path: &str) {
        if self.dropped.len() < DROPPED_LIMIT {
            self.dropped.insert(shown(path));
        }
    }

    fn undefined(&self, path: &str, value: Value) -> Result<Option<Value>, ScimError> {
        refuse_nul(path, &value)?;
        Ok(pruned(value).filter(|value| !self.is_empty_text(value)))
    }

    fn list(&mut self, path: &str, attribute: &Attribute, value: Value) -> Result<Option<Value>, ScimError> {
        let given = match value {
            Value::Array(given) => given,
            single if self.profile.coerces_values() => vec![single],
            _ => return Err(wrong_type(path, "an array")),
        };
        let mut values = Vec::with_capacity(given.len());
        // The same value twice says nothing more (RFC 7643 section 2.4). A set of their JSON keeps long lists linear.
        let mut seen = BTreeSet::new();
        for value in given {
            let Some(value) = self.element(path, attribute, value)? else { continue };
            if seen.insert(value.to_string()) {
                values.push(value);
            }
        }
        settle_primary(&mut values, None);
        Ok((!values.is_empty()).then_some(Value::Array(values)))
    }

    /// Clients that think of `manager` as multi-valued send `[{"value": "id"}]`.
    fn single(
        &mut self,
        path: &str,
        attribute: &Attribute,
        value: Value,
    ) -> Result<Option<Value>, ScimError> {
        let Value::Array(items) = value else {
            return self.element(path, attribute, value);
        };
        if !self.profile.coerces_values() {
            return Err(wrong_type(path, "a single value, not an array"));
        }
        match items.into_iter().find(|item| !is_unassigned(item)) {
            Some(Value::Array(_)) => Err(wrong_type(path, "a single value, not an array")),
            Some(item) => self.element(path, attribute, item),
            None => Ok(None),
        }
    }

    fn complex(
        &mut self,
        path: &str,
        attribute: &Attribute,
        value: Value,
    ) -> Result<Option<Value>, ScimError> {
        let given = match value {
            Value::Object(given) => given,
            simple => match self.whole(attribute, simple) {
                Some(given) => given,
                None => return Err(wrong_type(path, "an object with sub-attributes")),
            },
        };
        let mut fields = Map::new();
        for (name, value) in given {
            let path = format!("{path}.{name}");
            match attribute.sub(&name) {
                Some(sub) => {
                    let value = self.value(&path, Some(sub), value)?;
                    put(&mut fields, &sub.name, value);
                }
                None => put(&mut fields, &name, self.unknown(&path, value)?),
            }
        }
        Ok((!fields.is_empty()).then_some(Value::Object(fields)))
    }

    /// A simple value in place of a complex one stands for the sub-attribute that carries the meaning: a manager's id, an
    /// e-mail address, a formatted name.
    fn whole(&self, attribute: &Attribute, simple: Value) -> Option<Map<String, Value>> {
        if !self.profile.coerces_values() || simple.is_array() || simple.is_boolean() {
            return None;
        }
        let sub = attribute.sub("value").or_else(|| attribute.sub("formatted"))?;
        Some(Map::from_iter([(sub.name.to_string(), simple)]))
    }

    fn boolean(&self, path: &str, value: Value) -> Result<Option<Value>, ScimError> {
        match &value {
            Value::Bool(_) => return Ok(Some(value)),
            Value::String(text) if self.profile.coerces_values() => match text.trim() {
                "" => return Ok(None),
                word if word.eq_ignore_ascii_case("true") => return Ok(Some(Value::Bool(true))),
                word if word.eq_ignore_ascii_case("false") => return Ok(Some(Value::Bool(false))),
                _ => {}
            },
            _ => {}
        }
        Err(wrong_type(path, "true or false"))
    }

    fn number(&self, path: &str, value: Value) -> Result<Option<Value>, ScimError> {
        match &value {
            Value::Number(_) => return Ok(Some(value)),
            Value::String(text) if self.profile.coerces_values() => match serde_json::from_str(text.trim()) {
                Ok(Value::Number(number)) => return Ok(Some(Value::Number(number))),
                _ if text.trim().is_empty() => return Ok(None),
                _ => {}
            },
            _ => {}
        }
        Err(wrong_type(path, "a number"))
    }

    /// Text is taken as it is: base64, locales, countries and URIs that official validators send are often none.
    fn text(&self, path: &str, value: Value) -> Result<Option<Value>, ScimError> {
        let text = match value {
            Value::String(text) => Value::String(text),
            Value::Number(number) if self.profile.coerces_values() => Value::String(number.to_string()),
            Value::Bool(truth) if self.profile.coerces_values() => Value::String(truth.to_string()),
            Value::Object(mut fields) if self.profile.coerces_values() => match fields.remove("value") {
                Some(Value::String(text)) => Value::String(text),
                _ => return Err(wrong_type(path, "a string")),
            },
            _ => return Err(wrong_type(path, "a string")),
        };
        refuse_nul(path, &text)?;
        Ok((!self.is_empty_text(&text)).then_some(text))
    }

    fn is_empty_text(&self, value: &Value) -> bool {
        self.profile.empty_string_unassigns() && value.as_str() == Some("")
    }
}

/// A later spelling of the same attribute wins, unless it says nothing.
fn put(fields: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        fields.insert(name.to_owned(), value);
    }
}

fn wrong_type(path: &str, wanted: &str) -> ScimError {
    ScimError::bad(ScimType::InvalidValue, format!("\"{}\" must be {wanted}", shown(path)))
}

/// PostgreSQL has no NUL in text or jsonb, names included, and to leave it out could make two different values equal.
fn refuse_nul(path: &str, value: &Value) -> Result<(), ScimError> {
    if path.contains('\0') || has_nul(value) {
        return Err(wrong_type(path, "without the character U+0000"));
    }
    Ok(())
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

/// A name that the client chose, short enough for a message.
fn shown(path: &str) -> String {
    path.chars().filter(|c| !c.is_control()).take(DROPPED_LENGTH).collect()
}

#[cfg(test)]
mod tests;
