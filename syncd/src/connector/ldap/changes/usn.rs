//! Active Directory counts: every change gives an object the next number of this domain controller.
//!
//! Deleted objects keep a number as tombstones, which not everybody may see. Whoever may not lists
//! from time to time who is left (ids only), so that removals arrive all the same.

use std::time::Instant;

use chrono::Utc;
use ldap3::controls::RawControl;
use ldap3::{Scope, SearchOptions};

use super::cursor::{self, Cursor};
use super::tree::{Listing, everyone, file_time, id_of, server_time};
use super::{Answer, Changes, Found, MOST_CHANGES, Question, containers, too_many};
use crate::config::ldap::Active;
use crate::connector::Containers;
use crate::connector::ldap::entry::{AttributeName, Entry};
use crate::connector::ldap::error::{LdapSourceError, reason};

const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
/// Where tombstones are, by the name that it has in every domain.
const DELETED_OBJECTS: &str = "18E2EA80684F11D2B9AA00C04F79F805";
/// Listing everyone takes no more than this part of the time.
const ONE_PART_IN: u32 = 20;

pub(super) async fn start(question: &Question<'_>) -> Result<Option<Cursor>, LdapSourceError> {
    let dse = &question.connection.dse;
    let (Some(usn), Some(dsa)) = (dse.highest_committed_usn, dse.dsa.clone()) else { return Ok(None) };
    let list_at = (!sees_deleted(question).await?).then(|| Utc::now().timestamp());
    let expired_until = expired_until(question, 0).await?;
    let url = question.connection.url.clone();
    Ok(Some(Cursor::Usn(cursor::Usn { dsa, url, usn, expired_until, list_at })))
}

pub(super) async fn changes(question: &Question<'_>, since: &cursor::Usn) -> Result<Answer, LdapSourceError> {
    let everything = |why: &str| Ok(Answer::Everything(why.to_owned()));
    let dse = &question.connection.dse;
    // Read before anything is searched for: what changes meanwhile is found again next time.
    let (Some(usn), Some(dsa)) = (dse.highest_committed_usn, dse.dsa.clone()) else {
        return everything("the domain controller does not tell its highestCommittedUSN and invocationId");
    };
    if dsa != since.dsa {
        return everything("another domain controller answered, or this one was restored");
    }
    if usn < since.usn {
        return everything("the domain controller is older than at the last run: it was restored");
    }
    let mut changes = Changes {
        users: Found::default(),
        groups: Found::default(),
        containers: Containers::default(),
        cursor: Cursor::Usn(since.clone()),
    };
    if usn > since.usn && !numbered(question, since.usn, &mut changes).await? {
        return Ok(too_many());
    }
    let until = expired_until(question, since.expired_until).await?;
    expired(question, since.expired_until, until, &mut changes.users).await?;
    let sees_deleted = sees_deleted(question).await?;
    let mut list_at = since.list_at.filter(|_| !sees_deleted);
    // Once more when the right comes: what was deleted before nobody saw.
    if is_due(list_at) && !(sees_deleted && since.list_at.is_none()) {
        let Some(next) = list_everyone(question, &mut changes).await? else {
            return everything("the server listed nobody who is left");
        };
        list_at = (!sees_deleted).then_some(next);
    }
    changes.cursor = Cursor::Usn(cursor::Usn {
        dsa,
        url: question.connection.url.clone(),
        usn,
        expired_until: until,
        list_at,
    });
    Ok(Answer::Changes(Box::new(changes)))
}

/// A time that is far away is that of another clock.
fn is_due(list_at: Option<i64>) -> bool {
    list_at.is_none_or(|at| !(1..86_400).contains(&(at - Utc::now().timestamp())))
}

/// What has a higher number. False if that is too much.
async fn numbered(
    question: &Question<'_>,
    since: i64,
    changes: &mut Changes,
) -> Result<bool, LdapSourceError> {
    let filter = format!("(uSNChanged>={})", since + 1);
    let tops = question.tops();
    let searches = tops.iter().map(|top| {
        Listing::of(top, &filter).with(&["isDeleted", "objectClass"]).controls(vec![show_deleted()])
    });
    for search in searches {
        let mut entries = search.start(question);
        while let Some(entry) = entries.next().await? {
            take(question, &entry, changes);
            if changes.users.changed.len() > MOST_CHANGES {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Whether it is a user or a group that this source reads is found out by reading it.
pub(super) fn take(question: &Question<'_>, entry: &Entry, changes: &mut Changes) {
    let Some(id) = id_of(question, entry) else { return };
    if is_deleted(entry) {
        changes.users.gone.push(id.clone());
        changes.groups.gone.push(id);
        return;
    }
    if containers::is_one(entry) {
        containers::add(&mut changes.containers, &id, &entry.dn);
    }
    changes.users.changed.insert(id.clone(), None);
    if question.directory.groups.is_some() {
        changes.groups.changed.insert(id, None);
    }
}

pub(super) fn is_deleted(entry: &Entry) -> bool {
    let name = AttributeName::new("isDeleted");
    entry.values(&name).any(|value| value.eq_ignore_ascii_case(b"TRUE"))
}

/// Accounts whose time was over between two moments: nothing changes in the directory then.
pub(super) async fn expired(
    question: &Question<'_>,
    from: i64,
    until: i64,
    users: &mut Found,
) -> Result<(), LdapSourceError> {
    let rule = &question.directory.users;
    if rule.active != Active::AccountControl || until <= from {
        return Ok(());
    }
    let filter = format!("(&{}(accountExpires>={from})(accountExpires<={until}))", rule.filter);
    let mut entries = Listing::of(&rule.base, &filter).start(question);
    while let Some(entry) = entries.next().await? {
        users.changed.extend(id_of(question, &entry).map(|id| (id, None)));
    }
    Ok(())
}

/// Now, by the clock of the server; never back.
pub(super) async fn expired_until(question: &Question<'_>, before: i64) -> Result<i64, LdapSourceError> {
    let now = server_time(question).await?.unwrap_or_else(Utc::now);
    Ok(file_time(now).max(before))
}

/// Fills in who is present; when to do so again. `None`: the list is empty, which cannot be.
async fn list_everyone(
    question: &Question<'_>,
    changes: &mut Changes,
) -> Result<Option<i64>, LdapSourceError> {
    let begun = Instant::now();
    let (users, groups) = (&question.directory.users, &question.directory.groups);
    changes.users.present = everyone(question, &users.base, &users.filter).await?;
    if let Some(groups) = groups {
        changes.groups.present = everyone(question, &groups.base, &groups.filter).await?;
    }
    // There need be no groups; if there were some, the guard asks.
    if changes.users.present.as_ref().is_some_and(Vec::is_empty) {
        return Ok(None);
    }
    let pause = (begun.elapsed() * ONE_PART_IN).as_secs();
    Ok(Some(Utc::now().timestamp() + i64::try_from(pause).unwrap_or(0)))
}

/// Whether tombstones are shown to us. Some see where they are and none of them, so one must be there: before the
/// first, everyone is listed.
async fn sees_deleted(question: &Question<'_>) -> Result<bool, LdapSourceError> {
    for top in question.tops() {
        let place = format!("<WKGUID={DELETED_OBJECTS},{top}>");
        let mut ldap = question.connection.ldap.clone();
        ldap.with_timeout(question.timeout)
            .with_search_options(SearchOptions::new().sizelimit(1))
            .with_controls(vec![show_deleted()]);
        let answer = ldap.search(&place, Scope::OneLevel, "(isDeleted=TRUE)", ["1.1"]).await;
        let ldap3::SearchResult(entries, _) = answer.map_err(|error| LdapSourceError::SearchBroken {
            search: "look at the deleted objects",
            base: place.clone(),
            read: 0,
            message: reason(&error, question.timeout),
        })?;
        if entries.iter().all(|item| item.is_ref() || item.is_intermediate()) {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn show_deleted() -> RawControl {
    RawControl { ctype: SHOW_DELETED.to_owned(), crit: true, val: None }
}
