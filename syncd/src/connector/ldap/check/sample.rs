//! Whether base and filter find anything, and how the first entry that can be taken would be mapped.

use std::collections::BTreeMap;
use std::time::Duration;

use ldap3::Scope;
use serde_json::{Value, json};

use super::super::connection::Connection;
use super::super::entry::{AttributeName, Entry};
use super::super::mapping::Mapping;
use super::super::probe::{End, Probe, Walked};
use super::super::text::shown;
use super::report::Report;
use super::{LdapSourceError, unmapped};
use crate::config::ldap::{LdapConfig, Membership};
use crate::connector::CheckState;
use crate::record::Entity;

/// So many entries are looked at for one that can be taken.
const SAMPLES: i32 = 10;
/// Values shown of one attribute.
const VALUES: usize = 10;
/// So many are counted, to meet the limits of the server.
const COUNTED: u64 = 5000;

pub(super) struct Entries<'a> {
    pub kind: &'static str,
    pub base: &'a str,
    pub filter: &'a str,
    pub mapping: Mapping,
    /// Attributes with members, counted for the sample.
    pub memberships: &'a [Membership],
}

impl Entries<'_> {
    pub(super) async fn check(
        &self,
        report: &mut Report,
        connection: &mut Connection,
        config: &LdapConfig,
    ) -> Option<()> {
        let step = format!("{} base", self.kind);
        let base = Probe::new(self.what(), self.base, "(objectClass=*)", config.timeout);
        report.take(&step, base.itself(&mut connection.ldap, &["1.1"]).await)?;
        report.ok(&step, format!("{} is there", self.base));

        let step = format!("{} filter", self.kind);
        let probe = Probe::new(self.what(), self.base, self.filter, config.timeout);
        let counted = probe.walk(&mut connection.ldap, &["1.1"], config.page_size, COUNTED, drop).await;
        let counted = report.take(&step, counted)?;
        self.matches(report, &step, &counted)?;

        let attributes = self.mapping.requested();
        let attributes: Vec<&str> = attributes.iter().map(String::as_str).collect();
        let step = format!("sample {}", self.kind);
        let found = probe.some(&mut connection.ldap, Scope::Subtree, &attributes, SAMPLES).await;
        let found = report.take(&step, found)?;
        self.sample(report, &step, &found, connection, config.timeout).await
    }

    fn what(&self) -> &'static str {
        if self.kind == "user" { "search for users" } else { "search for groups" }
    }

    /// A directory may have no groups yet; without users there is nothing to synchronise.
    fn matches(&self, report: &mut Report, step: &str, counted: &Walked) -> Option<()> {
        let (count, below) = (counted.entries, format!("below {}", self.base));
        let entries = if count == 1 { "entry" } else { "entries" };
        match &counted.end {
            End::Limited(why) => {
                let message = format!("{} was cut off after {count} {entries} {below}: {why}", self.filter);
                let remedy =
                    "every run would fail like this: raise the limits of the bind account on the server";
                report.add(step, CheckState::Failed, message, Some(remedy), None);
                return None;
            }
            End::All if count == 0 && self.kind == "group" => {
                report.ok(step, format!("{} matches nothing {below}", self.filter));
            }
            End::All if count == 0 => {
                let message = format!("{} matches nothing {below}", self.filter);
                let remedy =
                    "check user_base, user_filter and sync_filter, and that bind_dn may see the entries";
                report.add(step, CheckState::Failed, message, Some(remedy), None);
                return None;
            }
            End::All => report.ok(step, format!("{} matches {count} {entries} {below}", self.filter)),
            End::Enough => {
                report.ok(step, format!("{} matches {count} entries or more {below}", self.filter));
            }
        }
        Some(())
    }

    async fn sample(
        &self,
        report: &mut Report,
        step: &str,
        entries: &[Entry],
        connection: &mut Connection,
        timeout: Duration,
    ) -> Option<()> {
        let mut rejected = None;
        for entry in entries {
            match self.mapping.entity(entry) {
                Ok(entity) => {
                    let whole = whole(&entry.dn, connection, timeout).await;
                    let whole = report.take(step, whole)?.unwrap_or_else(|| entry.clone());
                    let message = format!("{} would become {} {}", shown(&entry.dn), self.kind, entity.name);
                    let sample = self.mapped(&whole, entity);
                    report.add(step, CheckState::Ok, message, None, Some(sample));
                    self.unmapped(report, &whole);
                    return Some(());
                }
                Err(problem) => {
                    rejected.get_or_insert((entry, problem.reason));
                }
            }
        }
        let Some((entry, reason)) = rejected else {
            report.ok(step, "there is none to show".to_owned());
            return Some(());
        };
        let message = format!("{} would be quarantined: {reason}", shown(&entry.dn));
        let remedy = "check id_attribute and the name and mapped attributes, and that bind_dn may read them";
        report.add(step, CheckState::Failed, message, Some(remedy), Some(self.mapping.shown(entry)));
        None
    }

    fn mapped(&self, entry: &Entry, entity: Entity) -> Value {
        let mut attributes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in entity.values {
            let values = attributes.entry(name).or_default();
            if values.len() < VALUES {
                values.push(shown(value.as_bytes()));
            }
        }
        if self.kind == "group" {
            let lists = self.memberships.iter().map(|one| AttributeName::new(one.as_str()));
            let members: usize = lists.map(|list| entry.values(&list).count()).sum();
            return json!({
                "dn": shown(&entry.dn), "id": entity.external_id, "group_name": entity.name,
                "attributes": attributes, "members": members,
            });
        }
        let platforms: BTreeMap<_, _> = entity.platforms.into_iter().collect();
        json!({
            "dn": shown(&entry.dn), "id": entity.external_id, "username": entity.name, "active": entity.active,
            "display_name": entity.display_name, "email": entity.email,
            "profile": entity.profile, "attributes": attributes, "platforms": platforms,
        })
    }

    fn unmapped(&self, report: &mut Report, entry: &Entry) {
        let mut used = self.mapping.requested();
        used.extend(self.memberships.iter().map(|one| one.as_str().to_owned()));
        let unmapped = unmapped::of(entry, &used);
        let step = format!("{} attributes", self.kind);
        match unmapped.len() {
            0 => report.ok(&step, "everything that the sample shows is mapped".to_owned()),
            count => {
                let message = format!("{count} of the sample are there and not mapped");
                report.add(&step, CheckState::Ok, message, None, Some(json!(unmapped)));
            }
        }
    }
}

/// Everything that the server shows of an entry.
async fn whole(
    dn: &[u8],
    connection: &mut Connection,
    timeout: Duration,
) -> Result<Option<Entry>, LdapSourceError> {
    let Ok(dn) = std::str::from_utf8(dn) else { return Ok(None) };
    let probe = Probe::new("look at a sample", dn, "(objectClass=*)", timeout);
    probe.itself(&mut connection.ldap, &["*", "+"]).await
}
