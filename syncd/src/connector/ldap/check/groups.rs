//! Members that groups list and that the configuration does not read.

use ldap3::Scope;

use super::super::connection::Connection;
use super::super::probe::Probe;
use super::super::text::shown;
use super::report::Report;
use crate::config::ldap::{Directory, Groups, LdapConfig, Membership};

const STEP: &str = "memberships";

pub(super) async fn memberships(
    report: &mut Report,
    config: &LdapConfig,
    connection: &mut Connection,
    directory: &Directory,
    groups: &Groups,
) {
    let mut look = Look { config, connection, groups };
    let mut unread = Vec::new();
    let mut aside = Vec::new();
    for membership in [Membership::Member, Membership::UniqueMember, Membership::MemberUid] {
        if directory.reads(membership) || directory.reads(Membership::MemberOf) {
            continue;
        }
        let name = membership.as_str();
        if let Some(dn) = look.first(&format!("(&{}({name}=*))", groups.filter)).await {
            unread.push(format!("groups such as {dn} list members in {name}, which is not read"));
        } else if let Some(dn) = look.first(&format!("({name}=*)")).await {
            aside.push(format!("{dn} has {name}, but does not match the filter"));
        }
    }
    if !directory.reads(Membership::MemberUrl)
        && let Some(dn) = look.first("(objectClass=groupOfURLs)").await
    {
        unread.push(format!("{dn} is a group of URLs (memberURL): its members are not read"));
    }
    if directory.reads(Membership::MemberOf) && !look.has_member_of(directory).await {
        unread.push(format!("no user has {}: nobody would be a member", Membership::MemberOf.as_str()));
    }
    told(report, groups, &unread, &aside);
}

fn told(report: &mut Report, groups: &Groups, unread: &[String], aside: &[String]) {
    let read: Vec<_> = groups.memberships.iter().map(|one| one.as_str()).collect();
    let remedy = "name every attribute in membership, as in [\"member\", \"memberUid\"], and the classes in group_filter";
    let aside = if aside.is_empty() { String::new() } else { format!("; {}", aside.join("; ")) };
    if unread.is_empty() {
        report.ok(STEP, format!("read from {}{aside}", read.join(", ")));
    } else {
        report.warn(STEP, format!("{}{aside}", unread.join("; ")), remedy);
    }
}

struct Look<'a> {
    config: &'a LdapConfig,
    connection: &'a mut Connection,
    groups: &'a Groups,
}

impl Look<'_> {
    /// The name of one entry below the base of groups. A server that will not search for this is not asked
    /// twice: it is a hint only.
    async fn first(&mut self, filter: &str) -> Option<String> {
        let base = self.groups.base.clone();
        self.one(&base, filter).await
    }

    async fn has_member_of(&mut self, directory: &Directory) -> bool {
        let users = &directory.users;
        self.one(&users.base, &format!("(&{}(memberOf=*))", users.filter)).await.is_some()
    }

    async fn one(&mut self, base: &str, filter: &str) -> Option<String> {
        let probe = Probe::new("look at groups", base, filter, self.config.timeout);
        let found = probe.some(&mut self.connection.ldap, Scope::Subtree, &["1.1"], 1).await;
        found.unwrap_or_default().first().map(|entry| shown(&entry.dn))
    }
}
