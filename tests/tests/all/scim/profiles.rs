//! The same request under every profile: the table of docs/connectors/scim.md, row by row.

use serde_json::{Value, json};

use super::{ENTERPRISE, GROUP, Lab, USER, shown_members, user};

const LENIENT: [&str; 4] = ["default", "entra", "okta", "onelogin"];
const ALL: [&str; 5] = ["default", "strict", "entra", "okta", "onelogin"];

/// What PATCH is answered with.
fn patched(profile: &str) -> u16 {
    if profile == "entra" { 204 } else { 200 }
}

#[test]
fn a_value_path_without_match_creates_the_element_unless_strict() {
    for profile in ALL {
        let lab = Lab::of_profile(profile);
        let path = format!("/Users/{}", lab.new_user("alice"));
        let operation = |op: &str, kind: &str| json!([{"op": op, "path": format!("emails[type eq \"{kind}\"].value"), "value": format!("{kind}@example.org")}]);
        if profile == "strict" {
            lab.refused(400, "noTarget", |scim| scim.patch(&path, &operation("replace", "work")));
            continue;
        }
        lab.scim.patch(&path, &operation("replace", "work")).expect(patched(profile));
        lab.scim.patch(&path, &operation("add", "home")).expect(patched(profile));
        let emails = json!([{"type": "work", "value": "work@example.org"}, {"type": "home", "value": "home@example.org"}]);
        assert_eq!(lab.scim.get(&path).json["emails"], emails, "{profile}");
    }
}

#[test]
fn what_no_element_can_be_made_of_has_no_target() {
    let lab = Lab::new();
    let path = format!("/Users/{}", lab.new_user("alice"));
    for filter in [
        "type ne \"work\"",
        "value co \"x\"",
        "type eq \"work\" or type eq \"home\"",
        "not (type eq \"work\")",
    ] {
        let operations =
            json!([{"op": "replace", "path": format!("emails[{filter}].value"), "value": "x@example.org"}]);
        lab.refused(400, "noTarget", |scim| scim.patch(&path, &operations));
    }
}

#[test]
fn a_patch_without_path_merges() {
    for profile in ALL {
        let lab = Lab::of_profile(profile);
        let more = json!({"title": "Clerk", "name": {"givenName": "Alice", "familyName": "A"}});
        let path = format!("/Users/{}", lab.scim.create("/Users", &user("alice", more)));
        let value = json!({"displayName": "Alice A", "name": {"familyName": "B"}});
        lab.scim.patch(&path, &json!([{"op": "replace", "value": value}])).expect(patched(profile));
        let shown = lab.scim.get(&path).json;
        assert_eq!(shown["title"], json!("Clerk"), "{profile}");
        assert_eq!(shown["displayName"], json!("Alice A"), "{profile}");
        assert_eq!(shown["name"], json!({"givenName": "Alice", "familyName": "B"}), "{profile}");
    }
}

#[test]
fn strings_are_no_booleans_to_the_strict() {
    for profile in LENIENT {
        let lab = Lab::of_profile(profile);
        let id = lab.scim.create("/Users", &user("alice", json!({"active": "False"})));
        let path = format!("/Users/{id}");
        assert_eq!(lab.scim.get(&path).json["active"], json!(false), "{profile}");
        lab.scim
            .patch(&path, &json!([{"op": "Replace", "path": "ACTIVE", "value": "True"}]))
            .expect(patched(profile));
        assert_eq!(lab.scim.get(&path).json["active"], json!(true), "{profile}");
    }
    let lab = Lab::of_profile("strict");
    lab.refused(400, "invalidValue", |scim| scim.post("/Users", &user("alice", json!({"active": "False"}))));
    let path = format!("/Users/{}", lab.new_user("alice"));
    lab.refused(400, "invalidValue", |scim| {
        scim.patch(&path, &json!([{"op": "replace", "path": "active", "value": "False"}]))
    });
    // The letter's case is free even so: RFC 7643 2.1, RFC 7644 3.5.2.
    lab.scim.patch(&path, &json!([{"op": "Replace", "path": "ACTIVE", "value": false}])).expect(200);
    assert_eq!(lab.user("alice", "active"), "f");
}

#[test]
fn removing_members_by_value_removes_the_listed_ones_unless_strict() {
    for profile in ALL {
        let lab = Lab::of_profile(profile);
        let ids: Vec<_> = ["alice", "bob", "carol"].iter().map(|name| lab.new_user(name)).collect();
        let id = lab.new_group("Staff", &[&ids[0], &ids[1], &ids[2]]);
        let path = format!("/Groups/{id}");
        let listed =
            json!([{"op": "remove", "path": "members", "value": [{"value": ids[0]}, {"value": ids[1]}]}]);
        if profile == "strict" {
            let before = lab.facts();
            let answer = lab.scim.patch(&path, &listed).expect(400);
            assert!(matches!(answer.scim_type(), "invalidSyntax" | "invalidValue"), "{answer:?}");
            assert_eq!(lab.facts(), before);
            lab.scim
                .patch(&path, &json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", ids[0])}]))
                .expect(200);
            assert_eq!(lab.members("Staff"), ["bob", "carol"]);
        } else {
            lab.scim.patch(&path, &listed).expect(patched(profile));
            assert_eq!(lab.members("Staff"), ["carol"], "{profile}");
        }
        lab.scim.patch(&path, &json!([{"op": "remove", "path": "members"}])).expect(patched(profile));
        assert_eq!(shown_members(&lab.scim, &id), [""; 0], "{profile}");
    }
}

#[test]
fn unknown_attributes_by_profile() {
    for profile in ALL {
        let lab = Lab::of_profile(profile);
        let body = user("alice", json!({"favouriteColour": "green", "title": "Clerk"}));
        if profile == "strict" {
            lab.refused(400, "invalidSyntax", |scim| scim.post("/Users", &body));
            continue;
        }
        let id = lab.scim.create("/Users", &body);
        let path = format!("/Users/{id}");
        let shown = lab.scim.get(&path).json;
        let kept = if profile == "okta" { json!("green") } else { Value::Null };
        assert_eq!(shown["favouriteColour"], kept, "{profile}");
        assert_eq!(shown["title"], json!("Clerk"), "{profile}");
        let add = json!([{"op": "add", "path": "favouriteFood", "value": "fish"}, {"op": "replace", "path": "title", "value": "Chief"}]);
        lab.scim.patch(&path, &add).expect(patched(profile));
        assert_eq!(lab.scim.get(&path).json["title"], json!("Chief"), "{profile}");
    }
}

#[test]
fn old_schema_urns_are_taken_for_the_new_ones_unless_strict() {
    let old = "urn:scim:schemas:extension:enterprise:1.0";
    for profile in ALL {
        let lab = Lab::of_profile(profile);
        let body = json!({
            "schemas": ["urn:scim:schemas:core:1.0", old], "userName": "alice", old: {"department": "Ledger"}
        });
        if profile == "strict" {
            let before = lab.facts();
            lab.scim.post("/Users", &body).expect(400);
            assert_eq!(lab.facts(), before);
            continue;
        }
        let answer = lab.scim.post("/Users", &body).expect(201);
        assert_eq!(answer.json["schemas"], json!([USER, ENTERPRISE]), "{profile}");
        assert_eq!(answer.json[ENTERPRISE], json!({"department": "Ledger"}), "{profile}");
    }
}

#[test]
fn managers_come_in_many_forms_unless_strict() {
    for profile in ALL {
        let lab = Lab::of_profile(profile);
        let boss = lab.new_user("boss");
        for (n, form) in [json!(boss), json!([{"value": boss}])].into_iter().enumerate() {
            let body = user(&format!("u{n}"), json!({ENTERPRISE: {"manager": form}}));
            let body = {
                let mut body = body;
                body["schemas"] = json!([USER, ENTERPRISE]);
                body
            };
            if profile == "strict" {
                lab.refused(400, "invalidValue", |scim| scim.post("/Users", &body));
                continue;
            }
            let path = format!("/Users/{}", lab.scim.create("/Users", &body));
            assert_eq!(
                lab.scim.get(&path).json[ENTERPRISE]["manager"]["value"],
                json!(boss),
                "{profile} {n}"
            );
            let remove = json!([{"op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": ""}]);
            lab.scim.patch(&path, &remove).expect(patched(profile));
            assert!(lab.scim.get(&path).json.get(ENTERPRISE).is_none(), "{profile} {n}");
        }
    }
}

#[test]
fn unquoted_literals_are_refused_by_all() {
    for profile in ALL {
        let lab = Lab::of_profile(profile);
        assert_eq!(
            lab.scim.find("/Users", "userName eq alice").expect(400).scim_type(),
            "invalidFilter",
            "{profile}"
        );
    }
}

#[test]
fn patch_is_answered_with_the_resource_but_to_entra() {
    for profile in ALL {
        let lab = Lab::of_profile(profile);
        let alice = lab.new_user("alice");
        let staff = lab.new_group("Staff", &[]);
        let title = json!([{"op": "replace", "path": "title", "value": "Clerk"}]);
        let add = json!([{"op": "add", "path": "members", "value": [{"value": alice}]}]);
        let user = lab.scim.patch(&format!("/Users/{alice}"), &title).expect(patched(profile));
        let group = lab.scim.patch(&format!("/Groups/{staff}"), &add).expect(patched(profile));
        if profile == "entra" {
            assert!(user.json.is_null() && group.json.is_null());
        } else {
            assert_eq!(user.json["title"], json!("Clerk"), "{profile}");
            assert_eq!(user.header("etag"), user.json["meta"]["version"].as_str(), "{profile}");
            assert_eq!(group.json["displayName"], json!("Staff"), "{profile}");
        }
    }
}

#[test]
fn the_strict_want_schemas() {
    let lab = Lab::of_profile("strict");
    for body in [
        json!({"userName": "alice"}),
        json!({"schemas": [], "userName": "alice"}),
        json!({"schemas": [GROUP], "userName": "alice"}),
    ] {
        lab.refused(400, "invalidSyntax", |scim| scim.post("/Users", &body));
    }
    for profile in LENIENT {
        Lab::of_profile(profile).scim.post("/Users", &json!({"userName": "alice"})).expect(201);
    }
}

#[test]
fn members_are_found_by_external_id_unless_strict() {
    for profile in ["default", "strict"] {
        let lab = Lab::of_profile(profile);
        lab.scim.create("/Users", &user("alice", json!({"externalId": "e-1"})));
        if profile == "strict" {
            // To the letter, it is the id of somebody who is not there yet.
            lab.new_group("Staff", &["e-1"]);
            assert_eq!(lab.members("Staff"), [""; 0]);
        } else {
            lab.new_group("Staff", &["e-1"]);
            assert_eq!(lab.members("Staff"), ["alice"]);
        }
    }
}
