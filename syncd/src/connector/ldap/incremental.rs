//! One read of what changed: users, then groups, then the groups that waited for one of them.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::aside::Aside;
use super::assemble::Assembler;
use super::changes::{Changes, Found, Question};
use super::connection::Access;
use super::entry::Entry;
use super::fetch::{Fetch, Fetched};
use super::mapping::external_id;
use crate::config::ldap::{Membership, ServerKind};
use crate::connector::{ConnectorError, Memory, ReadSummary};
use crate::record::{Key, Kind, Record, Reference};

mod people;
use people::{People, Resolver, known};

/// Entries asked for at once; of groups fewer, since each may have a million members.
const USERS_AT_ONCE: usize = 16;
const GROUPS_AT_ONCE: usize = 2;
/// Members in one filter.
const NAMES_AT_ONCE: usize = 50;

pub(super) async fn read(
    question: &Question<'_>,
    access: &Access<'_>,
    memory: &Arc<dyn Memory>,
    changes: Changes,
    sink: mpsc::Sender<Record>,
) -> Result<ReadSummary, ConnectorError> {
    let Changes { users, groups, containers, cursor } = changes;
    let mut run = Run {
        question,
        memory: memory.as_ref(),
        assembler: Assembler::new(question.directory, &question.connection.dse),
        aside: Aside::new(access, &question.connection.url, question.timeout),
        sink,
        people: People::default(),
        read: 0,
    };
    let again = run.memory.again().await?;
    if users.present.is_some() || groups.present.is_some() {
        run.memory.everyone();
    }
    run.users(wanted(&users, &again, Kind::User)).await?;
    if question.directory.groups.is_some() {
        run.groups(wanted(&groups, &again, Kind::Group)).await?;
    }
    let mut swept = Vec::new();
    for (kind, found) in [(Kind::User, users), (Kind::Group, groups)] {
        run.leave(kind, &found).await?;
        if run.stay(kind, found.present).await? {
            swept.push(kind);
        }
    }
    let cursor = Some(cursor.to_json());
    Ok(ReadSummary { read: run.read, note: None, partial: true, swept, cursor, containers })
}

/// What changed, and what could not be taken last time.
fn wanted(found: &Found, again: &[(Kind, String)], kind: Kind) -> HashMap<String, Option<String>> {
    let mut wanted = found.changed.clone();
    for (_, id) in again.iter().filter(|(of, _)| *of == kind) {
        wanted.entry(id.clone()).or_insert(None);
    }
    wanted
}

struct Run<'a> {
    question: &'a Question<'a>,
    memory: &'a dyn Memory,
    assembler: Assembler,
    aside: Aside<'a>,
    sink: mpsc::Sender<Record>,
    people: People,
    read: u64,
}

impl Run<'_> {
    async fn users(&mut self, wanted: HashMap<String, Option<String>>) -> Result<(), ConnectorError> {
        let mut found = self.user_fetch().all(wanted.into_iter().collect());
        while let Some(fetched) = found.next().await {
            match fetched? {
                Fetched::There(mut entry) => {
                    let record = self.assembler.user(&mut entry, &mut self.aside).await?;
                    self.remember(&entry, &record);
                    self.send(record).await?;
                }
                Fetched::Missing(id) => self.gone(Kind::User, &id).await?,
            }
        }
        Ok(())
    }

    async fn groups(&mut self, changed: HashMap<String, Option<String>>) -> Result<(), ConnectorError> {
        let mut wanted = self.group_names(changed).await?;
        let references: Vec<Reference> = self.people.names.keys().copied().collect();
        for waiting in self.memory.waiting(&references).await? {
            if !self.people.there.contains(&(Kind::Group, Key::of(&waiting))) {
                wanted.entry(waiting).or_insert(None);
            }
        }
        for (id, name) in self.groups_of_arrivals().await? {
            if !self.people.there.contains(&(Kind::Group, Key::of(&id))) {
                wanted.entry(id).or_insert(name);
            }
        }
        self.whole_groups(wanted).await?;
        let late = std::mem::take(&mut self.people.late_users);
        self.users(late).await?;
        let late = std::mem::take(&mut self.people.late_groups);
        self.whole_groups(late).await
    }

    /// Who was elsewhere may have been renamed there, and servers follow in groups without reporting these: they
    /// are asked who lists the arrivals by the names that they have now.
    async fn groups_of_arrivals(&mut self) -> Result<HashMap<String, Option<String>>, ConnectorError> {
        let mut found = HashMap::new();
        let called = std::mem::take(&mut self.people.called);
        let lists = self.lists_of_names();
        let Some(fetch) = self.group_fetch().filter(|_| !called.is_empty() && !lists.is_empty()) else {
            return Ok(found);
        };
        let keys: Vec<Key> = called.iter().map(|(key, _)| *key).collect();
        let known = self.memory.known(&keys).await?;
        let arrived: Vec<String> =
            called.into_iter().filter(|(key, _)| !known.contains(key)).map(|(_, name)| name).collect();
        for names in arrived.chunks(NAMES_AT_ONCE) {
            let mut listing = fetch.listing(&lists, names);
            while let Some(entry) = listing.next().await? {
                if let Ok(id) = external_id(&entry, &fetch.id) {
                    found.insert(id, String::from_utf8(entry.dn).ok());
                }
            }
        }
        Ok(found)
    }

    /// The attributes by which groups list names. Active Directory lists ids, which do not change.
    fn lists_of_names(&self) -> Vec<&'static str> {
        let directory = self.question.directory;
        let lists = [Membership::Member, Membership::UniqueMember].into_iter();
        let ids = directory.server == ServerKind::ActiveDirectory;
        lists.filter(|list| !ids && directory.reads(*list)).map(Membership::as_str).collect()
    }

    /// Groups may be each other's members, so all names come before any member.
    async fn group_names(
        &mut self,
        changed: HashMap<String, Option<String>>,
    ) -> Result<HashMap<String, Option<String>>, ConnectorError> {
        let Some(mut fetch) = self.group_fetch() else { return Ok(HashMap::new()) };
        fetch.attributes = self.assembler.requested_group_heads().into();
        fetch.at_once = USERS_AT_ONCE;
        let mut wanted = HashMap::with_capacity(changed.len());
        let mut found = fetch.all(changed.into_iter().collect());
        while let Some(fetched) = found.next().await {
            match fetched? {
                Fetched::There(mut entry) => {
                    let Ok(id) = external_id(&entry, &fetch.id) else { continue };
                    if let Some((key, quarantined)) = self.assembler.group_head(&mut entry) {
                        self.name(Kind::Group, key, &entry, "", quarantined);
                    }
                    wanted.insert(id, String::from_utf8(entry.dn).ok());
                }
                Fetched::Missing(id) => self.gone(Kind::Group, &id).await?,
            }
        }
        Ok(wanted)
    }

    async fn whole_groups(&mut self, wanted: HashMap<String, Option<String>>) -> Result<(), ConnectorError> {
        let Some(fetch) = self.group_fetch() else { return Ok(()) };
        let users = self.user_fetch();
        let mut found = fetch.all(wanted.into_iter().collect());
        while let Some(fetched) = found.next().await {
            match fetched? {
                Fetched::There(mut entry) => {
                    let mut resolve = Resolver {
                        memory: self.memory,
                        people: &mut self.people,
                        places: [(Kind::User, &users), (Kind::Group, &fetch)],
                    };
                    let record = self.assembler.group(&mut entry, &mut self.aside, &mut resolve).await?;
                    self.remember(&entry, &record);
                    self.send(record).await?;
                }
                Fetched::Missing(id) => self.gone(Kind::Group, &id).await?,
            }
        }
        Ok(())
    }

    /// What the server says is gone, unless it was found all the same.
    async fn leave(&mut self, kind: Kind, found: &Found) -> Result<(), ConnectorError> {
        for id in &found.gone {
            if !self.people.there.contains(&(kind, Key::of(id))) {
                self.gone(kind, id).await?;
            }
        }
        Ok(())
    }

    /// Whether everyone who is there was listed.
    async fn stay(&mut self, kind: Kind, present: Option<Vec<Key>>) -> Result<bool, ConnectorError> {
        let Some(present) = present else { return Ok(false) };
        for key in present {
            self.sink.send(Record::Present { kind, key }).await.map_err(|_| ConnectorError::Stopped)?;
        }
        Ok(true)
    }

    async fn gone(&mut self, kind: Kind, id: &str) -> Result<(), ConnectorError> {
        let key = Key::of(id);
        self.people.seen.insert(key);
        self.sink.send(Record::Gone { kind, key }).await.map_err(|_| ConnectorError::Stopped)
    }

    fn remember(&mut self, entry: &Entry, record: &Record) {
        match record {
            Record::Entity(entity) => {
                self.call(entity.key, entry);
                self.people.saw(entity.kind, entity.key);
                let known = known(entity.kind, entity.key, false);
                let references = [entity.references.name, entity.references.uid];
                self.people
                    .names
                    .extend(references.into_iter().flatten().map(|reference| (reference, known)));
            }
            // Still a member of its groups: what was known of it stays.
            Record::Quarantined { kind, key: Some(key), .. } => self.name(*kind, *key, entry, "", true),
            _ => {}
        }
    }

    fn call(&mut self, key: Key, entry: &Entry) {
        self.people.called.extend(String::from_utf8(entry.dn.clone()).ok().map(|name| (key, name)));
    }

    fn name(&mut self, kind: Kind, key: Key, entry: &Entry, username: &str, quarantined: bool) {
        self.call(key, entry);
        self.people.saw(kind, key);
        let references = self.assembler.references(kind, key, entry, username);
        let known = known(kind, key, quarantined);
        let references = [references.name, references.uid].into_iter().flatten();
        self.people.names.extend(references.map(|reference| (reference, known)));
    }

    async fn send(&mut self, record: Record) -> Result<(), ConnectorError> {
        self.read += 1;
        self.sink.send(record).await.map_err(|_| ConnectorError::Stopped)
    }

    fn user_fetch(&self) -> Fetch {
        let users = &self.question.directory.users;
        self.fetch(&users.base, &users.filter, self.assembler.requested_users(), USERS_AT_ONCE)
    }

    fn group_fetch(&self) -> Option<Fetch> {
        let groups = self.question.directory.groups.as_ref()?;
        Some(self.fetch(&groups.base, &groups.filter, self.assembler.requested_groups(), GROUPS_AT_ONCE))
    }

    fn fetch(&self, base: &str, filter: &str, attributes: Vec<String>, at_once: usize) -> Fetch {
        Fetch {
            ldap: self.question.connection.ldap.clone(),
            id: super::entry::AttributeName::new(&self.question.directory.id_attribute),
            base: base.into(),
            filter: filter.into(),
            attributes: attributes.into(),
            controls: self.assembler.controls(),
            at_once,
            timeout: self.question.timeout,
        }
    }
}
