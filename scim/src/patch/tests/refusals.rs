//! What is refused, and that nothing changes then.

use super::*;

#[test]
fn what_only_the_server_sets() {
    for profile in Profile::ALL {
        for path in [
            "id",
            "meta",
            "meta.created",
            "schemas",
            "groups",
            "groups[value eq \"1\"]",
            "urn:ietf:params:scim:schemas:core:2.0:User:id",
        ] {
            for op in ["add", "replace", "remove"] {
                let ops = json!([{"op": "replace", "path": "title", "value": "U"}, {"op": op, "path": path, "value": "x"}]);
                assert_eq!(error(profile, ops), ScimType::Mutability, "{path}");
            }
        }
        for path in ["members.value", "members[value eq \"a\"].display"] {
            let ops = json!([{"op": "replace", "path": path, "value": "x"}]);
            let error = parsed(ResourceKind::Group, profile, ops).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::Mutability));
        }
    }
}

#[test]
fn names_stay() {
    for profile in Profile::ALL {
        for operation in [
            json!({"op": "remove", "path": "userName"}),
            json!({"op": "replace", "path": "userName", "value": null}),
            json!({"op": "replace", "path": "userName", "value": ""}),
        ] {
            assert_eq!(error(profile, json!([operation])), ScimType::Mutability);
        }
        let swapped =
            json!([{"op": "remove", "path": "userName"}, {"op": "add", "path": "userName", "value": "sue"}]);
        assert_eq!(ok(profile, swapped)["userName"], json!("sue"));
        let patch =
            parsed(ResourceKind::Group, profile, json!([{"op": "remove", "path": "displayName"}])).unwrap();
        let group = json!({"displayName": "g"});
        let error = patch.apply(&registry(), group.as_object().unwrap()).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::Mutability));
    }
}

#[test]
fn passwords_are_accepted_and_dropped() {
    for profile in Profile::ALL {
        for op in ["add", "replace", "remove"] {
            let patch =
                parsed(ResourceKind::User, profile, json!([{"op": op, "path": "password", "value": "p"}]))
                    .unwrap();
            assert!(!patch.touches_document());
        }
    }
}

#[test]
fn mistakes_have_their_type() {
    for (operation, expected) in [
        (json!({"op": "remove"}), ScimType::NoTarget),
        (json!({"op": "move", "path": "title"}), ScimType::InvalidSyntax),
        (json!({"path": "title"}), ScimType::InvalidSyntax),
        (json!("x"), ScimType::InvalidSyntax),
        (json!({"op": "add", "path": 1}), ScimType::InvalidPath),
        (json!({"op": "add", "path": "emails[", "value": 1}), ScimType::InvalidPath),
        (json!({"op": "add", "path": "title[value eq \"x\"]", "value": "x"}), ScimType::InvalidPath),
        (
            json!({"op": "add", "path": "emails[primary gt true].value", "value": "x"}),
            ScimType::InvalidFilter,
        ),
        (json!({"op": "add", "value": "x"}), ScimType::InvalidValue),
        (json!({"op": "add", "path": "title", "value": {"a": 1}}), ScimType::InvalidValue),
        (json!({"op": "add", "path": "name", "value": [[1]]}), ScimType::InvalidValue),
        (
            json!({"op": "add", "path": "emails[type eq \"work\"].value", "value": {"a": 1}}),
            ScimType::InvalidValue,
        ),
        (json!({"op": "replace", "path": "active", "value": "perhaps"}), ScimType::InvalidValue),
        (json!({"op": "replace", "path": ENTERPRISE, "value": "x"}), ScimType::InvalidValue),
        (json!({"op": "replace", "path": format!("{EXT}:a"), "value": "\0"}), ScimType::InvalidValue),
        (json!({"op": "replace", "value": {EXT: {"a\0": 1}}}), ScimType::InvalidPath),
    ] {
        for profile in Profile::ALL {
            assert_eq!(error(profile, json!([operation])), expected, "{profile:?} {operation}");
        }
    }
}

#[test]
fn messages_have_a_form() {
    let parse =
        |profile, body: Value| Patch::parse(&registry(), ResourceKind::User, profile, &body).map(|_| ());
    for body in [json!([]), json!({}), json!({"Operations": "x"}), json!({"Operations": null})] {
        assert_eq!(parse(Profile::Default, body).unwrap_err().scim_type, Some(ScimType::InvalidSyntax));
    }
    let op = json!({"op": "replace", "path": "title", "value": "U"});
    assert!(parse(Profile::Default, json!({"Operations": op})).is_ok());
    assert!(parse(Profile::Default, json!({"Operations": []})).is_ok());
    assert!(parse(Profile::Strict, json!({"Operations": [op]})).is_err());
    assert!(parse(Profile::Strict, message(json!([]))).is_err());
    let many = message(Value::Array(vec![op; 1001]));
    assert_eq!(parse(Profile::Default, many).unwrap_err().status, 413);
}
