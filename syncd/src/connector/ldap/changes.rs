//! Which entries have changed since the last run, or that nobody can tell any more.
//!
//! Each way of asking answers in the same words: ids of what changed and of what is gone, the inner
//! entries of the tree, and where to go on next time. What changed is then read in full (`fetch`).

use std::collections::HashMap;
use std::time::Duration;

use super::connection::Connection;
use super::error::LdapSourceError;
use super::modes::Mode;
use super::root_dse::{context_csn, look};
use crate::config::ldap::{Directory, LdapConfig};
use crate::connector::Containers;
use crate::record::{Key, Reference};

mod containers;
mod cursor;
mod dirsync;
mod modify_timestamp;
mod sync_messages;
mod syncrepl;
mod tree;
mod usn;
mod watch;

pub(super) use cursor::Cursor;
pub(super) use watch::watch;

/// Beyond so many changed entries, reading everything is cheaper.
const MOST_CHANGES: usize = 20_000;

#[derive(Debug)]
pub(super) enum Answer {
    Changes(Box<Changes>),
    /// Everything is to be read, and why.
    Everything(String),
}

#[derive(Debug)]
pub(super) struct Changes {
    pub users: Found,
    pub groups: Found,
    /// As far as they were looked at.
    pub containers: Containers,
    pub cursor: Cursor,
}

/// What is known of one kind of entry.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// To be read, by id; with the name, where the server told it.
    pub changed: HashMap<String, Option<String>>,
    /// Gone, says the server.
    pub gone: Vec<String>,
    /// Everyone else who is there, where the server lists them: who is missing here is gone.
    pub present: Option<Vec<Key>>,
}

/// What every way of asking needs.
pub(super) struct Question<'a> {
    pub connection: &'a Connection,
    pub directory: &'a Directory,
    pub timeout: Duration,
    pub page_size: i32,
    /// How far to look back beyond the last time, where clocks decide.
    pub overlap: Duration,
    /// The top of the tree of each base, as far up as we may look.
    tops: HashMap<String, String>,
}

impl<'a> Question<'a> {
    pub(super) async fn of(
        config: &LdapConfig,
        directory: &'a Directory,
        connection: &'a Connection,
    ) -> Result<Self, LdapSourceError> {
        let bases =
            std::iter::once(&directory.users.base).chain(directory.groups.iter().map(|groups| &groups.base));
        let mut tops = HashMap::new();
        for base in bases {
            let suffix = connection.dse.suffix_of(base).unwrap_or(base);
            let mut ldap = connection.ldap.clone();
            let visible = look(&mut ldap, config.timeout, suffix, &["1.1"]).await?.is_some();
            tops.insert(base.clone(), if visible { suffix } else { base }.to_owned());
        }
        Ok(Self {
            connection,
            directory,
            timeout: config.timeout,
            page_size: config.page_size,
            overlap: config.overlap,
            tops,
        })
    }

    /// Of every tree that is read.
    pub(super) async fn tells_context_csn(&self) -> Result<bool, LdapSourceError> {
        for top in self.tops.values() {
            let mut ldap = self.connection.ldap.clone();
            if context_csn(&mut ldap, self.timeout, top).await?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Where the next run goes on, if everything is read from now on. `None` if the server does not tell.
    pub(super) async fn start(&self, mode: Mode) -> Result<Option<Cursor>, LdapSourceError> {
        match mode {
            Mode::Off => Ok(None),
            Mode::Syncrepl => syncrepl::start(self).await,
            Mode::Usn => usn::start(self).await,
            Mode::DirSync => dirsync::start(self).await,
            Mode::ModifyTimestamp => modify_timestamp::start(self).await,
        }
    }

    /// `known` are the containers as they were called last time.
    pub(super) async fn changes(
        &self,
        since: &Cursor,
        known: &HashMap<Key, Reference>,
    ) -> Result<Answer, LdapSourceError> {
        let answer = match since {
            Cursor::Syncrepl { .. } => syncrepl::changes(self, since).await?,
            Cursor::Usn(since) => usn::changes(self, since).await?,
            Cursor::DirSync(since) => dirsync::changes(self, since, known).await?,
            Cursor::ModifyTimestamp { since } => modify_timestamp::changes(self, since).await?,
        };
        let Answer::Changes(changes) = &answer else { return Ok(answer) };
        Ok(containers::moved(&changes.containers, known).map_or(answer, Answer::Everything))
    }

    /// All inner entries of the tree, for next time.
    pub(super) async fn containers(&self) -> Result<Containers, LdapSourceError> {
        containers::all(self).await
    }

    /// Where changes of containers are looked for.
    fn top_of(&self, base: &str) -> String {
        self.tops.get(base).map_or(base, String::as_str).to_owned()
    }

    fn tops(&self) -> Vec<String> {
        let mut tops: Vec<String> = self.tops.values().cloned().collect();
        tops.sort();
        tops.dedup();
        tops
    }
}

fn too_many() -> Answer {
    Answer::Everything(format!("more than {MOST_CHANGES} entries changed"))
}
