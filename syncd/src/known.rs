//! What the database knows of a source's entities: 32 bytes each and a bit, so that a million of them
//! fit into a few dozen megabytes and an unchanged entity costs one look-up.

use std::collections::HashSet;

use crate::record::{Key, Kind};

/// No stored fingerprint (a hash is never all zero): the entity counts as changed.
const NO_FINGERPRINT: [u8; 16] = [0; 16];

#[derive(Debug, Default)]
pub struct Known {
    users: KnownKind,
    groups: KnownKind,
}

/// What one entry of this run means.
#[derive(Debug, PartialEq, Eq)]
pub enum Sighting {
    New,
    Known {
        fingerprint: [u8; 16],
    },
    /// This run had an entry of the same kind and id already.
    Again,
}

impl Known {
    pub fn add(&mut self, kind: Kind, key: Key, fingerprint: Option<[u8; 16]>) {
        self.of_mut(kind).entries.push((key, fingerprint.unwrap_or(NO_FINGERPRINT)));
    }

    /// To be called once, between the last `add` and the first `see`.
    pub fn seal(&mut self) {
        self.users.seal();
        self.groups.seal();
    }

    pub fn see(&mut self, kind: Kind, key: Key) -> Sighting {
        self.of_mut(kind).see(key)
    }

    /// The known entities of a kind that this run did not see.
    pub fn unseen(&self, kind: Kind) -> impl Iterator<Item = Key> + '_ {
        let known = self.of(kind);
        known.entries.iter().enumerate().filter(|(at, _)| !known.is_seen(*at)).map(|(_, (key, _))| *key)
    }

    fn of(&self, kind: Kind) -> &KnownKind {
        match kind {
            Kind::User => &self.users,
            Kind::Group => &self.groups,
        }
    }

    fn of_mut(&mut self, kind: Kind) -> &mut KnownKind {
        match kind {
            Kind::User => &mut self.users,
            Kind::Group => &mut self.groups,
        }
    }
}

/// Sorted by key, with an index over the first 16 bits. A hash map of the same content doubles its
/// memory whenever it grows.
#[derive(Debug, Default)]
struct KnownKind {
    entries: Vec<(Key, [u8; 16])>,
    /// Entries whose first 16 bits are `n` lie in `starts[n]..starts[n + 1]`.
    starts: Vec<u32>,
    seen: Vec<u64>,
    new: HashSet<Key>,
}

impl KnownKind {
    fn seal(&mut self) {
        self.entries.sort_unstable_by_key(|(key, _)| *key);
        self.seen = vec![0; self.entries.len().div_ceil(64)];
        self.starts = vec![0; (1 << 16) + 1];
        for (key, _) in &self.entries {
            self.starts[prefix(key) + 1] += 1;
        }
        for at in 1..self.starts.len() {
            self.starts[at] += self.starts[at - 1];
        }
    }

    fn see(&mut self, key: Key) -> Sighting {
        let Some(at) = self.position(&key) else {
            return if self.new.insert(key) { Sighting::New } else { Sighting::Again };
        };
        if self.is_seen(at) {
            return Sighting::Again;
        }
        self.seen[at / 64] |= 1 << (at % 64);
        Sighting::Known { fingerprint: self.entries[at].1 }
    }

    fn position(&self, key: &Key) -> Option<usize> {
        let from = *self.starts.get(prefix(key))? as usize;
        let to = self.starts[prefix(key) + 1] as usize;
        let found = self.entries[from..to].binary_search_by_key(key, |(key, _)| *key).ok()?;
        Some(from + found)
    }

    fn is_seen(&self, at: usize) -> bool {
        self.seen[at / 64] & (1 << (at % 64)) != 0
    }
}

fn prefix(key: &Key) -> usize {
    let bytes = key.as_bytes();
    usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: usize) -> Key {
        Key::of(&n.to_string())
    }

    fn known(count: usize) -> Known {
        let mut known = Known::default();
        for n in 0..count {
            known.add(Kind::User, key(n), Some([u8::try_from(n % 251).unwrap() + 1; 16]));
        }
        known.seal();
        known
    }

    #[test]
    fn every_known_entity_is_found_once() {
        let mut known = known(10_000);
        for n in 0..10_000 {
            let fingerprint = [u8::try_from(n % 251).unwrap() + 1; 16];
            assert_eq!(known.see(Kind::User, key(n)), Sighting::Known { fingerprint });
            assert_eq!(known.see(Kind::User, key(n)), Sighting::Again);
        }
        assert_eq!(known.unseen(Kind::User).count(), 0);
    }

    #[test]
    fn a_new_entity_is_new_once() {
        let mut known = known(10);
        assert_eq!(known.see(Kind::User, key(77)), Sighting::New);
        assert_eq!(known.see(Kind::User, key(77)), Sighting::Again);
        assert_eq!(known.see(Kind::Group, key(77)), Sighting::New, "kinds do not share ids");
    }

    #[test]
    fn what_was_not_seen_is_listed() {
        let mut known = known(200);
        for n in (0..200).filter(|n| *n != 3 && *n != 150) {
            known.see(Kind::User, key(n));
        }
        let mut unseen: Vec<Key> = known.unseen(Kind::User).collect();
        unseen.sort_unstable();
        let mut expected = vec![key(3), key(150)];
        expected.sort_unstable();
        assert_eq!(unseen, expected);
    }

    #[test]
    fn an_empty_map_knows_nobody() {
        let mut known = known(0);
        assert_eq!(known.see(Kind::User, key(1)), Sighting::New);
        assert_eq!(known.unseen(Kind::User).count(), 0);
    }

    #[test]
    fn a_missing_fingerprint_equals_no_hash() {
        let mut known = Known::default();
        known.add(Kind::Group, key(1), None);
        known.seal();
        assert_eq!(known.see(Kind::Group, key(1)), Sighting::Known { fingerprint: NO_FINGERPRINT });
    }
}
