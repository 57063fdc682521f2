//! Single questions, asked while a search is in the middle of a page.

use std::time::Duration;

use ldap3::controls::RawControl;
use ldap3::{Ldap, Scope, SearchResult};

use super::connection::{Access, Connection};
use super::entry::Entry;
use super::error::{LdapSourceError, diagnostic, reason};

/// A connection of its own, opened when something is first asked.
pub(super) struct Aside<'a> {
    access: &'a Access<'a>,
    url: String,
    timeout: Duration,
    connection: Option<Connection>,
}

impl<'a> Aside<'a> {
    pub(super) fn new(access: &'a Access<'a>, url: &str, timeout: Duration) -> Self {
        Self { access, url: url.to_owned(), timeout, connection: None }
    }

    pub(super) async fn ldap(&mut self) -> Result<&mut Ldap, LdapSourceError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            empty => empty.insert(self.access.again(&self.url).await?),
        };
        Ok(&mut connection.ldap)
    }

    /// The entry of this name; `None` if this server has none.
    pub(super) async fn entry(
        &mut self,
        what: &'static str,
        dn: &str,
        attributes: &[String],
        controls: Vec<RawControl>,
    ) -> Result<Option<Entry>, LdapSourceError> {
        let timeout = self.timeout;
        let ldap = self.ldap().await?.with_timeout(timeout);
        if !controls.is_empty() {
            ldap.with_controls(controls);
        }
        let answer = ldap.search(dn, Scope::Base, "(objectClass=*)", attributes).await;
        let broken =
            |message| LdapSourceError::SearchBroken { search: what, base: dn.to_owned(), read: 0, message };
        let SearchResult(items, result) = answer.map_err(|error| broken(reason(&error, timeout)))?;
        match result.rc {
            0 => {}
            // No such entry, or one that another server holds.
            10 | 32 | 34 => return Ok(None),
            rc => {
                let text = diagnostic(&result);
                return Err(LdapSourceError::SearchRefused { search: what, base: dn.to_owned(), rc, text });
            }
        }
        let Some(item) = items.into_iter().find(|item| !item.is_ref() && !item.is_intermediate()) else {
            return Ok(None);
        };
        let entry = Entry::decode(item.0);
        entry.map(Some).ok_or_else(|| broken("the server sent something that is no entry".to_owned()))
    }
}
