//! What a provider stated about one resource, in canonical form.

use serde_json::{Map, Value};

/// Known attributes in their canonical case, extensions below the canonical case of their URN, nothing unassigned, and
/// without what the server answers for: id, schemas, meta, groups, members, password.
pub type Document = Map<String, Value>;

/// Attributes that no document holds.
pub const NOT_STORED: [&str; 6] = ["id", "schemas", "meta", "groups", "members", "password"];

/// The key of `object` that is `name` when case is ignored (RFC 7643 section 2.1). The exact one wins, since an extension
/// without a schema may hold two that differ in case only.
pub fn key_of<'o>(object: &'o Map<String, Value>, name: &str) -> Option<&'o str> {
    if let Some((key, _)) = object.get_key_value(name) {
        return Some(key);
    }
    object.keys().find(|key| same_name(key, name)).map(String::as_str)
}

/// The value of the key that is `name` when case is ignored.
pub fn value_of<'o>(object: &'o Map<String, Value>, name: &str) -> Option<&'o Value> {
    object.get(key_of(object, name)?)
}

/// Attribute names and URNs compare without case.
pub fn same_name(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// True for what RFC 7643 section 2.5 calls unassigned: null and the empty array; {} says as little.
pub fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// `value` without anything unassigned inside; None if nothing remains.
pub fn pruned(value: Value) -> Option<Value> {
    let value = match value {
        Value::Array(items) => Value::Array(items.into_iter().filter_map(pruned).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().filter_map(|(key, value)| Some((key, pruned(value)?))).collect())
        }
        simple => simple,
    };
    (!is_unassigned(&value)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn finds_keys_in_any_case_and_prefers_the_exact_one() {
        let object = json!({"Test": 1, "TEST": 2}).as_object().unwrap().clone();
        assert_eq!(key_of(&object, "TEST"), Some("TEST"));
        assert_eq!(value_of(&object, "Test"), Some(&json!(1)));
        assert!(key_of(&object, "tEsT").is_some());
        assert_eq!(key_of(&object, "tests"), None);
    }

    #[test]
    fn prunes_what_is_unassigned_at_any_depth() {
        assert_eq!(
            pruned(json!({"a": null, "b": [{}, {"c": []}], "d": false, "e": ""})),
            Some(json!({"d": false, "e": ""}))
        );
        assert_eq!(pruned(json!({"a": [null]})), None);
        assert_eq!(pruned(json!(0)), Some(json!(0)));
    }
}
