//! From the names in a group's `member` to users and groups of this run.
//!
//! A name that no pass has met may be that of an entry renamed in the meantime: it is looked up in
//! the directory, and known again by its immutable id. So a rename in mid-read loses no membership.

use std::collections::HashSet;

use ldap3::{LdapResult, Scope};

use super::connection::{Access, Connection};
use super::entry::{AttributeName, Entry};
use super::error::{LdapSourceError, diagnostic, reason};
use super::mapping::external_id;
use super::names::Names;
use super::search::{Entries, Search};
use crate::record::{Key, Member, Reference};

/// After so many single lookups, reading all names once more is cheaper.
const LOOKUPS: usize = 1000;

pub(super) struct Lookup<'a> {
    access: &'a Access<'a>,
    url: String,
    id: AttributeName,
    timeout: std::time::Duration,
    /// Searches that return every entry of this source, ids only.
    everything: Vec<Search>,
    /// A connection of its own, opened when first needed: the other one is in the middle of a page.
    connection: Option<Connection>,
    done: usize,
    absent: HashSet<Reference>,
    reread: bool,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(
        access: &'a Access<'a>,
        url: String,
        id: AttributeName,
        timeout: std::time::Duration,
        everything: Vec<Search>,
    ) -> Self {
        Self {
            access,
            url,
            id,
            timeout,
            everything,
            connection: None,
            done: 0,
            absent: HashSet::new(),
            reread: false,
        }
    }

    /// The user or group of this run behind a name that no pass has met, if there is one.
    pub(super) async fn member(
        &mut self,
        names: &mut Names,
        dn: Reference,
        spelt: &str,
    ) -> Result<Option<Member>, LdapSourceError> {
        if self.reread || self.absent.contains(&dn) {
            return Ok(None);
        }
        if self.done == LOOKUPS {
            self.read_all_names_again(names).await?;
            return Ok(names.find(dn));
        }
        self.done += 1;
        let found = self.id_of(spelt).await?.and_then(|key| names.find_key(key));
        match found {
            Some(member) => names.insert(dn, member),
            None => drop(self.absent.insert(dn)),
        }
        Ok(found)
    }

    async fn id_of(&mut self, dn: &str) -> Result<Option<Key>, LdapSourceError> {
        let timeout = self.timeout;
        let attributes = [self.id.as_str().to_owned()];
        let ldap = &mut self.connection().await?.ldap;
        let answer = ldap.with_timeout(timeout).search(dn, Scope::Base, "(objectClass=*)", &attributes).await;
        let ldap3::SearchResult(entries, result) =
            answer.map_err(|error| broken(dn, reason(&error, timeout)))?;
        match result.rc {
            0 => {}
            // No such entry, or one that another server holds.
            10 | 32 | 34 => return Ok(None),
            _ => return Err(refused(dn, &result)),
        }
        let entry = entries.into_iter().next().and_then(|item| Entry::decode(item.0));
        Ok(entry.and_then(|entry| external_id(&entry, &self.id).ok()).map(|id| Key::of(&id)))
    }

    async fn connection(&mut self) -> Result<&mut Connection, LdapSourceError> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            empty => Ok(empty.insert(self.access.again(&self.url).await?)),
        }
    }

    async fn read_all_names_again(&mut self, names: &mut Names) -> Result<(), LdapSourceError> {
        self.reread = true;
        self.absent = HashSet::new();
        let mut keys = super::dn::DnKeys::default();
        for search in std::mem::take(&mut self.everything) {
            let mut entries = Entries::start(&self.connection().await?.ldap, search);
            while let Some(entry) = entries.next().await? {
                let Ok(id) = external_id(&entry, &self.id) else { continue };
                let Some(member) = names.find_key(Key::of(&id)) else { continue };
                if let Ok(dn) = keys.key(&entry.dn) {
                    names.insert(dn, member);
                }
            }
        }
        Ok(())
    }
}

fn broken(dn: &str, message: String) -> LdapSourceError {
    LdapSourceError::SearchBroken { search: "look-up of a member", base: dn.to_owned(), read: 0, message }
}

fn refused(dn: &str, result: &LdapResult) -> LdapSourceError {
    LdapSourceError::SearchRefused {
        search: "look-up of a member",
        base: dn.to_owned(),
        rc: result.rc,
        text: diagnostic(result),
    }
}
