//! Which entries are groups: those that list members.

use std::collections::{BTreeSet, HashSet};

use ldap3::{Scope, SearchOptions};
use serde_json::{Map, Value, json};

use super::super::entry::{AttributeName, Entry};
use super::super::error::LdapSourceError;
use super::super::probe::Probe;
use super::super::text::shown;
use super::people::{LISTED, PAGE, chosen_base};
use super::survey::Survey;
use super::tree::Ancestor;
use super::{Look, fields};
use crate::config::ldap::{Membership, ServerKind};

/// Groups looked at for their classes, or for their attributes.
const SAMPLES: i32 = 50;
/// Classes of groups at most.
const CLASSES: usize = 6;
const KNOWN: [&str; 6] =
    ["groupOfNames", "groupOfUniqueNames", "posixGroup", "groupOfMembers", "groupOfEntries", "group"];

pub(super) struct GroupsFound {
    pub base: String,
    pub filter: String,
    /// An attribute, or `dn`.
    pub name: &'static str,
    pub memberships: Vec<&'static str>,
    pub attributes: Map<String, Value>,
}

/// `None` if there are none.
pub(super) async fn find(look: &mut Look<'_>, root: &str) -> Result<Option<GroupsFound>, LdapSourceError> {
    let (memberships, classes) = match look.connection.dse.kind {
        ServerKind::ActiveDirectory => (vec![Membership::Member], BTreeSet::from(["group".to_owned()])),
        _ => memberships(look, root).await?,
    };
    groups_of_urls(look, root).await?;
    if memberships.is_empty() {
        look.because("group_base: no entry with members was found, so no group would be read".to_owned());
        return Ok(None);
    }
    let names: Vec<&str> = memberships.iter().map(|one| one.as_str()).collect();
    let each: Vec<_> = classes.iter().map(|class| format!("(objectClass={class})")).collect();
    let filter = if each.len() == 1 { each.concat() } else { format!("(|{})", each.concat()) };
    look.because(format!(
        "group_filter, membership: entries of class {} list members in {}",
        classes.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
        names.join(", ")
    ));
    let (base, name) = place(look, root, &filter).await?;
    let attributes = attributes(look, root, &filter).await?;
    Ok(Some(GroupsFound { base, filter, name, memberships: names, attributes }))
}

/// The attributes that list members, and the classes of the entries that have them.
async fn memberships(
    look: &mut Look<'_>,
    root: &str,
) -> Result<(Vec<Membership>, BTreeSet<String>), LdapSourceError> {
    let (mut found, mut classes) = (Vec::new(), BTreeSet::new());
    for membership in [Membership::Member, Membership::UniqueMember, Membership::MemberUid] {
        let mut some = false;
        // What the classes so far leave out may be of others.
        while classes.len() < CLASSES {
            let known: String = classes.iter().map(|class| format!("(!(objectClass={class}))")).collect();
            let filter = format!("(&({}=*){known})", membership.as_str());
            let entries = hits(look, root, &filter).await?;
            some |= !entries.is_empty();
            let before = classes.len();
            classes.extend(entries.iter().filter_map(class_of));
            if classes.len() == before {
                break;
            }
        }
        // Those of classes that are known by now have not been counted above.
        if some || !hits(look, root, &format!("({}=*)", membership.as_str())).await?.is_empty() {
            found.push(membership);
        }
    }
    Ok((found, classes))
}

async fn hits(look: &mut Look<'_>, root: &str, filter: &str) -> Result<Vec<Entry>, LdapSourceError> {
    let probe = Probe::new("search for groups", root, filter, look.config.timeout);
    match probe.some(&mut look.connection.ldap, Scope::Subtree, &["objectClass"], SAMPLES).await {
        // A server may not search for what it has no index for, or does not know.
        Err(LdapSourceError::SearchRefused { .. }) => Ok(Vec::new()),
        other => other,
    }
}

/// The class that makes an entry a group.
fn class_of(entry: &Entry) -> Option<String> {
    let classes: Vec<String> = entry
        .values(&AttributeName::new("objectClass"))
        .filter_map(|class| String::from_utf8(class.to_vec()).ok())
        .collect();
    let known = KNOWN.iter().find(|known| classes.iter().any(|class| class.eq_ignore_ascii_case(known)));
    let named = || classes.iter().find(|class| class.to_ascii_lowercase().contains("group"));
    let any = || classes.iter().find(|class| !class.eq_ignore_ascii_case("top"));
    known.map(|known| (*known).to_owned()).or_else(|| named().or_else(any).cloned())
}

async fn groups_of_urls(look: &mut Look<'_>, root: &str) -> Result<(), LdapSourceError> {
    if let Some(entry) = hits(look, root, "(objectClass=groupOfURLs)").await?.first() {
        look.because(format!(
            "left out: {} is a group of URLs; to read such groups add memberURL to membership and \
             (objectClass=groupOfURLs) to group_filter, at the price that every run reads everything",
            shown(&entry.dn)
        ));
    }
    Ok(())
}

/// Where they are, and what names them: their own names, where several share a `cn`.
async fn place(
    look: &mut Look<'_>,
    root: &str,
    filter: &str,
) -> Result<(String, &'static str), LdapSourceError> {
    let mut ancestor = Ancestor::default();
    let mut names = HashSet::new();
    let (mut unnamed, mut twice) = (0_u64, None);
    let attribute = AttributeName::new("cn");
    let probe = Probe::new("search for groups", root, filter, look.config.timeout);
    let walked = probe
        .walk(&mut look.connection.ldap, &["cn"], PAGE, LISTED, |entry| {
            ancestor.add(&String::from_utf8_lossy(&entry.dn));
            match entry.values(&attribute).min() {
                None => unnamed += 1,
                Some(name) => {
                    if !names.insert(String::from_utf8_lossy(name).to_lowercase()) {
                        twice.get_or_insert_with(|| shown(name));
                    }
                }
            }
        })
        .await?;
    let base = chosen_base(look, "group_base", &walked.end, walked.entries, &ancestor, root);
    let name = match (unnamed, twice) {
        (0, None) => "cn",
        (0, Some(name)) => {
            look.because(format!(
                "group_name_attribute: several groups have the cn {name}, so whole names are taken"
            ));
            "dn"
        }
        (unnamed, _) => {
            look.because(format!(
                "group_name_attribute: {unnamed} groups have no cn, so whole names are taken"
            ));
            "dn"
        }
    };
    Ok((base, name))
}

/// Names first, and then the values of those that may tell groups apart: a list of members can be very long.
async fn attributes(
    look: &mut Look<'_>,
    root: &str,
    filter: &str,
) -> Result<Map<String, Value>, LdapSourceError> {
    let names_only = SearchOptions::new().sizelimit(SAMPLES).typesonly(true);
    let probe = Probe::new("search for groups", root, filter, look.config.timeout);
    let entries = probe.with_options(&mut look.connection.ldap, names_only, &["*"]).await?;
    let spelt = entries.iter().flat_map(|entry| &entry.attributes);
    let names: BTreeSet<String> = spelt
        .filter_map(|attribute| String::from_utf8(attribute.description.clone()).ok())
        .filter(|name| !name.contains(';') && !fields::is_dull(&name.to_ascii_lowercase()))
        .collect();
    if names.is_empty() {
        return Ok(Map::new());
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let entries = probe.some(&mut look.connection.ldap, Scope::Subtree, &names, SAMPLES).await?;
    let found = fields::attributes(&Survey::of(&entries), &Map::new());
    if !found.is_empty() {
        look.because(format!("group_attributes: groups have {}", json!(found.values().collect::<Vec<_>>())));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::super::entry::tests::entry;
    use super::*;

    #[test]
    fn the_class_that_makes_a_group() {
        for (classes, expected) in [
            (&[b"top".as_slice(), b"GroupOfNames"][..], Some("groupOfNames")),
            (&[b"posixGroup".as_slice(), b"groupOfNames"], Some("groupOfNames")),
            (&[b"top".as_slice(), b"extra", b"labGroup"], Some("labGroup")),
            (&[b"top".as_slice(), b"role"], Some("role")),
            (&[b"top".as_slice()], None),
        ] {
            let found = class_of(&entry("cn=a", &[("objectClass", classes)]));
            assert_eq!(found.as_deref(), expected);
        }
    }
}
