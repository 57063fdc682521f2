//! Memberships that users and groups state themselves (`memberOf`), collected and handed to the groups.
//!
//! Eight bytes each: where ten million of them are, they fit beside the names.

use std::collections::HashMap;

use super::super::names::Names;
use crate::record::{Key, Member, Reference};

#[derive(Default)]
pub(in super::super) struct Edges {
    /// The groups of this run, numbered.
    groups: HashMap<Key, u32>,
    /// Number of a group, place of a member among the names.
    edges: Vec<(u32, u32)>,
    /// What groups said before all of them were known.
    nested: Vec<(Reference, Vec<u8>, u32)>,
    sorted: bool,
}

impl Edges {
    pub(in super::super) fn group(&mut self, key: Key) {
        let number = self.groups.len() as u32;
        self.groups.entry(key).or_insert(number);
    }

    pub(in super::super) fn later(&mut self, group: Reference, spelt: Vec<u8>, member: u32) {
        self.nested.push((group, spelt, member));
    }

    pub(in super::super) fn take_later(&mut self) -> Vec<(Reference, Vec<u8>, u32)> {
        std::mem::take(&mut self.nested)
    }

    /// Unless the group is none of this run.
    pub(in super::super) fn add(&mut self, group: Key, member: u32) {
        if let Some(&group) = self.groups.get(&group) {
            self.edges.push((group, member));
        }
    }

    /// Sorted and unique. All edges must have been added.
    pub(in super::super) fn members(&mut self, group: Key, names: &Names) -> Vec<Member> {
        if !self.sorted {
            self.edges.sort_unstable();
            self.sorted = true;
        }
        let Some(&number) = self.groups.get(&group) else { return Vec::new() };
        let start = self.edges.partition_point(|&(group, _)| group < number);
        let of_group = self.edges[start..].iter().take_while(|&&(group, _)| group == number);
        let mut members: Vec<_> = of_group.map(|&(_, member)| names.at(member).member).collect();
        members.retain(|member| member.key != group);
        members.sort_unstable();
        members.dedup();
        members
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::assemble::Found;
    use super::*;
    use crate::record::Kind;

    #[test]
    fn every_group_gets_its_own() {
        let mut names = Names::default();
        let mut place = |kind, id: &str| {
            let member = Member { kind, key: Key::of(id) };
            names.insert(Reference::of(id), Found { member, quarantined: false })
        };
        let (sam, sara, staff) =
            (place(Kind::User, "sam"), place(Kind::User, "sara"), place(Kind::Group, "staff"));
        let mut edges = Edges::default();
        ["staff", "all", "none"].iter().for_each(|group| edges.group(Key::of(group)));
        for (group, member) in [
            ("all", staff),
            ("staff", sam),
            ("all", sara),
            ("all", sara),
            ("elsewhere", sam),
            ("staff", staff),
        ] {
            edges.add(Key::of(group), member);
        }
        let mut of = |group: &str| edges.members(Key::of(group), &names);
        let user = |id: &str| Member { kind: Kind::User, key: Key::of(id) };
        assert_eq!(of("staff"), [user("sam")], "no group is in itself");
        assert_eq!(of("all"), [user("sara"), Member { kind: Kind::Group, key: Key::of("staff") }]);
        assert_eq!(of("none"), []);
        assert_eq!(of("elsewhere"), []);
    }
}
