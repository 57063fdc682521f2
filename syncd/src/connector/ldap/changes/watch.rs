//! Waiting for changes. What changed is of no interest here: each is a hint that a run would find something.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, select_all};
use ldap3::controls::{MakeCritical, RefreshMode};
use ldap3::{Scope, SearchOptions};
use tokio::sync::Notify;

use super::cursor::Cursor;
use super::sync_messages::{self as messages, Info};
use super::syncrepl::{Area, NOTHING_BUT_NAMES, WHAT, areas, request};
use super::{Question, usn};
use crate::connector::ldap::entry::AttributeName;
use crate::connector::ldap::error::{LdapSourceError, diagnostic, reason};
use crate::connector::ldap::root_dse::look;

/// A server is asked this often whether it still counts as before.
const POLL_EVERY: Duration = Duration::from_millis(500);
/// Between signs of life on a connection that waits.
const HEARTBEAT: Duration = Duration::from_secs(30);

type Watching<'a> = BoxFuture<'a, Result<Infallible, LdapSourceError>>;

/// Notifies of changes since the cursor, until the connection breaks.
pub(in super::super) async fn watch(
    question: &Question<'_>,
    since: &Cursor,
    changed: &Notify,
) -> Result<Infallible, LdapSourceError> {
    let mut watching: Vec<Watching<'_>> = vec![stay_alive(question).boxed()];
    match since {
        Cursor::Syncrepl { cookies, .. } => {
            for area in areas(question) {
                let cookie = cookies.get(area.name).cloned();
                watching.push(follow(question, area, cookie, changed).boxed());
            }
        }
        Cursor::Usn(since) => watching.push(poll(question, since.usn, changed).boxed()),
        Cursor::DirSync(_) => {
            // Its cookie is not to be compared.
            changed.notify_one();
            let now = question.connection.dse.highest_committed_usn.unwrap_or_default();
            watching.push(poll(question, now, changed).boxed());
        }
        // Such a server tells nothing.
        Cursor::ModifyTimestamp { .. } => {}
    }
    select_all(watching).await.0
}

/// A search that never ends: first what changed since the cookie, then whatever changes.
async fn follow(
    question: &Question<'_>,
    area: Area,
    cookie: Option<String>,
    changed: &Notify,
) -> Result<Infallible, LdapSourceError> {
    let broken = |message: String| LdapSourceError::SearchBroken {
        search: WHAT,
        base: area.base.clone(),
        read: 0,
        message,
    };
    let mut ldap = question.connection.ldap.clone();
    ldap.with_controls(request(RefreshMode::RefreshAndPersist, cookie).critical());
    let mut stream = ldap
        .streaming_search(&area.base, Scope::Subtree, &area.filter, NOTHING_BUT_NAMES)
        .await
        .map_err(|error| broken(reason(&error, question.timeout)))?;
    loop {
        let item = stream.next().await.map_err(|error| broken(reason(&error, question.timeout)))?;
        let Some(item) = item else { break };
        let says_something = if item.is_intermediate() {
            let info = messages::info(item)
                .map_err(|()| broken("it sent something that is no change".to_owned()))?;
            // Cookies alone are of changes elsewhere, and who is left may not be all.
            matches!(info, Some(Info::Ids { .. } | Info::PresentPhase(_)))
        } else {
            !item.is_ref()
        };
        if says_something {
            changed.notify_one();
        }
    }
    let result = stream.finish().await;
    // A run finds out what is to be done about it.
    changed.notify_one();
    Err(LdapSourceError::SearchRefused {
        search: WHAT,
        base: area.base.clone(),
        rc: result.rc,
        text: diagnostic(&result),
    })
}

async fn poll(question: &Question<'_>, since: i64, changed: &Notify) -> Result<Infallible, LdapSourceError> {
    let mut ldap = question.connection.ldap.clone();
    let name = AttributeName::new("highestCommittedUSN");
    let mut seen = since;
    loop {
        let dse = look(&mut ldap, question.timeout, "", &["highestCommittedUSN"]).await?;
        let now = dse.as_ref().and_then(|dse| dse.values(&name).next()).and_then(number).unwrap_or(seen);
        // A lower number is that of a server that was restored.
        if now < seen || now > seen && concerns_us(question, seen).await? {
            changed.notify_one();
        }
        seen = now;
        tokio::time::sleep(POLL_EVERY).await;
    }
}

/// Whether anything in the domain changed: a server counts what happens to its configuration as well, and
/// computers keep changing.
async fn concerns_us(question: &Question<'_>, since: i64) -> Result<bool, LdapSourceError> {
    let filter = format!("(&(uSNChanged>={})(!(objectClass=computer)))", since + 1);
    for top in question.tops() {
        let mut ldap = question.connection.ldap.clone();
        ldap.with_timeout(question.timeout)
            .with_search_options(SearchOptions::new().sizelimit(1))
            .with_controls(vec![usn::show_deleted()]);
        let answer = ldap.search(&top, Scope::Subtree, &filter, NOTHING_BUT_NAMES).await;
        let ldap3::SearchResult(items, result) = answer.map_err(|error| LdapSourceError::SearchBroken {
            search: WHAT,
            base: top.clone(),
            read: 0,
            message: reason(&error, question.timeout),
        })?;
        if result.rc != 0 || items.iter().any(|item| !item.is_ref()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns once the server does not answer any more.
async fn stay_alive(question: &Question<'_>) -> Result<Infallible, LdapSourceError> {
    let mut ldap = question.connection.ldap.clone();
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        look(&mut ldap, question.timeout, "", &["1.1"]).await?;
    }
}

fn number(bytes: &[u8]) -> Option<i64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}
