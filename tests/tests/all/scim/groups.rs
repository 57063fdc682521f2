//! Groups and their members: order of arrival, nesting, and what a PATCH of members means.

use serde_json::json;

use super::{GROUP, Lab, group, shown_members, sorted, user, values};

#[test]
fn members_may_be_named_before_they_are_there() {
    let lab = Lab::new();
    let alice = lab.new_user("alice");
    let staff = lab.new_group("Staff", &[&alice, "e-bob", "e-carol"]);
    let before = lab.scim.get(&format!("/Groups/{staff}"));
    lab.scim.create("/Users", &user("bob", json!({"externalId": "e-bob"})));
    assert_eq!(lab.members("Staff"), ["alice", "bob"]);
    let after = lab.scim.get(&format!("/Groups/{staff}"));
    assert_ne!(before.etag(), after.etag(), "the group has changed");
    // Who is taken out while waiting does not come in.
    lab.scim
        .patch(
            &format!("/Groups/{staff}"),
            &json!([{"op": "remove", "path": "members", "value": [{"value": "e-carol"}]}]),
        )
        .expect(200);
    lab.scim.create("/Users", &user("carol", json!({"externalId": "e-carol"})));
    assert_eq!(lab.members("Staff"), ["alice", "bob"]);
}

#[test]
fn who_waits_is_shown_to_the_administrator() {
    let lab = Lab::new();
    let alice = lab.new_user("alice");
    lab.new_group("Staff", &[&alice, "e-bob"]);
    let quarantined = lab.db.lines("SELECT source, kind, key FROM roster.quarantine");
    assert!(
        quarantined.iter().any(|line| line.starts_with("idp-scim|") && line.contains("e-bob")),
        "{quarantined:?}"
    );
    lab.scim.create("/Users", &user("bob", json!({"externalId": "e-bob"})));
    assert_eq!(lab.db.lines("SELECT source FROM roster.quarantine"), [""; 0]);
}

#[test]
fn a_replace_that_names_no_members_leaves_them() {
    let lab = Lab::new();
    let (alice, bob) = (lab.new_user("alice"), lab.new_user("bob"));
    let staff = lab.new_group("Staff", &[&alice, &bob]);
    let path = format!("/Groups/{staff}");
    for operations in [
        json!([{"op": "replace", "value": {"displayName": "Staff"}}]),
        json!([{"op": "replace", "path": "members"}]),
        json!([{"op": "replace", "path": "members", "value": null}]),
        json!([{"op": "add", "path": "members", "value": []}]),
        json!([{"op": "add", "value": {"members": []}}]),
        json!([{"op": "remove", "path": "members[value eq \"nobody\"]"}]),
    ] {
        let answer = lab.scim.patch(&path, &operations);
        assert!(matches!(answer.status, 200 | 400), "{operations}: {answer:?}");
        assert_eq!(lab.members("Staff"), ["alice", "bob"], "{operations}");
    }
    // PUT: absent keeps, [] empties.
    lab.scim.put(&path, &group("Staff", &[])).expect(200);
    assert_eq!(lab.members("Staff"), ["alice", "bob"]);
    lab.scim.put(&path, &json!({"schemas": [GROUP], "displayName": "Staff", "members": []})).expect(200);
    assert_eq!(lab.members("Staff"), [""; 0]);
    lab.scim.put(&path, &group("Staff", &[&bob])).expect(200);
    assert_eq!(lab.members("Staff"), ["bob"]);
    lab.scim.patch(&path, &json!([{"op": "replace", "value": {"members": []}}])).expect(200);
    assert_eq!(lab.members("Staff"), [""; 0]);
}

#[test]
fn operations_hold_in_their_order() {
    let lab = Lab::new();
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| lab.new_user(name));
    let staff = lab.new_group("Staff", &[&alice]);
    let path = format!("/Groups/{staff}");
    let value = |id: &String| json!([{"value": id}]);
    lab.scim
        .patch(
            &path,
            &json!([
                {"op": "add", "path": "members", "value": value(&bob)},
                {"op": "remove", "path": "members"},
                {"op": "add", "path": "members", "value": value(&carol)},
                {"op": "add", "path": "members", "value": value(&alice)},
                {"op": "remove", "path": format!("members[value eq \"{carol}\"]")}
            ]),
        )
        .expect(200);
    assert_eq!(lab.members("Staff"), ["alice"]);
    let before = lab.scim.get(&path).etag();
    lab.scim
        .patch(
            &path,
            &json!([
                {"op": "add", "path": "members", "value": value(&bob)},
                {"op": "remove", "path": format!("members[value eq \"{bob}\"]")}
            ]),
        )
        .expect(200);
    assert_eq!(lab.scim.get(&path).etag(), before, "in and out again is no change");
    lab.scim
        .patch(
            &path,
            &json!([{"op": "replace", "path": "members", "value": [{"value": bob}, {"value": alice}]}]),
        )
        .expect(200);
    assert_eq!(shown_members(&lab.scim, &staff), sorted([&alice, &bob]));
}

#[test]
fn members_are_removed_by_name_too() {
    let lab = Lab::new();
    let [alice, bob] =
        ["alice", "bob"].map(|name| lab.scim.create("/Users", &user(name, json!({"displayName": name}))));
    let staff = lab.new_group("Staff", &[&alice, &bob]);
    let path = format!("/Groups/{staff}");
    lab.scim.patch(&path, &json!([{"op": "remove", "path": "members[display eq \"ALICE\"]"}])).expect(200);
    assert_eq!(lab.members("Staff"), ["bob"]);
    lab.scim.patch(&path, &json!([{"op": "remove", "path": format!("members[value eq \"{bob}\" or value eq \"{alice}\"]")}])).expect(200);
    assert_eq!(lab.members("Staff"), [""; 0]);
}

#[test]
fn members_and_groups_in_filters() {
    let lab = Lab::new();
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| lab.new_user(name));
    let staff = lab.new_group("Staff", &[&alice, &bob]);
    let crew = lab.new_group("Crew", &[&bob]);
    let all = lab.new_group("All", &[&staff]);
    let groups = |filter: &str| {
        let mut names = lab.scim.find("/Groups", filter).expect(200).each("displayName");
        names.sort();
        names
    };
    assert_eq!(groups(&format!("members[value eq \"{bob}\"]")), ["Crew", "Staff"]);
    assert_eq!(groups(&format!("members.value eq \"{bob}\"")), ["Crew", "Staff"]);
    assert_eq!(groups(&format!("members eq \"{bob}\"")), ["Crew", "Staff"]);
    assert_eq!(groups(&format!("members[value eq \"{bob}\"] and displayName sw \"s\"")), ["Staff"]);
    assert_eq!(groups(&format!("members.value eq \"{}\"", carol)), [""; 0]);
    assert_eq!(groups(&format!("members[value eq \"{staff}\" and type eq \"Group\"]")), ["All"]);
    assert_eq!(groups("members pr"), ["All", "Crew", "Staff"]);
    assert_eq!(groups("not (members pr)"), [""; 0]);
    let users = |filter: &str| {
        let mut names = lab.scim.find("/Users", filter).expect(200).each("userName");
        names.sort();
        names
    };
    assert_eq!(users(&format!("groups.value eq \"{crew}\"")), ["bob"]);
    assert_eq!(users("groups.display eq \"staff\""), ["alice", "bob"]);
    assert_eq!(users(&format!("groups[value eq \"{all}\"]")), ["alice", "bob"], "indirectly too");
    assert_eq!(users("not (groups pr)"), ["carol"]);
}

#[test]
fn nesting_may_run_in_circles() {
    let lab = Lab::new();
    let alice = lab.new_user("alice");
    let a = lab.new_group("A", &[&alice]);
    let b = lab.new_group("B", &[&a]);
    let path = format!("/Groups/{a}");
    lab.scim
        .patch(&path, &json!([{"op": "add", "path": "members", "value": [{"value": b, "type": "Group"}]}]))
        .expect(200);
    assert_eq!(lab.members("A"), ["B", "alice"]);
    assert_eq!(lab.members("B"), ["A"]);
    let effective =
        lab.db.lines("SELECT group_name FROM roster.effective_groups WHERE username = 'alice' ORDER BY 1");
    assert_eq!(effective, ["A", "B"]);
    // A group in itself is harmless, or refused; never an error of the server.
    let own = lab.scim.patch(&path, &json!([{"op": "add", "path": "members", "value": [{"value": a}]}]));
    assert!(matches!(own.status, 200 | 400), "{own:?}");
    lab.scim.delete(&format!("/Groups/{b}")).expect(204);
    assert!(!lab.members("A").contains(&"B".to_owned()));
    lab.scim.delete(&path).expect(204);
    assert_eq!(
        lab.db.lines("SELECT group_name FROM roster.effective_groups WHERE username = 'alice'"),
        [""; 0]
    );
}

#[test]
fn group_attributes_of_sql_reach_the_members_a_provider_adds() {
    let lab = Lab::new();
    let alice = lab.new_user("alice");
    let staff = lab.new_group("Staff", &[]);
    lab.db.run("SELECT roster.set_group_attribute('Staff', 'badge', 'blue', iam => 'idp')");
    lab.scim
        .patch(
            &format!("/Groups/{staff}"),
            &json!([{"op": "add", "path": "members", "value": [{"value": alice}]}]),
        )
        .expect(200);
    assert_eq!(lab.effective("alice"), ["badge=blue"]);
    lab.scim
        .put(&format!("/Groups/{staff}"), &json!({"schemas": [GROUP], "displayName": "Crew"}))
        .expect(200);
    assert_eq!(lab.effective("alice"), ["badge=blue"], "a rename and a PUT leave what SQL said");
}

#[test]
fn a_member_shows_where_to_find_it() {
    let lab = Lab::new();
    let alice = lab.scim.create("/Users", &user("alice", json!({"displayName": "Alice A"})));
    let staff = lab.new_group("Staff", &[&alice]);
    // The name of a member costs a look-up: it comes when it is asked for.
    let attributes = [("attributes", "members.value,members.type,members.display,members.$ref")];
    let member = lab.scim.query(&format!("/Groups/{staff}"), &attributes).json["members"][0].clone();
    assert_eq!(member["value"], json!(alice));
    assert_eq!(member["type"], json!("User"));
    assert_eq!(member["display"], json!("Alice A"));
    assert_eq!(member["$ref"], json!(format!("{}/Users/{alice}", lab.scim.base())));
    let groups = lab.scim.get(&format!("/Users/{alice}")).json["groups"].clone();
    assert_eq!(groups[0]["value"], json!(staff));
    assert_eq!(groups[0]["$ref"], json!(format!("{}/Groups/{staff}", lab.scim.base())));
    let by = lab.scim.query(&format!("/Groups/{staff}"), &[("attributes", "members.value")]).json;
    assert_eq!(by["members"], json!([{"value": alice}]));
    assert_eq!(values(&by["members"]), [alice]);
}
