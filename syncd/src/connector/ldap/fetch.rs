//! Single entries in full: by the name that they have now, or by id.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt};
use ldap3::controls::RawControl;
use ldap3::{Ldap, Scope, SearchResult, ldap_escape};
use uuid::Uuid;

use super::dn::DnKeys;
use super::entry::{AttributeName, Entry};
use super::error::{LdapSourceError, diagnostic, reason};
use super::mapping::external_id;
use super::search::{Entries, Search};

const WHAT: &str = "search for what changed";
/// Ids in one filter: a server without an index on them reads all entries for each search.
const IDS_AT_ONCE: usize = 100;

/// What is read of every entry, and where.
#[derive(Clone)]
pub(super) struct Fetch {
    pub ldap: Ldap,
    pub id: AttributeName,
    pub base: Arc<str>,
    pub filter: Arc<str>,
    pub attributes: Arc<[String]>,
    pub controls: Vec<RawControl>,
    /// On one connection; few where a single entry may be large.
    pub at_once: usize,
    pub timeout: Duration,
}

/// Found, or not (any more) below the base or under the filter.
pub(super) enum Fetched {
    There(Entry),
    Missing(String),
}

impl Fetch {
    /// Reads entries by id, those first whose names are known.
    pub(super) fn all(
        &self,
        wanted: Vec<(String, Option<String>)>,
    ) -> BoxStream<'static, Result<Fetched, LdapSourceError>> {
        let (named, unnamed): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|(_, name)| name.is_some());
        let fetch = self.clone();
        let by_name = stream::iter(named)
            .map(move |(id, name)| fetch.clone().find(id, name.unwrap_or_default()))
            .buffer_unordered(self.at_once);
        let unnamed: Vec<String> = unnamed.into_iter().map(|(id, _)| id).collect();
        let batches: Vec<Vec<String>> = unnamed.chunks(IDS_AT_ONCE).map(<[String]>::to_vec).collect();
        let fetch = self.clone();
        let by_id = stream::iter(batches).map(move |ids| fetch.clone().by_ids(ids)).flatten();
        by_name.chain(by_id).boxed()
    }

    async fn find(self, id: String, name: String) -> Result<Fetched, LdapSourceError> {
        if let Some(entry) = self.by_name(&name).await?
            && external_id(&entry, &self.id).is_ok_and(|found| found == id)
            && self.covers(&entry.dn)
        {
            return Ok(Fetched::There(entry));
        }
        // Renamed again, or another has the name by now.
        let mut found = self.by_ids(vec![id.clone()]);
        found.next().await.unwrap_or(Ok(Fetched::Missing(id)))
    }

    /// The entry of exactly this name.
    pub(super) async fn by_name(&self, name: &str) -> Result<Option<Entry>, LdapSourceError> {
        let mut ldap = self.ldap.clone();
        ldap.with_timeout(self.timeout);
        if !self.controls.is_empty() {
            ldap.with_controls(self.controls.clone());
        }
        let answer = ldap.search(name, Scope::Base, &self.filter, self.attributes.to_vec()).await;
        let SearchResult(items, result) = answer.map_err(|error| LdapSourceError::SearchBroken {
            search: WHAT,
            base: name.to_owned(),
            read: 0,
            message: reason(&error, self.timeout),
        })?;
        match result.rc {
            0 => {}
            // Nobody has this name (any more).
            32 | 34 => return Ok(None),
            rc => {
                return Err(LdapSourceError::SearchRefused {
                    search: WHAT,
                    base: name.to_owned(),
                    rc,
                    text: diagnostic(&result),
                });
            }
        }
        let entries = items.into_iter().filter(|item| !item.is_ref() && !item.is_intermediate());
        Ok(entries.filter_map(|item| Entry::decode(item.0)).next())
    }

    /// Whether a name is that of the base or of something below it.
    pub(super) fn covers(&self, name: &[u8]) -> bool {
        let mut keys = DnKeys::default();
        let base = keys.line(self.base.as_bytes()).map(|line| line.first().copied());
        match (base, keys.line(name)) {
            (Ok(None), Ok(_)) => true,
            (Ok(Some(base)), Ok(line)) => line.contains(&base),
            _ => false,
        }
    }

    /// The ids of those that list one of these names.
    pub(super) fn listing(&self, lists: &[&str], names: &[String]) -> Entries {
        let clauses: String = names
            .iter()
            .map(|name| ldap_escape(name.as_str()).into_owned())
            .flat_map(|name| lists.iter().map(move |list| format!("({list}={name})")))
            .collect();
        let only_ids = Self { attributes: [self.id.as_str().to_owned()].into(), ..self.clone() };
        only_ids.start(format!("(&{}(|{clauses}))", self.filter), IDS_AT_ONCE)
    }

    fn start(&self, filter: String, page_size: usize) -> Entries {
        let page_size = i32::try_from(page_size).unwrap_or(1).max(1);
        let search = Search {
            what: WHAT,
            scope: Scope::Subtree,
            base: self.base.to_string(),
            filter,
            attributes: self.attributes.to_vec(),
            page_size,
            first_page_size: page_size,
            timeout: self.timeout,
            controls: self.controls.clone(),
        };
        Entries::start(&self.ldap, search)
    }

    fn by_ids(self, ids: Vec<String>) -> BoxStream<'static, Result<Fetched, LdapSourceError>> {
        let clauses: String = ids.iter().map(|id| self.id_clause(id)).collect();
        let entries = self.start(format!("(&{}(|{clauses}))", self.filter), ids.len().min(self.at_once));
        let missing: HashSet<String> = ids.into_iter().collect();
        stream::unfold(ById { entries: Some(entries), missing, id: self.id }, ById::next).boxed()
    }

    fn id_clause(&self, id: &str) -> String {
        let name = self.id.as_str();
        match Uuid::parse_str(id) {
            Ok(guid) if name.eq_ignore_ascii_case("objectGUID") => {
                let bytes: String = guid.to_bytes_le().iter().map(|byte| format!("\\{byte:02x}")).collect();
                format!("({name}={bytes})")
            }
            _ => format!("({name}={})", ldap_escape(id)),
        }
    }
}

struct ById {
    entries: Option<Entries>,
    missing: HashSet<String>,
    id: AttributeName,
}

impl ById {
    /// Entries as they come, then who did not come.
    async fn next(mut self) -> Option<(Result<Fetched, LdapSourceError>, Self)> {
        while let Some(entries) = &mut self.entries {
            match entries.next().await {
                Ok(Some(entry)) => {
                    if external_id(&entry, &self.id).is_ok_and(|id| self.missing.remove(&id)) {
                        return Some((Ok(Fetched::There(entry)), self));
                    }
                }
                Ok(None) => self.entries = None,
                Err(error) => {
                    self.entries = None;
                    self.missing.clear();
                    return Some((Err(error), self));
                }
            }
        }
        let id = self.missing.iter().next().cloned()?;
        self.missing.remove(&id);
        Some((Ok(Fetched::Missing(id)), self))
    }
}
