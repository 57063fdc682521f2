//! `syncd check`: the configuration tried out step by step, nothing changed.

use super::connection::{Access, Connection, Link};
use super::error::{Failure, LdapSourceError};
use super::mapping::Mapping;
use crate::config::ldap::{Directory, LdapConfig};
use crate::connector::{CheckState, CheckStep};
use crate::secret::Secrets;

mod groups;
mod report;
mod sample;
mod server;
mod unmapped;

use report::Report;
use sample::Entries;
pub(super) use unmapped::is_secret;

const ALWAYS: [&str; 10] = [
    "secrets",
    "connection",
    "tls",
    "credentials",
    "server",
    "user base",
    "user filter",
    "sample user",
    "user attributes",
    "incremental",
];
const OF_GROUPS: [&str; 4] = ["group base", "group filter", "sample group", "memberships"];

pub(super) async fn check(config: &LdapConfig, secrets: &Secrets) -> Vec<CheckStep> {
    let mut report = Report::default();
    // `None` is the first step that failed: the ones after it make no sense.
    if run(&mut report, config, secrets).await.is_none() {
        let of_groups = OF_GROUPS.iter().filter(|_| config.group_base.is_some());
        for step in ALWAYS.iter().chain(of_groups) {
            if !report.has(step) {
                report.add(step, CheckState::Skipped, "an earlier step failed".to_owned(), None, None);
            }
        }
    }
    report.0
}

async fn run(report: &mut Report, config: &LdapConfig, secrets: &Secrets) -> Option<()> {
    let access = report.take("secrets", Access::new(config, secrets))?;
    report.ok("secrets", "every secret that the configuration refers to is there".to_owned());
    let link = connect(report, config, &access).await?;
    let bound = access.bind(link).await;
    let mut connection = report.take("credentials", bound)?;
    report.ok("credentials", format!("bound as {}", connection.who));

    let directory = config.for_server(connection.dse.kind);
    server::server(report, config, &connection, &directory);
    let done = entries(report, config, &mut connection, &directory).await;
    connection.close().await;
    done
}

async fn entries(
    report: &mut Report,
    config: &LdapConfig,
    connection: &mut Connection,
    directory: &Directory,
) -> Option<()> {
    let users = Entries {
        kind: "user",
        base: &directory.users.base,
        filter: &directory.users.filter,
        mapping: Mapping::of_users(directory),
        memberships: &[],
    };
    users.check(report, connection, config).await?;
    if let Some(found) = &directory.groups {
        let groups = Entries {
            kind: "group",
            base: &found.base,
            filter: &found.filter,
            mapping: Mapping::of_groups(directory, found),
            memberships: &found.memberships,
        };
        groups.check(report, connection, config).await?;
        groups::memberships(report, config, connection, directory, found).await;
    }
    server::incremental(report, config, connection, directory).await
}

async fn connect(report: &mut Report, config: &LdapConfig, access: &Access<'_>) -> Option<Link> {
    match access.reach().await {
        Ok((link, before)) => {
            reached(report, &link, &before);
            encryption(report, config, &link);
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

fn reached(report: &mut Report, link: &Link, before: &[Failure]) {
    let message = format!("{} answers", link.server.shown());
    if before.is_empty() {
        return report.ok("connection", message);
    }
    let before: Vec<_> = before.iter().map(|one| format!("{}: {}", one.url, one.message)).collect();
    let remedy = "repair the others, or leave them out of urls";
    report.warn("connection", format!("{message}; tried before it: {}", before.join("; ")), remedy);
}

fn encryption(report: &mut Report, config: &LdapConfig, link: &Link) {
    let trust = if config.tls.ca_file.is_some() { "ca_file" } else { "the system's authorities" };
    let verified = format!("certificate and host name verified against {trust}");
    if link.server.is_socket() {
        report.ok("tls", "not needed: the socket is on this machine".to_owned());
    } else if link.server.url.starts_with("ldaps:") {
        report.ok("tls", format!("encrypted from the start, {verified}"));
    } else if config.tls.start_tls {
        report.ok("tls", format!("encrypted with StartTLS, {verified}"));
    } else if link.server.is_loopback() {
        report.ok("tls", "not encrypted: the server is on this machine".to_owned());
    } else {
        let remedy = "use ldaps:// or start_tls: passwords and people's data can be read on the way";
        report.warn("tls", "not encrypted, as the configuration allows".to_owned(), remedy);
    }
}
