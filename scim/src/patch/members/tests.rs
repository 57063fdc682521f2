use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Op {
    Clear,
    Add(Vec<u8>),
    Remove(Vec<u8>),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let ids = || proptest::collection::vec(0u8..6, 0..4);
    let op = prop_oneof![1 => Just(Op::Clear), 4 => ids().prop_map(Op::Add), 4 => ids().prop_map(Op::Remove)];
    proptest::collection::vec(op, 0..8)
}

fn names(ids: &[u8]) -> Vec<String> {
    ids.iter().map(u8::to_string).collect()
}

fn collected(ops: &[Op]) -> MemberChange {
    let mut members = MemberOps::default();
    for op in ops {
        match op {
            Op::Clear => members.clear(),
            Op::Add(ids) => members.add(names(ids)),
            Op::Remove(ids) => members.remove(names(ids)),
        }
    }
    members.finish()
}

fn one_after_the_other(mut present: BTreeSet<String>, ops: &[Op]) -> BTreeSet<String> {
    for op in ops {
        match op {
            Op::Clear => present.clear(),
            Op::Add(ids) => present.extend(names(ids)),
            Op::Remove(ids) => present.retain(|id| !names(ids).contains(id)),
        }
    }
    present
}

fn at_once(present: BTreeSet<String>, change: &MemberChange) -> BTreeSet<String> {
    let mut members = if change.clear { BTreeSet::new() } else { present };
    members.retain(|id| !change.remove.contains(id));
    members.extend(change.add.iter().cloned());
    members
}

proptest! {
    #[test]
    fn the_net_change_is_that_of_all_operations(present in proptest::collection::btree_set(0u8..6, 0..6), ops in ops()) {
        let present: BTreeSet<String> = present.iter().map(u8::to_string).collect();
        let change = collected(&ops);
        prop_assert_eq!(at_once(present.clone(), &change), one_after_the_other(present, &ops));
        prop_assert!(change.add.iter().all(|id| !change.remove.contains(id)));
        prop_assert!(!change.clear || change.remove.is_empty());
        prop_assert_eq!(change.add.iter().collect::<BTreeSet<_>>().len(), change.add.len());
    }
}

#[test]
fn members_are_added_in_the_order_in_which_they_were_named() {
    let change = collected(&[Op::Add(vec![3, 1]), Op::Remove(vec![3]), Op::Add(vec![2, 1, 3])]);
    assert_eq!(change.add, ["1", "2", "3"]);
    assert!(change.remove.is_empty() && !change.clear);
}
