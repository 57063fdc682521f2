use proptest::prelude::*;

use super::*;
use crate::resource::read_resource;

/// Attributes that sam lacks, with a value each.
fn additions() -> impl Strategy<Value = (String, Value)> {
    let text = "[a-zA-Z0-9 äÖ\"\\\\.]{1,6}";
    let simple =
        (proptest::sample::select(&["displayName", "locale", "profileUrl", "urn:x:2.0:Ext:F"]), text)
            .prop_map(|(name, value)| (name.to_owned(), json!(value)));
    let sub = text.prop_map(|value| (format!("{ENTERPRISE}:costCenter"), json!(value)));
    let list =
        (proptest::sample::select(&["ims", "roles", "photos"]), proptest::collection::btree_set(text, 1..4))
            .prop_map(|(name, values)| {
                (name.to_owned(), values.into_iter().map(|value| json!({ "value": value })).collect())
            });
    let address =
        text.prop_map(|value| ("addresses".to_owned(), json!([{"locality": value, "type": "work"}])));
    prop_oneof![simple, sub, list, address]
}

fn operations() -> impl Strategy<Value = Value> {
    let paths = proptest::sample::select(&[
        "title",
        "name",
        "name.givenName",
        "emails",
        "emails.value",
        "emails[type eq \"work\"]",
        "active",
        "addresses",
        "emails[type eq \"home\"].value",
        "emails[primary eq true].type",
        "roles[value sw \"a\"]",
        "shoe",
        "members",
        "id",
        "urn:x:2.0:Ext:F",
        "urn:x:2.0:Ext:F.sub",
        "urn:x:2.0:Ext:F[type eq \"x\"].value",
        "urn:x:2.0:Ext",
        "schemas",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
        "userName",
        "hat.size",
        "hat[size eq 1]",
    ]);
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (0..3).prop_map(Value::from),
        "[ab]{0,2}".prop_map(Value::from),
        Just(json!({"value": "a", "type": "work", "primary": true})),
        Just(json!({"value": "b"})),
        Just(json!([])),
        Just(json!({})),
    ];
    let value = leaf.prop_recursive(2, 8, 3, |inner| {
        let keys = proptest::sample::select(&[
            "value",
            "type",
            "primary",
            "title",
            "emails",
            "name.givenName",
            "hat",
            "sub",
            EXT,
        ]);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec((keys, inner), 0..3).prop_map(|fields| Value::Object(
                fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            )),
        ]
    });
    let op = proptest::sample::select(&["add", "replace", "remove"]);
    let operation =
        (op, proptest::option::of(paths), proptest::option::of(value)).prop_map(|(op, path, value)| {
            let mut operation = json!({ "op": op });
            path.into_iter().for_each(|path| operation["path"] = json!(path));
            value.into_iter().for_each(|value| operation["value"] = value);
            operation
        });
    proptest::collection::vec(operation, 1..4).prop_map(Value::from)
}

fn profiles() -> impl Strategy<Value = Profile> {
    proptest::sample::select(&Profile::ALL)
}

proptest! {
    #[test]
    fn remove_takes_back_what_add_added((path, value) in additions(), profile in profiles()) {
        let added = ok(profile, json!([{"op": "add", "path": path, "value": value}]));
        prop_assert_ne!(&added, &sam());
        prop_assert_eq!(patched(profile, added, json!([{"op": "remove", "path": path}])).unwrap(), sam());
    }

    #[test]
    fn add_and_replace_say_the_same_twice((path, value) in additions(), profile in profiles(), replaces in any::<bool>()) {
        let op = if replaces { "replace" } else { "add" };
        let operations = json!([{"op": op, "path": path, "value": value}]);
        let once = ok(profile, operations.clone());
        prop_assert_eq!(patched(profile, once.clone(), operations).unwrap(), once);
    }

    #[test]
    fn all_operations_or_none(operations in operations(), profile in profiles()) {
        let mut broken = operations.clone();
        broken.as_array_mut().unwrap().push(json!({"op": "replace", "path": "id", "value": "x"}));
        prop_assert!(patched(profile, sam(), broken).is_err());
        // One message is its operations one after the other, as long as each of them is possible.
        let each = operations.as_array().unwrap().iter().try_fold(sam(), |user, operation| patched(profile, user, json!([operation])));
        if let Ok(each) = each {
            prop_assert_eq!(patched(profile, sam(), operations).unwrap(), each);
        }
    }

    #[test]
    fn documents_stay_canonical(operations in operations(), profile in profiles()) {
        if let Ok(document) = patched(profile, sam(), operations) {
            let mut body = document.clone();
            body["schemas"] = json!([crate::schema::urns::USER]);
            let read = read_resource(&registry(), ResourceKind::User, profile, body).unwrap();
            prop_assert_eq!(Value::Object(read.document), document);
        }
    }
}
