//! What providers send, as it arrives.

use super::*;

#[test]
fn entra() {
    let add_work = json!([{"op": "Add", "path": "emails[type eq \"work\"].value", "value": "x"}]);
    let manager = format!("{ENTERPRISE}:manager");
    let managed = |value: Value| sam_with(json!({ENTERPRISE: {"department": "D", "manager": value}}));
    for profile in LENIENT {
        let is = |operations: Value, expected: Value| assert_eq!(ok(profile, operations), expected);
        is(
            json!([{"op": "Replace", "path": "active", "value": "False"}]),
            sam_with(json!({"active": false})),
        );
        is(
            json!([{"op": "replace", "value": {"name.givenName": "S", format!("{ENTERPRISE}:department"): "E"}}]),
            sam_with(json!({
                "name": {"givenName": "S", "familyName": "Fox"},
                ENTERPRISE: {"department": "E", "manager": {"value": "m1", "$ref": "../Users/m1"}},
            })),
        );
        for value in [
            json!("m2"),
            json!([{"value": "m2"}]),
            json!({"value": "m2"}),
            json!({"value": "m2", "displayName": "x"}),
        ] {
            is(json!([{"op": "Add", "path": manager, "value": value}]), managed(json!({"value": "m2"})));
            is(json!([{"op": "Add", "value": {&manager: value}}]), managed(json!({"value": "m2"})));
        }
        for value in [json!(""), json!(null), json!([]), json!({"value": ""})] {
            is(
                json!([{"op": "Replace", "path": manager, "value": value}]),
                sam_with(json!({ENTERPRISE: {"department": "D"}})),
            );
        }
        is(
            json!([{"op": "Replace", "path": "title", "value": ""}, {"op": "Replace", "path": "nickName", "value": null}]),
            sam_with(json!({"title": null, "nickName": null})),
        );
        assert_eq!(
            patched(profile, json!({"userName": "sam"}), add_work.clone()).unwrap(),
            json!({"userName": "sam", "emails": [{"type": "work", "value": "x"}]})
        );
        is(
            json!([{"op": "Add", "path": "roles[primary eq \"True\"].value", "value": "{\"id\":\"1\",\"value\":\"r\"}"}]),
            sam_with(json!({"roles": [{"primary": true, "value": "{\"id\":\"1\",\"value\":\"r\"}"}]})),
        );
        is(
            json!([{"op": "Replace", "path": "emails[primary eq true].value", "value": "n@x"}]),
            sam_with(json!({"emails":
                [{"value": "n@x", "type": "work", "primary": true}, {"value": "h@x", "type": "home"}]})),
        );
        is(json!([{"op": "Replace", "value": {"emails[type eq \"home\"].value": "n@x"}}]), {
            let mut sam = sam();
            sam["emails"][1]["value"] = json!("n@x");
            sam
        });
    }
}

#[test]
fn entra_members() {
    let m = |operations: Value| members(Profile::Entra, operations);
    assert_eq!(
        m(json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": "a"}]}])),
        MemberChange { add: vec!["a".to_owned()], ..MemberChange::default() }
    );
    let removed = MemberChange { remove: vec!["a".to_owned()], ..MemberChange::default() };
    assert_eq!(
        m(json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "a"}]}])),
        removed
    );
    assert_eq!(m(json!([{"op": "Remove", "path": "members[value eq \"a\"]"}])), removed);
    assert_eq!(m(json!([{"op": "Remove", "path": "members[value eq \"a\" or value eq \"a\"]"}])), removed);
}

#[test]
fn okta() {
    let ops = json!([{"op": "replace", "value": {"active": false}}]);
    assert_eq!(ok(Profile::Okta, ops), sam_with(json!({"active": false})));
    let rename = json!([{"op": "replace", "value": {"id": "1", "displayName": "new"}}]);
    let patch = parsed(ResourceKind::Group, Profile::Okta, rename).unwrap();
    let group = json!({"displayName": "old", "externalId": "x"});
    assert_eq!(
        Value::Object(patch.apply(&registry(), group.as_object().unwrap()).unwrap()),
        json!({"displayName": "new", "externalId": "x"})
    );
    assert!(patch.members().is_empty());
    let change = members(
        Profile::Okta,
        json!([{"op": "remove", "path": "members[value eq \"a\"]"},
               {"op": "add", "path": "members", "value": [{"value": "b", "display": "B"}]}]),
    );
    assert_eq!(
        (change.add, change.remove, change.clear),
        (vec!["b".to_owned()], vec!["a".to_owned()], false)
    );
    let empty = members(Profile::Okta, json!([{"op": "replace", "path": "members", "value": []}]));
    assert_eq!(empty, MemberChange { clear: true, ..MemberChange::default() });
}

#[test]
fn a_replace_that_names_no_members_leaves_them() {
    for operation in [
        json!({"op": "replace", "path": "members"}),
        json!({"op": "replace", "path": "members", "value": null}),
        json!({"op": "replace", "path": "members", "value": [{"display": "x"}]}),
        json!({"op": "add", "path": "members", "value": []}),
        json!({"op": "replace", "value": {"members": null}}),
        json!({"op": "remove", "path": "members", "value": [{"display": "x"}]}),
    ] {
        assert!(members(Profile::Default, json!([operation])).is_empty(), "{operation}");
    }
    let clear = members(Profile::Default, json!([{"op": "remove", "path": "members"}]));
    assert!(clear.clear && clear.add.is_empty());
    let replaced =
        members(Profile::Default, json!([{"op": "replace", "value": {"Members": [{"value": "a"}]}}]));
    assert_eq!((replaced.clear, replaced.add), (true, vec!["a".to_owned()]));
}

#[test]
fn members_can_be_removed_by_name() {
    let change = members(Profile::Strict, json!([{"op": "remove", "path": "members[display eq \"Sam\"]"}]));
    let display = Comparison { op: CompareOp::Eq, value: "sam".to_owned() };
    assert_eq!(change.matching, [LinkCondition::Display(display)]);
    assert!(!change.is_empty() && change.remove.is_empty());
}

#[test]
fn sailpoint_replaces_parts_of_a_complex_attribute() {
    for profile in Profile::ALL {
        let ops = json!([{"op": "replace", "path": "name", "value": {"familyName": "Wolf"}}]);
        assert_eq!(ok(profile, ops), sam_with(json!({"name": {"givenName": "Sam", "familyName": "Wolf"}})));
    }
    let ops = json!([{"op": "replace", "path": "name", "value": {"familyName": null, "givenName": null}}]);
    assert_eq!(ok(Profile::Default, ops), sam_with(json!({"name": null})));
}

#[test]
fn onelogin_uses_older_urns() {
    let old = "urn:scim:schemas:extension:enterprise:1.0";
    let ops = json!([{"op": "replace", "path": format!("{old}:department"), "value": "E"},
                     {"op": "replace", "value": {"urn:scim:schemas:core:1.0": {"title": "U"}, old: {"costCenter": "C"}}}]);
    let expected = sam_with(json!({
        "title": "U",
        ENTERPRISE: {"department": "E", "costCenter": "C", "manager": {"value": "m1", "$ref": "../Users/m1"}},
    }));
    assert_eq!(ok(Profile::Onelogin, ops.clone()), expected);
    assert_eq!(error(Profile::Strict, ops), ScimType::InvalidPath);
}
