//! One full read: group names, users, groups.

use tokio::sync::mpsc;

use super::connection::{Access, Connection};
use super::dn::DnKeys;
use super::entry::{AttributeName, Entry};
use super::mapping::{Mapping, Rejected, external_id};
use super::members::Lookup;
use super::names::Names;
use super::search::{Entries, Search};
use crate::config::ldap::{Directory, Groups, LdapConfig};
use crate::connector::{ConnectorError, ReadSummary};
use crate::record::{Key, Kind, Member, Record};

/// The first page of groups is a small one: each may carry many thousand members.
const FIRST_GROUPS: i32 = 20;

pub(super) async fn read(
    config: &LdapConfig,
    access: &Access<'_>,
    connection: Connection,
    sink: mpsc::Sender<Record>,
) -> Result<ReadSummary, ConnectorError> {
    let directory = config.for_server(connection.dse.kind);
    let mut read = Read {
        config,
        directory: &directory,
        access,
        connection,
        sink,
        names: Names::default(),
        keys: DnKeys::default(),
        count: 0,
        outside: 0,
    };
    if let Some(groups) = &directory.groups {
        read.group_names(groups).await?;
    }
    read.users().await?;
    if let Some(groups) = &directory.groups {
        read.groups(groups).await?;
    }
    let summary = ReadSummary { read: read.count, note: note(read.outside), ..ReadSummary::default() };
    read.connection.close().await;
    Ok(summary)
}

fn note(outside: u64) -> Option<String> {
    match outside {
        0 => None,
        1 => Some("1 member of a group is outside the search bases or does not exist".to_owned()),
        _ => Some(format!("{outside} members of groups are outside the search bases or do not exist")),
    }
}

struct Read<'a> {
    config: &'a LdapConfig,
    directory: &'a Directory,
    access: &'a Access<'a>,
    connection: Connection,
    sink: mpsc::Sender<Record>,
    names: Names,
    keys: DnKeys,
    count: u64,
    /// Members that lead to nobody.
    outside: u64,
}

impl Read<'_> {
    async fn group_names(&mut self, groups: &Groups) -> Result<(), ConnectorError> {
        let id = AttributeName::new(&self.directory.id_attribute);
        let mut entries = Entries::start(&self.connection.ldap, self.group_search(groups, Vec::new()));
        while let Some(entry) = entries.next().await? {
            // A group without a readable id is reported when its turn comes.
            if let Ok(external_id) = external_id(&entry, &id) {
                self.remember(&entry, Kind::Group, Key::of(&external_id));
            }
        }
        Ok(())
    }

    async fn users(&mut self) -> Result<(), ConnectorError> {
        let mapping = Mapping::of_users(self.directory);
        let search = self.user_search(mapping.requested());
        let mut entries = Entries::start(&self.connection.ldap, search);
        while let Some(entry) = entries.next().await? {
            let record = match mapping.entity(&entry) {
                Ok(entity) => {
                    self.remember(&entry, Kind::User, entity.key);
                    Record::Entity(entity)
                }
                Err(rejected) => {
                    // Still a member of its groups: what was known of it stays.
                    if let Some(key) = rejected.key {
                        self.remember(&entry, Kind::User, key);
                    }
                    mapping.quarantined(&entry, rejected)
                }
            };
            self.send(record).await?;
        }
        Ok(())
    }

    async fn groups(&mut self, groups: &Groups) -> Result<(), ConnectorError> {
        let mapping = Mapping::of_groups(self.directory, groups);
        let member = AttributeName::new("member");
        let mut requested = mapping.requested();
        requested.push(member.as_str().to_owned());
        let mut search = self.group_search(groups, requested);
        search.first_page_size = FIRST_GROUPS;
        let mut entries = Entries::start(&self.connection.ldap, search);
        let mut lookup = Lookup::new(
            self.access,
            self.connection.url.clone(),
            mapping.id.clone(),
            self.config.timeout,
            vec![self.user_search(Vec::new()), self.group_search(groups, Vec::new())],
        );
        while let Some(mut entry) = entries.next().await? {
            let record = match self.group(&mapping, &mut entry, &member, &mut lookup).await? {
                Ok(record) => record,
                Err(rejected) => mapping.quarantined(&entry, rejected),
            };
            self.send(record).await?;
        }
        Ok(())
    }

    async fn group(
        &mut self,
        mapping: &Mapping,
        entry: &mut Entry,
        member: &AttributeName,
        lookup: &mut Lookup<'_>,
    ) -> Result<Result<Record, Rejected>, ConnectorError> {
        let mut entity = match mapping.entity(entry) {
            Ok(entity) => entity,
            Err(rejected) => return Ok(Err(rejected)),
        };
        let rejected = |reason| Ok(Err(Rejected { key: Some(entity.key), reason }));
        if entry.has_range_of(member) {
            return rejected("member was sent in ranges, which is not supported yet".to_owned());
        }
        let mut members = Vec::new();
        for name in entry.take_values(member) {
            let dn = match self.keys.key(&name) {
                Ok(dn) => dn,
                Err(bad) => return rejected(format!("member {:?} {bad}", super::text::shown(&name))),
            };
            let found = match self.names.find(dn) {
                None if name.trim_ascii().is_empty() => continue, // a placeholder for "no member"
                None => lookup.member(&mut self.names, dn, &String::from_utf8_lossy(&name)).await?,
                found => found,
            };
            match found {
                Some(member) => members.push(member),
                None => self.outside += 1,
            }
        }
        let itself = Member { kind: Kind::Group, key: entity.key };
        members.retain(|member| *member != itself);
        members.sort_unstable();
        members.dedup();
        entity.members = members;
        Ok(Ok(Record::Entity(entity)))
    }

    fn remember(&mut self, entry: &Entry, kind: Kind, key: Key) {
        match self.keys.key(&entry.dn) {
            Ok(dn) => self.names.insert(dn, Member { kind, key }),
            // Nothing is lost but membership by this name, which no group could spell either.
            Err(bad) => tracing::warn!(dn = %super::text::shown(&entry.dn), "the name of an entry {bad}"),
        }
    }

    async fn send(&mut self, record: Record) -> Result<(), ConnectorError> {
        self.count += 1;
        self.sink.send(record).await.map_err(|_| ConnectorError::Stopped)
    }

    fn user_search(&self, attributes: Vec<String>) -> Search {
        let users = &self.directory.users;
        self.search("search for users", &users.base, &users.filter, attributes)
    }

    fn group_search(&self, groups: &Groups, attributes: Vec<String>) -> Search {
        self.search("search for groups", &groups.base, &groups.filter, attributes)
    }

    /// A search for these attributes, or for the immutable id only if there are none.
    fn search(&self, what: &'static str, base: &str, filter: &str, mut attributes: Vec<String>) -> Search {
        if attributes.is_empty() {
            attributes.push(self.directory.id_attribute.clone());
        }
        Search {
            what,
            base: base.to_owned(),
            filter: filter.to_owned(),
            attributes,
            page_size: self.config.page_size,
            first_page_size: self.config.page_size,
            timeout: self.config.timeout,
            controls: Vec::new(),
        }
    }
}
