//! Content synchronisation (RFC 4533): the server keeps track, by a cookie.
//!
//! Only names and ids are asked for. A server that remembers what was deleted names it (delete phase);
//! one that does not, after a restart or without a session log, names everyone who is left (present
//! phase). Never together with paging, which ends such a search after the first page.

use std::collections::{BTreeMap, HashMap, HashSet};

use ldap3::controls::{MakeCritical, RefreshMode, SyncRequest};
use ldap3::{ResultEntry, Scope};
use uuid::Uuid;

use super::cursor::Cursor;
use super::sync_messages::{self as messages, EntryState, Info};
use super::tree::everyone;
use super::{Answer, Changes, Found, MOST_CHANGES, Question, containers, too_many};
use crate::connector::Containers;
use crate::connector::ldap::entry::Entry;
use crate::connector::ldap::error::{LdapSourceError, diagnostic, rc_name, reason};
use crate::connector::ldap::root_dse::context_csn;
use crate::record::Key;

pub(super) const WHAT: &str = "search for changes";
pub(super) const NOTHING_BUT_NAMES: [&str; 1] = ["1.1"];

/// One search of which changes are told.
#[derive(Debug, Clone)]
pub(super) struct Area {
    pub name: &'static str,
    pub base: String,
    pub filter: String,
}

const USERS: &str = "users";
const GROUPS: &str = "groups";
const CONTAINERS: &str = "containers";
/// Where groups are in a tree of their own.
const CONTAINERS_OF_GROUPS: &str = "containers_of_groups";

pub(super) fn areas(question: &Question<'_>) -> Vec<Area> {
    let area =
        |name, base: &str, filter: &str| Area { name, base: base.to_owned(), filter: filter.to_owned() };
    let users = &question.directory.users;
    let mut areas = vec![area(USERS, &users.base, &users.filter)];
    let top = question.top_of(&users.base);
    areas.push(area(CONTAINERS, &top, containers::FILTER));
    if let Some(groups) = &question.directory.groups {
        areas.push(area(GROUPS, &groups.base, &groups.filter));
        let of_groups = question.top_of(&groups.base);
        if of_groups != top {
            areas.push(area(CONTAINERS_OF_GROUPS, &of_groups, containers::FILTER));
        }
    }
    areas
}

/// The cookies of now.
pub(super) async fn start(question: &Question<'_>) -> Result<Option<Cursor>, LdapSourceError> {
    let mut cookies = BTreeMap::new();
    for area in areas(question) {
        let Some(cookie) = cookie_of_now(question, &area).await? else { return Ok(None) };
        cookies.insert(area.name.to_owned(), cookie);
    }
    Ok(Some(Cursor::Syncrepl { url: question.connection.url.clone(), cookies }))
}

async fn cookie_of_now(question: &Question<'_>, area: &Area) -> Result<Option<String>, LdapSourceError> {
    let top = question.top_of(&area.base);
    let mut ldap = question.connection.ldap.clone();
    let csns = context_csn(&mut ldap, question.timeout, &top).await?;
    if !csns.is_empty() {
        return Ok(Some(format!("rid=000,csn={}", csns.join(";"))));
    }
    // Not OpenLDAP, or not for us to see: names and ids are the price of a cookie.
    match refresh(question, area, None, usize::MAX).await? {
        Refresh::Told(told) => Ok(told.cookie),
        Refresh::Refused(_) => Ok(None),
    }
}

pub(super) async fn changes(question: &Question<'_>, since: &Cursor) -> Result<Answer, LdapSourceError> {
    let Cursor::Syncrepl { cookies, .. } = since else { return Ok(no_cookie()) };
    let (mut users, mut groups) = (Found::default(), Found::default());
    let mut inner = Containers::default();
    let mut next = BTreeMap::new();
    for area in areas(question) {
        let Some(cookie) = cookies.get(area.name) else { return Ok(no_cookie()) };
        let mut told = match refresh(question, &area, Some(cookie.clone()), MOST_CHANGES).await? {
            Refresh::Told(told) => told,
            Refresh::Refused(why) => return Ok(Answer::Everything(why)),
        };
        if told.changed.len() > MOST_CHANGES {
            return Ok(too_many());
        }
        next.insert(area.name.to_owned(), told.cookie.take().unwrap_or_else(|| cookie.clone()));
        let nobody = told.everyone_left && told.present.is_empty() && told.changed.is_empty();
        if nobody && is_doubtful(question, &area).await? {
            return Ok(Answer::Everything(format!(
                "the server listed nobody among the {} that are left",
                area.name
            )));
        }
        match area.name {
            USERS => users = told.found(),
            GROUPS => groups = told.found(),
            _ => told.containers(&mut inner),
        }
    }
    let cursor = Cursor::Syncrepl { url: question.connection.url.clone(), cookies: next };
    Ok(Answer::Changes(Box::new(Changes { users, groups, containers: inner, cursor })))
}

/// Nobody is left: there are always users, there need be no groups, and containers are of no account.
async fn is_doubtful(question: &Question<'_>, area: &Area) -> Result<bool, LdapSourceError> {
    match area.name {
        USERS => Ok(true),
        GROUPS => {
            let groups = everyone(question, &area.base, &area.filter).await?;
            Ok(groups.is_none_or(|groups| !groups.is_empty()))
        }
        _ => Ok(false),
    }
}

fn no_cookie() -> Answer {
    Answer::Everything("the last run left no cookie for this search".to_owned())
}

pub(super) enum Refresh {
    Told(Told),
    /// The server wants everything to be read anew, or cannot help it.
    Refused(String),
}

/// What one search was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// With their names.
    pub changed: HashMap<Uuid, Vec<u8>>,
    pub gone: HashSet<Uuid>,
    pub present: HashSet<Uuid>,
    /// Everyone who is left was named: others are gone.
    pub everyone_left: bool,
    pub cookie: Option<String>,
}

async fn refresh(
    question: &Question<'_>,
    area: &Area,
    cookie: Option<String>,
    limit: usize,
) -> Result<Refresh, LdapSourceError> {
    let timeout = question.timeout;
    let broken = |message: String| LdapSourceError::SearchBroken {
        search: WHAT,
        base: area.base.clone(),
        read: 0,
        message,
    };
    let mut ldap = question.connection.ldap.clone();
    ldap.with_timeout(timeout).with_controls(request(RefreshMode::RefreshOnly, cookie).critical());
    let mut stream = ldap
        .streaming_search(&area.base, Scope::Subtree, &area.filter, NOTHING_BUT_NAMES)
        .await
        .map_err(|error| broken(reason(&error, timeout)))?;
    let mut told = Told::default();
    while let Some(item) = stream.next().await.map_err(|error| broken(reason(&error, timeout)))? {
        told.take(item).ok_or_else(|| broken("the server sent something that is no change".to_owned()))?;
        if told.changed.len() > limit {
            let id = stream.ldap_handle().last_id();
            drop(stream);
            let _ = ldap.abandon(id).await;
            return Ok(Refresh::Told(told));
        }
    }
    let result = stream.finish().await;
    if result.rc == 0 {
        let done = messages::done(&result.ctrls)
            .ok_or_else(|| broken("the server ended it as if it were an ordinary search".to_owned()))?;
        told.everyone_left |= !done.deletes;
        told.remember(done.cookie);
        return Ok(Refresh::Told(told));
    }
    let why = format!("rc {} ({}){}", result.rc, rc_name(result.rc), diagnostic(&result));
    match result.rc {
        // The cookie is of no use (any more), or of a server that was newer than this one.
        53 | 4096 => Ok(Refresh::Refused(format!("the server refused the cookie with {why}"))),
        12 => Ok(Refresh::Refused(format!("the server does not tell changes below {}: {why}", area.base))),
        // Paging gets around limits; changes cannot be paged.
        3 | 4 | 11 => Ok(Refresh::Refused(format!("the server cut the list of changes short with {why}"))),
        rc => Err(LdapSourceError::SearchRefused {
            search: WHAT,
            base: area.base.clone(),
            rc,
            text: diagnostic(&result),
        }),
    }
}

pub(super) fn request(mode: RefreshMode, cookie: Option<String>) -> SyncRequest {
    SyncRequest { mode, cookie: cookie.map(String::into_bytes), reload_hint: false }
}

impl Told {
    /// `None` for what cannot be understood.
    pub(super) fn take(&mut self, item: ResultEntry) -> Option<()> {
        if item.is_ref() {
            return Some(());
        }
        if item.is_intermediate() {
            if let Some(info) = messages::info(item).ok()? {
                self.inform(info);
            }
            return Some(());
        }
        let state = messages::state(&item.1)?;
        let entry = Entry::decode(item.0)?;
        self.remember(state.cookie);
        match state.state {
            EntryState::Present => drop(self.present.insert(state.id)),
            EntryState::Changed => drop(self.changed.insert(state.id, entry.dn)),
            EntryState::Deleted => drop(self.gone.insert(state.id)),
        }
        Some(())
    }

    fn inform(&mut self, info: Info) {
        match info {
            Info::Cookie(cookie) => self.remember(Some(cookie)),
            Info::DeletePhase(cookie) => self.remember(cookie),
            Info::PresentPhase(cookie) => {
                self.everyone_left = true;
                self.remember(cookie);
            }
            Info::Ids { cookie, deletes, ids } => {
                self.remember(cookie);
                if deletes { &mut self.gone } else { &mut self.present }.extend(ids);
            }
        }
    }

    fn remember(&mut self, cookie: Option<Vec<u8>>) {
        if let Some(cookie) = cookie.and_then(|cookie| String::from_utf8(cookie).ok()) {
            self.cookie = Some(cookie);
        }
    }

    fn found(self) -> Found {
        let Self { changed, gone, present, everyone_left, .. } = self;
        let of_others = |id: &&Uuid| !changed.contains_key(*id);
        let gone = gone.iter().filter(of_others).map(Uuid::to_string).collect();
        let others = present.iter().filter(of_others).map(|id| Key::of(&id.to_string())).collect();
        let present = everyone_left.then_some(others);
        let changed =
            changed.into_iter().map(|(id, dn)| (id.to_string(), String::from_utf8(dn).ok())).collect();
        Found { changed, gone, present }
    }

    fn containers(self, into: &mut Containers) {
        for (id, dn) in self.changed {
            containers::add(into, &id.to_string(), &dn);
        }
    }
}
