//! From what a provider states to attributes, permissions, profile fields and platform usernames.

use serde_json::{Value, json};

use super::{ENTERPRISE, GROUP, Lab, TEAM, USER, user};

const GROUP_URN: &str = "urn:example:params:scim:schemas:extension:place:2.0:Group";

#[test]
fn a_prefix_stands_for_a_schema() {
    let lab = Lab::with(&json!({"attribute_mapping": {"scimuser": ENTERPRISE, "team": TEAM}}));
    let more = json!({
        ENTERPRISE: {"Test": "a", "costCenter": "77", "manager": {"value": "m-1", "displayName": "Boss"}},
        TEAM: {
            "flag": true, "level": 7, "ratio": 1.5, "labels": ["b", "a", "b", "", " "], "skills": [{"value": "sql"}, {"value": "rust"}],
            "address": {"city": "Oslo", "country": "NO"}, "nothing": null, "none": [], "accent": "e\u{301}"
        }
    });
    let id = lab.scim.create("/Users", &user("alice", more));
    let mut effective = lab.effective("alice");
    effective.retain(|line| !line.starts_with("scimuser.manager"));
    assert_eq!(
        effective,
        [
            "scimuser.Test=a",
            "scimuser.costCenter=77",
            "team.accent=\u{e9}",
            "team.address.city=Oslo",
            "team.address.country=NO",
            "team.flag=true",
            "team.labels=a",
            "team.labels=b",
            "team.level=7",
            "team.ratio=1.5",
            "team.skills=rust",
            "team.skills=sql"
        ]
    );
    // What the configuration names is advertised, kept, returned and found.
    let shown = lab.scim.get(&format!("/Users/{id}")).json;
    for urn in [USER, TEAM, ENTERPRISE] {
        assert!(shown["schemas"].as_array().is_some_and(|all| all.contains(&json!(urn))), "{urn}: {shown}");
    }
    assert_eq!(shown[TEAM]["labels"], json!(["b", "a", "b", "", " "]));
    assert_eq!(lab.scim.find("/Users", &format!("{TEAM}:skills.value eq \"SQL\"")).expect(200).total(), 1);
    assert_eq!(lab.scim.find("/Users", &format!("{TEAM}:level eq 7")).expect(200).total(), 1);
}

#[test]
fn fields_come_change_and_go_one_by_one() {
    let lab = Lab::with(&json!({"attribute_mapping": {"scimuser": ENTERPRISE}}));
    let path = format!(
        "/Users/{}",
        lab.scim.create("/Users", &user("alice", json!({ENTERPRISE: {"Test": "a", "department": "x"}})))
    );
    let patch = |operations: Value| {
        lab.scim.patch(&path, &operations).expect(200);
    };
    patch(json!([{"op": "replace", "path": format!("{ENTERPRISE}:Test"), "value": "b"}]));
    assert_eq!(lab.effective("alice"), ["scimuser.Test=b", "scimuser.department=x"]);
    patch(json!([{"op": "remove", "path": format!("{ENTERPRISE}:Test")}]));
    assert_eq!(lab.effective("alice"), ["scimuser.department=x"]);
    patch(json!([{"op": "add", "value": {ENTERPRISE: {"Test": "c"}}}]));
    assert_eq!(lab.effective("alice"), ["scimuser.Test=c", "scimuser.department=x"]);
    lab.scim.put(&path, &user("alice", json!({}))).expect(200);
    assert_eq!(lab.effective("alice"), [""; 0], "PUT removes what it leaves out");
    // The history knows all of it.
    assert_eq!(
        lab.db.number(
            "SELECT count(*) FROM roster.changes WHERE kind = 'user_attribute' AND change = 'remove'"
        ),
        4
    );
}

#[test]
fn a_mapping_that_goes_takes_the_attribute_at_the_next_update() {
    let with = json!({"attribute_mapping": {"scimuser": ENTERPRISE}, "attributes": {"title": "title"}});
    let lab = Lab::with(&with);
    let path = format!(
        "/Users/{}",
        lab.scim.create("/Users", &user("alice", json!({"title": "Clerk", ENTERPRISE: {"Test": "a"}})))
    );
    let bob =
        format!("/Users/{}", lab.scim.create("/Users", &user("bob", json!({ENTERPRISE: {"Test": "b"}}))));
    lab.configure(&json!({}));
    assert_eq!(lab.effective("alice"), ["scimuser.Test=a", "title=Clerk"], "until alice's next update");
    lab.scim.patch(&path, &json!([{"op": "replace", "path": "displayName", "value": "Alice"}])).expect(200);
    assert_eq!(lab.effective("alice"), [""; 0]);
    assert_eq!(lab.effective("bob"), ["scimuser.Test=b"]);
    lab.configure(&with);
    // Even an update that changes nothing else, and with what was stated long ago.
    let title = json!([{"op": "replace", "path": "title", "value": "Clerk"}]);
    lab.scim.patch(&path, &title).expect(200);
    assert_eq!(lab.effective("alice"), ["scimuser.Test=a", "title=Clerk"]);
    lab.scim.put(&bob, &user("bob", json!({ENTERPRISE: {"Test": "b"}}))).expect(200);
    assert_eq!(lab.effective("bob"), ["scimuser.Test=b"]);
}

#[test]
fn single_paths_to_attributes_and_permissions() {
    let lab = Lab::with(&json!({
        "attributes": {
            "role": "roles", "job": "title", "mail": "emails[type eq \"work\"].value", "first": "name.givenName",
            "cost": format!("{ENTERPRISE}:costCenter"), "everything": "userName"
        },
        "permissions": ["entitlements", "roles[type eq \"system\"].value"]
    }));
    let more = json!({
        "roles": [{"value": "reader"}, {"value": "writer", "type": "system"}], "title": "Clerk", "name": {"givenName": "Al"},
        "emails": [{"value": "w@x.example", "type": "work"}, {"value": "h@x.example", "type": "home"}],
        "entitlements": [{"value": "CREATE_PROJECT"}, {"value": "AUDIT"}], ENTERPRISE: {"costCenter": "9"}
    });
    let id = lab.scim.create("/Users", &user("alice", more));
    assert_eq!(
        lab.effective("alice"),
        [
            "cost=9",
            "everything=alice",
            "first=Al",
            "job=Clerk",
            "mail=w@x.example",
            "role=reader",
            "role=writer"
        ]
    );
    assert_eq!(lab.permissions("alice"), ["AUDIT", "CREATE_PROJECT", "writer"]);
    let operations = json!([
        {"op": "remove", "path": "entitlements[value eq \"AUDIT\"]"},
        {"op": "remove", "path": "roles[type eq \"system\"]"}
    ]);
    lab.scim.patch(&format!("/Users/{id}"), &operations).expect(200);
    assert_eq!(lab.permissions("alice"), ["CREATE_PROJECT"]);
    assert!(lab.effective("alice").contains(&"role=reader".to_owned()));
}

#[test]
fn a_permission_of_sql_and_one_of_the_provider_do_not_touch() {
    let lab = Lab::with(&json!({"permissions": ["entitlements"]}));
    let path = format!(
        "/Users/{}",
        lab.scim.create("/Users", &user("alice", json!({"entitlements": [{"value": "AUDIT"}]})))
    );
    lab.db.run("SELECT roster.grant_permission('AUDIT', username => 'alice', iam => 'idp')");
    lab.scim.patch(&path, &json!([{"op": "remove", "path": "entitlements"}])).expect(200);
    assert_eq!(lab.permissions("alice"), ["AUDIT"], "the grant stays");
    lab.db.run("SELECT roster.revoke_permission('AUDIT', username => 'alice', iam => 'idp')");
    assert_eq!(lab.permissions("alice"), [""; 0]);
}

#[test]
fn without_a_mapping_the_profile_follows_the_core_schema() {
    let lab = Lab::new();
    let more = json!({
        "displayName": "Alice A", "title": "Clerk", "name": {"givenName": "Alice", "familyName": "A", "formatted": "Ms A"},
        "emails": [{"value": "home@x.example", "type": "home"}, {"value": "work@x.example", "type": "work"}],
        "phoneNumbers": [{"value": "1", "type": "work"}, {"value": "2", "type": "home", "primary": true}],
        "addresses": [{"type": "work", "locality": "Oslo", "country": "NO"}],
        ENTERPRISE: {"organization": "Example", "department": "Ledger"}
    });
    lab.scim.create("/Users", &user("alice", more));
    assert_eq!(lab.user("alice", "display_name, email"), "Alice A|work@x.example");
    let profile: Value = serde_json::from_str(&lab.user("alice", "profile")).expect("jsonb");
    assert_eq!(
        profile,
        json!({
            "given_name": "Alice", "family_name": "A", "phone": "2", "title": "Clerk", "organization": "Example",
            "department": "Ledger", "location": "Oslo, NO"
        })
    );
    assert_eq!(lab.effective("alice"), [""; 0], "a profile field is never an attribute");
    for (username, name, shown) in [
        ("b", json!({"formatted": "Ms B", "givenName": "B"}), "Ms B"),
        ("c", json!({"givenName": "C", "familyName": "D"}), "C D"),
        ("d", json!({"familyName": "D"}), "D"),
    ] {
        lab.scim.create("/Users", &user(username, json!({"name": name})));
        assert_eq!(lab.user(username, "display_name"), shown);
    }
}

#[test]
fn with_a_mapping_the_profile_is_what_it_names() {
    let lab = Lab::with(
        &json!({"profile_mapping": {"nick": "nickName", "email": "emails[type eq \"home\"].value", "team": format!("{TEAM}:name")}}),
    );
    let more = json!({
        "title": "Clerk", "nickName": "Al", "displayName": "Alice", TEAM: {"name": "blue"},
        "emails": [{"value": "w@x.example", "type": "work", "primary": true}, {"value": "h@x.example", "type": "home"}]
    });
    lab.scim.create("/Users", &user("alice", more));
    assert_eq!(lab.user("alice", "display_name, email"), "Alice|h@x.example");
    let profile: Value = serde_json::from_str(&lab.user("alice", "profile")).expect("jsonb");
    assert_eq!(profile, json!({"nick": "Al", "team": "blue"}));
}

#[test]
fn platform_usernames() {
    let lab = Lab::with(
        &json!({"platforms": {"snowflake": format!("{TEAM}:snowflake"), "databricks": "emails[type eq \"work\"].value"}}),
    );
    let more = json!({TEAM: {"snowflake": "ALICE_S"}, "emails": [{"value": "a@x.example", "type": "work"}]});
    let path = format!("/Users/{}", lab.scim.create("/Users", &user("alice", more)));
    let names = || {
        lab.db.lines("SELECT platform, platform_username FROM roster.platform_users WHERE username = 'alice' AND platform IN ('snowflake', 'databricks') ORDER BY 1")
    };
    assert_eq!(names(), ["databricks|a@x.example", "snowflake|ALICE_S"]);
    lab.scim
        .patch(&path, &json!([{"op": "replace", "path": format!("{TEAM}:snowflake"), "value": "ALICE_T"}]))
        .expect(200);
    assert_eq!(names(), ["databricks|a@x.example", "snowflake|ALICE_T"]);
    lab.scim.patch(&path, &json!([{"op": "remove", "path": format!("{TEAM}:snowflake")}])).expect(200);
    assert!(!names().iter().any(|line| line.contains("ALICE_T")), "{:?}", names());
    // By hand wins, and stays.
    lab.db.run("SELECT roster.set_platform_username('alice', 'snowflake', 'BY_HAND', iam => 'idp')");
    lab.scim
        .patch(&path, &json!([{"op": "add", "path": format!("{TEAM}:snowflake"), "value": "ALICE_U"}]))
        .expect(200);
    assert!(names().contains(&"snowflake|BY_HAND".to_owned()), "{:?}", names());
}

#[test]
fn group_extensions_become_group_attributes() {
    let lab = Lab::with(
        &json!({"attribute_mapping": {"place": GROUP_URN}, "group_attributes": {"label": "displayName"}}),
    );
    let alice = lab.new_user("alice");
    let body = json!({
        "schemas": [GROUP, GROUP_URN], "displayName": "Field_Sales", "members": [{"value": alice}],
        GROUP_URN: {"territories": ["OH", "MD"], "open": true}
    });
    let path = format!("/Groups/{}", lab.scim.create("/Groups", &body));
    assert_eq!(
        lab.effective("alice"),
        ["label=Field_Sales", "place.open=true", "place.territories=MD", "place.territories=OH"]
    );
    let shown = lab.scim.get(&path).json;
    assert_eq!(shown[GROUP_URN], body[GROUP_URN]);
    lab.scim.patch(&path, &json!([{"op": "remove", "path": format!("{GROUP_URN}:territories")}])).expect(200);
    assert_eq!(lab.effective("alice"), ["label=Field_Sales", "place.open=true"]);
    assert_eq!(lab.members("Field_Sales"), ["alice"]);
}

#[test]
fn what_is_not_repeated_gets_stale() {
    let lab = Lab::with(&json!({"attribute_mapping": {"scimuser": ENTERPRISE}, "max_age": "1 day"}));
    let body = user("alice", json!({ENTERPRISE: {"Test": "a"}}));
    let path = format!("/Users/{}", lab.scim.create("/Users", &body));
    let stale = || lab.db.line("SELECT stale FROM roster.attribute_origins WHERE username = 'alice'");
    assert_eq!(stale(), "f");
    lab.db.run(
        "UPDATE roster_private.scim_user SET confirmed_at = confirmed_at - interval '2 days';
         UPDATE roster_private.run SET begun = begun - interval '2 days', at = at - interval '2 days'",
    );
    assert_eq!(stale(), "t");
    assert_eq!(lab.effective("alice"), ["scimuser.Test=a"], "stale is told, not taken away");
    lab.scim.patch(&path, &json!([{"op": "replace", "path": "displayName", "value": "Al"}])).expect(200);
    assert_eq!(stale(), "t", "a PATCH says nothing about what it does not mention");
    lab.scim.put(&path, &body).expect(200);
    assert_eq!(stale(), "f", "a PUT repeats all of it");
}

#[test]
fn values_that_no_attribute_can_hold_are_left_out() {
    let lab = Lab::with(&json!({"attribute_mapping": {"team": TEAM}}));
    let long = "n".repeat(1100);
    let more = json!({TEAM: {"good": "x", long: "y", "blank": "   ", "huge": "v".repeat(20_000)}});
    lab.scim.create("/Users", &user("alice", more));
    let effective = lab.effective("alice");
    assert_eq!(effective.len(), 2, "{effective:.200?}");
    assert_eq!(effective[0], "team.good=x");
    let with_nul = user("bob", json!({TEAM: {"nul": "a\u{0}b", "good": "x"}}));
    let answer = lab.scim.post("/Users", &with_nul);
    assert!(matches!(answer.status, 201 | 400), "{answer:?}");
    if answer.status == 201 {
        assert_eq!(lab.effective("bob"), ["team.good=x"]);
    }
}

#[test]
fn the_daemon_says_what_is_wrong_with_a_mapping() {
    let lab = Lab::new();
    lab.configure(&json!({"attributes": {"x": "emails["}}));
    let answer = lab.scim.get("/Users");
    assert!((500..600).contains(&answer.status), "{answer:?}");
    let done = lab.db.daemon().run(&["check", super::SOURCE]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.said().contains("attributes.x"), "{done:?}");
    lab.configure(&json!({}));
    lab.scim.get("/Users").expect(200);
}
