//! The usual fields of a profile, for sources without a `profile_mapping`.

use serde_json::{Map, Value};

use super::texts::text;
use crate::document::{Document, value_of};
use crate::resource::is_primary;
use crate::schema::urns;

/// displayName, else the formatted name, else given and family name.
pub(super) fn display_name(document: &Document) -> Option<String> {
    let name = |sub: &str| field(document.get("name")?, sub);
    document
        .get("displayName")
        .and_then(text)
        .or_else(|| name("formatted"))
        .or_else(|| joined(" ", [name("givenName"), name("familyName")]))
}

/// The primary e-mail address, else one for work, else the first.
pub(super) fn email(document: &Document) -> Option<String> {
    preferred(document.get("emails")?, |item| field(item, "value"))
}

/// Everything else that a profile usually has; absent ones are left out.
pub(super) fn fields(document: &Document) -> Map<String, Value> {
    let name = |sub: &str| field(document.get("name")?, sub);
    let enterprise = |sub: &str| field(document.get(urns::ENTERPRISE_USER)?, sub);
    [
        ("given_name", name("givenName")),
        ("family_name", name("familyName")),
        (
            "phone",
            document.get("phoneNumbers").and_then(|phones| preferred(phones, |item| field(item, "value"))),
        ),
        ("title", document.get("title").and_then(text)),
        ("organization", enterprise("organization")),
        ("department", enterprise("department")),
        ("location", document.get("addresses").and_then(|addresses| preferred(addresses, location))),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))))
    .collect()
}

fn location(address: &Value) -> Option<String> {
    let part = |sub: &str| field(address, sub);
    part("formatted").or_else(|| joined(", ", [part("locality"), part("region"), part("country")]))
}

/// What `read` finds in the primary element, else in one for work, else in the first that has it at all.
fn preferred(list: &Value, read: impl Fn(&Value) -> Option<String>) -> Option<String> {
    let items = list.as_array()?;
    let is_work = |item: &&Value| field(item, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("work"));
    let primary = items.iter().filter(|item| is_primary(item)).find_map(&read);
    primary.or_else(|| items.iter().filter(is_work).find_map(&read)).or_else(|| items.iter().find_map(&read))
}

fn field(object: &Value, name: &str) -> Option<String> {
    text(value_of(object.as_object()?, name)?)
}

fn joined<const N: usize>(separator: &str, parts: [Option<String>; N]) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(separator))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(value: Value) -> Document {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn display_names_fall_back() {
        let name = |value| display_name(&document(value));
        let whole = json!({"formatted": "F", "givenName": "G", "familyName": "N"});
        assert_eq!(name(json!({"displayName": "D", "name": whole})).unwrap(), "D");
        assert_eq!(name(json!({"displayName": " ", "name": whole})).unwrap(), "F");
        assert_eq!(name(json!({"name": {"givenName": "G", "familyName": "N"}})).unwrap(), "G N");
        assert_eq!(name(json!({"name": {"familyName": "N"}})).unwrap(), "N");
        assert_eq!(name(json!({"userName": "u"})), None);
    }

    #[test]
    fn the_primary_email_wins() {
        let email = |emails| email(&document(json!({"emails": emails})));
        let home = json!({"value": "h", "type": "home"});
        let work = json!({"value": "w", "type": "Work"});
        let primary = json!({"value": "p", "primary": true});
        assert_eq!(email(json!([home, work, primary])).unwrap(), "p");
        assert_eq!(email(json!([home, work])).unwrap(), "w");
        assert_eq!(email(json!([home])).unwrap(), "h");
        assert_eq!(email(json!([{"type": "home", "primary": true}, work])).unwrap(), "w");
        assert_eq!(email(json!([])), None);
    }

    #[test]
    fn the_usual_fields_are_filled() {
        let document = document(json!({
            "name": {"givenName": "G"}, "title": "T", "phoneNumbers": [{"value": "1"}, {"value": "2", "type": "work"}],
            "addresses": [{"type": "home", "formatted": "H"}, {"type": "work", "locality": "L", "country": "Malaysia"}],
            urns::ENTERPRISE_USER: {"organization": "O", "department": ""},
        }));
        assert_eq!(
            Value::Object(fields(&document)),
            json!({"given_name": "G", "title": "T", "phone": "2", "location": "L, Malaysia", "organization": "O"})
        );
    }
}
