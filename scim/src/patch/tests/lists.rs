//! Multi-valued attributes.

use super::*;

fn emails(profile: Profile, operations: Value) -> Value {
    ok(profile, operations).get("emails").cloned().unwrap_or_default()
}

#[test]
fn adding_what_is_there_changes_nothing() {
    for value in [
        json!([{"value": "w@x", "type": "work"}]),
        json!([{"value": "w@x", "type": "work", "primary": true}, {"value": "h@x"}]),
        json!([]),
        json!(null),
    ] {
        for profile in Profile::ALL {
            assert_eq!(ok(profile, json!([{"op": "add", "path": "emails", "value": value}])), sam());
        }
    }
}

#[test]
fn the_same_value_of_another_type_is_another_one() {
    let added = emails(
        Profile::Default,
        json!([{"op": "add", "path": "emails", "value": {"value": "w@x", "type": "other"}}]),
    );
    assert_eq!(added.as_array().unwrap().len(), 3);
    let described = emails(
        Profile::Default,
        json!([{"op": "add", "path": "emails", "value": {"value": "h@x", "display": "H"}}]),
    );
    assert_eq!(described[1], json!({"value": "h@x", "type": "home", "display": "H"}));
}

#[test]
fn a_new_primary_ends_the_old_one() {
    let primaries = |operations| -> Vec<bool> {
        emails(Profile::Default, operations)
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["primary"] == json!(true))
            .collect()
    };
    assert_eq!(
        primaries(json!([{"op": "add", "path": "emails", "value": [{"value": "n@x", "primary": true}]}])),
        [false, false, true]
    );
    assert_eq!(
        primaries(json!([{"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}])),
        [false, true]
    );
    assert_eq!(
        primaries(json!([{"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true},
                         {"op": "replace", "path": "emails[type eq \"work\"].primary", "value": "True"}])),
        [true, false]
    );
    assert_eq!(
        primaries(json!([{"op": "add", "path": "emails", "value": {"value": "h@x", "primary": true}}])),
        [false, true]
    );
}

#[test]
fn replace_is_the_whole_list() {
    for profile in Profile::ALL {
        let ops = json!([{"op": "replace", "path": "emails", "value": [{"value": "n@x"}, {"value": "n@x"}]}]);
        assert_eq!(emails(profile, ops), json!([{"value": "n@x"}]));
        assert_eq!(emails(profile, json!([{"op": "replace", "path": "emails", "value": []}])), json!(null));
        assert_eq!(emails(profile, json!([{"op": "remove", "path": "emails"}])), json!(null));
    }
}

#[test]
fn brackets_choose_elements() {
    let home = json!({"value": "h@x", "type": "home"});
    let work = json!({"value": "w@x", "type": "work", "primary": true});
    for profile in Profile::ALL {
        let is =
            |operation: Value, expected: Value| assert_eq!(emails(profile, json!([operation])), expected);
        is(json!({"op": "remove", "path": "emails[type eq \"WORK\"]"}), json!([home]));
        is(json!({"op": "remove", "path": "emails[value pr]"}), json!(null));
        is(
            json!({"op": "remove", "path": "emails[type eq \"work\"].primary"}),
            json!([{"value": "w@x", "type": "work"}, home]),
        );
        is(
            json!({"op": "add", "path": "emails[type eq \"home\"]", "value": {"display": "H"}}),
            json!([work, {"value": "h@x", "type": "home", "display": "H"}]),
        );
        is(
            json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": null, "x": 1}),
            json!([home]),
        );
    }
    let ops = json!([{"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "n@x"}}]);
    assert_eq!(emails(Profile::Strict, ops.clone()), json!([{"value": "n@x"}, home]));
    assert_eq!(emails(Profile::Default, ops), json!([{"type": "work", "value": "n@x"}, home]));
}

#[test]
fn a_sub_attribute_without_brackets_is_that_of_every_element() {
    for profile in Profile::ALL {
        let ops = json!([{"op": "replace", "path": "emails.type", "value": "other"}]);
        let changed = emails(profile, ops);
        assert_eq!((&changed[0]["type"], &changed[1]["type"]), (&json!("other"), &json!("other")));
        let ops = json!([{"op": "add", "path": "phoneNumbers.value", "value": "1"}]);
        assert_eq!(ok(profile, ops)["phoneNumbers"], json!([{"value": "1"}]));
        let ops =
            json!([{"op": "remove", "path": "emails.primary"}, {"op": "remove", "path": "emails.type"}]);
        assert_eq!(emails(profile, ops), json!([{"value": "w@x"}, {"value": "h@x"}]));
    }
}

#[test]
fn listed_values_are_removed() {
    let ops = json!([{"op": "remove", "path": "emails", "value": [{"value": "w@x", "type": "work"}, {"value": "h@x", "type": "x"}]}]);
    assert_eq!(emails(Profile::Entra, ops.clone()), json!([{"value": "h@x", "type": "home"}]));
    assert_eq!(error(Profile::Strict, ops), ScimType::InvalidValue);
    let by_value = json!([{"op": "remove", "path": "emails", "value": {"value": "h@x"}}]);
    assert_eq!(emails(Profile::Default, by_value).as_array().unwrap().len(), 1);
}
