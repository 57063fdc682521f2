//! A step on a document.

use serde_json::{Map, Value};

use super::append::{append, finish, take};
use super::step::{Change, Selection, Step, Target};
use crate::document::{Document, is_unassigned, key_of};
use crate::error::{ScimError, ScimType};
use crate::resource::{fold_value, is_primary};
use crate::schema::{Attribute, Registry, ResourceKind};

pub(super) fn run(
    step: &Step,
    registry: &Registry,
    kind: ResourceKind,
    document: &mut Document,
) -> Result<(), ScimError> {
    let Step { target, change } = step;
    let found = registry.find(kind, target.urn.as_deref(), &target.name);
    let attribute = found.and_then(|found| found.attribute);
    let Some(urn) = &target.urn else {
        return on_fields(document, target, change, attribute);
    };
    let mut extension = match document.remove(urn) {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    on_fields(&mut extension, target, change, attribute)?;
    if !extension.is_empty() {
        document.insert(urn.clone(), Value::Object(extension));
    }
    Ok(())
}

fn on_fields(
    fields: &mut Map<String, Value>,
    target: &Target,
    change: &Change,
    attribute: Option<&Attribute>,
) -> Result<(), ScimError> {
    let key = key_of(fields, &target.name).unwrap_or(&target.name).to_owned();
    let old = fields.remove(&key);
    let new = match (&target.selection, &target.sub) {
        (Some(selection), sub) => selected(old, target, selection, sub.as_deref(), change, attribute)?,
        (None, Some(sub)) => on_sub(old, sub, change, attribute),
        (None, None) => whole(old, change, attribute),
    };
    if let Some(new) = new.filter(|value| !is_unassigned(value)) {
        fields.insert(key, new);
    }
    Ok(())
}

/// The whole attribute.
fn whole(old: Option<Value>, change: &Change, attribute: Option<&Attribute>) -> Option<Value> {
    match change {
        Change::Unset => None,
        Change::Set(value) => Some(value.clone()),
        Change::Extend(value) => Some(extended(old, value)),
        Change::Merge { fields, cleared } => {
            let mut object = as_object(old);
            merge(&mut object, fields, cleared, attribute);
            Some(Value::Object(object))
        }
        Change::Overwrite { fields, .. } => Some(Value::Object(fields.clone())),
        Change::Append(values) => {
            let mut items = as_list(old);
            append(&mut items, values.clone());
            Some(Value::Array(items))
        }
        Change::Take(values) => {
            let mut items = as_list(old);
            take(&mut items, values);
            Some(Value::Array(items))
        }
    }
}

/// Without a definition the values tell what they are.
fn extended(old: Option<Value>, value: &Value) -> Value {
    match (old, value) {
        (Some(Value::Array(mut items)), value) => {
            append(&mut items, as_list(Some(value.clone())));
            Value::Array(items)
        }
        (Some(Value::Object(mut object)), Value::Object(fields)) => {
            object.extend(fields.clone());
            Value::Object(object)
        }
        (_, value) => value.clone(),
    }
}

/// A sub-attribute of a complex value, or of each element of a list.
fn on_sub(old: Option<Value>, sub: &str, change: &Change, attribute: Option<&Attribute>) -> Option<Value> {
    match old {
        Some(Value::Array(mut items)) => {
            items.iter_mut().filter_map(Value::as_object_mut).for_each(|item| put(item, sub, change));
            items.retain(|item| !is_unassigned(item));
            finish(&mut items, None);
            Some(Value::Array(items))
        }
        Some(Value::Object(mut object)) => {
            set_sub(&mut object, sub, change, attribute);
            Some(Value::Object(object))
        }
        Some(simple) if matches!(change, Change::Unset) => Some(simple),
        _ => {
            let mut object = Map::new();
            put(&mut object, sub, change);
            let is_list = attribute.is_some_and(|attribute| attribute.multi_valued) && !object.is_empty();
            Some(if is_list { Value::Array(vec![Value::Object(object)]) } else { Value::Object(object) })
        }
    }
}

fn set_sub(object: &mut Map<String, Value>, sub: &str, change: &Change, attribute: Option<&Attribute>) {
    let (fields, cleared) = match change {
        Change::Set(value) => (Map::from_iter([(sub.to_owned(), value.clone())]), Vec::new()),
        _ => (Map::new(), vec![sub.to_owned()]),
    };
    merge(object, &fields, &cleared, attribute);
}

/// A single complex value whose `value` becomes another one, such as a manager, is another one: what else was known does
/// not describe it.
fn merge(
    object: &mut Map<String, Value>,
    fields: &Map<String, Value>,
    cleared: &[String],
    attribute: Option<&Attribute>,
) {
    let significant =
        attribute.is_some_and(|attribute| !attribute.multi_valued && attribute.sub("value").is_some());
    let replaced = fields.get("value").is_some_and(|value| object.get("value") != Some(value));
    let removed = cleared.iter().any(|name| name == "value") && !fields.contains_key("value");
    if significant && (replaced || removed) {
        object.clear();
    }
    for name in cleared {
        remove(object, name);
    }
    object.extend(fields.clone());
}

/// The elements that the brackets select.
fn selected(
    old: Option<Value>,
    target: &Target,
    selection: &Selection,
    sub: Option<&str>,
    change: &Change,
    attribute: Option<&Attribute>,
) -> Result<Option<Value>, ScimError> {
    let is_list =
        !matches!(old, Some(Value::Object(_))) && attribute.is_none_or(|attribute| attribute.multi_valued);
    let mut items = as_list(old);
    let hits: Vec<usize> =
        (0..items.len()).filter(|&at| selection.plan.holds(&fold_value(attribute, &items[at]))).collect();
    if hits.is_empty() && !matches!(change, Change::Unset) {
        if !is_list && !items.is_empty() {
            return Err(no_target(target));
        }
        let element = created(target, selection)?;
        items.push(element);
        let at = items.len() - 1;
        on_element(&mut items[at], selection, sub, change);
        finish_at(&mut items, Some(at));
    } else {
        hits.iter().for_each(|&at| on_element(&mut items[at], selection, sub, change));
        finish_at(&mut items, hits.last().copied());
    }
    Ok(if is_list { Some(Value::Array(items)) } else { items.into_iter().next() })
}

/// Elements that have become empty go last, since `at` counts them.
fn finish_at(items: &mut Vec<Value>, at: Option<usize>) {
    let primary = at.filter(|&at| is_primary(&items[at]));
    finish(items, primary);
    items.retain(|item| !is_unassigned(item));
}

fn created(target: &Target, selection: &Selection) -> Result<Value, ScimError> {
    let template = selection.template.clone().filter(|_| selection.creates);
    template.map(Value::Object).ok_or_else(|| no_target(target))
}

fn on_element(item: &mut Value, selection: &Selection, sub: Option<&str>, change: &Change) {
    if let (Change::Set(value), None) = (change, sub) {
        *item = value.clone();
        return;
    }
    let Value::Object(object) = item else { return };
    match (sub, change) {
        (Some(sub), change) => put(object, sub, change),
        (None, Change::Merge { fields, cleared }) => {
            cleared.iter().for_each(|name| remove(object, name));
            object.extend(fields.clone());
        }
        (None, Change::Overwrite { fields, keeps_template }) => {
            *object = selection.template.clone().filter(|_| *keeps_template).unwrap_or_default();
            object.extend(fields.clone());
        }
        (None, _) => object.clear(),
    }
}

fn put(object: &mut Map<String, Value>, sub: &str, change: &Change) {
    let key = key_of(object, sub).unwrap_or(sub).to_owned();
    match change {
        Change::Set(value) => drop(object.insert(key, value.clone())),
        _ => drop(object.remove(&key)),
    }
}

fn remove(object: &mut Map<String, Value>, name: &str) {
    if let Some(key) = key_of(object, name).map(str::to_owned) {
        object.remove(&key);
    }
}

fn as_object(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

fn as_list(value: Option<Value>) -> Vec<Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(items)) => items,
        Some(single) => vec![single],
    }
}

fn no_target(target: &Target) -> ScimError {
    ScimError::bad(
        ScimType::NoTarget,
        format!("no value of \"{}\" fits the brackets of the path: add one first", target.name),
    )
}
