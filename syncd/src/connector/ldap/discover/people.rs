//! Which entries are people, where they are, and what names them.

use std::collections::HashSet;

use ldap3::Scope;
use serde_json::{Map, Value};

use super::super::entry::{AttributeName, Entry};
use super::super::error::LdapSourceError;
use super::super::probe::{End, Probe};
use super::super::text::shown;
use super::survey::Survey;
use super::tree::Ancestor;
use super::{Look, fields};
use crate::config::ldap::{Directory, ServerKind};

/// Entries looked at in full.
const SAMPLES: i32 = 100;
/// Entries of a class that are counted to compare it with others.
const COMPARED: u64 = 2000;
/// Entries whose names are looked at.
pub(super) const LISTED: u64 = 100_000;
pub(super) const PAGE: i32 = 1000;
/// From what says most of a person to what says least.
const CLASSES: [&str; 5] = ["inetOrgPerson", "organizationalPerson", "person", "posixAccount", "account"];
const ACTIVE_DIRECTORY: &str = "(&(objectCategory=person)(objectClass=user))";
/// Ids that never change, beside that of the kind of server. Not among `*`: they have to be asked for.
const IDS: [&str; 7] =
    ["entryUUID", "objectGUID", "nsUniqueId", "ipaUniqueID", "ibm-entryUUID", "orclGUID", "GUID"];

pub(super) struct People {
    pub base: String,
    pub filter: String,
    pub username: String,
    pub id: String,
    pub profile: Map<String, Value>,
    pub attributes: Map<String, Value>,
    pub samples: Vec<Entry>,
}

/// `None` if there are none.
pub(super) async fn find(look: &mut Look<'_>, root: &str) -> Result<Option<People>, LdapSourceError> {
    let Some(filter) = filter(look, root).await? else { return Ok(None) };
    let probe = Probe::new("search for users", root, &filter, look.config.timeout);
    let mut wanted = vec!["*", "memberOf"];
    wanted.extend(IDS);
    let samples = probe.some(&mut look.connection.ldap, Scope::Subtree, &wanted, SAMPLES).await?;
    if samples.is_empty() {
        return Ok(None);
    }
    let survey = Survey::of(&samples);
    let username = username(look, &survey);
    let id = id(look, &survey);
    let base = base(look, root, &filter, &username).await?;
    let profile = fields::profile(&survey);
    let mut attributes = fields::attributes(&survey, &profile);
    attributes.retain(|_, attribute| attribute.as_str() != Some(username.as_str()));
    if !attributes.is_empty() {
        let names: Vec<_> = attributes.values().filter_map(Value::as_str).collect();
        let reason = format!(
            "attributes: values repeat in {}, so they tell people apart: keep those that you decide by",
            names.join(", ")
        );
        look.because(reason);
    }
    Ok(Some(People { base, filter, username, id, profile, attributes, samples }))
}

/// The first class that at least half of the people have.
async fn filter(look: &mut Look<'_>, root: &str) -> Result<Option<String>, LdapSourceError> {
    if look.connection.dse.kind == ServerKind::ActiveDirectory {
        look.because("user_filter: people with an account, not computers".to_owned());
        return Ok(Some(ACTIVE_DIRECTORY.to_owned()));
    }
    let mut counts = Vec::new();
    for class in CLASSES {
        let filter = format!("(objectClass={class})");
        let probe = Probe::new("search for users", root, &filter, look.config.timeout);
        let walked = probe.walk(&mut look.connection.ldap, &["1.1"], PAGE, COMPARED, drop).await?;
        counts.push((class, filter, walked.entries));
    }
    let most = counts.iter().map(|(.., count)| *count).max().unwrap_or(0);
    if most == 0 {
        return Ok(None);
    }
    let others: Vec<_> =
        counts.iter().map(|(class, _, count)| format!("{class} {count}{}", or_more(*count))).collect();
    let chosen = counts.iter().find(|(.., count)| *count * 2 >= most);
    let Some((class, filter, _)) = chosen else { return Ok(None) };
    look.because(format!("user_filter: {class}; entries by class: {}", others.join(", ")));
    Ok(Some(filter.clone()))
}

fn or_more(count: u64) -> &'static str {
    if count >= COMPARED { " or more" } else { "" }
}

fn username(look: &mut Look<'_>, survey: &Survey) -> String {
    let candidates: &[&str] = match look.connection.dse.kind {
        ServerKind::ActiveDirectory => &["sAMAccountName"],
        _ => &["uid", "sAMAccountName", "userPrincipalName", "mail", "cn"],
    };
    let found = candidates.iter().find(|name| survey.identifies(name)).and_then(|name| survey.spelt(name));
    match found {
        Some(name) => {
            let reason = format!("username_attribute: every sample has {name}, each another");
            look.because(reason);
            name.to_owned()
        }
        None => {
            let name = candidates[0];
            look.because(format!(
                "username_attribute: no attribute names every sample; with {name} those without it, or with one that \
                 another has, would be quarantined"
            ));
            name.to_owned()
        }
    }
}

fn id(look: &mut Look<'_>, survey: &Survey) -> String {
    let native = Directory::native_id(look.connection.dse.kind);
    if survey.all_have(native) {
        look.because(format!("id_attribute: {native} never changes, renames and moves included"));
        return native.to_owned();
    }
    let other = IDS.into_iter().find(|name| survey.identifies(name) && survey.is_text(name));
    let reason = match other {
        Some(name) => {
            format!("id_attribute: {name}, as {native} is not there; every run reads everything with it")
        }
        None => format!(
            "id_attribute: {native} is not shown: let the bind account read it, or name another attribute that \
             never changes"
        ),
    };
    look.because(reason);
    other.unwrap_or(native).to_owned()
}

/// The entry below which all people are, as far as they can be listed.
async fn base(
    look: &mut Look<'_>,
    root: &str,
    filter: &str,
    username: &str,
) -> Result<String, LdapSourceError> {
    let mut ancestor = Ancestor::default();
    let mut names = HashSet::new();
    let (mut unnamed, mut twice) = (0_u64, None);
    let attribute = AttributeName::new(username);
    let probe = Probe::new("search for users", root, filter, look.config.timeout);
    let walked = probe
        .walk(&mut look.connection.ldap, &[username], PAGE, LISTED, |entry| {
            ancestor.add(&String::from_utf8_lossy(&entry.dn));
            match entry.values(&attribute).next() {
                None => unnamed += 1,
                Some(name) => {
                    if !names.insert(String::from_utf8_lossy(name).to_lowercase()) {
                        twice.get_or_insert_with(|| shown(name));
                    }
                }
            }
        })
        .await?;
    if unnamed > 0 {
        look.because(format!("quarantine: {unnamed} of {} users have no {username}", walked.entries));
    }
    if let Some(name) = twice {
        look.because(format!("quarantine: several users have the {username} {name}: only one can keep it"));
    }
    Ok(chosen_base(look, "user_base", &walked.end, walked.entries, &ancestor, root))
}

pub(super) fn chosen_base(
    look: &mut Look<'_>,
    key: &str,
    end: &End,
    entries: u64,
    ancestor: &Ancestor,
    root: &str,
) -> String {
    match (end, ancestor.dn()) {
        (End::All, Some(dn)) => {
            look.because(format!("{key}: all {entries} entries found are below it"));
            dn.to_owned()
        }
        (End::Limited(why), _) => {
            look.because(format!(
                "{key}: the server showed {entries} entries only ({why}), so this is where all of its entries are; a \
                 run needs an account without such a limit"
            ));
            root.to_owned()
        }
        _ => {
            look.because(format!("{key}: more than {entries} entries, which were not all looked at"));
            root.to_owned()
        }
    }
}
