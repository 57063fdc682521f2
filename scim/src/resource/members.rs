//! Members of a group as clients name them.

use std::collections::HashSet;

use serde_json::Value;

use crate::document::{is_unassigned, value_of};
use crate::error::{ScimError, ScimType};
use crate::profile::Profile;

/// The ids of a `members` value in their order, each once. None: it names nobody and is no explicit [], so the members
/// stay. A list of nothing but junk must not empty a group.
pub fn read_members(profile: Profile, value: &Value) -> Result<Option<Vec<String>>, ScimError> {
    let items = match value {
        Value::Null => return Ok(None),
        Value::Array(items) => items.as_slice(),
        _ if profile.coerces_values() => std::slice::from_ref(value),
        _ => return Err(invalid("\"members\" must be an array")),
    };
    if items.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let mut members = Vec::with_capacity(items.len());
    let mut seen = HashSet::with_capacity(items.len());
    for item in items {
        if let Some(member) = member(profile, item)?
            && seen.insert(member.clone())
        {
            members.push(member);
        }
    }
    Ok((!members.is_empty()).then_some(members))
}

/// The id that one element names: `value`, or the end of `$ref` (RFC 7643 section 4.2).
fn member(profile: Profile, item: &Value) -> Result<Option<String>, ScimError> {
    let lenient = profile.coerces_values();
    let id = match item {
        Value::Object(fields) => match value_of(fields, "value") {
            Some(Value::String(id)) => Some(id.clone()),
            Some(Value::Number(id)) if lenient => Some(id.to_string()),
            Some(other) if !is_unassigned(other) => {
                return Err(invalid("\"members.value\" must be a string"));
            }
            _ => value_of(fields, "$ref").and_then(Value::as_str).and_then(last_segment),
        },
        Value::String(id) if lenient => Some(id.clone()),
        Value::Null if lenient => None,
        _ => return Err(invalid("each of \"members\" must be an object with \"value\"")),
    };
    match id.filter(|id| !id.trim().is_empty()) {
        Some(id) if id.contains('\0') => {
            Err(invalid("\"members.value\" must be without the character U+0000"))
        }
        Some(id) => Ok(Some(id)),
        None if lenient => Ok(None),
        None => Err(invalid("each of \"members\" must have a \"value\"")),
    }
}

fn last_segment(reference: &str) -> Option<String> {
    reference.trim_end_matches('/').rsplit('/').next().map(str::to_owned)
}

fn invalid(detail: &str) -> ScimError {
    ScimError::bad(ScimType::InvalidValue, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lenient(value: Value) -> Option<Vec<String>> {
        read_members(Profile::Default, &value).unwrap()
    }

    #[test]
    fn reads_the_forms_that_clients_send() {
        assert_eq!(
            lenient(json!([{"$ref": null, "value": "a"}, {"Value": "b", "display": "B"}])).unwrap(),
            ["a", "b"]
        );
        assert_eq!(lenient(json!({"value": "a"})).unwrap(), ["a"]);
        assert_eq!(lenient(json!(["a", "b", "a"])).unwrap(), ["a", "b"]);
        assert_eq!(lenient(json!([{"$ref": "https://x/scim/v2/Users/42/"}])).unwrap(), ["42"]);
        assert_eq!(lenient(json!([{"value": 42}])).unwrap(), ["42"]);
    }

    #[test]
    fn only_an_explicit_empty_list_empties() {
        assert_eq!(lenient(json!([])), Some(vec![]));
        for nobody in [
            json!(null),
            json!([null]),
            json!([{}]),
            json!([{"display": "x"}]),
            json!([{"value": ""}]),
            json!(""),
        ] {
            assert_eq!(lenient(nobody), None);
        }
    }

    #[test]
    fn strict_wants_objects_with_values() {
        for value in [json!({"value": "a"}), json!(["a"]), json!([{"display": "x"}]), json!([{"value": 1}])] {
            let error = read_members(Profile::Strict, &value).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
        }
        assert_eq!(read_members(Profile::Strict, &json!([{"value": "a"}])).unwrap().unwrap(), ["a"]);
        assert!(read_members(Profile::Default, &json!([{"value": "a\0"}])).is_err());
    }
}
