//! From what groups list to the users and groups of this run.
//!
//! A name that no pass has met may be that of an entry renamed in the meantime: it is looked up in
//! the directory, and known again by its immutable id. So a rename in mid-read loses no membership.

use std::collections::HashSet;

use ldap3::{Scope, SearchResult, ldap_escape};

use super::aside::Aside;
use super::assemble::{Found, Resolve, Spelt, Wanted, uid_reference};
use super::dn::DnKeys;
use super::entry::{AttributeName, Entry};
use super::error::{LdapSourceError, diagnostic, reason};
use super::extended;
use super::mapping::external_id;
use super::names::Names;
use super::search::{Entries, Search};
use crate::connector::ConnectorError;
use crate::record::{Key, Reference};

const WHAT: &str = "look-up of a member";
/// After so many single look-ups, reading all names once more is cheaper.
const LOOKUPS: usize = 1000;

/// Everybody whom this run has read.
pub(super) struct InThisRun<'r, 'a> {
    pub names: &'r mut Names,
    pub lookup: &'r mut Lookup<'a>,
}

impl Resolve for InThisRun<'_, '_> {
    async fn members(&mut self, wanted: &[Wanted<'_>]) -> Result<Vec<Option<Found>>, ConnectorError> {
        let mut found = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            found.push(match self.names.find(wanted.reference) {
                None => self.lookup.find(self.names, wanted).await?,
                found => found,
            });
        }
        Ok(found)
    }
}

pub(super) struct Lookup<'a> {
    aside: Aside<'a>,
    id: AttributeName,
    /// Searches that return every user and every group of this source, ids only.
    users: Search,
    groups: Option<Search>,
    /// The attribute that user names in groups mean.
    uid: AttributeName,
    done: usize,
    absent: HashSet<Reference>,
    reread: bool,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(aside: Aside<'a>, id: AttributeName, users: Search, groups: Option<Search>) -> Self {
        Self {
            aside,
            id,
            users,
            groups,
            uid: AttributeName::new("uid"),
            done: 0,
            absent: HashSet::new(),
            reread: false,
        }
    }

    /// The user or group of this run behind a name that no pass has met, if there is one.
    pub(super) async fn find(
        &mut self,
        names: &mut Names,
        wanted: &Wanted<'_>,
    ) -> Result<Option<Found>, LdapSourceError> {
        if self.reread || self.absent.contains(&wanted.reference) {
            return Ok(None);
        }
        let id = match wanted.spelt {
            Spelt::Key => return Ok(None),
            Spelt::Name(name) | Spelt::Uid(name) if name.trim_ascii().is_empty() => return Ok(None),
            _ if self.done == LOOKUPS => {
                self.read_all_names_again(names).await?;
                return Ok(names.find(wanted.reference));
            }
            Spelt::Name(name) => self.id_of(&String::from_utf8_lossy(name)).await?,
            Spelt::Uid(uid) => self.id_of_user(&String::from_utf8_lossy(uid)).await?,
        };
        self.done += 1;
        let found = id.and_then(|key| names.find_key(key));
        match found {
            Some(found) => drop(names.insert(wanted.reference, found)),
            None => drop(self.absent.insert(wanted.reference)),
        }
        Ok(found)
    }

    async fn id_of(&mut self, dn: &str) -> Result<Option<Key>, LdapSourceError> {
        let id = [self.id.as_str().to_owned()];
        let entry = self.aside.entry(WHAT, dn, &id, Vec::new()).await?;
        Ok(entry.and_then(|entry| self.key_of(&entry)))
    }

    async fn id_of_user(&mut self, uid: &str) -> Result<Option<Key>, LdapSourceError> {
        let (base, timeout) = (self.users.base.clone(), self.users.timeout);
        let filter = format!("(&{}({}={}))", self.users.filter, self.uid.as_str(), ldap_escape(uid.trim()));
        let id = [self.id.as_str()];
        let ldap = self.aside.ldap().await?.with_timeout(timeout);
        let answer = ldap.search(&base, Scope::Subtree, &filter, id).await;
        let SearchResult(items, result) = answer.map_err(|error| LdapSourceError::SearchBroken {
            search: WHAT,
            base: base.clone(),
            read: 0,
            message: reason(&error, timeout),
        })?;
        if result.rc != 0 {
            let text = diagnostic(&result);
            return Err(LdapSourceError::SearchRefused { search: WHAT, base, rc: result.rc, text });
        }
        let entries = items.into_iter().filter(|item| !item.is_ref() && !item.is_intermediate());
        let mut entries = entries.filter_map(|item| Entry::decode(item.0));
        Ok(entries.find_map(|entry| self.key_of(&entry)))
    }

    fn key_of(&self, entry: &Entry) -> Option<Key> {
        external_id(entry, &self.id).ok().map(|id| Key::of(&id))
    }

    async fn read_all_names_again(&mut self, names: &mut Names) -> Result<(), LdapSourceError> {
        self.reread = true;
        self.absent = HashSet::new();
        let mut keys = DnKeys::default();
        for mut search in [Some(self.users.clone()), self.groups.clone()].into_iter().flatten() {
            search.attributes.push(self.uid.as_str().to_owned());
            let mut entries = Entries::start(self.aside.ldap().await?, search);
            while let Some(entry) = entries.next().await? {
                let Some(found) = self.key_of(&entry).and_then(|key| names.find_key(key)) else { continue };
                if let Ok(name) = keys.key(extended::parse(&entry.dn).dn) {
                    names.insert(name, found);
                }
                let uids = entry.values(&self.uid).filter_map(|uid| std::str::from_utf8(uid).ok());
                if let Some(uid) = uids.min() {
                    names.insert(uid_reference(uid), found);
                }
            }
        }
        Ok(())
    }
}
