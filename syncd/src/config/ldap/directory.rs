//! What a configuration means for a kind of server: nothing is left open.

use super::{Active, Membership, Rule, Rules, ServerKind, keys::Keys};

#[derive(Debug, Clone)]
pub struct Directory {
    pub server: ServerKind,
    pub id_attribute: String,
    pub users: Users,
    /// `None`: no group is read.
    pub groups: Option<Groups>,
}

#[derive(Debug, Clone)]
pub struct Users {
    pub base: String,
    /// The user filter and the sync filter together.
    pub filter: String,
    pub username: Rule,
    pub profile: Rules,
    pub attributes: Rules,
    pub platforms: Rules,
    pub active: Active,
}

#[derive(Debug, Clone)]
pub struct Groups {
    pub base: String,
    pub filter: String,
    pub name: GroupName,
    pub attributes: Rules,
    /// Sorted, at least one; `memberOf` is alone.
    pub memberships: Vec<Membership>,
}

#[derive(Debug, Clone)]
pub enum GroupName {
    /// The name of the entry itself.
    Dn,
    Rule(Rule),
}

impl Directory {
    /// The attribute that this kind of server never changes and finds its entries by.
    pub fn native_id(server: ServerKind) -> &'static str {
        match server {
            ServerKind::OpenLdap | ServerKind::Other => "entryUUID",
            ServerKind::ActiveDirectory => "objectGUID",
            ServerKind::Ds389 => "nsUniqueId",
        }
    }

    pub fn has_native_id(&self) -> bool {
        self.id_attribute.eq_ignore_ascii_case(Self::native_id(self.server))
    }

    pub fn reads(&self, membership: Membership) -> bool {
        self.groups.as_ref().is_some_and(|groups| groups.memberships.contains(&membership))
    }
}

impl Keys {
    pub(super) fn directory(&self, server: ServerKind) -> Directory {
        let id = self.id_attribute.as_deref().unwrap_or(Directory::native_id(server));
        Directory {
            server,
            id_attribute: id.to_owned(),
            users: self.users(server),
            groups: self.groups(server),
        }
    }

    fn users(&self, server: ServerKind) -> Users {
        let own = self.user_filter.as_deref().unwrap_or(match server {
            ServerKind::ActiveDirectory => "(&(objectCategory=person)(objectClass=user))",
            _ => "(objectClass=inetOrgPerson)",
        });
        let username = match server {
            ServerKind::ActiveDirectory => "sAMAccountName",
            _ => "uid",
        };
        Users {
            base: self.user_base.clone(),
            filter: match &self.sync_filter {
                None => parenthesised(own),
                Some(sync) => format!("(&{}{})", parenthesised(own), parenthesised(sync)),
            },
            username: self.username_attribute.clone().unwrap_or_else(|| Rule::attribute(username)),
            profile: self.profile.clone(),
            attributes: self.attributes.clone(),
            platforms: self.platforms.clone(),
            active: self.active.clone().unwrap_or_else(|| Active::by_default(server)),
        }
    }

    fn groups(&self, server: ServerKind) -> Option<Groups> {
        let memberships = match (&self.membership, server) {
            (Some(written), _) => written.0.clone(),
            (None, ServerKind::Ds389) => vec![Membership::Member, Membership::UniqueMember],
            (None, _) => vec![Membership::Member],
        };
        Some(Groups {
            base: self.group_base.clone()?,
            filter: match &self.group_filter {
                Some(filter) => parenthesised(filter),
                None => group_filter(server, &memberships),
            },
            name: match &self.group_name_attribute {
                Some(rule) if rule.is_plain("dn") => GroupName::Dn,
                Some(rule) => GroupName::Rule(rule.clone()),
                None => GroupName::Rule(Rule::attribute("cn")),
            },
            attributes: self.group_attributes.clone(),
            memberships,
        })
    }
}

fn group_filter(server: ServerKind, memberships: &[Membership]) -> String {
    if server == ServerKind::ActiveDirectory {
        return "(objectClass=group)".to_owned();
    }
    let classes: Vec<&str> = memberships
        .iter()
        .map(|membership| match membership {
            Membership::Member | Membership::MemberOf => "(objectClass=groupOfNames)",
            Membership::UniqueMember => "(objectClass=groupOfUniqueNames)",
            Membership::MemberUid => "(objectClass=posixGroup)",
            Membership::MemberUrl => "(objectClass=groupOfURLs)",
        })
        .collect();
    match classes.as_slice() {
        [one] => (*one).to_owned(),
        several => format!("(|{})", several.concat()),
    }
}

/// A filter is accepted with or without its outer parentheses.
pub(super) fn parenthesised(filter: &str) -> String {
    let filter = filter.trim();
    if filter.starts_with('(') { filter.to_owned() } else { format!("({filter})") }
}
