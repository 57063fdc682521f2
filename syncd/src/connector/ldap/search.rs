//! Paged searches as streams of entries. A stream ends well only if the server said so.

use std::collections::HashSet;
use std::time::Duration;

use ldap3::controls::{Control, ControlType, PagedResults, RawControl};
use ldap3::{Ldap, LdapResult, Scope};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::entry::Entry;
use super::error::{LdapSourceError, diagnostic, reason};
use crate::config::ldap::LdapConfig;

/// Entries handed over at once, and batches in flight: reading runs this far ahead of its consumer.
const BATCH: usize = 64;
const BATCHES: usize = 8;
/// A batch with this many values goes at once: it may be one very large group.
const BATCH_VALUES: usize = 4096;
/// A page should bring about so many values at most: ldap3 keeps what arrives until it is fetched.
const PAGE_VALUES: usize = 50_000;
/// Pages in a row that may bring nothing new before paging counts as broken.
const PATIENCE: u32 = 8;

#[derive(Debug, Clone)]
pub(super) struct Search {
    /// For messages: `search for users`.
    pub what: &'static str,
    pub base: String,
    pub scope: Scope,
    pub filter: String,
    /// Exactly these are transferred.
    pub attributes: Vec<String>,
    /// Entries on a page at most.
    pub page_size: i32,
    /// Entries on the first page; the ones after it grow or shrink with the values found.
    pub first_page_size: i32,
    /// Beside that for paging.
    pub controls: Vec<RawControl>,
    pub timeout: Duration,
}

impl Search {
    /// Everything below a base.
    pub(super) fn below(
        what: &'static str,
        base: &str,
        filter: &str,
        attributes: Vec<String>,
        config: &LdapConfig,
    ) -> Self {
        Self {
            what,
            base: base.to_owned(),
            scope: Scope::Subtree,
            filter: filter.to_owned(),
            attributes,
            page_size: config.page_size,
            first_page_size: config.page_size,
            controls: Vec::new(),
            timeout: config.timeout,
        }
    }
}

/// The entries of a search. A task of its own asks for the pages, so that the server works on the
/// next one while this one is being digested.
pub(super) struct Entries {
    batches: mpsc::Receiver<Vec<Entry>>,
    batch: std::vec::IntoIter<Entry>,
    pager: Option<JoinHandle<Result<u64, LdapSourceError>>>,
    search: Search,
    /// Known at the end: how often the server pointed to another one.
    pub referrals: u64,
}

impl Entries {
    pub(super) fn start(ldap: &Ldap, search: Search) -> Self {
        let (sender, batches) = mpsc::channel(BATCHES);
        let pager = Pager {
            ldap: ldap.clone(),
            page_size: search.first_page_size.min(search.page_size),
            search: search.clone(),
            batches: sender,
            read: 0,
            referrals: 0,
            progress: Progress::default(),
        };
        let pager = tokio::spawn(pager.run());
        Self { batches, batch: Vec::new().into_iter(), pager: Some(pager), search, referrals: 0 }
    }

    /// `Ok(None)` means that every page ended with rc 0 and no further one follows.
    pub(super) async fn next(&mut self) -> Result<Option<Entry>, LdapSourceError> {
        loop {
            if let Some(entry) = self.batch.next() {
                return Ok(Some(entry));
            }
            match self.batches.recv().await {
                Some(batch) => self.batch = batch.into_iter(),
                None => return self.outcome().await.map(|()| None),
            }
        }
    }

    async fn outcome(&mut self) -> Result<(), LdapSourceError> {
        let Some(pager) = self.pager.take() else {
            return Ok(());
        };
        self.referrals = pager.await.unwrap_or_else(|error| {
            Err(LdapSourceError::SearchBroken {
                search: self.search.what,
                base: self.search.base.clone(),
                read: 0,
                message: format!("the answer could not be understood: {error}"),
            })
        })?;
        Ok(())
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        if let Some(pager) = &self.pager {
            pager.abort();
        }
    }
}

struct Pager {
    ldap: Ldap,
    search: Search,
    page_size: i32,
    batches: mpsc::Sender<Vec<Entry>>,
    read: u64,
    referrals: u64,
    progress: Progress,
}

impl Pager {
    /// Reads everything; how many referrals were among it.
    async fn run(mut self) -> Result<u64, LdapSourceError> {
        let mut cookie = Vec::new();
        loop {
            cookie = self.page(cookie).await?;
            if cookie.is_empty() {
                return Ok(self.referrals);
            }
            if self.progress.end_of_page() > PATIENCE {
                return Err(LdapSourceError::SearchEndless {
                    search: self.search.what,
                    base: self.search.base.clone(),
                    read: self.read,
                    pages: PATIENCE + 1,
                });
            }
        }
    }

    /// Reads one page and returns the cookie for the next, empty after the last.
    ///
    /// Every page is a stream of its own: a stream over several pages reports the end of an earlier
    /// page as its own after it broke.
    async fn page(&mut self, cookie: Vec<u8>) -> Result<Vec<u8>, LdapSourceError> {
        let search = self.search.clone();
        let page = PagedResults { size: self.page_size, cookie };
        let mut controls = search.controls;
        controls.push(page.into());
        let ldap = self.ldap.with_timeout(search.timeout).with_controls(controls);
        let mut stream = ldap
            .streaming_search(&search.base, search.scope, &search.filter, &search.attributes)
            .await
            .map_err(|error| self.broken(&error))?;
        let mut batch = Batch::default();
        let mut values = 0;
        while let Some(item) = stream.next().await.map_err(|error| self.broken(&error))? {
            if item.is_ref() || item.is_intermediate() {
                self.referrals += u64::from(item.is_ref());
                continue;
            }
            let entry = Entry::decode(item.0).ok_or_else(|| self.misshapen())?;
            self.read += 1;
            self.progress.entry(&entry.dn);
            values += entry.count_values();
            if let Some(full) = batch.add(entry) {
                self.hand_over(full).await?;
            }
        }
        self.hand_over(batch.entries).await?;
        let result = stream.finish().await;
        if result.rc != 0 {
            return Err(self.refused(&result));
        }
        self.page_size = adapted(self.page_size, values).min(self.search.page_size);
        Ok(next_cookie(&result))
    }

    async fn hand_over(&self, batch: Vec<Entry>) -> Result<(), LdapSourceError> {
        // If nobody listens any more, nobody sees this error either.
        self.batches.send(batch).await.map_err(|_| self.broken_because("the reader went away".to_owned()))
    }

    fn broken(&self, error: &ldap3::LdapError) -> LdapSourceError {
        self.broken_because(reason(error, self.search.timeout))
    }

    fn misshapen(&self) -> LdapSourceError {
        self.broken_because("the server sent something that is no entry".to_owned())
    }

    fn broken_because(&self, message: String) -> LdapSourceError {
        LdapSourceError::SearchBroken {
            search: self.search.what,
            base: self.search.base.clone(),
            read: self.read,
            message,
        }
    }

    fn refused(&self, result: &LdapResult) -> LdapSourceError {
        LdapSourceError::SearchRefused {
            search: self.search.what,
            base: self.search.base.clone(),
            rc: result.rc,
            text: diagnostic(result),
        }
    }
}

/// The size of the next page after one with so many values.
fn adapted(size: i32, values: usize) -> i32 {
    if values > PAGE_VALUES {
        let share = PAGE_VALUES as f64 / values as f64;
        return ((f64::from(size) * share) as i32).max(1);
    }
    if values < PAGE_VALUES / 2 { size.saturating_mul(2) } else { size }
}

// No paging control in the answer: the server does not page and has sent everything.
fn next_cookie(result: &LdapResult) -> Vec<u8> {
    for Control(kind, raw) in &result.ctrls {
        if matches!(kind, Some(ControlType::PagedResults)) && raw.val.is_some() {
            return raw.parse::<PagedResults>().cookie;
        }
    }
    Vec::new()
}

#[derive(Default)]
struct Batch {
    entries: Vec<Entry>,
    values: usize,
}

impl Batch {
    fn add(&mut self, entry: Entry) -> Option<Vec<Entry>> {
        self.values += entry.count_values();
        self.entries.push(entry);
        if self.entries.len() < BATCH && self.values < BATCH_VALUES {
            return None;
        }
        self.values = 0;
        Some(std::mem::take(&mut self.entries))
    }
}

/// Notices a server whose cookies lead back to pages that it has sent already.
#[derive(Default)]
struct Progress {
    page: blake3::Hasher,
    entries: u32,
    seen: HashSet<[u8; 32]>,
    idle: u32,
}

impl Progress {
    fn entry(&mut self, dn: &[u8]) {
        self.entries += 1;
        self.page.update(&(dn.len() as u64).to_be_bytes()).update(dn);
    }

    /// How many pages in a row have brought nothing new.
    fn end_of_page(&mut self) -> u32 {
        let new = self.entries > 0 && self.seen.insert(*self.page.finalize().as_bytes());
        self.idle = if new { 0 } else { self.idle + 1 };
        self.entries = 0;
        self.page.reset();
        self.idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_grow_and_shrink_with_their_values() {
        assert_eq!(adapted(100, 1_000), 200);
        assert_eq!(adapted(100, PAGE_VALUES), 100);
        assert_eq!(adapted(100, 10 * PAGE_VALUES), 10);
        assert_eq!(adapted(1, 10 * PAGE_VALUES), 1);
        assert_eq!(adapted(i32::MAX, 0), i32::MAX);
    }

    #[test]
    fn repeated_and_empty_pages_are_no_progress() {
        let mut progress = Progress::default();
        let mut page = |names: &[&str]| {
            names.iter().for_each(|name| progress.entry(name.as_bytes()));
            progress.end_of_page()
        };
        assert_eq!(page(&["a", "b"]), 0);
        assert_eq!(page(&["c"]), 0);
        assert_eq!(page(&["a", "b"]), 1);
        assert_eq!(page(&[]), 2);
        assert_eq!(page(&["ab"]), 0);
    }
}
