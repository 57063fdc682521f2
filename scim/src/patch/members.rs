//! Members of a group: operations in their order become one change that needs no look at the group.

use std::collections::HashMap;

use crate::document::same_name;
use crate::filter::{CompareOp, Filter, LinkCondition, Literal};

/// The members afterwards are `clear ? none : present, minus remove, minus those that any of matching holds for`, plus `add`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberChange {
    pub clear: bool,
    /// In the order in which they were named, each once; none of them is in `remove`.
    pub add: Vec<String>,
    pub remove: Vec<String>,
    /// `members[display eq "x"]` and everything else that names no ids. It does not concern `add`.
    pub matching: Vec<LinkCondition>,
}

impl MemberChange {
    pub fn is_empty(&self) -> bool {
        !self.clear && self.add.is_empty() && self.remove.is_empty() && self.matching.is_empty()
    }
}

/// Operations are collected by id, so that a message may name very many.
#[derive(Debug, Default)]
pub(super) struct MemberOps {
    clear: bool,
    matching: Vec<LinkCondition>,
    fate: HashMap<String, Fate>,
    order: usize,
}

#[derive(Debug, Clone, Copy)]
struct Fate {
    stays: bool,
    order: usize,
}

impl MemberOps {
    pub(super) fn clear(&mut self) {
        *self = Self { clear: true, order: self.order, ..Self::default() };
    }

    pub(super) fn add(&mut self, ids: Vec<String>) {
        for id in ids {
            self.order += 1;
            let fate = Fate { stays: true, order: self.order };
            let known = self.fate.entry(id).or_insert(fate);
            if !known.stays {
                *known = fate;
            }
        }
    }

    pub(super) fn remove(&mut self, ids: Vec<String>) {
        for id in ids {
            self.order += 1;
            if self.clear {
                self.fate.remove(&id);
            } else {
                self.fate.insert(id, Fate { stays: false, order: self.order });
            }
        }
    }

    pub(super) fn remove_matching(&mut self, condition: LinkCondition) {
        if !self.clear {
            self.matching.push(condition);
        }
    }

    pub(super) fn finish(self) -> MemberChange {
        let mut fates: Vec<(String, Fate)> = self.fate.into_iter().collect();
        fates.sort_unstable_by_key(|(_, fate)| fate.order);
        let (add, remove): (Vec<_>, Vec<_>) = fates.into_iter().partition(|(_, fate)| fate.stays);
        let ids = |fates: Vec<(String, Fate)>| fates.into_iter().map(|(id, _)| id).collect();
        MemberChange { clear: self.clear, add: ids(add), remove: ids(remove), matching: self.matching }
    }
}

/// The ids that `value eq "a" or value eq "b"` names; None if the filter says anything else.
pub(super) fn named_ids(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare { name, op: CompareOp::Eq, literal: Literal::Text(id) }
            if same_name(name, "value") =>
        {
            Some(vec![id.clone()])
        }
        Filter::Or(branches) => branches
            .iter()
            .map(named_ids)
            .collect::<Option<Vec<_>>>()
            .map(|ids| ids.into_iter().flatten().collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
