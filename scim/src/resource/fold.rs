//! Search documents: what filters compare with.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::document::Document;
use crate::schema::{Attribute, DataType, Registry, ResourceKind, urns};

/// The folded twin of a document: all keys in lower case, text as it compares (RFC 7643 section 2.2, caseExact), times in
/// UTC.
pub fn fold(registry: &Registry, kind: ResourceKind, document: &Document) -> Value {
    let fields = document.iter().map(|(key, value)| {
        let folded = match value {
            Value::Object(fields) if urns::is_urn(key) => fold_extension(registry, kind, key, fields),
            value => fold_value(registry.find(kind, None, key).and_then(|found| found.attribute), value),
        };
        (fold_name(key), folded)
    });
    Value::Object(fields.collect())
}

/// One value as it is in a search document. Fields without a definition compare without case.
pub fn fold_value(attribute: Option<&Attribute>, value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(fold_attribute_text(attribute, text)),
        Value::Array(items) => items.iter().map(|item| fold_value(attribute, item)).collect(),
        Value::Object(fields) => {
            let sub = |name: &str| attribute.and_then(|attribute| attribute.sub(name));
            fields.iter().map(|(name, value)| (fold_name(name), fold_value(sub(name), value))).collect()
        }
        other => other.clone(),
    }
}

/// Unicode NFC, and lower case unless case matters; NFC again, since lower case may leave it. Character by character like the
/// name keys in the database, so that filters and uniqueness agree, and a prefix folds to a prefix (a final sigma would not).
pub fn fold_text(case_exact: bool, text: &str) -> String {
    if case_exact {
        return nfc(text);
    }
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfc().flat_map(char::to_lowercase).nfc().collect()
}

/// The name of an attribute, or a URN, as it is in a search document.
pub fn fold_name(name: &str) -> String {
    name.to_lowercase()
}

/// A dateTime (RFC 7643 section 2.3.5) as UTC with microseconds, so that text order is time order; None if it is none.
pub fn fold_time(text: &str) -> Option<String> {
    let time = DateTime::parse_from_rfc3339(text.trim()).ok()?;
    Some(time.with_timezone(&Utc).to_rfc3339_opts(SecondsFormat::Micros, true))
}

fn fold_extension(registry: &Registry, kind: ResourceKind, urn: &str, fields: &Map<String, Value>) -> Value {
    let fields = fields.iter().map(|(name, value)| {
        let attribute = registry.find(kind, Some(urn), name).and_then(|found| found.attribute);
        (fold_name(name), fold_value(attribute, value))
    });
    Value::Object(fields.collect())
}

fn fold_attribute_text(attribute: Option<&Attribute>, text: &str) -> String {
    let Some(attribute) = attribute else {
        return fold_text(false, text);
    };
    if attribute.data_type == DataType::DateTime
        && let Some(time) = fold_time(text)
    {
        return time;
    }
    fold_text(attribute.case_exact, text)
}

fn nfc(text: &str) -> String {
    if is_nfc(text) { text.to_owned() } else { text.nfc().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::RegistryOptions;
    use serde_json::json;

    fn folded(options: RegistryOptions, document: Value) -> Value {
        fold(&Registry::new(options), ResourceKind::User, document.as_object().unwrap())
    }

    #[test]
    fn folds_names_and_text_but_not_exact_values() {
        let document = json!({
            "userName": "Åsa", "externalId": "AbC", "active": true, "profileUrl": "https://X/Y",
            "emails": [{"value": "A@B.C", "type": "Work", "primary": true}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
                {"department": "R&D", "manager": {"value": "ID-1", "displayName": "Bo"}},
        });
        assert_eq!(
            folded(RegistryOptions::default(), document),
            json!({
                "username": "åsa", "externalid": "AbC", "active": true, "profileurl": "https://X/Y",
                "emails": [{"value": "a@b.c", "type": "work", "primary": true}],
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user":
                    {"department": "r&d", "manager": {"value": "ID-1", "displayname": "bo"}},
            })
        );
    }

    #[test]
    fn open_fields_fold_like_text() {
        let options =
            RegistryOptions { extensions: ["urn:x:Ext".to_owned()].into(), ..RegistryOptions::default() };
        assert_eq!(
            folded(options, json!({"urn:x:Ext": {"Test": ["A", {"Sub": "B"}], "N": 1.5}})),
            json!({"urn:x:ext": {"test": ["a", {"sub": "b"}], "n": 1.5}})
        );
    }

    #[test]
    fn usernames_may_be_case_sensitive() {
        let options = RegistryOptions { case_sensitive_usernames: true, ..RegistryOptions::default() };
        assert_eq!(folded(options, json!({"userName": "A"})), json!({"username": "A"}));
    }

    #[test]
    fn text_is_composed_first() {
        assert_eq!(fold_text(false, "A\u{30a}"), "å");
        assert_eq!(fold_text(true, "A\u{30a}"), "Å");
        assert_eq!(fold_text(false, "ΟΔΟΣ"), "οδοσ");
        assert_eq!(fold_text(false, "İ"), fold_text(false, "I\u{307}"));
    }

    #[test]
    fn times_become_utc() {
        assert_eq!(fold_time("2026-01-02T03:04:05+02:00").unwrap(), "2026-01-02T01:04:05.000000Z");
        assert_eq!(fold_time("2026-01-02T03:04:05.1234567Z").unwrap(), "2026-01-02T03:04:05.123456Z");
        assert_eq!(fold_time("yesterday"), None);
    }
}
