//! Entry by entry: new or changed goes to staging, unchanged costs a look-up, and what was known and not
//! seen is absent.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::memory::Recollection;
use crate::connector::ReadSummary;
use crate::database::DatabaseError;
use crate::known::{Known, Sighting};
use crate::record::{Entity, Key, Kind, Record};
use crate::staging::{Counts, Staging};

const TWICE: &str = "two entries carry the same id";

pub struct Comparison {
    memory: Arc<Recollection>,
    /// Loaded when it is needed: who reads changes only rarely does.
    known: Option<Known>,
    /// What was mentioned before that.
    mentioned: HashSet<(Kind, Key)>,
    staging: Staging,
    /// Entries without a readable id: whom they stand for is unknown, so nobody of that kind is absent.
    unreadable_users: u64,
    unreadable_groups: u64,
}

impl Comparison {
    pub fn new(memory: Arc<Recollection>, staging: Staging) -> Self {
        Self {
            memory,
            known: None,
            mentioned: HashSet::new(),
            staging,
            unreadable_users: 0,
            unreadable_groups: 0,
        }
    }

    /// Before anything is read, if it is certain that everything will be.
    pub async fn prepare(&mut self) -> Result<(), DatabaseError> {
        if self.memory.is_for_everything() { self.load().await } else { Ok(()) }
    }

    async fn load(&mut self) -> Result<(), DatabaseError> {
        if self.known.is_some() {
            return Ok(());
        }
        let mut known = self.memory.known_entities().await?;
        for (kind, key) in std::mem::take(&mut self.mentioned) {
            known.see(kind, key);
        }
        self.known = Some(known);
        Ok(())
    }

    pub async fn take(&mut self, record: Record) -> Result<(), DatabaseError> {
        if self.memory.is_for_many() {
            self.load().await?;
        }
        match record {
            Record::Entity(entity) => self.take_entity(&entity).await,
            // A source that says who there is has nothing to say about others' users.
            Record::Facts(_) => Ok(()),
            Record::Gone { kind, key } => match self.see(kind, key) {
                Sighting::Again => Ok(()),
                _ => self.staging.put_absent(kind, key).await,
            },
            Record::Present { kind, key } => {
                self.see(kind, key);
                Ok(())
            }
            Record::Quarantined { kind, key, shown, reason, mut entry } => {
                self.note_present(kind, key);
                replace_nul(&mut entry);
                let (shown, reason) = (without_nul(&shown), without_nul(&reason));
                self.staging.put_quarantined(kind, key, &shown, &reason, &entry).await
            }
        }
    }

    /// The source came to its end: stages who is absent and waits until all is in the database.
    pub async fn finish(mut self, summary: &ReadSummary) -> Result<(Counts, Option<String>), DatabaseError> {
        let mut notes = Vec::new();
        for (kind, unreadable) in [(Kind::User, self.unreadable_users), (Kind::Group, self.unreadable_groups)]
        {
            if summary.partial && !summary.swept.contains(&kind) {
                continue;
            }
            if unreadable > 0 {
                notes.push(kept_note(kind, unreadable));
                continue;
            }
            self.load().await?;
            for key in self.known.iter().flat_map(|known| known.unseen(kind)) {
                self.staging.put_absent(kind, key).await?;
            }
        }
        let counts = self.staging.finish().await?;
        Ok((counts, (!notes.is_empty()).then(|| notes.join("; "))))
    }

    fn see(&mut self, kind: Kind, key: Key) -> Sighting {
        match &mut self.known {
            Some(known) => known.see(kind, key),
            None if self.mentioned.insert((kind, key)) => Sighting::New,
            None => Sighting::Again,
        }
    }

    async fn take_entity(&mut self, entity: &Entity) -> Result<(), DatabaseError> {
        let everything = self.memory.is_for_everything();
        let sighting = self.see(entity.kind, entity.key);
        if sighting == Sighting::Again {
            // Who reads changes may come across an entry in more than one way.
            return if everything { self.quarantine(entity, TWICE).await } else { Ok(()) };
        }
        if let Some(field) = field_with_nul(entity) {
            let reason = format!("{field} contains a NUL character, which PostgreSQL cannot store");
            return self.quarantine(entity, &reason).await;
        }
        let fingerprint = entity.fingerprint();
        if sighting == (Sighting::Known { fingerprint }) {
            // Who reads everything leaves nothing in quarantine that is not there again.
            return match !everything && self.memory.was_quarantined(entity.kind, entity.key) {
                true => self.staging.put_cleared(entity.kind, entity.key).await,
                false => Ok(()),
            };
        }
        self.staging.put_entity(entity, &fingerprint).await
    }

    async fn quarantine(&mut self, entity: &Entity, reason: &str) -> Result<(), DatabaseError> {
        let mut entry = serde_json::json!({
            "external_id": entity.external_id,
            "name": entity.name,
            "display_name": entity.display_name,
            "email": entity.email,
        });
        replace_nul(&mut entry);
        let shown = without_nul(&entity.external_id);
        self.staging.put_quarantined(entity.kind, Some(entity.key), &shown, reason, &entry).await
    }

    /// A quarantined entry is there, even if it cannot be taken: what was known of it stays.
    fn note_present(&mut self, kind: Kind, key: Option<Key>) {
        match (key, kind) {
            (Some(key), _) => drop(self.see(kind, key)),
            (None, Kind::User) => self.unreadable_users += 1,
            (None, Kind::Group) => self.unreadable_groups += 1,
        }
    }
}

fn kept_note(kind: Kind, unreadable: u64) -> String {
    let entries = if unreadable == 1 { "entry" } else { "entries" };
    format!("no {kind} was removed, because {unreadable} {kind} {entries} had no readable id")
}

fn field_with_nul(entity: &Entity) -> Option<&str> {
    let has_nul = |text: &str| text.as_bytes().contains(&0);
    let fixed = [
        ("external id", Some(&entity.external_id)),
        ("name", Some(&entity.name)),
        ("display_name", entity.display_name.as_ref()),
        ("email", entity.email.as_ref()),
    ];
    let fixed = fixed.into_iter().find(|(_, text)| text.is_some_and(|text| has_nul(text)));
    let profile = || entity.profile.iter().find(|(_, text)| has_nul(text)).map(|(name, _)| name.as_str());
    let value = || entity.values.iter().find(|(_, text)| has_nul(text)).map(|(name, _)| name.as_str());
    fixed.map(|(field, _)| field).or_else(profile).or_else(value)
}

fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn replace_nul(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = without_nul(text),
        Value::Array(items) => items.iter_mut().for_each(replace_nul),
        Value::Object(fields) => {
            fields.values_mut().for_each(replace_nul);
            if fields.keys().any(|name| name.contains('\0')) {
                *fields = std::mem::take(fields).into_iter().map(|(n, v)| (without_nul(&n), v)).collect();
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_is_replaced_wherever_it_hides() {
        let mut entry = serde_json::json!({"a\u{0}": ["x\u{0}y", {"b": "\u{0}"}], "c": 1});
        replace_nul(&mut entry);
        assert_eq!(entry, serde_json::json!({"a\u{fffd}": ["x\u{fffd}y", {"b": "\u{fffd}"}], "c": 1}));
    }

    #[test]
    fn the_note_counts() {
        assert_eq!(kept_note(Kind::User, 1), "no user was removed, because 1 user entry had no readable id");
        assert!(kept_note(Kind::Group, 2).contains("2 group entries"));
    }

    #[test]
    fn a_nul_is_found_by_field() {
        let mut entity = Entity {
            values: vec![("country".into(), "U\0".into())],
            ..Entity::new(Kind::User, "1".into(), "sam".into())
        };
        assert_eq!(field_with_nul(&entity), Some("country"));
        entity.email = Some("\0".into());
        assert_eq!(field_with_nul(&entity), Some("email"));
        entity.email = None;
        entity.values.clear();
        assert_eq!(field_with_nul(&entity), None);
    }
}
