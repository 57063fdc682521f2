//! One full read: group names, users, groups.

use tokio::sync::mpsc;

use super::aside::Aside;
use super::assemble::{Assembler, Found, Spelt, Wanted};
use super::connection::{Access, Connection};
use super::entry::{AttributeName, Entry};
use super::members::{InThisRun, Lookup};
use super::memberships::{Edges, Here, expand};
use super::names::Names;
use super::note::Notes;
use super::search::{Entries, Search};
use crate::config::ldap::{Directory, Groups, LdapConfig, Membership};
use crate::connector::{ConnectorError, ReadSummary};
use crate::record::{Entity, Kind, Member, Record, Reference, References};

/// The first page of groups is a small one: each may carry many thousand members.
const FIRST_GROUPS: i32 = 20;

pub(super) async fn read(
    config: &LdapConfig,
    access: &Access<'_>,
    connection: Connection,
    sink: mpsc::Sender<Record>,
) -> Result<ReadSummary, ConnectorError> {
    let directory = config.for_server(connection.dse.kind);
    let mut read = Read::new(config, &directory, access, connection, sink);
    if let Some(groups) = &directory.groups {
        read.group_names(groups).await?;
    }
    read.users().await?;
    if let Some(groups) = &directory.groups {
        read.groups(groups).await?;
    }
    let note = Notes { tally: read.assembler.tally, referrals: read.referrals }.sentence();
    let summary = ReadSummary { read: read.count, note, ..ReadSummary::default() };
    read.connection.close().await;
    Ok(summary)
}

struct Read<'a> {
    config: &'a LdapConfig,
    directory: &'a Directory,
    connection: Connection,
    /// For what is asked in between.
    aside: Aside<'a>,
    lookup: Lookup<'a>,
    assembler: Assembler,
    id: AttributeName,
    sink: mpsc::Sender<Record>,
    names: Names,
    /// Where users and groups say themselves what they are in.
    edges: Option<Edges>,
    count: u64,
    referrals: u64,
}

impl<'a> Read<'a> {
    fn new(
        config: &'a LdapConfig,
        directory: &'a Directory,
        access: &'a Access<'a>,
        connection: Connection,
        sink: mpsc::Sender<Record>,
    ) -> Self {
        let id = AttributeName::new(&directory.id_attribute);
        let aside = || Aside::new(access, &connection.url, config.timeout);
        let ids = || vec![directory.id_attribute.clone()];
        let groups = directory.groups.as_ref().map(|groups| group_search(config, groups, ids()));
        Self {
            config,
            directory,
            lookup: Lookup::new(aside(), id.clone(), user_search(config, directory, ids()), groups),
            aside: aside(),
            assembler: Assembler::new(directory, &connection.dse),
            id,
            sink,
            names: Names::default(),
            edges: directory.reads(Membership::MemberOf).then(Edges::default),
            count: 0,
            referrals: 0,
            connection,
        }
    }

    async fn group_names(&mut self, groups: &Groups) -> Result<(), ConnectorError> {
        let search = group_search(self.config, groups, self.assembler.requested_group_heads());
        let mut entries = self.start(search);
        while let Some(mut entry) = entries.next().await? {
            // A group without a readable id is reported when its turn comes.
            let Some((key, quarantined)) = self.assembler.group_head(&mut entry) else { continue };
            let references = self.assembler.references(Kind::Group, key, &entry, "");
            let found = Found { member: Member { kind: Kind::Group, key }, quarantined };
            let place = self.remember(references, found);
            if let (Some(edges), Some(place)) = (&mut self.edges, place) {
                edges.group(key);
                for (group, spelt) in self.assembler.groups_of(&mut entry) {
                    edges.later(group, spelt, place);
                }
            }
        }
        self.referrals += entries.referrals;
        let later = self.edges.as_mut().map(Edges::take_later).unwrap_or_default();
        for (group, spelt, place) in later {
            self.add_edge(group, &spelt, place).await?;
        }
        Ok(())
    }

    async fn users(&mut self) -> Result<(), ConnectorError> {
        let search = user_search(self.config, self.directory, self.assembler.requested_users());
        let mut entries = self.start(search);
        while let Some(mut entry) = entries.next().await? {
            let record = self.assembler.user(&mut entry, &mut self.aside).await?;
            let place = self.remember_user(&record, &entry);
            if let Some(place) = place.filter(|_| self.edges.is_some()) {
                for (group, spelt) in self.assembler.groups_of(&mut entry) {
                    self.add_edge(group, &spelt, place).await?;
                }
            }
            self.send(record).await?;
        }
        self.referrals += entries.referrals;
        Ok(())
    }

    async fn groups(&mut self, groups: &Groups) -> Result<(), ConnectorError> {
        let mut search = group_search(self.config, groups, self.assembler.requested_groups());
        search.first_page_size = FIRST_GROUPS;
        let mut entries = self.start(search);
        while let Some(mut entry) = entries.next().await? {
            let mut resolve = InThisRun { names: &mut self.names, lookup: &mut self.lookup };
            let mut record = self.assembler.group(&mut entry, &mut self.aside, &mut resolve).await?;
            if let Record::Entity(group) = &mut record
                && let Err(reason) = self.add_others(group, &mut entry).await?
            {
                record = self.assembler.rejected_group(&entry, group.key, reason);
            }
            self.send(record).await?;
        }
        self.referrals += entries.referrals;
        Ok(())
    }

    /// Members whom the group does not list one by one.
    async fn add_others(
        &mut self,
        group: &mut Entity,
        entry: &mut Entry,
    ) -> Result<Result<(), String>, ConnectorError> {
        if let Some(edges) = &mut self.edges {
            group.members = edges.members(group.key, &self.names);
        }
        for url in self.assembler.take_urls(entry) {
            let here = Here {
                url: &self.connection.url,
                id: &self.id,
                page_size: self.config.page_size,
                timeout: self.config.timeout,
            };
            let found = match expand(&url, &here, self.aside.ldap().await?).await? {
                Ok(found) => found,
                Err(reason) => return Ok(Err(reason)),
            };
            for key in found.into_iter().filter(|key| *key != group.key) {
                match self.names.find_key(key) {
                    Some(found) => group.members.push(found.member),
                    None => self.assembler.tally.outside += 1,
                }
            }
            group.members.sort_unstable();
            group.members.dedup();
        }
        Ok(Ok(()))
    }

    async fn add_edge(&mut self, group: Reference, spelt: &[u8], member: u32) -> Result<(), ConnectorError> {
        let found = match self.names.find(group) {
            None => {
                let wanted = Wanted { reference: group, spelt: Spelt::Name(spelt) };
                self.lookup.find(&mut self.names, &wanted).await?
            }
            found => found,
        };
        if let (Some(edges), Some(Found { member: Member { kind: Kind::Group, key }, .. })) =
            (&mut self.edges, found)
        {
            edges.add(key, member);
        }
        Ok(())
    }

    fn remember_user(&mut self, record: &Record, entry: &Entry) -> Option<u32> {
        let (key, references, quarantined) = match record {
            Record::Entity(entity) => (entity.key, entity.references, false),
            // Still a member of its groups: what was known of it stays.
            Record::Quarantined { key: Some(key), .. } => {
                (*key, self.assembler.references(Kind::User, *key, entry, ""), true)
            }
            _ => return None,
        };
        self.remember(references, Found { member: Member { kind: Kind::User, key }, quarantined })
    }

    fn remember(&mut self, references: References, found: Found) -> Option<u32> {
        if let Some(uid) = references.uid {
            self.names.insert(uid, found);
        }
        references.name.map(|name| self.names.insert(name, found))
    }

    async fn send(&mut self, record: Record) -> Result<(), ConnectorError> {
        self.count += 1;
        self.sink.send(record).await.map_err(|_| ConnectorError::Stopped)
    }

    fn start(&self, mut search: Search) -> Entries {
        search.controls = self.assembler.controls();
        Entries::start(&self.connection.ldap, search)
    }
}

fn user_search(config: &LdapConfig, directory: &Directory, attributes: Vec<String>) -> Search {
    let users = &directory.users;
    Search::below("search for users", &users.base, &users.filter, attributes, config)
}

fn group_search(config: &LdapConfig, groups: &Groups, attributes: Vec<String>) -> Search {
    Search::below("search for groups", &groups.base, &groups.filter, attributes, config)
}
