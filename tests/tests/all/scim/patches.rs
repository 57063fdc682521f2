//! PATCH beyond the numbered cases: RFC 7644 3.5.2.

use serde_json::{Value, json};

use super::{ENTERPRISE, Lab, USER, user};

/// Applies the operations to a user with these attributes and returns what becomes of it, without what every user has.
fn patched(lab: &Lab, name: &str, more: Value, operations: Value) -> Value {
    let path = format!("/Users/{}", lab.scim.create("/Users", &user(name, more)));
    let answer = lab.scim.patch(&path, &operations).expect(200);
    let shown = lab.scim.get(&path).json;
    assert_eq!(answer.json, shown);
    without_envelope(shown)
}

fn without_envelope(mut shown: Value) -> Value {
    for key in ["id", "meta", "schemas", "userName", "active"] {
        shown.as_object_mut().expect("an object").remove(key);
    }
    shown
}

#[test]
fn operations_one_by_one() {
    let lab = Lab::new();
    let emails = json!({"emails": [{"value": "w@x.example", "type": "work"}, {"value": "h@x.example", "type": "home"}]});
    let work = json!({"value": "w@x.example", "type": "work"});
    let home = json!({"value": "h@x.example", "type": "home"});
    let table = [
        (json!({}), json!([{"op": "add", "path": "title", "value": "x"}]), json!({"title": "x"})),
        (json!({"title": "a"}), json!([{"op": "add", "path": "TITLE", "value": "x"}]), json!({"title": "x"})),
        (json!({"title": "a"}), json!([{"op": "remove", "path": "title"}]), json!({})),
        (
            json!({}),
            json!([{"op": "add", "path": "name.givenName", "value": "x"}]),
            json!({"name": {"givenName": "x"}}),
        ),
        (json!({"name": {"givenName": "x"}}), json!([{"op": "remove", "path": "name.givenName"}]), json!({})),
        (
            json!({"name": {"givenName": "x"}}),
            json!([{"op": "add", "path": "name", "value": {"familyName": "y"}}]),
            json!({"name": {"givenName": "x", "familyName": "y"}}),
        ),
        (
            json!({}),
            json!([{"op": "add", "path": format!("{USER}:title"), "value": "x"}]),
            json!({"title": "x"}),
        ),
        (
            json!({}),
            json!([{"op": "add", "path": format!("{USER}:name.givenName"), "value": "x"}]),
            json!({"name": {"givenName": "x"}}),
        ),
        (
            json!({}),
            json!([{"op": "add", "path": format!("{ENTERPRISE}:costCenter"), "value": "7"}]),
            json!({ENTERPRISE: {"costCenter": "7"}}),
        ),
        (json!({ENTERPRISE: {"costCenter": "7"}}), json!([{"op": "remove", "path": ENTERPRISE}]), json!({})),
        (
            emails.clone(),
            json!([{"op": "remove", "path": "emails[type eq \"work\"]"}]),
            json!({"emails": [home]}),
        ),
        (emails.clone(), json!([{"op": "remove", "path": "emails"}]), json!({})),
        (emails.clone(), json!([{"op": "remove", "path": "emails[type eq \"other\"]"}]), emails.clone()),
        (
            emails.clone(),
            json!([{"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "n@x.example"}}]),
            json!({"emails": [{"value": "n@x.example", "type": "work"}, home]}),
        ),
        (
            emails.clone(),
            json!([{"op": "replace", "path": "emails[type eq \"work\" or type eq \"home\"].display", "value": "d"}]),
            json!({"emails": [{"value": "w@x.example", "type": "work", "display": "d"}, {"value": "h@x.example", "type": "home", "display": "d"}]}),
        ),
        (
            emails.clone(),
            json!([{"op": "remove", "path": "emails[value ew \".example\"].type"}]),
            json!({"emails": [{"value": "w@x.example"}, {"value": "h@x.example"}]}),
        ),
        (
            emails.clone(),
            json!([{"op": "replace", "path": "emails", "value": [work]}]),
            json!({"emails": [work]}),
        ),
        (emails.clone(), json!([{"op": "add", "path": "emails", "value": [work]}]), emails.clone()),
        (
            emails.clone(),
            json!([{"op": "add", "path": "emails", "value": {"value": "o@x.example"}}]),
            json!({"emails": [work, home, {"value": "o@x.example"}]}),
        ),
        (emails.clone(), json!([{"op": "replace", "path": "emails", "value": []}]), json!({})),
        (
            emails.clone(),
            json!([{"op": "replace", "value": {"emails": null, "title": "x"}}]),
            json!({"title": "x"}),
        ),
        (json!({}), json!([{"op": "add", "value": {"emails": [work, home]}}]), emails.clone()),
        (
            json!({}),
            json!([{"op": "add", "value": {ENTERPRISE: {"costCenter": "7"}, "title": "x"}}]),
            json!({"title": "x", ENTERPRISE: {"costCenter": "7"}}),
        ),
        (
            json!({"title": "a"}),
            json!([{"op": "replace", "path": "password", "value": "secret secret"}, {"op": "add", "value": {"password": "secret secret"}}]),
            json!({"title": "a"}),
        ),
        (json!({"title": "a"}), json!([]), json!({"title": "a"})),
    ];
    for (n, (before, operations, after)) in table.into_iter().enumerate() {
        if operations == json!([]) {
            continue;
        }
        assert_eq!(
            patched(&lab, &format!("u{n}"), before.clone(), operations.clone()),
            after,
            "{before} {operations}"
        );
    }
}

#[test]
fn what_is_no_patch() {
    let lab = Lab::new();
    let path = format!("/Users/{}", lab.scim.create("/Users", &user("alice", json!({"title": "Clerk"}))));
    let id = path.rsplit('/').next().expect("an id").to_owned();
    for (operations, scim_type) in [
        (json!([{"op": "replace", "path": "id", "value": "x"}]), "mutability"),
        (json!([{"op": "replace", "path": "meta.created", "value": "x"}]), "mutability"),
        (json!([{"op": "add", "path": "groups", "value": [{"value": "x"}]}]), "mutability"),
        (json!([{"op": "remove"}]), "noTarget"),
        (json!([{"op": "explode", "path": "title"}]), "invalidSyntax"),
        (json!([{"path": "title", "value": "x"}]), "invalidSyntax"),
        (json!([{"op": "add", "path": "emails[", "value": "x"}]), "invalidPath"),
        (json!([{"op": "add", "path": "emails[type eq work].value", "value": "x"}]), "invalidFilter"),
        (json!("x"), "invalidSyntax"),
        (json!([7]), "invalidSyntax"),
    ] {
        let before = lab.facts();
        let answer = lab.scim.patch(&path, &operations).expect(400);
        // Which of the words of RFC 7644 fits is a matter of taste for paths and filters in paths.
        let alike = ["invalidPath", "invalidFilter"];
        let same = answer.scim_type() == scim_type
            || alike.contains(&answer.scim_type()) && alike.contains(&scim_type);
        assert!(same, "{operations}: {answer:?}");
        assert_eq!(lab.facts(), before);
    }
    let before = lab.facts();
    lab.scim.patch(&path, &json!([{"op": "remove", "path": "userName"}])).expect(400);
    lab.scim.patch(&path, &json!([{"op": "replace", "path": "userName", "value": ""}])).expect(400);
    lab.scim.request("PATCH", &path, &[], Some("{}")).expect(400);
    lab.scim.request("PATCH", &path, &[], Some("[]")).expect(400);
    assert_eq!(lab.facts(), before);
    // What a client copies from its own list is no attempt to change it.
    lab.scim
        .patch(
            &path,
            &json!([{"op": "replace", "value": {"id": id, "schemas": [USER], "meta": {}, "title": "x"}}]),
        )
        .expect(200);
}

#[test]
fn a_patch_may_be_long_but_not_endless() {
    let lab = Lab::new();
    let path = format!("/Users/{}", lab.new_user("alice"));
    let operations = |count: usize| -> Value {
        (0..count)
            .map(|n| json!({"op": "replace", "path": "title", "value": format!("t{n}")}))
            .collect::<Vec<_>>()
            .into()
    };
    lab.scim.patch(&path, &operations(1000)).expect(200);
    assert_eq!(lab.scim.get(&path).json["title"], json!("t999"));
    let answer = lab.scim.patch(&path, &operations(1001));
    assert!(matches!(answer.status, 400 | 413), "{answer:?}");
    assert_eq!(lab.scim.get(&path).json["title"], json!("t999"));
}

#[test]
fn two_patches_at_once_lose_nothing() {
    let lab = Lab::new();
    let path = format!("/Users/{}", lab.new_user("alice"));
    let attributes = [
        "title",
        "nickName",
        "displayName",
        "locale",
        "timezone",
        "userType",
        "profileUrl",
        "preferredLanguage",
    ];
    std::thread::scope(|threads| {
        for attribute in attributes {
            let (scim, path) = (&lab.scim, &path);
            threads.spawn(move || {
                for n in 0..4 {
                    scim.patch(
                        path,
                        &json!([{"op": "replace", "path": attribute, "value": format!("{attribute}{n}")}]),
                    )
                    .expect(200);
                }
            });
        }
    });
    let shown = lab.scim.get(&path).json;
    for attribute in attributes {
        assert_eq!(shown[attribute], json!(format!("{attribute}3")));
    }
}
