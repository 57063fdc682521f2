//! Joining, leaving and coming back.

use serde_json::json;

use super::{Lab, group, user};

#[test]
fn inactive_is_disabled_and_still_there() {
    let lab = Lab::new();
    let alice = lab.new_user("alice");
    lab.new_group("Staff", &[&alice]);
    let path = format!("/Users/{alice}");
    lab.scim.patch(&path, &json!([{"op": "replace", "path": "active", "value": false}])).expect(200);
    assert_eq!(lab.user("alice", "active"), "f");
    lab.scim.get(&path).expect(200);
    assert_eq!(lab.members("Staff"), ["alice"], "membership waits for the return");
    assert_eq!(lab.db.lines("SELECT group_name FROM roster.effective_groups"), [""; 0]);
    lab.scim.patch(&path, &json!([{"op": "replace", "path": "active", "value": true}])).expect(200);
    assert_eq!(lab.db.lines("SELECT group_name FROM roster.effective_groups"), ["Staff"]);
    // A PUT that leaves active out says nothing about it: whoever is disabled stays so.
    lab.scim.patch(&path, &json!([{"op": "replace", "path": "active", "value": false}])).expect(200);
    lab.scim.put(&path, &user("alice", json!({}))).expect(200);
    assert_eq!(lab.user("alice", "active"), "f");
}

#[test]
fn deleted_is_gone_for_the_provider_and_disabled_here() {
    let lab = Lab::with(
        &json!({"attributes": {"title": "title"}, "permissions": ["entitlements"], "platforms": {"snowflake": "userName"}}),
    );
    let body =
        user("alice", json!({"externalId": "e-1", "title": "Clerk", "entitlements": [{"value": "AUDIT"}]}));
    let alice = lab.scim.create("/Users", &body);
    lab.new_group("Staff", &[&alice]);
    let user_id = lab.external("e-1", "user_id");
    let path = format!("/Users/{alice}");
    lab.scim.delete(&path).expect(204);
    lab.scim.get(&path).expect(404);
    lab.scim.put(&path, &body).expect(404);
    lab.scim.patch(&path, &json!([{"op": "replace", "path": "active", "value": true}])).expect(404);
    lab.scim.delete(&path).expect(404);
    assert_eq!(lab.scim.get("/Users").total(), 0);
    assert_eq!(lab.external("e-1", "user_id, active"), format!("{user_id}|f"));
    for view in ["memberships", "user_attributes", "platform_users", "effective_permissions"] {
        assert_eq!(lab.db.lines(&format!("SELECT v::text FROM roster.{view} v")), [""; 0], "{view}");
    }
    // Closed, not forgotten.
    let audit = lab.audit();
    for line in ["remove membership", "remove user_attribute"] {
        assert!(audit.iter().any(|told| told.starts_with(line)), "{line}: {audit:?}");
    }
}

#[test]
fn the_same_external_id_returns_as_the_same_user() {
    let lab = Lab::new();
    let body = user("alice", json!({"externalId": "e-1"}));
    let first = lab.scim.create("/Users", &body);
    let user_id = lab.external("e-1", "user_id");
    lab.db.run("SELECT roster.set_user_attribute('alice', 'by_hand', 'kept', iam => 'idp')");
    lab.scim.delete(&format!("/Users/{first}")).expect(204);
    let second = lab.scim.create("/Users", &user("alice.b", json!({"externalId": "e-1"})));
    assert_ne!(second, first);
    assert_eq!(lab.external("e-1", "user_id, username, active"), format!("{user_id}|alice.b|t"));
    assert_eq!(lab.effective("alice.b"), ["by_hand=kept"]);
    lab.scim.get(&format!("/Users/{first}")).expect(404);
}

#[test]
fn another_external_id_is_another_user_who_inherits_nothing() {
    let lab = Lab::new();
    let first = lab.scim.create("/Users", &user("alice", json!({"externalId": "e-1"})));
    lab.new_group("Staff", &[&first]);
    let user_id = lab.external("e-1", "user_id");
    lab.db.run("SELECT roster.set_user_attribute('alice', 'by_hand', 'kept', iam => 'idp')");
    lab.db.run("SELECT roster.grant_permission('AUDIT', username => 'alice', iam => 'idp')");
    lab.scim.delete(&format!("/Users/{first}")).expect(204);
    // The name is free.
    lab.scim.create("/Users", &user("alice", json!({"externalId": "e-2"})));
    assert_ne!(lab.external("e-2", "user_id"), user_id);
    assert_eq!(lab.external("e-2", "username, active"), "alice|t");
    assert_eq!(lab.effective("alice"), [""; 0]);
    assert_eq!(lab.permissions("alice"), [""; 0]);
    assert_eq!(lab.members("Staff"), [""; 0]);
    // And the first one finds the name taken.
    lab.refused(409, "uniqueness", |scim| scim.post("/Users", &user("alice", json!({"externalId": "e-1"}))));
    lab.scim.create("/Users", &user("alice.old", json!({"externalId": "e-1"})));
    assert_eq!(lab.external("e-1", "user_id, username"), format!("{user_id}|alice.old"));
}

#[test]
fn without_an_external_id_every_creation_is_somebody_new() {
    let lab = Lab::new();
    let first = lab.new_user("alice");
    let user_id = lab.user("alice", "user_id");
    lab.scim.delete(&format!("/Users/{first}")).expect(204);
    lab.new_user("alice");
    let ids = lab.db.lines("SELECT user_id FROM roster.users WHERE active");
    assert_eq!(ids.len(), 1);
    assert_ne!(ids[0], user_id);
}

#[test]
fn an_administrators_no_outlives_the_providers_yes() {
    let lab = Lab::new();
    let alice = lab.new_user("alice");
    let path = format!("/Users/{alice}");
    lab.db.run("SELECT roster.disable_user('alice', 'idp')");
    lab.scim.patch(&path, &json!([{"op": "replace", "path": "active", "value": true}])).expect(200);
    lab.scim.put(&path, &user("alice", json!({"active": true}))).expect(200);
    assert_eq!(lab.user("alice", "active"), "f");
    assert_eq!(lab.scim.get(&path).json["active"], json!(true), "the provider reads what it said");
    lab.db.run("SELECT roster.enable_user('alice', 'idp')");
    assert_eq!(lab.user("alice", "active"), "t");
}

#[test]
fn a_user_made_by_hand_is_adopted() {
    let lab = Lab::new();
    lab.db.run("SELECT roster.create_user('alice', iam => 'idp', email => 'old@x.example')");
    lab.db.run("SELECT roster.set_user_attribute('alice', 'by_hand', 'kept', iam => 'idp')");
    let user_id = lab.user("alice", "user_id");
    assert_eq!(lab.scim.find("/Users", "userName eq \"alice\"").total(), 0, "no resource yet");
    lab.scim.create(
        "/Users",
        &user("Alice", json!({"externalId": "e-1", "emails": [{"value": "new@x.example"}]})),
    );
    assert_eq!(lab.external("e-1", "user_id, username, email"), format!("{user_id}|Alice|new@x.example"));
    assert_eq!(lab.effective("Alice"), ["by_hand=kept"]);
}

#[test]
fn names_and_ids_are_unique_within_the_identity_manager() {
    let lab = Lab::new();
    let alice = lab.scim.create("/Users", &user("alice", json!({"externalId": "e-1"})));
    let bob = lab.scim.create("/Users", &user("bob", json!({"externalId": "e-2"})));
    let conflict = |body| lab.refused(409, "uniqueness", |scim| scim.post("/Users", &body));
    conflict(user("alice", json!({})));
    conflict(user("ALICE", json!({"externalId": "e-9"})));
    conflict(user("somebody", json!({"externalId": "e-1"})));
    let path = format!("/Users/{bob}");
    lab.refused(409, "uniqueness", |scim| scim.put(&path, &user("Alice", json!({"externalId": "e-2"}))));
    for (attribute, value) in [("userName", "aLICE"), ("externalId", "e-1")] {
        lab.refused(409, "uniqueness", |scim| {
            scim.patch(&path, &json!([{"op": "replace", "path": attribute, "value": value}]))
        });
    }
    // One's own name in another case is none.
    lab.scim
        .patch(&format!("/Users/{alice}"), &json!([{"op": "replace", "path": "userName", "value": "Alice"}]))
        .expect(200);
    assert_eq!(lab.external("e-1", "username"), "Alice");

    lab.scim.create("/Groups", &group("Staff", &[]));
    let crew = lab.scim.create("/Groups", &group("Crew", &[]));
    for name in ["Staff", "STAFF"] {
        lab.refused(409, "uniqueness", |scim| scim.post("/Groups", &group(name, &[])));
        let rename = json!([{"op": "replace", "path": "displayName", "value": name}]);
        lab.refused(409, "uniqueness", |scim| scim.patch(&format!("/Groups/{crew}"), &rename));
    }
}

#[test]
fn names_may_be_swapped_step_by_step() {
    let lab = Lab::new();
    let [alice, bob] = ["alice", "bob"]
        .map(|name| lab.scim.create("/Users", &user(name, json!({"externalId": format!("e-{name}")}))));
    let rename = |id: &str, name: &str| {
        lab.scim
            .patch(&format!("/Users/{id}"), &json!([{"op": "replace", "path": "userName", "value": name}]))
            .expect(200);
    };
    rename(&alice, "third");
    rename(&bob, "alice");
    rename(&alice, "bob");
    assert_eq!(lab.external("e-alice", "username"), "bob");
    assert_eq!(lab.external("e-bob", "username"), "alice");
}

#[test]
fn a_deleted_group_is_closed_and_its_name_is_free() {
    let lab = Lab::new();
    let alice = lab.new_user("alice");
    let staff = lab.new_group("Staff", &[&alice]);
    lab.scim.delete(&format!("/Groups/{staff}")).expect(204);
    for request in ["/Groups", "/Users"] {
        assert!(lab.scim.get(&format!("{request}/{staff}")).status == 404);
    }
    assert_eq!(lab.members("Staff"), [""; 0]);
    assert!(lab.scim.get(&format!("/Users/{alice}")).json.get("groups").is_none());
    let again = lab.new_group("Staff", &[&alice]);
    assert_ne!(again, staff);
    assert_eq!(lab.members("Staff"), ["alice"]);
}

#[test]
fn default_permissions_are_given_once() {
    let lab = Lab::new();
    lab.db.run("SELECT roster.set_default_permissions('idp', '{READ}')");
    let body = user("alice", json!({"externalId": "e-1"}));
    let alice = lab.scim.create("/Users", &body);
    assert_eq!(lab.permissions("alice"), ["READ"]);
    lab.db.run("SELECT roster.set_default_permissions('idp', '{READ,WRITE}')");
    lab.scim.put(&format!("/Users/{alice}"), &body).expect(200);
    lab.scim.delete(&format!("/Users/{alice}")).expect(204);
    lab.scim.create("/Users", &body);
    assert!(!lab.permissions("alice").contains(&"WRITE".to_owned()), "later changes affect new users only");
    lab.new_user("bob");
    assert_eq!(lab.permissions("bob"), ["READ", "WRITE"]);
}

#[test]
fn a_group_permission_follows_membership_at_once() {
    let lab = Lab::new();
    lab.db.run("SELECT roster.grant_permission('AUDIT', group_name => 'Staff', iam => 'idp')");
    let alice = lab.new_user("alice");
    let staff = lab.new_group("Staff", &[&alice]);
    assert_eq!(lab.permissions("alice"), ["AUDIT"]);
    lab.scim.patch(&format!("/Groups/{staff}"), &json!([{"op": "remove", "path": "members"}])).expect(200);
    assert_eq!(lab.permissions("alice"), [""; 0]);
}

#[test]
fn a_change_that_changes_nothing_leaves_no_trace() {
    let lab = Lab::new();
    let id = lab.scim.create("/Users", &user("alice", json!({"title": "Clerk"})));
    let path = format!("/Users/{id}");
    let (before, audit) = (lab.scim.get(&path), lab.audit());
    for operations in [
        json!([{"op": "replace", "path": "title", "value": "Clerk"}]),
        json!([{"op": "add", "path": "title", "value": "Clerk"}]),
        json!([{"op": "replace", "path": "active", "value": true}]),
        json!([{"op": "remove", "path": "nickName"}]),
        json!([{"op": "replace", "value": {"title": "Clerk", "nickName": null, "emails": []}}]),
        json!([{"op": "replace", "path": "title", "value": "Chief"}, {"op": "replace", "path": "title", "value": "Clerk"}]),
    ] {
        lab.scim.patch(&path, &operations).expect(200);
        let after = lab.scim.get(&path);
        assert_eq!(
            (after.json, after.headers.iter().find(|(name, _)| name == "etag")),
            (before.json.clone(), before.headers.iter().find(|(name, _)| name == "etag")),
            "{operations}"
        );
    }
    assert_eq!(lab.audit(), audit);
}
