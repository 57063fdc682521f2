//! `syncd check`: the configuration tried out step by step, nothing changed.

use std::collections::BTreeMap;

use ldap3::{LdapResult, Scope, SearchOptions};
use serde_json::{Value, json};

use super::connection::{Access, Connection, Link};
use super::entry::{AttributeName, Entry};
use super::error::{LdapSourceError, diagnostic, reason};
use super::mapping::Mapping;
use super::text::shown;
use crate::config::ldap::LdapConfig;
use crate::connector::{CheckState, CheckStep};
use crate::record::Entity;
use crate::secret::Secrets;

/// So many entries are looked at for one that can be taken.
const SAMPLES: i32 = 10;
/// Values shown of one attribute.
const VALUES: usize = 10;

pub(super) async fn check(config: &LdapConfig, secrets: &Secrets) -> Vec<CheckStep> {
    let mut steps =
        vec!["secrets", "connection", "tls", "credentials", "user base", "user filter", "sample user"];
    if config.group_base.is_some() {
        steps.extend(["group base", "group filter", "sample group"]);
    }
    let mut report = Report::default();
    // `None` is the first step that failed: the ones after it make no sense.
    let _ = run(&mut report, config, secrets).await;
    for step in steps.into_iter().skip(report.0.len()) {
        report.add(step, CheckState::Skipped, "an earlier step failed".to_owned(), None, None);
    }
    report.0
}

async fn run(report: &mut Report, config: &LdapConfig, secrets: &Secrets) -> Option<()> {
    let access = access(report, config, secrets)?;
    let link = connect(report, config, &access).await?;
    let mut connection = match access.bind(link).await {
        Ok(connection) => connection,
        Err(error) => return report.take("credentials", Err(error)),
    };
    report.ok("credentials", format!("bound as {}", connection.who));

    let directory = config.for_server(connection.dse.kind);
    let users = Mapping::of_users(&directory);
    let filter = Filter { kind: "user", base: &directory.users.base, filter: &directory.users.filter };
    filter.check(report, &mut connection, config, &users).await?;
    if let Some(groups) = &directory.groups {
        let mapping = Mapping::of_groups(&directory, groups);
        let filter = Filter { kind: "group", base: &groups.base, filter: &groups.filter };
        filter.check(report, &mut connection, config, &mapping).await?;
    }
    connection.close().await;
    Some(())
}

fn access<'a>(report: &mut Report, config: &'a LdapConfig, secrets: &Secrets) -> Option<Access<'a>> {
    match Access::new(config, secrets) {
        Ok(access) => {
            report.ok("secrets", "every secret that the configuration refers to is there".to_owned());
            Some(access)
        }
        Err(error) => {
            report.fail("secrets", &error);
            None
        }
    }
}

async fn connect(report: &mut Report, config: &LdapConfig, access: &Access<'_>) -> Option<Link> {
    match access.reach().await {
        Ok((link, _)) => {
            report.ok("connection", format!("{} answers", link.server.shown()));
            report.ok("tls", encryption(config, &link.server.url));
            Some(link)
        }
        Err(error) => {
            let step = if matches!(&error, LdapSourceError::Unreachable(all) if all.iter().any(|one| one.tls))
            {
                report.ok("connection", "a server answers".to_owned());
                "tls"
            } else {
                "connection"
            };
            report.fail(step, &error);
            None
        }
    }
}

fn encryption(config: &LdapConfig, url: &str) -> String {
    let trust = if config.tls.ca_file.is_some() { "ca_file" } else { "the system's authorities" };
    match (url.starts_with("ldaps:"), config.tls.start_tls) {
        (true, _) => format!("encrypted from the start, certificate and host name verified against {trust}"),
        (_, true) => format!("encrypted with StartTLS, certificate and host name verified against {trust}"),
        _ => "not encrypted, as the configuration allows".to_owned(),
    }
}

struct Filter<'a> {
    kind: &'static str,
    base: &'a str,
    filter: &'a str,
}

impl Filter<'_> {
    async fn check(
        &self,
        report: &mut Report,
        connection: &mut Connection,
        config: &LdapConfig,
        mapping: &Mapping,
    ) -> Option<()> {
        let base =
            self.search(connection, config, Scope::Base, "(objectClass=*)", vec!["1.1".to_owned()]).await;
        let step = format!("{} base", self.kind);
        report.take(&step, base.map(|_| format!("{} is there", self.base)))?;

        let mut attributes = mapping.requested();
        if self.kind == "group" {
            attributes.push("member".to_owned());
        }
        let found = self.search(connection, config, Scope::Subtree, self.filter, attributes).await;
        let step = format!("{} filter", self.kind);
        let entries = match found {
            Ok(entries) => entries,
            Err(error) => return report.take(&step, Err(error)),
        };
        self.matches(report, &step, &entries)?;
        self.sample(report, &entries, mapping)
    }

    /// A directory may have no groups yet; without users there is nothing to synchronise.
    fn matches(&self, report: &mut Report, step: &str, entries: &[Entry]) -> Option<()> {
        if !entries.is_empty() {
            report.ok(step, format!("{} matches entries below {}", self.filter, self.base));
        } else if self.kind == "group" {
            report.ok(step, format!("{} matches nothing below {}", self.filter, self.base));
        } else {
            let message = format!("{} matches nothing below {}", self.filter, self.base);
            let remedy = "check user_base, user_filter and sync_filter, and that bind_dn may see the entries";
            report.add(step, CheckState::Failed, message, Some(remedy), None);
            return None;
        }
        Some(())
    }

    fn sample(&self, report: &mut Report, entries: &[Entry], mapping: &Mapping) -> Option<()> {
        let step = format!("sample {}", self.kind);
        let mut rejected = None;
        for entry in entries {
            match mapping.entity(entry) {
                Ok(entity) => {
                    let message = format!("{} would become {} {}", shown(&entry.dn), self.kind, entity.name);
                    let sample = self.mapped(entry, entity);
                    report.add(&step, CheckState::Ok, message, None, Some(sample));
                    return Some(());
                }
                Err(problem) => {
                    rejected.get_or_insert((entry, problem.reason));
                }
            }
        }
        let Some((entry, reason)) = rejected else {
            report.ok(&step, "there is none to show".to_owned());
            return Some(());
        };
        let message = format!("{} would be quarantined: {reason}", shown(&entry.dn));
        let remedy = "check id_attribute and the name and mapped attributes, and that bind_dn may read them";
        report.add(&step, CheckState::Failed, message, Some(remedy), Some(mapping.shown(entry)));
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
            return json!({
                "dn": shown(&entry.dn), "id": entity.external_id, "group_name": entity.name,
                "attributes": attributes, "members": entry.values(&AttributeName::new("member")).count(),
            });
        }
        json!({
            "dn": shown(&entry.dn), "id": entity.external_id, "username": entity.name,
            "display_name": entity.display_name, "email": entity.email,
            "profile": entity.profile, "attributes": attributes,
        })
    }

    /// A few entries; the server is free to say that there are more.
    async fn search(
        &self,
        connection: &mut Connection,
        config: &LdapConfig,
        scope: Scope,
        filter: &str,
        attributes: Vec<String>,
    ) -> Result<Vec<Entry>, LdapSourceError> {
        let what = if self.kind == "user" { "search for users" } else { "search for groups" };
        let base = self.base.to_owned();
        let broken =
            |message| LdapSourceError::SearchBroken { search: what, base: base.clone(), read: 0, message };
        let ldap = connection.ldap.with_timeout(config.timeout);
        let ldap = ldap.with_search_options(SearchOptions::new().sizelimit(SAMPLES));
        let answer = ldap.search(self.base, scope, filter, attributes).await;
        let ldap3::SearchResult(items, result) =
            answer.map_err(|error| broken(reason(&error, config.timeout)))?;
        match result {
            LdapResult { rc: 0 | 4, .. } => {
                Ok(items.into_iter().filter_map(|item| Entry::decode(item.0)).collect())
            }
            LdapResult { rc, .. } => {
                Err(LdapSourceError::SearchRefused { search: what, base, rc, text: diagnostic(&result) })
            }
        }
    }
}

#[derive(Default)]
struct Report(Vec<CheckStep>);

impl Report {
    /// Notes how a step went; `None` if it failed.
    fn take(&mut self, step: &str, outcome: Result<String, LdapSourceError>) -> Option<()> {
        match outcome {
            Ok(message) => {
                self.ok(step, message);
                Some(())
            }
            Err(error) => {
                self.fail(step, &error);
                None
            }
        }
    }

    fn ok(&mut self, step: &str, message: String) {
        self.add(step, CheckState::Ok, message, None, None);
    }

    fn fail(&mut self, step: &str, error: &LdapSourceError) {
        self.add(step, CheckState::Failed, error.to_string(), error.remedy(), None);
    }

    fn add(
        &mut self,
        step: &str,
        state: CheckState,
        message: String,
        remedy: Option<&str>,
        sample: Option<Value>,
    ) {
        let remedy = remedy.map(str::to_owned);
        self.0.push(CheckStep { step: step.to_owned(), state, message, remedy, sample });
    }
}
