//! Entries that come in parts, put together again; or read anew, because they changed in between.

use super::super::aside::Aside;
use super::super::entry::{AttributeName, Entry};
use super::super::mapping::{Rejected, external_id};
use super::super::ranges::{self, Part};
use super::gather::{Gathered, Resolve};
use super::{ATTEMPTS, Assembler};
use crate::config::ldap::ServerKind;
use crate::connector::ConnectorError;
use crate::record::{Key, Kind};

const READ_ON: &str = "reading of an entry in parts";
pub(super) const RESTLESS: &str = "changed again and again while it was read in parts";
const GONE: &str = "went away while it was read in parts";

/// Why what was put together does not count.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unsteady {
    /// Between two parts: read it from the beginning.
    Changed,
    Rejected(String),
}

type Steady<T> = Result<T, Unsteady>;

impl Assembler {
    /// Gives the attributes that are read as a whole all their values.
    pub(super) async fn complete(
        &self,
        kind: Kind,
        entry: &mut Entry,
        aside: &mut Aside<'_>,
    ) -> Result<Result<(), Rejected>, ConnectorError> {
        if ranges::ranged(entry, self.wholes(kind)).is_none() {
            return Ok(Ok(()));
        }
        let key = self.key_of(entry);
        let rejected = |reason: String| Ok(Err(Rejected { key, reason }));
        for attempt in 0..ATTEMPTS {
            if attempt > 0
                && let Err(rejected) = self.read_again(kind, entry, aside).await?
            {
                return Ok(Err(rejected));
            }
            match self.complete_once(kind, entry, attempt > 0, aside).await? {
                Ok(()) => return Ok(Ok(())),
                Err(Unsteady::Changed) => {}
                Err(Unsteady::Rejected(reason)) => return rejected(reason),
            }
        }
        rejected(RESTLESS.to_owned())
    }

    async fn complete_once(
        &self,
        kind: Kind,
        entry: &mut Entry,
        anew: bool,
        aside: &mut Aside<'_>,
    ) -> Result<Steady<()>, ConnectorError> {
        while let Some(name) = ranges::ranged(entry, self.wholes(kind)) {
            let mut values = Vec::new();
            let mut start = Some(0);
            while let Some(from) = start {
                match self.part(entry, name, from, anew, aside).await? {
                    Ok(part) => {
                        values.extend(part.values);
                        start = part.next;
                    }
                    Err(unsteady) => return Ok(Err(unsteady)),
                }
            }
            ranges::put(entry, name, values);
        }
        Ok(Ok(()))
    }

    /// All that a group lists, each part resolved as soon as it comes.
    pub(super) async fn members(
        &mut self,
        entry: &mut Entry,
        group: Key,
        anew: bool,
        aside: &mut Aside<'_>,
        resolve: &mut impl Resolve,
    ) -> Result<Steady<Gathered>, ConnectorError> {
        let mut gathered = Gathered::of(group, self.by_key);
        for (membership, name) in self.lists.clone() {
            let mut start = Some(0);
            while let Some(from) = start {
                let part = match self.part(entry, &name, from, anew, aside).await? {
                    Ok(part) => part,
                    Err(unsteady) => return Ok(Err(unsteady)),
                };
                if let Err(reason) = gathered.add(&mut self.keys, membership, &part.values, resolve).await? {
                    return Ok(Err(Unsteady::Rejected(reason)));
                }
                start = part.next;
            }
        }
        Ok(Ok(gathered))
    }

    /// The first part is in the entry, the others are asked for.
    async fn part(
        &self,
        entry: &mut Entry,
        name: &AttributeName,
        start: u64,
        anew: bool,
        aside: &mut Aside<'_>,
    ) -> Result<Steady<Part>, ConnectorError> {
        if start == 0 {
            return Ok(match ranges::take(entry, name, 0) {
                Ok(part) => self.stamped(entry, part.unwrap_or_default(), anew),
                Err(reason) => Err(Unsteady::Rejected(reason)),
            });
        }
        let base = self.base(entry);
        let requested = [ranges::from(name, start), self.stamp.as_str().to_owned()];
        let Some(mut next) = aside.entry(READ_ON, &base, &requested, self.controls()).await? else {
            return Ok(Err(Unsteady::Rejected(GONE.to_owned())));
        };
        if self.stamp_of(&next) != self.stamp_of(entry) {
            return Ok(Err(Unsteady::Changed));
        }
        Ok(match ranges::take(&mut next, name, start) {
            Ok(Some(part)) => Ok(part),
            Ok(None) => Err(Unsteady::Rejected(format!(
                "{} ended after {start} values, although the server said that more follow",
                name.as_str()
            ))),
            Err(reason) => Err(Unsteady::Rejected(reason)),
        })
    }

    /// More can follow only if a change in between is seen. Who did not ask for the stamp reads again, with it.
    fn stamped(&self, entry: &Entry, part: Part, anew: bool) -> Steady<Part> {
        if part.next.is_none() || self.stamp_of(entry).is_some() {
            return Ok(part);
        }
        if anew {
            let reason = format!(
                "comes in parts without {}, by which a change in between would be seen: let bind_dn read it",
                self.stamp.as_str()
            );
            return Err(Unsteady::Rejected(reason));
        }
        Err(Unsteady::Changed)
    }

    fn stamp_of(&self, entry: &Entry) -> Option<Vec<u8>> {
        entry.values(&self.stamp).next().map(<[u8]>::to_vec)
    }

    /// From the beginning, with everything.
    pub(super) async fn read_again(
        &self,
        kind: Kind,
        entry: &mut Entry,
        aside: &mut Aside<'_>,
    ) -> Result<Result<(), Rejected>, ConnectorError> {
        let mut requested = match kind {
            Kind::User => self.requested_users(),
            Kind::Group => self.requested_groups(),
        };
        super::add(&mut requested, self.stamp.as_str());
        let key = self.key_of(entry);
        let anew = aside.entry(READ_ON, &self.base(entry), &requested, self.controls()).await?;
        let Some(anew) = anew.filter(|anew| self.key_of(anew) == key) else {
            return Ok(Err(Rejected { key, reason: GONE.to_owned() }));
        };
        *entry = anew;
        self.make_plain(entry);
        Ok(Ok(()))
    }

    pub(super) fn key_of(&self, entry: &Entry) -> Option<Key> {
        external_id(entry, &self.users.id).ok().map(|id| Key::of(&id))
    }

    /// Where the entry is found again; in Active Directory whatever it is called by then.
    fn base(&self, entry: &Entry) -> String {
        let guid = AttributeName::new("objectGUID");
        let guid = entry.values(&guid).next().and_then(|value| uuid::Uuid::from_slice_le(value).ok());
        match guid {
            Some(guid) if self.server == ServerKind::ActiveDirectory => format!("<GUID={guid}>"),
            _ => String::from_utf8_lossy(&entry.dn).into_owned(),
        }
    }
}
