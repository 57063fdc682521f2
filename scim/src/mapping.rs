//! Which facts follow from a document: profile fields, attributes, permissions and platform usernames. A profile field is
//! never an entitlement; what counts in policies is mapped as an attribute.

mod profile;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::document::{Document, NOT_STORED, same_name};
use crate::path::AttrPath;
use crate::schema::{Registry, ResourceKind, urns};
use texts::{Attributes, text, texts};

/// The mapping of one source, from its configuration.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Profile field -> path. Empty: the usual fields (see the module of the profile).
    pub profile: BTreeMap<String, AttrPath>,
    /// Attribute of users -> path.
    pub attributes: BTreeMap<String, AttrPath>,
    /// Prefix -> URN: every field of that schema, of users and groups, becomes `prefix.Field`.
    pub prefixes: BTreeMap<String, String>,
    /// Attribute of groups -> path.
    pub group_attributes: BTreeMap<String, AttrPath>,
    /// Paths whose values are permissions.
    pub permissions: Vec<AttrPath>,
    /// Platform -> path of the username there.
    pub platforms: BTreeMap<String, AttrPath>,
    /// Off: attributes and permissions are accepted and have no effect.
    pub sync_attributes: bool,
}

/// What a user document states.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UserFacts {
    pub username: String,
    pub external_id: Option<String>,
    pub display_name: Option<String>,
    pub email: Option<String>,
    pub profile: Map<String, Value>,
    pub active: bool,
    pub attributes: BTreeSet<(String, String)>,
    pub permissions: BTreeSet<String>,
    pub platforms: BTreeMap<String, String>,
}

/// What a group document states.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GroupFacts {
    pub name: String,
    pub external_id: Option<String>,
    pub attributes: BTreeSet<(String, String)>,
}

/// Fields of the core schema that say who somebody is and not what they have.
const IDENTITY: [&str; 3] = ["userName", "externalId", "active"];

impl Mapping {
    pub fn user(&self, registry: &Registry, document: &Document) -> UserFacts {
        let source = Source { registry, kind: ResourceKind::User, document };
        let mut facts = UserFacts {
            username: field(document, "userName").unwrap_or_default(),
            external_id: field(document, "externalId"),
            display_name: profile::display_name(document),
            email: profile::email(document),
            active: document.get("active") != Some(&Value::Bool(false)),
            platforms: self.platforms(&source),
            ..UserFacts::default()
        };
        self.fill_profile(&source, &mut facts);
        if self.sync_attributes {
            facts.attributes = self.collect(&source, &self.attributes);
            facts.permissions = self.permissions.iter().flat_map(|path| source.texts(path)).collect();
        }
        facts
    }

    pub fn group(&self, registry: &Registry, document: &Document) -> GroupFacts {
        let source = Source { registry, kind: ResourceKind::Group, document };
        let attributes = match self.sync_attributes {
            true => self.collect(&source, &self.group_attributes),
            false => BTreeSet::new(),
        };
        GroupFacts {
            name: field(document, "displayName").unwrap_or_default(),
            external_id: field(document, "externalId"),
            attributes,
        }
    }

    /// A mapping replaces the usual fields; display name and e-mail have columns and keep their rule unless mapped.
    fn fill_profile(&self, source: &Source<'_>, facts: &mut UserFacts) {
        if self.profile.is_empty() {
            facts.profile = profile::fields(source.document);
            return;
        }
        for (name, path) in &self.profile {
            let value = source.texts(path).into_iter().next();
            match name.as_str() {
                "display_name" => facts.display_name = value,
                "email" => facts.email = value,
                _ => {
                    if let Some(value) = value {
                        facts.profile.insert(name.clone(), Value::String(value));
                    }
                }
            }
        }
    }

    fn platforms(&self, source: &Source<'_>) -> BTreeMap<String, String> {
        let username = |(platform, path): (&String, &AttrPath)| {
            Some((platform.clone(), source.texts(path).into_iter().next()?))
        };
        self.platforms.iter().filter_map(username).collect()
    }

    fn collect(&self, source: &Source<'_>, paths: &BTreeMap<String, AttrPath>) -> BTreeSet<(String, String)> {
        let mut attributes = Attributes::default();
        for (name, path) in paths {
            source.values(path).into_iter().for_each(|value| attributes.add(name, value));
        }
        for (prefix, urn) in &self.prefixes {
            source.add_schema(prefix, urn, &mut attributes);
        }
        attributes.into_set()
    }
}

/// A document and what is needed to read it.
struct Source<'a> {
    registry: &'a Registry,
    kind: ResourceKind,
    document: &'a Document,
}

impl<'a> Source<'a> {
    fn values(&self, path: &AttrPath) -> Vec<&'a Value> {
        path.values(self.registry, self.kind, self.document)
    }

    fn texts(&self, path: &AttrPath) -> Vec<String> {
        self.values(path).into_iter().flat_map(texts).collect()
    }

    /// Every field of the schema, under its prefix.
    fn add_schema(&self, prefix: &str, urn: &str, attributes: &mut Attributes) {
        let (extension, rest) = self.registry.split_urn(urn);
        if extension.is_none() && rest.is_empty() {
            return self.add_core(prefix, urn, attributes);
        }
        let urn = extension.as_deref().unwrap_or(urn);
        let fields = self.document.iter().filter(|(key, _)| same_name(key, urn));
        for (name, value) in fields.filter_map(|(_, value)| value.as_object()).flatten() {
            attributes.add(&format!("{prefix}.{name}"), value);
        }
    }

    /// The core schema of this kind: all of the document but the extensions and who it is about.
    fn add_core(&self, prefix: &str, urn: &str, attributes: &mut Attributes) {
        let other = match self.kind {
            ResourceKind::User => ResourceKind::Group,
            ResourceKind::Group => ResourceKind::User,
        };
        if urn.rsplit(':').next().is_some_and(|end| same_name(end, other.name())) {
            return;
        }
        let identity = |name: &str| IDENTITY.iter().chain(&NOT_STORED).any(|own| same_name(own, name));
        for (name, value) in self.document.iter().filter(|(key, _)| !urns::is_urn(key) && !identity(key)) {
            attributes.add(&format!("{prefix}.{name}"), value);
        }
    }
}

fn field(document: &Document, name: &str) -> Option<String> {
    text(document.get(name)?)
}

#[cfg(test)]
mod tests;
