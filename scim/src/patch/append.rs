//! Lists of values: what is in them already is not added again, and what is named is taken out.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::resource::{is_primary, settle_primary};

/// Adds each value that is not there. One with the `value` and `type` of an element is that element and is merged into it;
/// without a type the `value` decides. Maps keep long lists linear.
pub(super) fn append(items: &mut Vec<Value>, added: Vec<Value>) {
    let mut known = Known::of(items);
    let mut primary = None;
    for value in added {
        let at = match known.find(&value) {
            Some(at) => {
                merge(&mut items[at], value);
                at
            }
            None => {
                known.note(items.len(), &value);
                items.push(value);
                items.len() - 1
            }
        };
        if is_primary(&items[at]) {
            primary = Some(at);
        }
    }
    finish(items, primary);
}

/// Removes what is named: by `value` and `type`, by `value` alone, or the very same.
pub(super) fn take(items: &mut Vec<Value>, taken: &[Value]) {
    let mut wanted = Known::default();
    taken.iter().for_each(|value| wanted.note(0, value));
    items.retain(|item| !wanted.names(item));
}

/// At most one primary element, and none twice, as `resource::Normaliser` leaves lists.
pub(super) fn finish(items: &mut Vec<Value>, primary: Option<usize>) {
    settle_primary(items, primary);
    let mut seen = BTreeSet::new();
    items.retain(|item| seen.insert(item.to_string()));
}

fn merge(item: &mut Value, value: Value) {
    if let (Value::Object(item), Value::Object(fields)) = (item, value) {
        item.extend(fields);
    }
}

#[derive(Default)]
struct Known {
    /// By the JSON of the whole element.
    same: HashMap<String, usize>,
    by_type: HashMap<(String, Option<String>), usize>,
    by_value: HashMap<String, usize>,
}

impl Known {
    fn of(items: &[Value]) -> Self {
        let mut known = Self::default();
        items.iter().enumerate().for_each(|(at, item)| known.note(at, item));
        known
    }

    fn note(&mut self, at: usize, item: &Value) {
        self.same.entry(item.to_string()).or_insert(at);
        if let Some(value) = sub(item, "value") {
            self.by_type.entry((value.clone(), sub(item, "type"))).or_insert(at);
            self.by_value.entry(value).or_insert(at);
        }
    }

    fn find(&self, item: &Value) -> Option<usize> {
        let Some(value) = sub(item, "value") else {
            return self.same.get(&item.to_string()).copied();
        };
        match sub(item, "type") {
            None => self.by_value.get(&value).copied(),
            some => self.by_type.get(&(value, some)).copied(),
        }
    }

    fn names(&self, item: &Value) -> bool {
        if self.same.contains_key(&item.to_string()) {
            return true;
        }
        let Some(value) = sub(item, "value") else { return false };
        self.by_type.contains_key(&(value.clone(), None))
            || self.by_type.contains_key(&(value, sub(item, "type")))
    }
}

fn sub(item: &Value, name: &str) -> Option<String> {
    item.get(name).map(Value::to_string)
}
