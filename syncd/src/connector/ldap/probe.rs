//! Small searches for `check` and `discover`: a few entries, or how many there are.

use std::time::Duration;

use ldap3::controls::{Control, ControlType, PagedResults};
use ldap3::{Ldap, LdapResult, Scope, SearchOptions, SearchResult};

use super::entry::Entry;
use super::error::{LdapSourceError, diagnostic, reason};

#[derive(Debug, Clone)]
pub(super) struct Probe<'a> {
    /// For messages: `search for users`.
    pub what: &'static str,
    pub base: &'a str,
    pub filter: &'a str,
    pub timeout: Duration,
}

/// What a walk over many entries came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Walked {
    pub entries: u64,
    pub end: End,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// These were all.
    All,
    /// As many as were wanted; there may be more.
    Enough,
    /// The server would not send more, and why.
    Limited(String),
}

impl<'a> Probe<'a> {
    pub(super) fn new(what: &'static str, base: &'a str, filter: &'a str, timeout: Duration) -> Self {
        Self { what, base, filter, timeout }
    }

    /// Up to so many entries; the server is free to say that there are more.
    pub(super) async fn some(
        &self,
        ldap: &mut Ldap,
        scope: Scope,
        attributes: &[&str],
        limit: i32,
    ) -> Result<Vec<Entry>, LdapSourceError> {
        self.search(ldap, scope, SearchOptions::new().sizelimit(limit), attributes).await
    }

    /// The same below the base, with the limit among the options.
    pub(super) async fn with_options(
        &self,
        ldap: &mut Ldap,
        options: SearchOptions,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, LdapSourceError> {
        self.search(ldap, Scope::Subtree, options, attributes).await
    }

    async fn search(
        &self,
        ldap: &mut Ldap,
        scope: Scope,
        options: SearchOptions,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, LdapSourceError> {
        ldap.with_timeout(self.timeout).with_search_options(options);
        let answer = ldap.search(self.base, scope, self.filter, attributes).await;
        let SearchResult(items, result) = answer.map_err(|error| self.broken(&error))?;
        match result.rc {
            0 | 4 => Ok(items.into_iter().filter_map(|item| Entry::decode(item.0)).collect()),
            _ => Err(self.refused(&result)),
        }
    }

    /// The entry at the base itself.
    pub(super) async fn itself(
        &self,
        ldap: &mut Ldap,
        attributes: &[&str],
    ) -> Result<Option<Entry>, LdapSourceError> {
        Ok(self.some(ldap, Scope::Base, attributes, 1).await?.into_iter().next())
    }

    /// Page after page, as a run reads: so limits of the server show.
    pub(super) async fn walk(
        &self,
        ldap: &mut Ldap,
        attributes: &[&str],
        page_size: i32,
        enough: u64,
        mut take: impl FnMut(Entry),
    ) -> Result<Walked, LdapSourceError> {
        let (mut cookie, mut entries) = (Vec::new(), 0);
        loop {
            ldap.with_timeout(self.timeout).with_controls(PagedResults { size: page_size, cookie });
            let answer = ldap.search(self.base, Scope::Subtree, self.filter, attributes).await;
            let SearchResult(items, result) = answer.map_err(|error| self.broken(&error))?;
            let found: Vec<Entry> = items.into_iter().filter_map(|item| Entry::decode(item.0)).collect();
            let empty = found.is_empty();
            entries += found.len() as u64;
            found.into_iter().for_each(&mut take);
            let end = match result.rc {
                0 => End::Enough,
                3 | 4 | 11 => End::Limited(LdapSourceError::outcome(&result)),
                _ => return Err(self.refused(&result)),
            };
            cookie = cookie_of(&result);
            match end {
                End::Enough if cookie.is_empty() => return Ok(Walked { entries, end: End::All }),
                End::Enough if entries < enough && !empty => {}
                end => return Ok(Walked { entries, end }),
            }
        }
    }

    fn broken(&self, error: &ldap3::LdapError) -> LdapSourceError {
        LdapSourceError::SearchBroken {
            search: self.what,
            base: self.base.to_owned(),
            read: 0,
            message: reason(error, self.timeout),
        }
    }

    fn refused(&self, result: &LdapResult) -> LdapSourceError {
        LdapSourceError::SearchRefused {
            search: self.what,
            base: self.base.to_owned(),
            rc: result.rc,
            text: diagnostic(result),
        }
    }
}

fn cookie_of(result: &LdapResult) -> Vec<u8> {
    let paged = result.ctrls.iter().find_map(|Control(kind, raw)| match kind {
        Some(ControlType::PagedResults) if raw.val.is_some() => Some(raw.parse::<PagedResults>().cookie),
        _ => None,
    });
    paged.unwrap_or_default()
}
