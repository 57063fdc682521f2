//! Which name belongs to which user or group: what membership is resolved through.
//!
//! One slot of 33 bytes and about 10 bytes of index per entry, so that a million entries take less
//! than 50 MiB. Who is listed by user name too has a second slot.

use hashbrown::HashTable;

use super::assemble::Found;
use crate::record::{Key, Kind, Member, Reference};

#[derive(Default)]
pub(super) struct Names {
    slots: Vec<Slot>,
    by_name: HashTable<u32>,
    /// Built when it is first asked for: most reads never need it.
    by_key: Option<HashTable<u32>>,
}

#[derive(PartialEq, Eq)]
struct Slot {
    name: Reference,
    key: Key,
    /// Kind and whether it is quarantined, in one byte.
    tag: u8,
}

const GROUP: u8 = 1;
const QUARANTINED: u8 = 2;

impl Slot {
    fn new(name: Reference, found: Found) -> Self {
        let kind = if found.member.kind == Kind::Group { GROUP } else { 0 };
        let tag = kind | if found.quarantined { QUARANTINED } else { 0 };
        Self { name, key: found.member.key, tag }
    }

    fn found(&self) -> Found {
        let kind = if self.tag & GROUP == 0 { Kind::User } else { Kind::Group };
        Found { member: Member { kind, key: self.key }, quarantined: self.tag & QUARANTINED != 0 }
    }
}

impl Names {
    /// Where it is kept, for `at`.
    pub(super) fn insert(&mut self, name: Reference, found: Found) -> u32 {
        let at = self.slots.len() as u32;
        let slot = Slot::new(name, found);
        let hash = hash(name.as_bytes());
        match self.by_name.find_mut(hash, |&at| self.slots[at as usize].name == name) {
            Some(known) if self.slots[*known as usize] == slot => return *known,
            // The name has changed hands since it was read. The one before keeps its slot, because
            // it may be met again by its id, under its new name.
            Some(known) => *known = at,
            None => {
                let slots = &self.slots;
                self.by_name.insert_unique(hash, at, |&at| self::hash(slots[at as usize].name.as_bytes()));
            }
        }
        self.slots.push(slot);
        let slots = &self.slots;
        if let Some(by_key) = &mut self.by_key {
            by_key.insert_unique(hash_of_key(slots, at), at, |&at| hash_of_key(slots, at));
        }
        at
    }

    pub(super) fn find(&self, name: Reference) -> Option<Found> {
        let at = self.by_name.find(hash(name.as_bytes()), |&at| self.slots[at as usize].name == name)?;
        Some(self.at(*at))
    }

    pub(super) fn at(&self, at: u32) -> Found {
        self.slots[at as usize].found()
    }

    /// The user or group of this id that has been read in this run, under whatever name.
    pub(super) fn find_key(&mut self, key: Key) -> Option<Found> {
        let slots = &self.slots;
        let by_key = self.by_key.get_or_insert_with(|| {
            let mut table = HashTable::with_capacity(slots.len());
            for at in 0..slots.len() as u32 {
                table.insert_unique(hash_of_key(slots, at), at, |&at| hash_of_key(slots, at));
            }
            table
        });
        let at = by_key.find(hash(key.as_bytes()), |&at| slots[at as usize].key == key)?;
        Some(slots[*at as usize].found())
    }
}

fn hash_of_key(slots: &[Slot], at: u32) -> u64 {
    hash(slots[at as usize].key.as_bytes())
}

// The keys are parts of cryptographic hashes already.
fn hash(bytes: &[u8; 16]) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::super::dn::DnKeys;
    use super::*;

    fn dn(name: &str) -> Reference {
        DnKeys::default().key(name.as_bytes()).unwrap()
    }

    fn user(id: &str) -> Found {
        Found { member: Member { kind: Kind::User, key: Key::of(id) }, quarantined: false }
    }

    #[test]
    fn names_and_keys_are_found() {
        let mut names = Names::default();
        for number in 0..1000 {
            names.insert(dn(&format!("uid={number}")), user(&number.to_string()));
        }
        names.insert(dn("UID=5"), user("5"));
        assert_eq!(names.slots.len(), 1000, "the same once more takes no room");
        assert_eq!(names.find(dn("uid=77")), Some(user("77")));
        assert_eq!(names.find(dn("uid=x")), None);
        assert_eq!(names.find_key(Key::of("999")), Some(user("999")));
        assert_eq!(names.find_key(Key::of("1000")), None);

        names.insert(dn("uid=new name"), user("1000"));
        assert_eq!(names.find_key(Key::of("1000")), Some(user("1000")));
    }

    #[test]
    fn a_name_taken_over_belongs_to_the_later_entry() {
        let mut names = Names::default();
        names.insert(dn("cn=a"), user("1"));
        names.insert(dn("cn=a"), user("2"));
        assert_eq!(names.find(dn("cn=a")), Some(user("2")));
        assert_eq!(names.find_key(Key::of("1")), Some(user("1")), "the one before is still known by its id");
    }

    #[test]
    fn what_is_put_in_comes_out() {
        let mut names = Names::default();
        for (kind, quarantined) in [(Kind::User, true), (Kind::Group, false), (Kind::Group, true)] {
            let found = Found { member: Member { kind, key: Key::of("1") }, quarantined };
            let at = names.insert(dn("cn=a"), found);
            assert_eq!((names.find(dn("cn=a")), names.at(at)), (Some(found), found));
        }
    }

    #[test]
    fn a_slot_stays_small() {
        assert_eq!(size_of::<Slot>(), 33);
    }
}
