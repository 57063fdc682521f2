//! Which attributes a response has (RFC 7644 section 3.9, RFC 7643 section 7 `returned`).

use serde_json::{Map, Value};

use crate::document::same_name;
use crate::error::{ScimError, ScimType};
use crate::schema::{Attribute, Registry, ResourceKind, Returned, urns};

/// The choice of `attributes` or `excludedAttributes`, and what the schemas say on top of it.
#[derive(Debug, Clone)]
pub struct Projection {
    choice: Choice,
    /// Attributes that are returned always.
    always: Vec<String>,
    /// Attributes that are returned never, or on request and were not asked for.
    hidden: Vec<Target>,
}

#[derive(Debug, Clone)]
enum Choice {
    Everything,
    Only(Vec<Target>),
    Without(Vec<Target>),
}

/// A name of the list: without attribute a whole schema, without sub-attribute a whole attribute.
#[derive(Debug, Clone)]
struct Target {
    urn: Option<String>,
    attribute: Option<String>,
    sub: Option<String>,
}

impl Projection {
    /// Reads the two parameters, lists of names separated by commas, of which a request has one at most. Names that the
    /// source does not know select nothing.
    pub fn parse(
        registry: &Registry,
        kind: ResourceKind,
        attributes: Option<&str>,
        excluded: Option<&str>,
    ) -> Result<Self, ScimError> {
        let choice = match (given(attributes), given(excluded)) {
            (Some(_), Some(_)) => {
                return Err(ScimError::bad(
                    ScimType::InvalidValue,
                    "\"attributes\" and \"excludedAttributes\" exclude each other: send one of them",
                ));
            }
            (Some(list), None) => Choice::Only(targets(registry, list)),
            (None, Some(list)) => Choice::Without(targets(registry, list)),
            (None, None) => Choice::Everything,
        };
        let known = || registry.common().iter().chain(registry.core(kind));
        let always = known().filter(|a| a.returned == Returned::Always).map(|a| a.name.to_string()).collect();
        let hidden = known().flat_map(|attribute| choice.hidden(attribute)).collect();
        Ok(Self { choice, always, hidden })
    }

    /// True if a core attribute, or a sub-attribute like `members.display`, is part of the response: is it worth reading.
    pub fn wants(&self, attribute: &str) -> bool {
        let (name, sub) = split_sub(attribute);
        if self.always.iter().any(|always| same_name(always, name)) {
            return true;
        }
        let covered = |target: &Target| target.urn.is_none() && target.covers(name, sub);
        if self.hidden.iter().any(covered) {
            return false;
        }
        match &self.choice {
            Choice::Everything => true,
            Choice::Only(targets) => {
                targets.iter().any(|target| target.urn.is_none() && target.touches(name, sub))
            }
            Choice::Without(targets) => !targets.iter().any(covered),
        }
    }

    /// Removes what the response shall not have.
    pub fn apply(&self, resource: &mut Map<String, Value>) {
        match &self.choice {
            Choice::Everything => {}
            Choice::Only(targets) => self.keep(resource, targets),
            Choice::Without(targets) => self.remove(resource, targets),
        }
        self.remove(resource, &self.hidden);
    }

    fn keep(&self, resource: &mut Map<String, Value>, targets: &[Target]) {
        for (key, value) in std::mem::take(resource) {
            let kept = if self.is_always(&key) {
                Some(value)
            } else if urns::is_urn(&key) {
                keep_extension(value, &of_schema(targets, Some(&key)))
            } else {
                keep_attribute(&key, value, &of_schema(targets, None))
            };
            if let Some(value) = kept {
                resource.insert(key, value);
            }
        }
    }

    fn remove(&self, resource: &mut Map<String, Value>, targets: &[Target]) {
        for (key, value) in std::mem::take(resource) {
            let left = if self.is_always(&key) {
                Some(value)
            } else if urns::is_urn(&key) {
                remove_from_extension(value, &of_schema(targets, Some(&key)))
            } else {
                remove_from_attribute(&key, value, &of_schema(targets, None))
            };
            if let Some(value) = left {
                resource.insert(key, value);
            }
        }
    }

    fn is_always(&self, key: &str) -> bool {
        self.always.iter().any(|always| same_name(always, key))
    }
}

impl Choice {
    /// What of a core attribute stays hidden.
    fn hidden(&self, attribute: &Attribute) -> Vec<Target> {
        let subs = attribute.sub_attributes.iter().map(|sub| (Some(&*sub.name), sub.returned));
        std::iter::once((None, attribute.returned))
            .chain(subs)
            .filter(|(sub, returned)| match returned {
                Returned::Never => true,
                Returned::Request => !self.asks_for(&attribute.name, *sub),
                Returned::Always | Returned::Default => false,
            })
            .map(|(sub, _)| Target {
                urn: None,
                attribute: Some(attribute.name.to_string()),
                sub: sub.map(str::to_owned),
            })
            .collect()
    }

    fn asks_for(&self, name: &str, sub: Option<&str>) -> bool {
        match self {
            Choice::Only(targets) => {
                targets.iter().any(|target| target.urn.is_none() && target.covers(name, sub))
            }
            Choice::Everything | Choice::Without(_) => false,
        }
    }
}

impl Target {
    /// The whole of `name` (or of `name.sub`) is meant.
    fn covers(&self, name: &str, sub: Option<&str>) -> bool {
        let Some(attribute) = &self.attribute else { return true };
        same_name(attribute, name)
            && match (&self.sub, sub) {
                (None, _) => true,
                (Some(own), Some(sub)) => same_name(own, sub),
                (Some(_), None) => false,
            }
    }

    /// Something of `name` (or of `name.sub`) is meant.
    fn touches(&self, name: &str, sub: Option<&str>) -> bool {
        self.covers(name, sub)
            || (sub.is_none() && self.attribute.as_deref().is_some_and(|own| same_name(own, name)))
    }
}

fn given(list: Option<&str>) -> Option<&str> {
    list.filter(|list| list.split(',').any(|name| !name.trim().is_empty()))
}

fn targets(registry: &Registry, list: &str) -> Vec<Target> {
    list.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| target(registry, name))
        .collect()
}

fn target(registry: &Registry, name: &str) -> Target {
    let (urn, rest) = registry.split_urn(name);
    if urn.is_none() && urns::is_urn(rest) {
        // Perhaps an extension that a lenient source keeps without knowing it: it can be named as a whole.
        return Target { urn: Some(rest.to_owned()), attribute: None, sub: None };
    }
    if rest.is_empty() {
        return Target { urn, attribute: None, sub: None };
    }
    let (attribute, sub) = split_sub(rest);
    Target { urn, attribute: Some(attribute.to_owned()), sub: sub.map(str::to_owned) }
}

fn split_sub(name: &str) -> (&str, Option<&str>) {
    name.split_once('.').map_or((name, None), |(name, sub)| (name, Some(sub)))
}

fn of_schema<'t>(targets: &'t [Target], urn: Option<&str>) -> Vec<&'t Target> {
    let same = |target: &&Target| match (&target.urn, urn) {
        (None, None) => true,
        (Some(own), Some(urn)) => same_name(own, urn),
        _ => false,
    };
    targets.iter().filter(same).collect()
}

fn keep_extension(value: Value, targets: &[&Target]) -> Option<Value> {
    if targets.iter().any(|target| target.attribute.is_none()) {
        return Some(value);
    }
    let Value::Object(fields) = value else { return None };
    let kept: Map<_, _> = fields
        .into_iter()
        .filter_map(|(name, value)| keep_attribute(&name, value, targets).map(|value| (name, value)))
        .collect();
    (!kept.is_empty()).then_some(Value::Object(kept))
}

fn keep_attribute(name: &str, value: Value, targets: &[&Target]) -> Option<Value> {
    if targets.iter().any(|target| target.covers(name, None)) {
        return Some(value);
    }
    let wanted = |sub: &str| targets.iter().any(|target| target.covers(name, Some(sub)));
    filter_subs(value, &wanted)
}

fn remove_from_extension(value: Value, targets: &[&Target]) -> Option<Value> {
    if targets.iter().any(|target| target.attribute.is_none()) {
        return None;
    }
    let Value::Object(fields) = value else { return Some(value) };
    let left: Map<_, _> = fields
        .into_iter()
        .filter_map(|(name, value)| remove_from_attribute(&name, value, targets).map(|value| (name, value)))
        .collect();
    (!left.is_empty()).then_some(Value::Object(left))
}

fn remove_from_attribute(name: &str, value: Value, targets: &[&Target]) -> Option<Value> {
    if targets.iter().any(|target| target.covers(name, None)) {
        return None;
    }
    if !targets.iter().any(|target| target.touches(name, None)) {
        return Some(value);
    }
    filter_subs(value, &|sub| !targets.iter().any(|target| target.covers(name, Some(sub))))
}

/// The sub-attributes that are wanted, of one value or of each; None if none is left.
fn filter_subs(value: Value, wanted: &dyn Fn(&str) -> bool) -> Option<Value> {
    match value {
        Value::Object(fields) => {
            let kept: Map<_, _> = fields.into_iter().filter(|(sub, _)| wanted(sub)).collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(items) => {
            let kept: Vec<_> = items.into_iter().filter_map(|item| filter_subs(item, wanted)).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
