//! attributes and excludedAttributes, everywhere.

use roster_tests::Answer;
use serde_json::{Value, json};

use super::{ENTERPRISE, Lab, group, user};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn with_alice() -> (Lab, String) {
    let lab = Lab::new();
    let more = json!({
        "title": "Clerk", "displayName": "Alice", "name": {"givenName": "Alice", "familyName": "A"},
        "emails": [{"value": "a@x.example", "type": "work"}], ENTERPRISE: {"department": "Ledger", "costCenter": "7"}
    });
    let id = lab.scim.create("/Users", &user("alice", more));
    lab.new_group("Staff", &[&id]);
    (lab, format!("/Users/{id}"))
}

#[test]
fn what_is_named_and_what_is_always_there() {
    let (lab, path) = with_alice();
    let named = |attributes: &str| lab.scim.query(&path, &[("attributes", attributes)]).expect(200).json;
    assert_eq!(keys(&named("title")), ["id", "schemas", "title"]);
    assert_eq!(keys(&named("TITLE, displayname ,")), ["displayName", "id", "schemas", "title"]);
    assert_eq!(keys(&named("noSuchThing")), ["id", "schemas"]);
    assert_eq!(keys(&named("meta")), ["id", "meta", "schemas"]);
    assert_eq!(keys(&named("groups.display")), ["groups", "id", "schemas"]);
    assert_eq!(keys(&named("password")), ["id", "schemas"]);
    assert_eq!(named(ENTERPRISE)[ENTERPRISE], json!({"department": "Ledger", "costCenter": "7"}));
    assert_eq!(named("meta.version")["meta"].as_object().map(|meta| meta.len()), Some(1));
}

#[test]
fn what_is_left_out() {
    let (lab, path) = with_alice();
    let without =
        |attributes: &str| lab.scim.query(&path, &[("excludedAttributes", attributes)]).expect(200).json;
    let all = lab.scim.get(&path).json;
    let mut expected = all.clone();
    expected.as_object_mut().expect("an object").remove("title");
    assert_eq!(without("title"), expected);
    assert_eq!(without("id,schemas"), all, "returned: always");
    assert_eq!(without("name.givenName")["name"], json!({"familyName": "A"}));
    assert!(without(ENTERPRISE).get(ENTERPRISE).is_none());
    assert_eq!(without(&format!("{ENTERPRISE}:costCenter"))[ENTERPRISE], json!({"department": "Ledger"}));
    assert!(without("groups").get("groups").is_none());
    let both = lab.scim.query(&path, &[("attributes", "title"), ("excludedAttributes", "name")]);
    assert_eq!((both.status, both.scim_type()), (400, "invalidValue"));
}

#[test]
fn writes_answer_in_the_shape_that_was_asked_for() {
    let lab = Lab::new();
    let shape = |answer: Answer| keys(&answer.json).join(" ");
    let body = user("alice", json!({"title": "Clerk"})).to_string();
    let created = lab.scim.request("POST", "/Users?attributes=userName", &[], Some(&body)).expect(201);
    let path = format!("/Users/{}", created.id());
    assert_eq!(shape(created), "id schemas userName");
    assert_eq!(
        shape(
            lab.scim
                .request("PUT", &format!("{path}?excludedAttributes=meta,title,active"), &[], Some(&body))
                .expect(200)
        ),
        "id schemas userName"
    );
    let staff = lab.new_group("Staff", &[]);
    let answer = lab.scim.request(
        "PUT",
        &format!("/Groups/{staff}?attributes=displayName"),
        &[],
        Some(&group("Staff", &[]).to_string()),
    );
    assert_eq!(shape(answer.expect(200)), "displayName id schemas");
}

#[test]
fn lists_are_projected_too() {
    let (lab, _) = with_alice();
    let list = lab.scim.query("/Users", &[("attributes", "userName")]).expect(200);
    assert_eq!(keys(&list.resources()[0]), ["id", "schemas", "userName"]);
    let groups = lab.scim.query("/Groups", &[("excludedAttributes", "MEMBERS")]).expect(200);
    assert!(groups.resources()[0].get("members").is_none());
    let groups = lab.scim.query("/Groups", &[("attributes", "displayName,members.display")]).expect(200);
    assert_eq!(groups.resources()[0]["members"], json!([{"display": "Alice"}]));
}
