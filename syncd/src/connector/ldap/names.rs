//! Which name belongs to which user or group: what membership is resolved through.
//!
//! One slot of 33 bytes and about 10 bytes of index per entry, so that a million entries take less
//! than 50 MiB.

use hashbrown::HashTable;

use crate::record::{Key, Member, Reference};

#[derive(Default)]
pub(super) struct Names {
    slots: Vec<Slot>,
    by_dn: HashTable<u32>,
    /// Built when it is first asked for: most reads never need it.
    by_key: Option<HashTable<u32>>,
}

struct Slot {
    dn: Reference,
    member: Member,
}

impl Names {
    pub(super) fn insert(&mut self, dn: Reference, member: Member) {
        let at = self.slots.len() as u32;
        let hash = hash(dn.as_bytes());
        match self.by_dn.find_mut(hash, |&at| self.slots[at as usize].dn == dn) {
            Some(known) if self.slots[*known as usize].member == member => return,
            // The name has changed hands since it was read. The one before keeps its slot, because
            // it may be met again by its id, under its new name.
            Some(known) => *known = at,
            None => {
                let slots = &self.slots;
                self.by_dn.insert_unique(hash, at, |&at| self::hash(slots[at as usize].dn.as_bytes()));
            }
        }
        self.slots.push(Slot { dn, member });
        let slots = &self.slots;
        if let Some(by_key) = &mut self.by_key {
            by_key.insert_unique(hash_of_key(slots, at), at, |&at| hash_of_key(slots, at));
        }
    }

    pub(super) fn find(&self, dn: Reference) -> Option<Member> {
        let at = self.by_dn.find(hash(dn.as_bytes()), |&at| self.slots[at as usize].dn == dn)?;
        Some(self.slots[*at as usize].member)
    }

    /// The user or group of this id that has been read in this run, under whatever name.
    pub(super) fn find_key(&mut self, key: Key) -> Option<Member> {
        let slots = &self.slots;
        let by_key = self.by_key.get_or_insert_with(|| {
            let mut table = HashTable::with_capacity(slots.len());
            for at in 0..slots.len() as u32 {
                table.insert_unique(hash_of_key(slots, at), at, |&at| hash_of_key(slots, at));
            }
            table
        });
        let at = by_key.find(hash(key.as_bytes()), |&at| slots[at as usize].member.key == key)?;
        Some(slots[*at as usize].member)
    }
}

fn hash_of_key(slots: &[Slot], at: u32) -> u64 {
    hash(slots[at as usize].member.key.as_bytes())
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
    use crate::record::Kind;

    fn dn(name: &str) -> Reference {
        DnKeys::default().key(name.as_bytes()).unwrap()
    }

    fn user(id: &str) -> Member {
        Member { kind: Kind::User, key: Key::of(id) }
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
    fn a_slot_stays_small() {
        assert_eq!(size_of::<Slot>(), 33);
    }
}
