//! One test per row of the table of profiles that concerns PATCH.

use super::*;

#[test]
fn a_value_path_without_a_match() {
    for op in ["replace", "add"] {
        let create = json!([{"op": op, "path": "phoneNumbers[type eq \"work\" and primary eq true].value", "value": "1"}]);
        let unclear = json!([{"op": op, "path": "phoneNumbers[type ne \"work\"].value", "value": "1"}]);
        let created = sam_with(json!({"phoneNumbers": [{"type": "work", "primary": true, "value": "1"}]}));
        for profile in LENIENT {
            assert_eq!(ok(profile, create.clone()), created);
            assert_eq!(error(profile, unclear.clone()), ScimType::NoTarget);
        }
        assert_eq!(error(Profile::Strict, unclear), ScimType::NoTarget);
        match op {
            "replace" => assert_eq!(error(Profile::Strict, create), ScimType::NoTarget),
            _ => assert_eq!(ok(Profile::Strict, create), created),
        }
    }
    for profile in Profile::ALL {
        assert_eq!(ok(profile, json!([{"op": "remove", "path": "emails[type eq \"other\"]"}])), sam());
    }
}

#[test]
fn without_a_path() {
    let ops = json!([{"op": "add", "value": {"title": "U", "name": {"middleName": "M"}, "emails": [{"value": "n@x"}]}}]);
    let mut expected = sam_with(json!({"title": "U"}));
    expected["name"]["middleName"] = json!("M");
    expected["emails"].as_array_mut().unwrap().push(json!({"value": "n@x"}));
    for profile in Profile::ALL {
        assert_eq!(ok(profile, ops.clone()), expected);
    }
    let paths = json!([{"op": "add", "value": {"name.givenName": "S"}}]);
    assert_eq!(ok(Profile::Entra, paths.clone())["name"]["givenName"], json!("S"));
    assert_eq!(error(Profile::Strict, paths), ScimType::InvalidSyntax);
    let noise = json!([{"op": "replace", "value": {"id": "1", "schemas": [], "meta": {}, "groups": [], "password": "p", "title": "U"}}]);
    for profile in Profile::ALL {
        assert_eq!(ok(profile, noise.clone()), sam_with(json!({"title": "U"})));
    }
}

#[test]
fn booleans_ops_and_names() {
    let words = json!([{"op": "REPLACE", "path": "Active", "value": false}]);
    let text = json!([{"op": "replace", "path": "active", "value": "false"}]);
    for profile in Profile::ALL {
        assert_eq!(ok(profile, words.clone()), sam_with(json!({"active": false})));
    }
    for profile in LENIENT {
        assert_eq!(ok(profile, text.clone()), sam_with(json!({"active": false})));
    }
    assert_eq!(error(Profile::Strict, text), ScimType::InvalidValue);
    let lower = json!({"operations": [{"OP": "add", "Path": "title", "Value": "U"}]});
    assert!(Patch::parse(&registry(), ResourceKind::User, Profile::Default, &lower).is_ok());
    assert!(Patch::parse(&registry(), ResourceKind::User, Profile::Strict, &lower).is_err());
}

#[test]
fn removing_listed_members() {
    let ops = json!([{"op": "remove", "path": "members", "value": [{"value": "a"}]}]);
    for profile in LENIENT {
        assert_eq!(members(profile, ops.clone()).remove, ["a"]);
    }
    let error = parsed(ResourceKind::Group, Profile::Strict, ops).unwrap_err();
    assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)));
}

#[test]
fn unknown_attributes() {
    let ops = json!([{"op": "add", "path": "shoe", "value": 42}, {"op": "add", "value": {"hat": {"size": 7}}},
                     {"op": "add", "path": "name.nick", "value": "S"}, {"op": "add", "path": "hat.color", "value": "red"},
                     {"op": "replace", "path": "urn:y:Ext:field", "value": "v"}]);
    for profile in [Profile::Default, Profile::Entra, Profile::Onelogin] {
        let patch = parsed(ResourceKind::User, profile, ops.clone()).unwrap();
        assert!(!patch.touches_document());
        let dropped: Vec<&str> = patch.dropped().iter().map(String::as_str).collect();
        assert_eq!(dropped, ["hat", "hat.color", "name.nick", "shoe", "urn:y:Ext:field"]);
    }
    let mut kept =
        sam_with(json!({"shoe": 42, "hat": {"size": 7, "color": "red"}, "urn:y:Ext": {"field": "v"}}));
    kept["name"]["nick"] = json!("S");
    assert_eq!(ok(Profile::Okta, ops), kept);
    assert_eq!(
        error(Profile::Strict, json!([{"op": "add", "path": "shoe", "value": 42}])),
        ScimType::InvalidPath
    );
    assert_eq!(
        error(Profile::Strict, json!([{"op": "add", "value": {"shoe": 42}}])),
        ScimType::InvalidSyntax
    );
}

#[test]
fn extensions_that_are_configured_take_any_field() {
    let ops = json!([{"op": "add", "path": format!("{EXT}:Test"), "value": ["a"]}, {"op": "add", "value": {EXT: {"test": ["b", "a"]}}},
                     {"op": "replace", "path": format!("{EXT}:Deep.sub"), "value": 1},
                     {"op": "add", "path": format!("{EXT}:List[type eq \"x\"].value"), "value": "v"}]);
    for profile in Profile::ALL {
        let changed = ok(profile, ops.clone());
        assert_eq!(
            changed[EXT],
            json!({"Test": ["a", "b"], "Deep": {"sub": 1}, "List": [{"type": "x", "value": "v"}]})
        );
        let removed = patched(profile, changed, json!([{"op": "remove", "path": EXT}])).unwrap();
        assert_eq!(removed, sam());
    }
}
