//! How a source finds what changed since its last run.

use std::fmt;

use super::root_dse::RootDse;
use crate::config::ldap::{Directory, Incremental, LdapConfig, Membership, ServerKind};

/// RFC 4533.
pub(super) const SYNC_REQUEST: &str = "1.3.6.1.4.1.4203.1.9.1.1";
pub(super) const DIRSYNC: &str = "1.2.840.113556.1.4.841";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Every run reads everything.
    Off,
    Syncrepl,
    Usn,
    DirSync,
    ModifyTimestamp,
}

/// What `auto` tries, the best first. DirSync is only for those who ask: it needs a right that reads all.
const BY_ITSELF: [Mode; 3] = [Mode::Syncrepl, Mode::Usn, Mode::ModifyTimestamp];

impl Mode {
    /// The word in the configuration, and in cursors.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Syncrepl => "syncrepl",
            Self::Usn => "usn",
            Self::DirSync => "dirsync",
            Self::ModifyTimestamp => "modify_timestamp",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The mode of a source at this server. A mode that was asked for and cannot work is an error, `auto` takes
/// the next best. `context_csn_readable`: of every suffix that is read.
pub(super) fn choose(
    config: &LdapConfig,
    directory: &Directory,
    dse: &RootDse,
    context_csn_readable: bool,
) -> Result<Mode, String> {
    let asked = match config.incremental {
        Incremental::Off => return Ok(Mode::Off),
        Incremental::Auto => {
            let works = |mode: &Mode| obstacle(*mode, directory, dse, context_csn_readable).is_none();
            return Ok(BY_ITSELF.into_iter().find(works).unwrap_or(Mode::Off));
        }
        Incremental::Syncrepl => Mode::Syncrepl,
        Incremental::Usn => Mode::Usn,
        Incremental::DirSync => Mode::DirSync,
        Incremental::ModifyTimestamp => Mode::ModifyTimestamp,
    };
    match obstacle(asked, directory, dse, context_csn_readable) {
        None => Ok(asked),
        Some(obstacle) => Err(format!("incremental {asked} cannot work here: {obstacle}")),
    }
}

/// Why `auto` does not take the modes that it would rather take than `chosen`, as far as they are made for
/// this kind of server.
pub(super) fn passed_over(
    chosen: Mode,
    directory: &Directory,
    dse: &RootDse,
    context_csn_readable: bool,
) -> Vec<String> {
    if let Some(reason) = never(directory) {
        return vec![reason];
    }
    let better = BY_ITSELF.into_iter().take_while(|mode| *mode != chosen);
    let made_for = better.filter(|mode| match directory.server {
        ServerKind::ActiveDirectory => *mode == Mode::Usn,
        // What 389-DS answers to syncrepl tells no state to go on from.
        ServerKind::Ds389 => false,
        ServerKind::OpenLdap | ServerKind::Other => *mode != Mode::Usn,
    });
    let told =
        |mode| obstacle(mode, directory, dse, context_csn_readable).map(|why| format!("not {mode}: {why}"));
    made_for.filter_map(told).collect()
}

/// Why a mode cannot work.
fn obstacle(mode: Mode, directory: &Directory, dse: &RootDse, context_csn_readable: bool) -> Option<String> {
    let active_directory = directory.server == ServerKind::ActiveDirectory;
    let said = match mode {
        Mode::Off => return None,
        Mode::Syncrepl if active_directory => "Active Directory has no syncrepl: use usn or dirsync",
        Mode::Syncrepl if !dse.supports(SYNC_REQUEST) => {
            "the server does not offer syncrepl: add the overlay syncprov to its database"
        }
        Mode::Syncrepl if !context_csn_readable => {
            "contextCSN of the suffix cannot be read: add the overlay syncprov, and let the bind account read it"
        }
        Mode::Usn if !active_directory => "only Active Directory has update sequence numbers",
        Mode::Usn if dse.highest_committed_usn.is_none() => "highestCommittedUSN cannot be read",
        Mode::Usn if dse.dsa.is_none() => {
            "invocationId of the domain controller cannot be read: let the bind account read its NTDS Settings"
        }
        Mode::DirSync if !active_directory => "only Active Directory has DirSync",
        Mode::DirSync if !dse.supports(DIRSYNC) => "the server does not offer the DirSync control",
        Mode::ModifyTimestamp if active_directory => {
            "Active Directory does not search by modifyTimestamp: use usn or dirsync"
        }
        Mode::Syncrepl | Mode::Usn | Mode::DirSync | Mode::ModifyTimestamp => return never(directory),
    };
    Some(said.to_owned())
}

/// What rules out every incremental mode.
fn never(directory: &Directory) -> Option<String> {
    if directory.reads(Membership::MemberOf) {
        return Some(
            "with membership memberOf every run reads everything: servers do not tell that it changed"
                .to_owned(),
        );
    }
    if directory.reads(Membership::MemberUrl) {
        return Some(
            "with membership memberURL every run reads everything: nobody tells that a search finds others"
                .to_owned(),
        );
    }
    if names_member_of(directory) {
        return Some(
            "where a filter or a rule names memberOf every run reads everything: when a group changes, its members' \
             entries do not"
                .to_owned(),
        );
    }
    if !directory.has_native_id() {
        let native = Directory::native_id(directory.server);
        return Some(format!(
            "with id_attribute {} every run reads everything: changes and deletions are told by {native}",
            directory.id_attribute
        ));
    }
    None
}

/// Servers work it out of the groups: whoever leaves one does not change.
fn names_member_of(directory: &Directory) -> bool {
    let is_it = |name: &str| name.split(';').next().is_some_and(|base| base.eq_ignore_ascii_case("memberOf"));
    let users = &directory.users;
    let groups = directory.groups.as_ref();
    let filters = [Some(&users.filter), groups.map(|groups| &groups.filter)];
    let in_filter =
        filters.into_iter().flatten().any(|filter| filter.to_ascii_lowercase().contains("(memberof"));
    let of_users = users.profile.values().chain(users.attributes.values()).chain(users.platforms.values());
    let of_groups = groups.into_iter().flat_map(|groups| groups.attributes.values());
    in_filter
        || of_users
            .chain(of_groups)
            .chain([&users.username])
            .any(|rule| rule.names().iter().any(|name| is_it(name)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn config(more: Value) -> LdapConfig {
        let mut config = json!({"urls": ["ldaps://ldap.example.org"], "user_base": "ou=people,dc=example,dc=org",
            "group_base": "ou=groups,dc=example,dc=org"});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        LdapConfig::parse(&config).unwrap()
    }

    fn server(kind: ServerKind) -> RootDse {
        let mut dse = RootDse { kind, ..RootDse::hidden() };
        match kind {
            ServerKind::ActiveDirectory => {
                dse.highest_committed_usn = Some(7);
                dse.dsa = Some("x".to_owned());
                dse.controls.insert(DIRSYNC.to_owned());
            }
            ServerKind::OpenLdap => drop(dse.controls.insert(SYNC_REQUEST.to_owned())),
            ServerKind::Ds389 | ServerKind::Other => {}
        }
        dse
    }

    fn chosen(more: Value, dse: &RootDse, csn: bool) -> Result<Mode, String> {
        let config = config(more);
        choose(&config, &config.for_server(dse.kind), dse, csn)
    }

    #[test]
    fn auto_takes_the_best_that_works() {
        let (openldap, ad) = (server(ServerKind::OpenLdap), server(ServerKind::ActiveDirectory));
        assert_eq!(chosen(json!({}), &openldap, true), Ok(Mode::Syncrepl));
        assert_eq!(chosen(json!({}), &openldap, false), Ok(Mode::ModifyTimestamp));
        assert_eq!(
            chosen(json!({}), &RootDse { controls: [].into(), ..openldap.clone() }, true),
            Ok(Mode::ModifyTimestamp)
        );
        assert_eq!(chosen(json!({}), &ad, false), Ok(Mode::Usn));
        assert_eq!(chosen(json!({}), &RootDse { dsa: None, ..ad.clone() }, false), Ok(Mode::Off));
        assert_eq!(chosen(json!({}), &server(ServerKind::Ds389), false), Ok(Mode::ModifyTimestamp));
        assert_eq!(chosen(json!({}), &server(ServerKind::Other), false), Ok(Mode::ModifyTimestamp));
        for reads_all in [
            json!({"membership": "memberOf"}),
            json!({"membership": ["member", "memberURL"]}),
            json!({"id_attribute": "employeeNumber"}),
            json!({"sync_filter": "(memberOf:1.2.840.113556.1.4.1941:=cn=staff,dc=example,dc=org)"}),
            json!({"attributes": {"team": "{cn}/{memberof|none}"}}),
        ] {
            assert_eq!(chosen(reads_all.clone(), &openldap, true), Ok(Mode::Off), "{reads_all}");
        }
        assert_eq!(chosen(json!({"id_attribute": "ENTRYUUID"}), &openldap, true), Ok(Mode::Syncrepl));
        assert_eq!(chosen(json!({"incremental": "off"}), &openldap, true), Ok(Mode::Off));
    }

    #[test]
    fn what_was_asked_for_works_or_is_refused() {
        let (openldap, ad) = (server(ServerKind::OpenLdap), server(ServerKind::ActiveDirectory));
        for (mode, dse, csn, refusal) in [
            ("syncrepl", &openldap, true, None),
            ("syncrepl", &openldap, false, Some("contextCSN")),
            ("syncrepl", &server(ServerKind::Other), true, Some("syncprov")),
            ("syncrepl", &ad, true, Some("usn or dirsync")),
            ("usn", &ad, false, None),
            (
                "usn",
                &RootDse { highest_committed_usn: None, ..ad.clone() },
                false,
                Some("highestCommittedUSN"),
            ),
            ("usn", &openldap, true, Some("only Active Directory")),
            ("dirsync", &ad, false, None),
            ("dirsync", &RootDse { controls: [].into(), ..ad.clone() }, false, Some("DirSync control")),
            ("modify_timestamp", &openldap, true, None),
            ("modify_timestamp", &ad, true, Some("does not search by modifyTimestamp")),
        ] {
            match (chosen(json!({"incremental": mode}), dse, csn), refusal) {
                (Ok(chosen), None) => assert_eq!(chosen.as_str(), mode),
                (Err(message), Some(word)) => assert!(message.contains(word), "{mode}: {message}"),
                (other, _) => panic!("{mode}: {other:?}"),
            }
        }
        let refused = chosen(json!({"incremental": "syncrepl", "membership": "memberOf"}), &openldap, true);
        assert!(refused.unwrap_err().contains("every run reads everything"));
    }

    #[test]
    fn it_tells_why_not_the_better_ones() {
        let openldap = server(ServerKind::OpenLdap);
        let directory = config(json!({})).for_server(ServerKind::OpenLdap);
        assert!(passed_over(Mode::Syncrepl, &directory, &openldap, true).is_empty());
        let why = passed_over(Mode::ModifyTimestamp, &directory, &openldap, false);
        assert!(matches!(why.as_slice(), [one] if one.starts_with("not syncrepl: contextCSN")), "{why:?}");
        let directory = config(json!({})).for_server(ServerKind::Ds389);
        assert!(passed_over(Mode::ModifyTimestamp, &directory, &server(ServerKind::Ds389), false).is_empty());
        let ad = RootDse { dsa: None, ..server(ServerKind::ActiveDirectory) };
        let directory = config(json!({})).for_server(ServerKind::ActiveDirectory);
        let why = passed_over(Mode::Off, &directory, &ad, false);
        assert!(matches!(why.as_slice(), [one] if one.contains("invocationId")), "{why:?}");
    }
}
