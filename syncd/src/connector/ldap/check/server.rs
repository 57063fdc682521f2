//! What kind of server it is, what follows from that, and how changes will be found.

use super::super::connection::Connection;
use super::super::modes::{self, Mode};
use super::super::root_dse::context_csn;
use super::report::Report;
use crate::config::ldap::{Directory, GroupName, Incremental, LdapConfig, Rule, ServerKind};

/// RFC 2696.
const PAGING: &str = "1.2.840.113556.1.4.319";

pub(super) fn server(
    report: &mut Report,
    config: &LdapConfig,
    connection: &Connection,
    directory: &Directory,
) {
    let dse = &connection.dse;
    let product = dse.product.as_deref().map(|product| format!(" ({product})")).unwrap_or_default();
    let message = format!("{}{product}: {}", dse.kind.as_str(), meaning(directory));
    if dse.is_hidden() {
        let remedy = "let the bind account read the rootDSE, or write \"server\" into the configuration";
        report.warn("server", format!("{message}; it does not show its rootDSE"), remedy);
    } else if dse.kind != dse.detected && dse.detected != ServerKind::Other {
        let message = format!("{message}; by its rootDSE it is {}", dse.detected.as_str());
        report.warn(
            "server",
            message,
            "leave \"server\" out of the configuration, unless it is meant like this",
        );
    } else if !dse.supports(PAGING) {
        let message = format!("{message}; it does not page: all must fit into its size limit");
        report.warn("server", message, "load the module for paged results (control 1.2.840.113556.1.4.319)");
    } else {
        let word = if config.server.is_some() { "as configured" } else { "recognised by its rootDSE" };
        report.ok("server", format!("{message}; {word}"));
    }
}

/// The configuration with everything that it leaves to the kind of server.
fn meaning(directory: &Directory) -> String {
    let users = &directory.users;
    let mut text =
        format!("id {}, users {} named by {}", directory.id_attribute, users.filter, named(&users.username));
    if let Some(groups) = &directory.groups {
        let name = match &groups.name {
            GroupName::Dn => "dn".to_owned(),
            GroupName::Rule(rule) => named(rule),
        };
        let memberships: Vec<_> = groups.memberships.iter().map(|one| one.as_str()).collect();
        text += &format!(", groups {} named by {name} with {}", groups.filter, memberships.join(", "));
    }
    text
}

fn named(rule: &Rule) -> String {
    rule.names().join(", ")
}

pub(super) async fn incremental(
    report: &mut Report,
    config: &LdapConfig,
    connection: &mut Connection,
    directory: &Directory,
) -> Option<()> {
    let readable = has_context_csn(config, connection, directory).await;
    let readable = report.take("incremental", readable)?;
    let dse = &connection.dse;
    let mode = match modes::choose(config, directory, dse, readable) {
        Ok(mode) => mode,
        Err(message) => {
            let remedy = "leave \"incremental\" out: then the best that works is taken";
            let state = crate::connector::CheckState::Failed;
            report.add("incremental", state, message, Some(remedy), None);
            return None;
        }
    };
    let how = how(mode);
    if config.incremental != Incremental::Auto {
        report.ok("incremental", format!("{mode}, as configured: {how}"));
        return Some(());
    }
    let why = modes::passed_over(mode, directory, dse, readable);
    let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) };
    report.ok("incremental", format!("auto takes {mode}: {how}{why}"));
    Some(())
}

fn how(mode: Mode) -> &'static str {
    match mode {
        Mode::Off => "every run reads everything",
        Mode::Syncrepl => "the server says what changed and what went",
        Mode::Usn => "what has a higher uSNChanged than before is read, deletions come as tombstones",
        Mode::DirSync => "the server says what changed and what went",
        Mode::ModifyTimestamp => {
            "what has a newer modifyTimestamp is read, and deletions are found by listing all ids"
        }
    }
}

/// Of every suffix that is read.
async fn has_context_csn(
    config: &LdapConfig,
    connection: &mut Connection,
    directory: &Directory,
) -> Result<bool, super::LdapSourceError> {
    let bases =
        [Some(directory.users.base.as_str()), directory.groups.as_ref().map(|groups| groups.base.as_str())];
    for base in bases.into_iter().flatten() {
        let Some(suffix) = connection.dse.suffix_of(base).map(str::to_owned) else { return Ok(false) };
        if context_csn(&mut connection.ldap, config.timeout, &suffix).await?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}
