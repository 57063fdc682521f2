//! The inner entries of the tree: renaming one renames all below it, and only it is reported.

use std::collections::HashMap;

use super::Question;
use super::tree::{Listing, id_of};
use crate::connector::Containers;
use crate::connector::ldap::dn::DnKeys;
use crate::connector::ldap::entry::{AttributeName, Entry};
use crate::connector::ldap::error::LdapSourceError;
use crate::record::{Key, Reference};

pub(super) const FILTER: &str = "(|(objectClass=organizationalUnit)(objectClass=organization)(objectClass=domain)\
(objectClass=dcObject)(objectClass=container)(objectClass=builtinDomain)(objectClass=locality)(objectClass=country))";

const CLASSES: [&str; 8] = [
    "organizationalUnit",
    "organization",
    "domain",
    "dcObject",
    "container",
    "builtinDomain",
    "locality",
    "country",
];

/// Every one in the trees of users and groups.
pub(super) async fn all(question: &Question<'_>) -> Result<Containers, LdapSourceError> {
    let mut found = Containers { all: true, names: HashMap::new() };
    for top in question.tops() {
        let mut entries = Listing::of(&top, FILTER).start(question);
        while let Some(entry) = entries.next().await? {
            if let Some(id) = id_of(question, &entry) {
                add(&mut found, &id, &entry.dn);
            }
        }
    }
    Ok(found)
}

pub(super) fn add(into: &mut Containers, id: &str, dn: &[u8]) {
    // A name that cannot be read is noticed by nobody, and everything is read once a day.
    if let Ok(name) = DnKeys::default().key(dn) {
        into.names.insert(Key::of(id), name);
    }
}

pub(super) fn is_one(entry: &Entry) -> bool {
    let class = AttributeName::new("objectClass");
    entry.values(&class).any(|value| CLASSES.iter().any(|one| one.as_bytes().eq_ignore_ascii_case(value)))
}

/// Why everything is to be read, if one has another name now.
pub(super) fn moved(now: &Containers, before: &HashMap<Key, Reference>) -> Option<String> {
    let moved = now.names.iter().filter(|(key, name)| before.get(key).is_some_and(|before| before != *name));
    match moved.count() {
        0 => None,
        1 => Some("a container was renamed or moved".to_owned()),
        count => Some(format!("{count} containers were renamed or moved")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_name_is_noticed_and_a_new_container_is_none() {
        let mut before = Containers::default();
        add(&mut before, "1", b"ou=a,dc=example");
        let mut now = Containers::default();
        add(&mut now, "1", b"OU=A, dc=example");
        add(&mut now, "2", b"ou=b,dc=example");
        assert_eq!(moved(&now, &before.names), None);
        add(&mut now, "1", b"ou=c,dc=example");
        assert_eq!(moved(&now, &before.names).as_deref(), Some("a container was renamed or moved"));
        assert!(
            FILTER.contains("(objectClass=country)") && CLASSES.iter().all(|class| FILTER.contains(class))
        );
    }
}
