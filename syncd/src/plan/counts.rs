use std::collections::BTreeMap;

use serde::Serialize;

use super::Change;

const KINDS: [&str; 6] = ["user", "group", "membership", "nesting", "user_attribute", "group_attribute"];

/// How many changes of which kind.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Counts(BTreeMap<String, Count>);

#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Count {
    add: u64,
    change: u64,
    remove: u64,
}

impl Counts {
    pub fn count(&mut self, change: &Change) {
        let count = self.0.entry(change.kind.clone()).or_default();
        match change.change.as_str() {
            "add" => count.add += 1,
            "remove" => count.remove += 1,
            _ => count.change += 1,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn has_removals(&self) -> bool {
        self.0.values().any(|count| count.remove > 0)
    }

    /// One line per kind, in the order in which changes are listed.
    pub fn lines(&self) -> Vec<String> {
        let known = KINDS.into_iter().filter_map(|kind| self.0.get_key_value(kind));
        let others = self.0.iter().filter(|(kind, _)| !KINDS.contains(&kind.as_str()));
        known
            .chain(others)
            .map(|(kind, count)| {
                format!("{kind:<16} +{:<8} ~{:<8} -{:<8}", count.add, count.change, count.remove)
                    .trim_end()
                    .to_owned()
            })
            .collect()
    }
}
