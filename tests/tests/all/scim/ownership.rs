//! A directory and a provider on one identity manager: each states its own, neither takes the other's.

use roster_tests::Session;
use serde_json::json;

use super::{IAM, Lab, user};

/// What the daemon does when a directory has exactly one user.
fn ldap_brings(lab: &Lab, external_id: &str, username: &str) {
    let exists = lab.db.number("SELECT count(*) FROM roster.sources WHERE source = 'corp-ldap'");
    if exists == 0 {
        lab.db.run(&format!("SELECT roster.create_source('corp-ldap', iam => '{IAM}', kind => 'ldap')"));
    }
    let daemon: Session = lab.db.login(&["roster_syncd"]);
    let claimed = daemon.line("SELECT run_id, slot FROM roster_private.claim_run('corp-ldap')");
    let (run_id, slot) = claimed.split_once('|').expect("two columns");
    daemon.run(&format!(
        "INSERT INTO roster_private.staged_entity (slot, run_id, kind, present, key, external_id, name, display_name, profile, active, fingerprint)
         VALUES ({slot}, {run_id}, 'user', true, md5('{external_id}')::uuid, '{external_id}', '{username}', 'of the directory', '{{}}', true,
                 md5('{username}')::uuid)"
    ));
    let state =
        daemon.line(&format!("SELECT state FROM roster_private.complete_run({run_id}, 1, 1, 0, 0, 0, NULL)"));
    assert_eq!(state, "succeeded");
}

#[test]
fn a_provider_adds_to_the_directorys_user_and_takes_nothing() {
    let lab = Lab::with(&json!({"attributes": {"title": "title"}}));
    ldap_brings(&lab, "e-1", "alice");
    let user_id = lab.user("alice", "user_id");
    assert_eq!(
        lab.scim.get("/Users").total(),
        0,
        "the directory's users are none of the provider's resources"
    );
    let id = lab.scim.create(
        "/Users",
        &user("alice", json!({"externalId": "e-1", "title": "Clerk", "displayName": "of the provider"})),
    );
    let path = format!("/Users/{id}");
    assert_eq!(lab.user("alice", "user_id, display_name"), format!("{user_id}|of the directory"));
    assert_eq!(lab.effective("alice"), ["title=Clerk"]);
    assert_eq!(lab.scim.get(&path).json["displayName"], json!("of the provider"));
    // Active while one of the two says so.
    lab.scim.patch(&path, &json!([{"op": "replace", "path": "active", "value": false}])).expect(200);
    assert_eq!(lab.user("alice", "active"), "t");
    lab.scim.delete(&path).expect(204);
    assert_eq!(lab.user("alice", "user_id, active"), format!("{user_id}|t"));
    assert_eq!(lab.effective("alice"), [""; 0]);
    // And the directory's next run finds nothing to repair.
    ldap_brings(&lab, "e-1", "alice");
    assert_eq!(lab.user("alice", "user_id, active, display_name"), format!("{user_id}|t|of the directory"));
}

#[test]
fn a_name_of_the_directory_with_another_id_is_a_conflict() {
    let lab = Lab::new();
    ldap_brings(&lab, "e-1", "alice");
    lab.refused(409, "uniqueness", |scim| scim.post("/Users", &user("alice", json!({"externalId": "e-2"}))));
    lab.refused(409, "uniqueness", |scim| scim.post("/Users", &user("alice", json!({}))));
    let answer = lab.scim.post("/Users", &user("Alice", json!({"externalId": "e-2"})));
    let detail = answer.json["detail"].as_str().expect("a detail");
    assert!(detail.contains("alice") && detail.contains("corp-ldap"), "it says whose: {detail}");
}
