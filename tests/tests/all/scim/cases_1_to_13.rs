//! What real clients send, one case each: the first half of twenty-six.

use roster_tests::SCIM_JSON;
use serde_json::json;

use super::{ENTERPRISE, GROUP, Lab, shown_members, user, values};

#[test]
fn case_01_replace_active_with_a_capitalised_string() {
    let lab = Lab::new();
    let id = lab.new_user("alice");
    let path = format!("/Users/{id}");
    lab.scim.patch(&path, &json!([{"op": "Replace", "path": "active", "value": "False"}])).expect(200);
    assert_eq!(lab.scim.get(&path).json["active"], json!(false));
    assert_eq!(lab.user("alice", "active"), "f");
}

#[test]
fn case_02_a_replace_without_path_may_have_paths_as_keys() {
    let lab = Lab::new();
    let path = format!("/Users/{}", lab.new_user("alice"));
    let value = json!({"name.givenName": "Alice", format!("{ENTERPRISE}:department"): "Ledger"});
    lab.scim.patch(&path, &json!([{"op": "replace", "value": value}])).expect(200);
    let shown = lab.scim.get(&path).json;
    assert_eq!(shown["name"], json!({"givenName": "Alice"}));
    assert_eq!(shown[ENTERPRISE], json!({"department": "Ledger"}));
    assert!(shown.get("name.givenName").is_none() && shown.get(format!("{ENTERPRISE}:department")).is_none());
    assert_eq!(lab.user("alice", "profile ->> 'given_name', profile ->> 'department'"), "Alice|Ledger");
}

#[test]
fn case_03_a_manager_as_plain_string() {
    let lab = Lab::new();
    let (boss, path) = (lab.new_user("boss"), format!("/Users/{}", lab.new_user("alice")));
    let add = json!([{"op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": boss}]);
    lab.scim.patch(&path, &add).expect(200);
    assert_eq!(lab.scim.get(&path).json[ENTERPRISE]["manager"]["value"], json!(boss));
    for filter in
        [format!("{ENTERPRISE}:manager.value eq \"{boss}\""), format!("{ENTERPRISE}:manager eq \"{boss}\"")]
    {
        assert_eq!(lab.scim.find("/Users", &filter).expect(200).each("userName"), ["alice"], "{filter}");
    }
}

#[test]
fn case_04_empty_string_and_null_unassign() {
    let lab = Lab::new();
    let id = lab.scim.create("/Users", &user("alice", json!({"title": "Clerk", "nickName": "Al"})));
    let path = format!("/Users/{id}");
    let operations = json!([
        {"op": "replace", "path": "title", "value": ""},
        {"op": "replace", "path": "nickName", "value": null}
    ]);
    lab.scim.patch(&path, &operations).expect(200);
    let shown = lab.scim.get(&path).json;
    assert!(shown.get("title").is_none() && shown.get("nickName").is_none(), "{shown}");
    assert_eq!(lab.user("alice", "profile ->> 'title'"), "");
}

#[test]
fn case_05_a_group_with_microsofts_schema() {
    let lab = Lab::new();
    let body = json!({
        "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159", "displayName": "Staff", "members": []
    });
    lab.scim.post("/Groups", &body).expect(201);
    assert_eq!(
        lab.db.lines("SELECT group_name, external_id FROM roster.groups"),
        ["Staff|8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159"]
    );
}

#[test]
fn case_06_a_filter_that_finds_nobody_is_an_empty_list() {
    let lab = Lab::new();
    let answer = lab.scim.find("/Users", r#"userName eq "a5222dc0-4f34-4dd9-8a84-1d2d9ecc9a4f""#).expect(200);
    assert_eq!(answer.total(), 0);
    assert_eq!(answer.resources().len(), 0);
    assert_eq!(answer.json["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
}

#[test]
fn case_07_booleans_that_come_as_strings_go_as_booleans() {
    let lab = Lab::new();
    let body = user(
        "alice",
        json!({"active": "True", "emails": [{"value": "a@example.org", "type": "work", "primary": "true"}]}),
    );
    let created = lab.scim.post("/Users", &body).expect(201);
    assert_eq!(created.json["active"], json!(true));
    assert_eq!(created.json["emails"][0]["primary"], json!(true));
    let path = format!("/Users/{}", created.id());
    let replace =
        json!([{"op": "Replace", "path": "emails[primary eq true].value", "value": "b@example.org"}]);
    lab.scim.patch(&path, &replace).expect(200);
    let replace =
        json!([{"op": "Replace", "path": "emails[primary eq \"True\"].display", "value": "at work"}]);
    lab.scim.patch(&path, &replace).expect(200);
    let emails = json!([{"value": "b@example.org", "type": "work", "primary": true, "display": "at work"}]);
    assert_eq!(lab.scim.get(&path).json["emails"], emails);
    assert_eq!(lab.user("alice", "email"), "b@example.org");
}

#[test]
fn case_08_a_filter_on_an_element() {
    let lab = Lab::new();
    let emails = |work: &str, home: &str| json!({"emails": [{"type": "work", "value": work}, {"type": "home", "value": home}]});
    lab.scim.create("/Users", &user("alice", emails("x@example.org", "y@example.org")));
    lab.scim.create("/Users", &user("bob", emails("y@example.org", "x@example.org")));
    for filter in [
        r#"emails[type eq "work"].value eq "x@example.org""#,
        r#"emails[type eq "work" and value eq "x@example.org"]"#,
        r#"EMAILS[Type EQ "Work" And Value eq "X@Example.ORG"]"#,
    ] {
        assert_eq!(lab.scim.find("/Users", filter).expect(200).each("userName"), ["alice"], "{filter}");
    }
    // Not the same element.
    let filter = r#"emails.type eq "work" and emails.value eq "x@example.org""#;
    assert_eq!(lab.scim.find("/Users", filter).expect(200).total(), 2);
}

#[test]
fn case_09_an_unquoted_literal_is_an_invalid_filter() {
    let lab = Lab::new();
    for filter in [
        "externalId eq jyoung",
        "userName eq",
        "eq \"x\"",
        "userName eq 'x'",
        "userName eq \"x",
        "(userName pr",
    ] {
        let answer = lab.scim.find("/Users", filter).expect(400);
        assert_eq!(answer.scim_type(), "invalidFilter", "{filter}");
    }
}

#[test]
fn case_10_a_group_renamed_without_path_keeps_its_members() {
    let lab = Lab::new();
    let (alice, bob) = (lab.new_user("alice"), lab.new_user("bob"));
    let id = lab.new_group("Staff", &[&alice, &bob]);
    let value = json!({"id": id, "displayName": "Crew"});
    lab.scim.patch(&format!("/Groups/{id}"), &json!([{"op": "replace", "value": value}])).expect(200);
    assert_eq!(lab.members("Crew"), ["alice", "bob"]);
    assert_eq!(shown_members(&lab.scim, &id).len(), 2);
    assert_eq!(lab.members("Staff"), [""; 0]);
}

#[test]
fn case_11_read_only_input_and_passwords_are_taken_and_not_kept() {
    let lab = Lab::new();
    let id = lab.new_user("alice");
    let body = user(
        "alice",
        json!({
            "id": "somebody-else", "password": "hunter2 hunter2", "groups": [{"value": "x", "display": "Admins"}],
            "meta": {"resourceType": "Elephant", "created": "1999-01-01T00:00:00Z", "version": "W/\"99\""}, "title": "Clerk"
        }),
    );
    let answer = lab.scim.put(&format!("/Users/{id}"), &body).expect(200);
    let shown = lab.scim.get(&format!("/Users/{id}")).json;
    for shown in [&answer.json, &shown] {
        assert_eq!(shown["id"], json!(id));
        assert_eq!(shown["title"], json!("Clerk"));
        assert_eq!(shown["meta"]["resourceType"], json!("User"));
        assert!(!shown["meta"]["created"].as_str().expect("a time").starts_with("1999"));
        assert!(shown.get("password").is_none() && shown.get("groups").is_none(), "{shown}");
    }
    let kept = lab.db.lines("SELECT document::text || search::text FROM roster_private.scim_user");
    assert!(!kept[0].contains("hunter2"), "{kept:?}");
    assert_eq!(lab.db.lines("SELECT * FROM roster.memberships"), [""; 0]);
}

#[test]
fn case_12_content_types_that_clients_send() {
    let lab = Lab::new();
    let types = [
        "application/json; charset=utf-8",
        "application/json",
        "application/scim+json",
        "application/scim+json;charset=UTF-8",
        "Application/SCIM+JSON",
    ];
    for (n, content_type) in types.into_iter().enumerate() {
        let body = user(&format!("u{n}"), json!({})).to_string();
        lab.scim.request("POST", "/Users", &[("content-type", content_type)], Some(&body)).expect(201);
    }
    let accepting = [("accept", "application/json"), ("content-type", SCIM_JSON)];
    let body = user("last", json!({})).to_string();
    lab.scim.request("POST", "/Users", &accepting, Some(&body)).expect(201);
}

#[test]
fn case_13_a_member_is_a_member_once() {
    let lab = Lab::new();
    let alice = lab.new_user("alice");
    let id = lab.new_group("Staff", &[&alice]);
    let path = format!("/Groups/{id}");
    let before = lab.scim.get(&path);
    let again = json!([{"op": "add", "path": "members", "value": [{"value": alice}]}]);
    lab.scim.patch(&path, &again).expect(200);
    lab.scim
        .patch(&path, &json!([{"op": "add", "value": {"members": [{"value": alice}, {"value": alice}]}}]))
        .expect(200);
    let after = lab.scim.get(&path);
    assert_eq!(values(&after.json["members"]), [alice]);
    assert_eq!(after.json["meta"], before.json["meta"], "lastModified and version stay");
    assert_eq!(after.etag(), before.etag());
}
