//! From an entry to a record.
//!
//! Where one value is wanted and the directory has several, the first in byte order is taken (after
//! NFC): a server may return values in any order, and a record must not change with it.

use std::collections::BTreeMap;

use super::entry::{AttributeName, Entry};
use super::text::{clean, nfc, shown};
use crate::config::ldap::{Directory, GroupName, Groups, Rule};
use crate::record::{Entity, Key, Kind, Record};

mod active;
pub(super) mod binary;
mod rule;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use active::Activity;
pub(super) use active::Filetime;
use rule::Field;

/// What an index of the database holds with room to spare: names and ids that are longer are refused there.
const LONGEST_NAME: usize = 1000;
/// Values of one attribute that are shown of an entry which cannot be taken.
const SHOWN_VALUES: usize = 20;

pub(super) struct Mapping {
    kind: Kind,
    pub id: AttributeName,
    name: NameFrom,
    /// Profile fields that have columns of their own.
    display_name: Option<Field>,
    email: Option<Field>,
    profile: Vec<(String, Field)>,
    attributes: Vec<(String, Field)>,
    /// Sorted, each platform once.
    platforms: Vec<(String, Field)>,
    active: Activity,
}

enum NameFrom {
    Field(Field),
    Dn,
}

/// Why an entry cannot be taken. With a key, what was known of it stays.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rejected {
    pub key: Option<Key>,
    pub reason: String,
}

impl Mapping {
    /// For one run: who expires while it reads is still active in it.
    pub(super) fn of_users(config: &Directory) -> Self {
        Self::of_users_at(config, Filetime::now())
    }

    pub(super) fn of_users_at(config: &Directory, now: Filetime) -> Self {
        let mut profile = config.users.profile.clone();
        let mut column = |field: &str| profile.remove(field).map(|rule| Field::new(&rule));
        Self {
            kind: Kind::User,
            id: AttributeName::new(&config.id_attribute),
            name: NameFrom::Field(Field::new(&config.users.username)),
            display_name: column("display_name"),
            email: column("email"),
            profile: named(&profile),
            attributes: named(&config.users.attributes),
            platforms: named(&config.users.platforms),
            active: Activity::new(&config.users.active, now),
        }
    }

    pub(super) fn of_groups(config: &Directory, groups: &Groups) -> Self {
        let name = match &groups.name {
            GroupName::Dn => NameFrom::Dn,
            GroupName::Rule(rule) => NameFrom::Field(Field::new(rule)),
        };
        Self {
            kind: Kind::Group,
            id: AttributeName::new(&config.id_attribute),
            name,
            display_name: None,
            email: None,
            profile: Vec::new(),
            attributes: named(&groups.attributes),
            platforms: Vec::new(),
            active: Activity::Always,
        }
    }

    /// The attributes to ask the server for, each once.
    pub(super) fn requested(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for attribute in self.used() {
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
            display_name: optional(self.display_name.as_ref(), entry)?,
            email: optional(self.email.as_ref(), entry)?,
            profile: self.profile(entry)?,
            active: self.active.of(entry)?,
            values: self.values(entry)?,
            platforms: self.platforms(entry)?,
            ..Entity::new(self.kind, external_id, name)
        })
    }

    fn name(&self, entry: &Entry) -> Result<String, String> {
        let name = match &self.name {
            NameFrom::Dn => Some(clean(&entry.dn).map_err(|bad| format!("dn {bad}"))?),
            NameFrom::Field(field) => field.single(entry)?,
        };
        match name.filter(|name| !name.trim().is_empty()) {
            None => Err(format!("{}: a {} needs a name", self.missing_name(), self.kind)),
            Some(name) if name.len() > LONGEST_NAME => {
                Err(format!("{} is longer than {LONGEST_NAME} bytes", self.what_names()))
            }
            Some(name) => Ok(name),
        }
    }

    fn what_names(&self) -> String {
        match &self.name {
            NameFrom::Dn => "dn".to_owned(),
            NameFrom::Field(field) => field.what(),
        }
    }

    fn missing_name(&self) -> String {
        match &self.name {
            NameFrom::Field(field) if !field.is_plain() => {
                format!("the rule of the name makes none of {}", field.what())
            }
            _ => format!("{} is missing", self.what_names()),
        }
    }

    fn profile(&self, entry: &Entry) -> Result<BTreeMap<String, String>, String> {
        let mut fields = BTreeMap::new();
        for (name, field) in &self.profile {
            if let Some(value) = field.single(entry)? {
                fields.insert(name.clone(), value);
            }
        }
        Ok(fields)
    }

    fn values(&self, entry: &Entry) -> Result<Vec<(String, String)>, String> {
        let mut values = Vec::new();
        for (name, field) in &self.attributes {
            field.each(entry, |value| values.push((name.clone(), value)))?;
        }
        values.sort_unstable();
        values.dedup();
        Ok(values)
    }

    fn platforms(&self, entry: &Entry) -> Result<Vec<(String, String)>, String> {
        let mut names = Vec::new();
        for (platform, field) in &self.platforms {
            // A blank name is none: nobody could be asked for by it.
            let Some(name) = field.single(entry)?.filter(|name| !name.trim().is_empty()) else { continue };
            if name.len() > LONGEST_NAME {
                let what = field.what();
                return Err(format!(
                    "{what} is longer than {LONGEST_NAME} bytes: too long for a name on {platform}"
                ));
            }
            names.push((platform.clone(), name));
        }
        Ok(names)
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
        // An incremental run asks by it whether the entry is fine by now.
        if let Ok(id) = external_id(entry, &self.id) {
            fields.insert("external_id".to_owned(), id.into());
        }
        for attribute in self.used() {
            let mut values: Vec<String> = entry
                .values(attribute)
                .take(SHOWN_VALUES + 1)
                .map(|value| shown_value(attribute, value))
                .collect();
            if values.len() > SHOWN_VALUES {
                values[SHOWN_VALUES] = "…".to_owned();
            }
            if !values.is_empty() {
                fields.insert(attribute.as_str().to_owned(), values.into());
            }
        }
        fields.into()
    }

    /// Every attribute that something depends on, some maybe twice.
    fn used(&self) -> impl Iterator<Item = &AttributeName> {
        let name = match &self.name {
            NameFrom::Field(field) => Some(field),
            NameFrom::Dn => None,
        };
        let single = [name, self.display_name.as_ref(), self.email.as_ref()].into_iter().flatten();
        let several = self.profile.iter().chain(&self.attributes).chain(&self.platforms);
        let fields = single.chain(several.map(|(_, field)| field));
        [&self.id].into_iter().chain(fields.flat_map(Field::attributes)).chain(self.active.attributes())
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
    let mut id = match attribute.binary() {
        None => clean(value).map_err(|bad| rejected(&bad.to_string()))?,
        Some(binary) => binary::text(binary, value).map_err(|bad| rejected(&bad))?,
    };
    if id.len() > LONGEST_NAME {
        return Err(rejected(&format!("is longer than {LONGEST_NAME} bytes")));
    }
    if attribute.is_hexadecimal() {
        id.make_ascii_lowercase();
    }
    Ok(id)
}

fn optional(field: Option<&Field>, entry: &Entry) -> Result<Option<String>, String> {
    field.map_or(Ok(None), |field| field.single(entry))
}

fn shown_value(attribute: &AttributeName, value: &[u8]) -> String {
    let text = attribute.binary().and_then(|binary| binary::text(binary, value).ok());
    text.unwrap_or_else(|| shown(value))
}

/// Names become identifiers of facts: like all text they are staged in NFC. Sorted, each once.
fn named(rules: &BTreeMap<String, Rule>) -> Vec<(String, Field)> {
    let fields = rules.iter().map(|(name, rule)| (nfc(name.clone()), Field::new(rule)));
    fields.collect::<BTreeMap<_, _>>().into_iter().collect()
}
