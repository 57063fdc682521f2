//! What was found out about the current user, kept for as long as it holds.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::backend::Backend;
use super::moment::Moment;
use super::values::Values;

/// A statement may call functions that run statements of their own, each with its own snapshot.
const PAGES: usize = 4;

/// A name that comes from a column could be another one in every row.
const ENTRIES: usize = 1000;

const KINDS: usize = 3;

/// Attributes are kept by name, of groups and permissions there is one set each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Attribute,
    Groups,
    Permissions,
}

#[derive(Debug)]
pub(super) struct User {
    pub(super) user_id: i64,
    pub(super) username: String,
    pub(super) iam: String,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Box<[u8]>,
    /// None: nobody is known to be the current user.
    pub(super) values: Option<Values>,
    /// The values as a PostgreSQL array, once somebody has asked for it.
    pub(super) array: OnceCell<Box<[u8]>>,
}

/// What holds at one moment.
#[derive(Debug)]
pub(super) struct Page {
    moment: Option<Moment>,
    /// Of this filling of the page: a pointer to one of its entries is good while the number is the same.
    pub(super) number: u64,
    user: Option<Option<User>>,
    entries: [BTreeMap<Box<[u8]>, Box<Entry>>; KINDS],
}

#[derive(Debug)]
struct Cache {
    pages: [Page; PAGES],
    current: usize,
    fillings: u64,
}

static CACHE: Backend<Cache> =
    Backend::new(Cache { pages: [const { Page::empty() }; PAGES], current: 0, fillings: 0 });

impl Page {
    const fn empty() -> Self {
        Self { moment: None, number: 0, user: None, entries: [const { BTreeMap::new() }; KINDS] }
    }

    pub(super) fn user(&self) -> Option<&Option<User>> {
        self.user.as_ref()
    }

    pub(super) fn entry(&self, kind: Kind, name: &[u8]) -> Option<&Entry> {
        self.entries[kind as usize].get(name).map(Box::as_ref)
    }

    pub(super) fn keep_user(&mut self, user: Option<User>) {
        self.user = Some(user);
    }

    fn is_full(&self) -> bool {
        self.entries.iter().map(BTreeMap::len).sum::<usize>() >= ENTRIES
    }
}

/// The page that was used last, if it is of that moment. Called for every row: it must not panic.
#[inline]
pub(super) fn current(moment: &Moment) -> Option<&'static Page> {
    // SAFETY: one thread. Callers use the page before anything else can touch the cache.
    let cache = unsafe { &*CACHE.get() };
    cache.pages.get(cache.current).filter(|page| page.moment.as_ref() == Some(moment))
}

/// The page of that moment; a new one takes the place of the one that is next in turn.
pub(super) fn page(moment: &Moment) -> &'static mut Page {
    // SAFETY: as above.
    let cache = unsafe { &mut *CACHE.get() };
    let found = cache.pages.iter().position(|page| page.moment.as_ref() == Some(moment));
    cache.current = found.unwrap_or_else(|| cache.turn_page(moment));
    &mut cache.pages[cache.current]
}

pub(super) fn keep_entry(moment: &Moment, kind: Kind, entry: Entry) {
    if page(moment).is_full() {
        // SAFETY: as above.
        unsafe { &mut *CACHE.get() }.turn_page(moment);
    }
    page(moment).entries[kind as usize].insert(entry.name.clone(), Box::new(entry));
}

/// Gives the memory back. Must not be called while a helper works.
pub(super) fn clear() {
    // SAFETY: as above.
    let cache = unsafe { &mut *CACHE.get() };
    for page in cache.pages.iter_mut().filter(|page| page.moment.is_some()) {
        *page = Page::empty();
    }
}

impl Cache {
    fn turn_page(&mut self, moment: &Moment) -> usize {
        // A full page of the same moment must not be found again.
        for page in self.pages.iter_mut().filter(|page| page.moment.as_ref() == Some(moment)) {
            *page = Page::empty();
        }
        let next = (self.current + 1) % PAGES;
        self.fillings += 1;
        self.pages[next] = Page { moment: Some(*moment), number: self.fillings, ..Page::empty() };
        next
    }
}
