//! Attribute paths (RFC 7644 section 3.10 and figure 7): `title`, `name.givenName`, `emails[type eq "work"].value`,
//! `urn:...:User:manager.value`.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::document::{Document, value_of};
use crate::error::{ScimError, ScimType};
use crate::filter::{self, Filter};
use crate::resource::fold_value;
use crate::schema::{Attribute, Registry, ResourceKind, urns};

/// A path as it was written. The URN of a whole schema cannot be told from that of an attribute in it without knowing the
/// schemas, so `urn` and `attribute` together may be just that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttrPath {
    pub urn: Option<String>,
    pub attribute: String,
    pub filter: Option<Filter>,
    pub sub: Option<String>,
}

impl AttrPath {
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        let (name, filter, sub) = filter::parse_path(text)?;
        let (urn, rest) = match name.rsplit_once(':') {
            Some((urn, rest)) if urns::is_urn(&name) => (Some(urn.to_owned()), rest),
            Some(_) => return Err(invalid(text, "a colon is part of URNs only")),
            None => (None, name.as_str()),
        };
        let (attribute, own_sub) = match rest.split_once('.') {
            Some((attribute, sub)) => (attribute, Some(sub.to_owned())),
            None => (rest, None),
        };
        if filter.is_some() && own_sub.is_some() {
            return Err(invalid(text, "brackets belong behind the attribute, before the dot"));
        }
        if attribute.is_empty() || own_sub.as_deref() == Some("") {
            return Err(invalid(text, "a name is missing"));
        }
        Ok(Self { urn, attribute: attribute.to_owned(), filter, sub: own_sub.or(sub) })
    }

    /// The path without its filter.
    pub fn name(&self) -> String {
        let urn = self.urn.as_ref().map(|urn| format!("{urn}:")).unwrap_or_default();
        let sub = self.sub.as_ref().map(|sub| format!(".{sub}")).unwrap_or_default();
        format!("{urn}{}{sub}", self.attribute)
    }

    /// What the path selects in a document: each value of a multi-valued attribute, the fields of a whole extension.
    pub fn values<'d>(
        &self,
        registry: &Registry,
        kind: ResourceKind,
        document: &'d Document,
    ) -> Vec<&'d Value> {
        match locate(registry, kind, &self.name()) {
            Some(Located::Schema(Some(urn))) => document.get(&urn).into_iter().collect(),
            Some(Located::Attribute(place)) => self.selected(&place, document),
            Some(Located::Schema(None)) => Vec::new(),
            None => self.selected(&self.stray(), document),
        }
    }

    /// What no schema has may be in a document all the same: some sources keep it for the round trip.
    fn stray(&self) -> Place<'static> {
        let name = self.name();
        let (name, sub) = match name.split_once('.') {
            Some((first, sub)) if !urns::is_urn(&name) => (first.to_owned(), Some(sub.to_owned())),
            _ => (name, None),
        };
        Place { urn: None, name, attribute: None, sub: sub.map(|name| Sub { name, attribute: None }) }
    }

    fn selected<'d>(&self, place: &Place<'_>, document: &'d Document) -> Vec<&'d Value> {
        let fields = match &place.urn {
            Some(urn) => document.get(urn).and_then(Value::as_object),
            None => Some(document),
        };
        let mut values =
            fields.and_then(|fields| value_of(fields, &place.name)).map(each).unwrap_or_default();
        if let Some(filter) = &self.filter {
            let Ok(plan) = filter::element(filter, place.attribute) else { return Vec::new() };
            values.retain(|value| plan.holds(&fold_value(place.attribute, value)));
        }
        match &place.sub {
            Some(sub) => {
                let subs = values
                    .into_iter()
                    .filter_map(Value::as_object)
                    .filter_map(|fields| value_of(fields, &sub.name));
                subs.flat_map(each).collect()
            }
            None => values,
        }
    }
}

impl FromStr for AttrPath {
    type Err = ScimError;

    fn from_str(text: &str) -> Result<Self, ScimError> {
        Self::parse(text)
    }
}

impl fmt::Display for AttrPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(filter) = &self.filter else { return f.write_str(&self.name()) };
        let sub = self.sub.as_ref().map(|sub| format!(".{sub}")).unwrap_or_default();
        write!(f, "{}[{filter}]{sub}", Self { filter: None, sub: None, ..self.clone() }.name())
    }
}

/// What a name means to a source.
#[derive(Debug, Clone)]
pub(crate) enum Located<'r> {
    /// A whole schema: an extension, None for core.
    Schema(Option<String>),
    Attribute(Place<'r>),
}

#[derive(Debug, Clone)]
pub(crate) struct Place<'r> {
    /// Canonical URN of the extension, None for core.
    pub urn: Option<String>,
    /// Canonical name.
    pub name: String,
    /// None: a field of an open extension that has no definition.
    pub attribute: Option<&'r Attribute>,
    pub sub: Option<Sub<'r>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Sub<'r> {
    pub name: String,
    pub attribute: Option<&'r Attribute>,
}

impl<'r> Place<'r> {
    /// The definition of what the path ends at.
    pub fn leaf(&self) -> Option<&'r Attribute> {
        match &self.sub {
            Some(sub) => sub.attribute,
            None => self.attribute,
        }
    }
}

/// Looks a name without filter up. None: the source does not know it.
pub(crate) fn locate<'r>(registry: &'r Registry, kind: ResourceKind, name: &str) -> Option<Located<'r>> {
    let (urn, rest) = registry.split_urn(name);
    if rest.is_empty() {
        return Some(Located::Schema(urn));
    }
    let (attribute, sub) = match rest.split_once('.') {
        Some((attribute, sub)) => (attribute, Some(sub)),
        None => (rest, None),
    };
    let found = registry.find(kind, urn.as_deref(), attribute)?;
    let sub = match (sub, found.attribute) {
        (None, _) => None,
        (Some(sub), Some(attribute)) => {
            let attribute = attribute.sub(sub)?;
            Some(Sub { name: attribute.name.to_string(), attribute: Some(attribute) })
        }
        (Some(sub), None) => Some(Sub { name: sub.to_owned(), attribute: None }),
    };
    Some(Located::Attribute(Place { urn, name: found.name.into_owned(), attribute: found.attribute, sub }))
}

fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        single => vec![single],
    }
}

fn invalid(path: &str, reason: &str) -> ScimError {
    let shown: String = path.chars().filter(|c| !c.is_control()).take(200).collect();
    ScimError::bad(ScimType::InvalidPath, format!("path \"{shown}\": {reason}"))
}

#[cfg(test)]
mod tests;
