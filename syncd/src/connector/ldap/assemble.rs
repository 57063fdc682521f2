//! From an entry to a record, members resolved: the same for whoever reads everything and whoever reads
//! changes only. They differ in how they know members again (`Resolve`).

use ldap3::controls::RawControl;

use super::aside::Aside;
use super::dn::DnKeys;
use super::entry::{AttributeName, Entry};
use super::extended;
use super::mapping::{Mapping, Rejected};
use super::primary::{self, PrimaryGroups};
use super::ranges;
use super::root_dse::RootDse;
use super::text::{clean, shown};
use crate::config::ldap::{Directory, Membership, ServerKind};
use crate::connector::ConnectorError;
use crate::record::{Entity, Key, Kind, Record, Reference, References};

mod gather;
mod whole;

use gather::Gathered;
pub(super) use gather::{Found, Resolve, Spelt, Wanted, uid_reference};
use whole::Unsteady;

/// How often an entry is read from its beginning when it changes while it is read in parts.
const ATTEMPTS: usize = 3;

/// What became of members of groups in a whole read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Lead to nobody whom this source reads.
    pub outside: u64,
    /// Somebody of another domain, or a built-in identity.
    pub foreign: u64,
    /// User names that are nobody's.
    pub unknown_uids: u64,
}

pub(super) struct Assembler {
    server: ServerKind,
    users: Mapping,
    groups: Option<Mapping>,
    /// What is wanted with all its values, of users and of groups.
    wholes: [Vec<AttributeName>; 2],
    /// The attributes of a group that list members one by one.
    lists: Vec<(Membership, AttributeName)>,
    /// `memberOf`, where users and groups say themselves what they are in.
    member_of: Option<AttributeName>,
    /// `memberURL`, where groups say how their members are found.
    member_url: Option<AttributeName>,
    /// Whether groups list their members by immutable id.
    by_key: bool,
    /// What `memberUid` means.
    uid: Option<AttributeName>,
    primary: Option<PrimaryGroups>,
    stamp: AttributeName,
    keys: DnKeys,
    pub tally: Tally,
}

impl Assembler {
    pub(super) fn new(directory: &Directory, dse: &RootDse) -> Self {
        let ad = directory.server == ServerKind::ActiveDirectory;
        let groups = directory.groups.as_ref();
        let memberships = groups.map_or(&[][..], |groups| &groups.memberships);
        let lists = memberships.iter().filter(|one| one.lists_members());
        let reads = |membership: Membership| {
            directory.reads(membership).then(|| AttributeName::new(membership.as_str()))
        };
        let users = Mapping::of_users(directory);
        let mut assembler = Self {
            server: directory.server,
            primary: (ad && groups.is_some()).then(|| PrimaryGroups::new(&users.id)),
            users,
            groups: groups.map(|groups| Mapping::of_groups(directory, groups)),
            lists: lists.map(|one| (*one, AttributeName::new(one.as_str()))).collect(),
            member_of: reads(Membership::MemberOf),
            member_url: reads(Membership::MemberUrl),
            by_key: ad && directory.has_native_id() && dse.supports(extended::CONTROL),
            uid: directory.reads(Membership::MemberUid).then(|| AttributeName::new("uid")),
            stamp: ranges::stamp(directory.server),
            keys: DnKeys::default(),
            wholes: Default::default(),
            tally: Tally::default(),
        };
        let names = |names: Vec<String>| names.iter().map(|name| AttributeName::new(name)).collect();
        assembler.wholes = [names(assembler.requested_users()), names(assembler.group_wholes())];
        assembler
    }

    /// The attributes of a user to ask the server for.
    pub(super) fn requested_users(&self) -> Vec<String> {
        let mut names = self.users.requested();
        let primary = self.primary.iter().flat_map(|_| primary::ATTRIBUTES);
        let more = self.uid.iter().chain(&self.member_of).map(AttributeName::as_str).chain(primary);
        more.for_each(|name| add(&mut names, name));
        names
    }

    /// The attributes of a group to ask the server for where its members do not matter.
    pub(super) fn requested_group_heads(&self) -> Vec<String> {
        let mut names = self.groups.as_ref().map(Mapping::requested).unwrap_or_default();
        self.member_of.iter().for_each(|name| add(&mut names, name.as_str()));
        names
    }

    fn group_wholes(&self) -> Vec<String> {
        let mut names = self.requested_group_heads();
        self.member_url.iter().for_each(|name| add(&mut names, name.as_str()));
        names
    }

    /// The attributes of a group to ask the server for.
    pub(super) fn requested_groups(&self) -> Vec<String> {
        let mut names = self.group_wholes();
        for (_, list) in &self.lists {
            match self.server {
                // A large group never comes in one piece.
                ServerKind::ActiveDirectory => add(&mut names, &ranges::from(list, 0)),
                _ => add(&mut names, list.as_str()),
            }
        }
        if self.server == ServerKind::ActiveDirectory && !self.lists.is_empty() {
            add(&mut names, self.stamp.as_str());
        }
        names
    }

    /// For every search whose entries come here.
    pub(super) fn controls(&self) -> Vec<RawControl> {
        if self.by_key { vec![extended::control()] } else { Vec::new() }
    }

    /// What groups may call this entry. Nothing, if its name cannot be read: no group could spell it either.
    pub(super) fn references(&mut self, kind: Kind, key: Key, entry: &Entry, username: &str) -> References {
        let name = if self.by_key {
            Some(Reference::from_bytes(*key.as_bytes()))
        } else {
            let name = self.keys.key(extended::parse(&entry.dn).dn);
            if let Err(bad) = &name {
                tracing::warn!(dn = %shown(&entry.dn), "the name of an entry {bad}");
            }
            name.ok()
        };
        References { name, uid: if kind == Kind::User { self.uid_of(entry, username) } else { None } }
    }

    /// What an entry says it is in, as it is known and as it is spelt. What cannot be read is no group's name.
    pub(super) fn groups_of(&mut self, entry: &mut Entry) -> Vec<(Reference, Vec<u8>)> {
        let Some(name) = &self.member_of else { return Vec::new() };
        let mut groups = Vec::new();
        for value in entry.take_values(name) {
            match gather::name_of(&mut self.keys, self.by_key, &value) {
                Ok(group) => groups.push((group, value)),
                Err(bad) => tracing::warn!(dn = %shown(&entry.dn), "memberOf {:?} {bad}", shown(&value)),
            }
        }
        groups
    }

    pub(super) fn take_urls(&self, entry: &mut Entry) -> Vec<Vec<u8>> {
        self.member_url.as_ref().map(|name| entry.take_values(name)).unwrap_or_default()
    }

    /// The record of a user's entry.
    pub(super) async fn user(
        &mut self,
        entry: &mut Entry,
        aside: &mut Aside<'_>,
    ) -> Result<Record, ConnectorError> {
        self.make_plain(entry);
        if let Err(rejected) = self.complete(Kind::User, entry, aside).await? {
            return Ok(self.users.quarantined(entry, rejected));
        }
        let mut entity = match self.users.entity(entry) {
            Ok(entity) => entity,
            Err(rejected) => return Ok(self.users.quarantined(entry, rejected)),
        };
        entity.references = self.references(Kind::User, entity.key, entry, &entity.name);
        if let Some(primary) = &mut self.primary {
            entity.primary_group = primary.of(entry, aside).await?;
        }
        Ok(Record::Entity(entity))
    }

    /// The key of a group and whether its entry cannot be taken; `None` without a readable id.
    pub(super) fn group_head(&self, entry: &mut Entry) -> Option<(Key, bool)> {
        self.make_plain(entry);
        match self.mapping(Kind::Group).entity(entry) {
            Ok(entity) => Some((entity.key, false)),
            // With all of its values it may be fine.
            Err(rejected) => {
                let partial = ranges::ranged(entry, self.wholes(Kind::Group)).is_some();
                rejected.key.map(|key| (key, !partial))
            }
        }
    }

    pub(super) fn rejected_group(&self, entry: &Entry, key: Key, reason: String) -> Record {
        self.mapping(Kind::Group).quarantined(entry, Rejected { key: Some(key), reason })
    }

    /// The record of a group's entry, its members resolved. The members leave the entry.
    pub(super) async fn group(
        &mut self,
        entry: &mut Entry,
        aside: &mut Aside<'_>,
        resolve: &mut impl Resolve,
    ) -> Result<Record, ConnectorError> {
        self.make_plain(entry);
        match self.group_entity(entry, aside, resolve).await? {
            Ok(entity) => Ok(Record::Entity(entity)),
            Err(rejected) => Ok(self.mapping(Kind::Group).quarantined(entry, rejected)),
        }
    }

    async fn group_entity(
        &mut self,
        entry: &mut Entry,
        aside: &mut Aside<'_>,
        resolve: &mut impl Resolve,
    ) -> Result<Result<Entity, Rejected>, ConnectorError> {
        let mut key = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0
                && let Err(rejected) = self.read_again(Kind::Group, entry, aside).await?
            {
                return Ok(Err(rejected));
            }
            if let Err(rejected) = self.complete(Kind::Group, entry, aside).await? {
                return Ok(Err(rejected));
            }
            let mut entity = match self.mapping(Kind::Group).entity(entry) {
                Ok(entity) => entity,
                Err(rejected) => return Ok(Err(rejected)),
            };
            key = Some(entity.key);
            match self.members(entry, entity.key, attempt > 0, aside, resolve).await? {
                Ok(gathered) => {
                    entity.references = self.references(Kind::Group, entity.key, entry, &entity.name);
                    self.count(&gathered);
                    (entity.members, entity.pending) = gathered.finish();
                    return Ok(Ok(entity));
                }
                Err(Unsteady::Changed) => {}
                Err(Unsteady::Rejected(reason)) => return Ok(Err(Rejected { key, reason })),
            }
        }
        Ok(Err(Rejected { key, reason: whole::RESTLESS.to_owned() }))
    }

    fn count(&mut self, gathered: &Gathered) {
        self.tally.outside += gathered.tally.outside;
        self.tally.foreign += gathered.tally.foreign;
        self.tally.unknown_uids += gathered.tally.unknown_uids;
    }

    fn mapping(&self, kind: Kind) -> &Mapping {
        match (kind, &self.groups) {
            (Kind::Group, Some(groups)) => groups,
            _ => &self.users,
        }
    }

    fn wholes(&self, kind: Kind) -> &[AttributeName] {
        match kind {
            Kind::User => &self.wholes[0],
            Kind::Group => &self.wholes[1],
        }
    }

    fn make_plain(&self, entry: &mut Entry) {
        if self.by_key {
            let lists = self.lists.iter().map(|(_, name)| name).chain(&self.member_of);
            extended::make_plain(entry, &lists.cloned().collect::<Vec<_>>());
        }
    }

    fn uid_of(&self, entry: &Entry, username: &str) -> Option<Reference> {
        let uid = self.uid.as_ref()?;
        // The same of several whatever their order.
        let value = entry.values(uid).filter_map(|value| clean(value).ok()).min();
        let value = value.as_deref().unwrap_or(username);
        (!value.is_empty()).then(|| gather::uid_reference(value))
    }
}

impl Membership {
    /// Whether the group's entry lists its members under this name.
    fn lists_members(self) -> bool {
        matches!(self, Self::Member | Self::UniqueMember | Self::MemberUid)
    }
}

fn add(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        names.push(name.to_owned());
    }
}
