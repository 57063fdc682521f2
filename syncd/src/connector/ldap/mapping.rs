//! From an entry to a record.
//!
//! Where one value is wanted and the directory has several, the first in byte order is taken (after
//! NFC): a server may return values in any order, and a record must not change with it.

use std::collections::BTreeMap;

use super::entry::{AttributeName, Entry};
use super::text::{clean, shown};
use crate::config::ldap::{Directory, GroupName, Groups, Rule};
use crate::record::{Entity, Key, Kind, Record};

#[cfg(test)]
mod tests;

/// What an index in the database can hold with room to spare.
const LONGEST_NAME: usize = 1024;

pub(super) struct Mapping {
    kind: Kind,
    pub id: AttributeName,
    name: NameFrom,
    /// Profile fields that have columns of their own.
    display_name: Option<AttributeName>,
    email: Option<AttributeName>,
    profile: Vec<(String, AttributeName)>,
    attributes: Vec<(String, AttributeName)>,
}

enum NameFrom {
    Attribute(AttributeName),
    Dn,
}

/// Why an entry cannot be taken. With a key, what was known of it stays.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rejected {
    pub key: Option<Key>,
    pub reason: String,
}

impl Mapping {
    pub(super) fn of_users(config: &Directory) -> Self {
        let mut profile = config.users.profile.clone();
        let mut column = |field: &str| profile.remove(field).map(|rule| attribute(&rule));
        Self {
            kind: Kind::User,
            id: AttributeName::new(&config.id_attribute),
            name: NameFrom::Attribute(attribute(&config.users.username)),
            display_name: column("display_name"),
            email: column("email"),
            profile: named(&profile),
            attributes: named(&config.users.attributes),
        }
    }

    pub(super) fn of_groups(config: &Directory, groups: &Groups) -> Self {
        let name = match &groups.name {
            GroupName::Dn => NameFrom::Dn,
            GroupName::Rule(rule) => NameFrom::Attribute(attribute(rule)),
        };
        Self {
            kind: Kind::Group,
            id: AttributeName::new(&config.id_attribute),
            name,
            display_name: None,
            email: None,
            profile: Vec::new(),
            attributes: named(&groups.attributes),
        }
    }

    /// The attributes to ask the server for, each once.
    pub(super) fn requested(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for attribute in self.mapped() {
            if !names.iter().any(|name| name.eq_ignore_ascii_case(attribute.as_str())) {
                names.push(attribute.as_str().to_owned());
            }
        }
        names
    }

    pub(super) fn entity(&self, entry: &Entry) -> Result<Entity, Rejected> {
        let external_id = external_id(entry, &self.id)?;
        let key = Key::of(&external_id);
        self.rest(entry, key, external_id).map_err(|reason| Rejected { key: Some(key), reason })
    }

    fn rest(&self, entry: &Entry, key: Key, external_id: String) -> Result<Entity, String> {
        let name = self.name(entry)?;
        Ok(Entity {
            key,
            display_name: self.display_name.as_ref().map_or(Ok(None), |name| single(entry, name))?,
            email: self.email.as_ref().map_or(Ok(None), |name| single(entry, name))?,
            profile: self.profile(entry)?,
            values: self.values(entry)?,
            ..Entity::new(self.kind, external_id, name)
        })
    }

    fn name(&self, entry: &Entry) -> Result<String, String> {
        let (what, name) = match &self.name {
            NameFrom::Dn => ("dn", Some(clean(&entry.dn).map_err(|bad| format!("dn {bad}"))?)),
            NameFrom::Attribute(attribute) => (attribute.as_str(), single(entry, attribute)?),
        };
        match name {
            None => Err(format!("{what} is missing: a {} needs a name", self.kind)),
            Some(name) if name.len() > LONGEST_NAME => {
                Err(format!("{what} is longer than {LONGEST_NAME} bytes"))
            }
            Some(name) => Ok(name),
        }
    }

    fn profile(&self, entry: &Entry) -> Result<BTreeMap<String, String>, String> {
        let mut fields = BTreeMap::new();
        for (field, attribute) in &self.profile {
            if let Some(value) = single(entry, attribute)? {
                fields.insert(field.clone(), value);
            }
        }
        Ok(fields)
    }

    fn values(&self, entry: &Entry) -> Result<Vec<(String, String)>, String> {
        let mut values = Vec::new();
        for (name, attribute) in &self.attributes {
            for value in texts(entry, attribute) {
                values.push((name.clone(), value?));
            }
        }
        values.sort_unstable();
        values.dedup();
        Ok(values)
    }

    pub(super) fn quarantined(&self, entry: &Entry, rejected: Rejected) -> Record {
        Record::Quarantined {
            kind: self.kind,
            key: rejected.key,
            shown: shown(&entry.dn),
            reason: rejected.reason,
            entry: self.shown(entry),
        }
    }

    /// The mapped part of an entry, safe to print and to store as jsonb.
    pub(super) fn shown(&self, entry: &Entry) -> serde_json::Value {
        let mut fields = serde_json::Map::new();
        fields.insert("dn".to_owned(), shown(&entry.dn).into());
        for attribute in self.mapped() {
            let values: Vec<String> = entry.values(attribute).map(shown).collect();
            if !values.is_empty() {
                fields.insert(attribute.as_str().to_owned(), values.into());
            }
        }
        fields.into()
    }

    fn mapped(&self) -> impl Iterator<Item = &AttributeName> {
        let name = match &self.name {
            NameFrom::Attribute(name) => Some(name),
            NameFrom::Dn => None,
        };
        let single = [Some(&self.id), name, self.display_name.as_ref(), self.email.as_ref()];
        let several = self.profile.iter().chain(&self.attributes).map(|(_, attribute)| attribute);
        single.into_iter().flatten().chain(several)
    }
}

/// The immutable id, of which there must be exactly one.
pub(super) fn external_id(entry: &Entry, attribute: &AttributeName) -> Result<String, Rejected> {
    let rejected =
        |problem: &str| Rejected { key: None, reason: format!("{} {problem}", attribute.as_str()) };
    let mut values = entry.values(attribute);
    let (value, more) = (values.next(), values.next());
    let value = value
        .ok_or_else(|| rejected("is missing: without its immutable id an entry cannot be known again"))?;
    if more.is_some() {
        return Err(rejected("has more than one value: an immutable id has one"));
    }
    let id = clean(value).map_err(|bad| rejected(&bad.to_string()))?;
    if id.len() > LONGEST_NAME {
        return Err(rejected(&format!("is longer than {LONGEST_NAME} bytes")));
    }
    Ok(id)
}

fn single(entry: &Entry, attribute: &AttributeName) -> Result<Option<String>, String> {
    let mut least: Option<String> = None;
    for value in texts(entry, attribute) {
        let value = value?;
        if least.as_ref().is_none_or(|least| value < *least) {
            least = Some(value);
        }
    }
    Ok(least)
}

fn texts<'a>(
    entry: &'a Entry,
    attribute: &'a AttributeName,
) -> impl Iterator<Item = Result<String, String>> + 'a {
    entry.values(attribute).map(|value| clean(value).map_err(|bad| format!("{} {bad}", attribute.as_str())))
}

fn attribute(rule: &Rule) -> AttributeName {
    AttributeName::new(rule.attributes().first().copied().unwrap_or_default())
}

fn named(mapping: &BTreeMap<String, Rule>) -> Vec<(String, AttributeName)> {
    // Names become identifiers of facts: like all text they are staged in NFC.
    let nfc = |name: &String| clean(name.as_bytes()).unwrap_or_else(|_| name.clone());
    mapping.iter().map(|(name, rule)| (nfc(name), attribute(rule))).collect()
}
