//! For servers that keep no track of changes: everyone is listed with the time of the last change.
//!
//! Ids and times only; who is not listed is gone. Clocks that disagree and changes within one second are
//! covered by looking back further than the newest time seen.

use chrono::{DateTime, Utc};

use super::cursor::Cursor;
use super::tree::{Listing, format_time, id_of, parse_time};
use super::{Answer, Changes, Found, MOST_CHANGES, Question, containers, too_many};
use crate::connector::Containers;
use crate::connector::ldap::entry::{AttributeName, Entry};
use crate::connector::ldap::error::LdapSourceError;
use crate::record::Key;

const TIME: &str = "modifyTimestamp";

/// The newest change of all: the server's clock, which may be another than ours.
pub(super) async fn start(question: &Question<'_>) -> Result<Option<Cursor>, LdapSourceError> {
    let mut newest = None;
    for (base, filter) in places(question) {
        let mut entries = Listing::of(&base, &filter).with(&[TIME]).start(question);
        while let Some(entry) = entries.next().await? {
            newest = newest.max(changed_at(&entry));
        }
    }
    Ok(newest.map(|since| Cursor::ModifyTimestamp { since: format_time(since) }))
}

fn places(question: &Question<'_>) -> Vec<(String, String)> {
    let directory = question.directory;
    let mut places = vec![(directory.users.base.clone(), directory.users.filter.clone())];
    places.extend(directory.groups.iter().map(|groups| (groups.base.clone(), groups.filter.clone())));
    places
}

pub(super) async fn changes(question: &Question<'_>, since: &str) -> Result<Answer, LdapSourceError> {
    let Some(since) = parse_time(since.as_bytes()) else {
        return Ok(Answer::Everything("the last run left no time that can be read".to_owned()));
    };
    let from = since - question.overlap;
    let mut newest = since;
    let mut found = Vec::new();
    for (base, filter) in places(question) {
        let Some(one) = list(question, &base, &filter, from, &mut newest).await? else {
            return Ok(too_many());
        };
        found.push(one);
    }
    // The directory has users, or nobody may see them: the groups may be none.
    if found
        .first()
        .is_some_and(|users| users.changed.is_empty() && users.present.as_ref().is_some_and(Vec::is_empty))
    {
        return Ok(Answer::Everything("the server listed nobody who is left".to_owned()));
    }
    let mut found = found.into_iter();
    let (users, groups) = (found.next().unwrap_or_default(), found.next().unwrap_or_default());
    let cursor = Cursor::ModifyTimestamp { since: format_time(newest) };
    let containers: Containers = containers::all(question).await?;
    Ok(Answer::Changes(Box::new(Changes { users, groups, containers, cursor })))
}

/// `None` if too many have changed.
async fn list(
    question: &Question<'_>,
    base: &str,
    filter: &str,
    from: DateTime<Utc>,
    newest: &mut DateTime<Utc>,
) -> Result<Option<Found>, LdapSourceError> {
    let mut found = Found::default();
    let mut present = Some(Vec::new());
    let mut entries = Listing::of(base, filter).with(&[TIME]).start(question);
    while let Some(entry) = entries.next().await? {
        let Some(id) = id_of(question, &entry) else {
            // Whoever it is: nobody can be said to be missing.
            present = None;
            continue;
        };
        let changed = changed_at(&entry);
        *newest = (*newest).max(changed.unwrap_or(*newest));
        // Without a time it may have changed.
        if changed.is_some_and(|changed| changed < from) {
            present.iter_mut().for_each(|present| present.push(Key::of(&id)));
            continue;
        }
        found.changed.insert(id, String::from_utf8(entry.dn).ok());
        if found.changed.len() > MOST_CHANGES {
            return Ok(None);
        }
    }
    found.present = present;
    Ok(Some(found))
}

fn changed_at(entry: &Entry) -> Option<DateTime<Utc>> {
    entry.values(&AttributeName::new(TIME)).next().and_then(parse_time)
}
