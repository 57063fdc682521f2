//! Who is known in a read of changes, and whom groups mean.

use std::collections::{HashMap, HashSet};

use super::super::assemble::{Found as Known, Resolve, Spelt, Wanted};
use super::super::fetch::Fetch;
use super::super::mapping::external_id;
use crate::connector::{ConnectorError, Memory};
use crate::record::{Key, Kind, Member, Reference};

/// Names that groups list and that nobody knows, looked up in the directory in one run.
const LOOKUPS: usize = 1000;

/// Who was looked at in this run.
#[derive(Default)]
pub(super) struct People {
    /// By what they are called now.
    pub names: HashMap<Reference, Known>,
    /// Who is there. One id may be asked for as both kinds.
    pub there: HashSet<(Kind, Key)>,
    /// What is remembered of these is out of date.
    pub seen: HashSet<Key>,
    /// As they are called now; groups may have called them otherwise before.
    pub called: Vec<(Key, String)>,
    /// Names that lead to nobody in the directory.
    nobody: HashSet<Reference>,
    lookups: usize,
    /// Met as members, and not reported as changed (yet).
    pub late_users: HashMap<String, Option<String>>,
    pub late_groups: HashMap<String, Option<String>>,
}

impl People {
    pub(super) fn saw(&mut self, kind: Kind, key: Key) {
        self.there.insert((kind, key));
        self.seen.insert(key);
    }
}

pub(super) fn known(kind: Kind, key: Key, quarantined: bool) -> Known {
    Known { member: Member { kind, key }, quarantined }
}

/// First who was looked at in this run, then what was stated before, then the directory itself.
pub(super) struct Resolver<'a> {
    pub memory: &'a dyn Memory,
    pub people: &'a mut People,
    pub places: [(Kind, &'a Fetch); 2],
}

impl Resolve for Resolver<'_> {
    async fn members(&mut self, wanted: &[Wanted<'_>]) -> Result<Vec<Option<Known>>, ConnectorError> {
        let unseen: Vec<Reference> = wanted
            .iter()
            .map(|wanted| wanted.reference)
            .filter(|reference| !self.people.names.contains_key(reference))
            .collect();
        let remembered = match unseen.is_empty() {
            true => HashMap::new(),
            false => self.memory.members(&unseen).await?,
        };
        let mut found = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            let here = self.people.names.get(&wanted.reference).copied();
            // Whoever was looked at is called by another name now, or gone.
            let before =
                remembered.get(&wanted.reference).filter(|member| !self.people.seen.contains(&member.key));
            found.push(match here.or(before.map(|member| known(member.kind, member.key, false))) {
                Some(known) => Some(known),
                None => self.look_up(wanted).await?,
            });
        }
        Ok(found)
    }
}

impl Resolver<'_> {
    /// Somebody who was renamed or created after the changes were told: to lose the membership until the
    /// next run would be wrong.
    async fn look_up(&mut self, wanted: &Wanted<'_>) -> Result<Option<Known>, ConnectorError> {
        let Spelt::Name(name) = wanted.spelt else { return Ok(None) };
        let Ok(name) = std::str::from_utf8(name) else { return Ok(None) };
        if name.trim().is_empty()
            || self.people.lookups == LOOKUPS
            || self.people.nobody.contains(&wanted.reference)
        {
            return Ok(None);
        }
        self.people.lookups += 1;
        for (kind, place) in self.places {
            let mut fetch = place.clone();
            fetch.attributes = [fetch.id.as_str().to_owned()].into();
            let Some(entry) = fetch.by_name(name).await? else { continue };
            let Ok(id) = external_id(&entry, &fetch.id) else { continue };
            if !fetch.covers(&entry.dn) {
                continue;
            }
            let known = known(kind, Key::of(&id), false);
            self.people.names.insert(wanted.reference, known);
            let late = match kind {
                Kind::User => &mut self.people.late_users,
                Kind::Group => &mut self.people.late_groups,
            };
            late.insert(id, Some(name.to_owned()));
            return Ok(Some(known));
        }
        self.people.nobody.insert(wanted.reference);
        Ok(None)
    }
}
