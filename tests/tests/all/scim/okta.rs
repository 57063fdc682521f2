//! What Okta sends: the runscope-like acceptance suite, application assignments, and group push.

use roster_tests::{Answer, Scim};
use serde_json::{Value, json};

use super::{ENTERPRISE, GROUP, Lab, USER, group, shown_members};

fn lab() -> Lab {
    Lab::with(
        &json!({"profile": "okta", "attribute_mapping": {"scimuser": ENTERPRISE}, "attributes": {"colour": "favouriteColour"}}),
    )
}

fn joiner(email: &str) -> Value {
    json!({
        "schemas": [USER], "userName": email, "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"primary": true, "value": email, "type": "work"}], "displayName": "Test User", "locale": "en-US",
        "externalId": format!("00u-{email}"), "groups": [], "password": "1mz050nq-secret", "active": true
    })
}

fn lookup(scim: &Scim, email: &str) -> Answer {
    let filter = format!("userName eq \"{email}\"");
    scim.query("/Users", &[("filter", &filter), ("startIndex", "1"), ("count", "100")]).expect(200)
}

fn assign(scim: &Scim, email: &str) -> String {
    assert_eq!(lookup(scim, email).total(), 0);
    let created = scim.post("/Users", &joiner(email)).expect(201);
    assert!(created.json.get("password").is_none());
    assert_eq!(created.header("location"), created.json["meta"]["location"].as_str());
    created.id()
}

#[test]
fn the_acceptance_suite() {
    let lab = lab();
    let first = lab.scim.query("/Users", &[("count", "1"), ("startIndex", "1")]).expect(200);
    for key in ["schemas", "totalResults", "itemsPerPage", "startIndex"] {
        assert!(first.json.get(key).is_some(), "{key}: {first:?}");
    }
    assert_eq!(lookup(&lab.scim, "abcdefgh@atko.com").total(), 0);
    let missing = lab.scim.get("/Users/010101001010101011001010101011").expect(404);
    assert_eq!(missing.json["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    let id = assign(&lab.scim, "runscope@atko.com");
    let shown = lab.scim.get(&format!("/Users/{id}")).expect(200).json;
    assert_eq!(shown["userName"], json!("runscope@atko.com"));
    assert_eq!(shown["name"], json!({"givenName": "Test", "familyName": "User"}));
    assert_eq!(shown["active"], json!(true));
    // The same again is a conflict.
    let twice = lab.scim.post("/Users", &joiner("runscope@atko.com")).expect(409);
    assert_eq!(twice.scim_type(), "uniqueness");
    assert_eq!(lookup(&lab.scim, "RUNSCOPE@atko.com").total(), 1, "user names compare without case");
    assert_eq!(lookup(&lab.scim, "runscope@atko.com").json["itemsPerPage"], json!(1));
    lab.scim.query("/Groups", &[("count", "100"), ("startIndex", "1")]).expect(200);
}

#[test]
fn a_profile_change_is_a_put_of_what_was_read() {
    let lab = lab();
    let id = assign(&lab.scim, "alice@atko.com");
    let path = format!("/Users/{id}");
    let before = lab.scim.get(&path).expect(200);
    let same = lab.scim.put(&path, &before.json).expect(200);
    assert_eq!(same.json, before.json, "a PUT of our own GET changes nothing");
    assert_eq!(same.etag(), before.etag());
    let changes = lab.audit().len();

    let mut body = before.json;
    body["name"]["familyName"] = json!("Ames");
    body["favouriteColour"] = json!("green");
    body["groups"] = json!([]);
    body[ENTERPRISE] = json!({"department": "Ledger"});
    body["schemas"] = json!([USER, ENTERPRISE]);
    let changed = lab.scim.put(&path, &body).expect(200);
    assert_eq!(changed.json["favouriteColour"], json!("green"), "custom attributes survive a round trip");
    assert_ne!(changed.etag(), same.etag());
    assert_eq!(lab.user("alice@atko.com", "profile ->> 'family_name'"), "Ames");
    assert_eq!(lab.effective("alice@atko.com"), ["colour=green", "scimuser.department=Ledger"]);
    assert!(lab.audit().len() > changes);
}

#[test]
fn deactivated_and_reactivated_never_deleted() {
    let lab = lab();
    let id = assign(&lab.scim, "alice@atko.com");
    let path = format!("/Users/{id}");
    let active = |active: bool| json!([{"op": "replace", "value": {"active": active}}]);
    let off = lab.scim.patch(&path, &active(false)).expect(200);
    assert_eq!(off.json["active"], json!(false));
    assert_eq!(lab.user("alice@atko.com", "active"), "f");
    assert_eq!(
        lookup(&lab.scim, "alice@atko.com").each("id"),
        [id.as_str()],
        "who is inactive is still there"
    );
    lab.scim.patch(&path, &active(true)).expect(200);
    assert_eq!(lab.user("alice@atko.com", "active"), "t");
}

#[test]
fn group_push() {
    let lab = lab();
    let [alice, bob, carol] =
        ["alice", "bob", "carol"].map(|name| assign(&lab.scim, &format!("{name}@atko.com")));
    let mut body = group("Staff", &[&alice, &bob]);
    body["externalId"] = json!("00g1");
    let id = lab.scim.create("/Groups", &body);
    let path = format!("/Groups/{id}");
    assert_eq!(lab.members("Staff"), ["alice@atko.com", "bob@atko.com"]);

    // Renamed: id and displayName without a path, members stay.
    lab.scim
        .patch(&path, &json!([{"op": "replace", "value": {"id": id, "displayName": "Crew"}}]))
        .expect(200);
    assert_eq!(lab.members("Crew"), ["alice@atko.com", "bob@atko.com"]);

    // One goes, one comes, in one message.
    lab.scim
        .patch(
            &path,
            &json!([
                {"op": "remove", "path": format!("members[value eq \"{alice}\"]")},
                {"op": "add", "path": "members", "value": [{"value": carol, "display": "carol@atko.com"}]}
            ]),
        )
        .expect(200);
    assert_eq!(lab.members("Crew"), ["bob@atko.com", "carol@atko.com"]);

    // "Push now": the whole list.
    lab.scim
        .patch(&path, &json!([{"op": "replace", "path": "members", "value": [{"value": alice}]}]))
        .expect(200);
    assert_eq!(shown_members(&lab.scim, &id), [alice.as_str()]);
    lab.scim.patch(&path, &json!([{"op": "replace", "path": "members", "value": []}])).expect(200);
    assert_eq!(lab.members("Crew"), [""; 0]);

    // PUT of the group, then unlinked.
    let put = json!({"schemas": [GROUP], "id": id, "displayName": "Crew", "members": [{"value": bob, "display": "bob@atko.com"}]});
    lab.scim.put(&path, &put).expect(200);
    assert_eq!(lab.members("Crew"), ["bob@atko.com"]);
    lab.scim.delete(&path).expect(204);
    lab.scim.get(&path).expect(404);
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.users WHERE active"), 3);
}

#[test]
fn one_unknown_member_does_not_sink_a_push() {
    let lab = lab();
    let alice = assign(&lab.scim, "alice@atko.com");
    let unknown = "11111111-2222-4333-8444-555555555555";
    let id = lab.scim.create("/Groups", &group("Staff", &[&alice, unknown]));
    assert_eq!(lab.members("Staff"), ["alice@atko.com"]);
    assert_eq!(shown_members(&lab.scim, &id), [alice.as_str()]);
    lab.refused(400, "invalidValue", |scim| scim.post("/Groups", &group("Others", &[unknown])));
}
