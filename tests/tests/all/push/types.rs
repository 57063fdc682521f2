//! Every type of event and every call, and what holds after it.

use roster_tests::encoded;
use serde_json::{Value, json};

use super::{Lab, attributes, event, members, new_source, outcome, stated};

#[test]
fn users_are_created_described_disabled_and_brought_back() {
    let lab = Lab::new();
    let upsert = |id: &str, data: Value| lab.push.send(&event(id, "user.upsert", "sara", data)).expect(200);
    upsert(
        "1",
        json!({"display_name": "Sara", "email": "s@x.example", "title": "Dr", "attributes": {"role": ["administrator"]}}),
    );
    assert_eq!(
        lab.db.line("SELECT username, active, display_name, email, profile FROM roster.users"),
        r#"sara|t|Sara|s@x.example|{"title": "Dr"}"#
    );
    assert_eq!(lab.db.line("SELECT name, value FROM roster.effective_attributes"), "role|administrator");
    // Fields that are not named stay, null takes one away.
    upsert("2", json!({"title": null, "phone": "1"}));
    assert_eq!(lab.db.line("SELECT display_name, profile FROM roster.users"), r#"Sara|{"phone": "1"}"#);
    assert_eq!(lab.push.outcome(&event("3", "user.disable", "sara", Value::Null)), "applied");
    assert_eq!(lab.db.line("SELECT active FROM roster.users"), "f");
    assert_eq!(lab.db.lines("SELECT * FROM roster.effective_attributes"), [""; 0]);
    upsert("4", json!({}));
    assert_eq!(lab.db.line("SELECT active FROM roster.users"), "t");
    assert_eq!(lab.db.line("SELECT count(*) FROM roster.users"), "1");
    assert_eq!(
        lab.db.line(
            "SELECT string_agg(DISTINCT actor || ' ' || source, ',') FROM roster.read_changes(0, 1000) WHERE kind = 'user'"
        ),
        "hr key hr"
    );
}

#[test]
fn attributes_are_set_added_and_removed() {
    let lab = Lab::new();
    lab.push.outcome(&event("0", "user.upsert", "stephanie", attributes("other", &["kept"])));
    let mut id = 0;
    let mut change = |mode: &str, data: Value| {
        id += 1;
        let kind = format!("user.attributes.{mode}");
        assert_eq!(lab.push.outcome(&event(&id.to_string(), &kind, "stephanie", data)), "applied");
        lab.db.line(
            r#"SELECT coalesce(string_agg(value, ',' ORDER BY value COLLATE "C"), '') FROM roster.effective_attributes WHERE name = 'region'"#,
        )
    };
    assert_eq!(change("set", attributes("region", &["Ohio", "Michigan"])), "Michigan,Ohio");
    assert_eq!(change("add", attributes("region", &["Indiana", "Ohio"])), "Indiana,Michigan,Ohio");
    assert_eq!(change("remove", attributes("region", &["Michigan", "Nowhere"])), "Indiana,Ohio");
    assert_eq!(change("set", attributes("region", &["Iowa"])), "Iowa");
    assert_eq!(change("set", attributes("region", &[])), "");
    assert_eq!(change("add", json!({"attributes": {"region": "one text"}})), "one text");
    assert_eq!(change("remove", json!({"attributes": {"region": null}})), "");
    // Composed and decomposed, it is one value.
    assert_eq!(change("set", attributes("region", &["Z\u{fc}rich", "Zu\u{308}rich"])), "Z\u{fc}rich");
    assert_eq!(lab.db.line("SELECT value FROM roster.user_attributes WHERE name = 'other'"), "kept");
}

#[test]
fn groups_come_carry_attributes_have_members_and_go() {
    let lab = Lab::new();
    let send = |id: &str, kind: &str, data: Value| {
        assert_eq!(lab.push.outcome(&event(id, kind, "developers", data)), "applied")
    };
    lab.push.outcome(&event("u", "user.upsert", "sam", json!({})));
    send(
        "1",
        "group.upsert",
        json!({"display_name": "Devs", "room": "5", "attributes": {"organization": ["engineering"]}}),
    );
    assert_eq!(
        lab.db.line("SELECT group_name, display_name, profile FROM roster.groups"),
        r#"developers|Devs|{"room": "5"}"#
    );
    send("2", "group.members.add", members(&["sam"]));
    assert_eq!(
        lab.db.line("SELECT name, value FROM roster.effective_attributes"),
        "organization|engineering"
    );
    send("3", "group.attributes.add", attributes("organization", &["research"]));
    send("4", "group.attributes.remove", attributes("organization", &["engineering"]));
    assert_eq!(lab.db.line("SELECT value FROM roster.effective_attributes"), "research");
    send("5", "group.attributes.set", attributes("badge", &["blue"]));
    assert_eq!(lab.db.line("SELECT count(*) FROM roster.effective_attributes"), "2");
    send("6", "group.members.remove", members(&["sam", "nobody"]));
    assert_eq!(lab.db.lines("SELECT * FROM roster.effective_groups"), [""; 0]);
    send("7", "group.members.add", members(&["sam"]));
    send("8", "group.delete", Value::Null);
    assert_eq!(lab.db.lines("SELECT * FROM roster.groups"), [""; 0]);
    assert_eq!(lab.db.lines("SELECT * FROM roster.effective_attributes"), [""; 0]);
    // Back under its number, with nothing of what was.
    send("9", "group.upsert", json!({}));
    assert_eq!(lab.db.line("SELECT count(*) FROM roster_private.app_group"), "1");
    assert_eq!(lab.db.lines("SELECT * FROM roster.group_attributes"), [""; 0]);
    assert_eq!(lab.db.lines("SELECT * FROM roster.memberships"), [""; 0]);
}

#[test]
fn a_group_that_another_source_has_stays() {
    let lab = Lab::new();
    lab.db.run("SELECT roster.create_group('staff', iam => 'corp', display_name => 'Staff')");
    let answer = lab.push.send(&event(
        "1",
        "group.upsert",
        "staff",
        json!({"display_name": "Mine", "attributes": {"a": ["1"]}}),
    ));
    assert_eq!(answer.expect(200).json["ignored"], json!(["display_name"]));
    assert_eq!(lab.push.outcome(&event("2", "group.delete", "staff", Value::Null)), "applied");
    assert_eq!(stated(&lab.db), ["group staff Staff {}"]);
}

#[test]
fn calls_replace_add_and_remove() {
    let lab = Lab::new();
    let path = format!("/v1/users/{}", encoded("s\u{e4}ra/1"));
    let name = format!("{path}/attributes/{}", encoded("a b/c"));
    lab.db.run(
        "SELECT roster.create_group('a', iam => 'corp'); SELECT roster.create_group('b', iam => 'corp')",
    );
    let put = json!({"attributes": {"x": ["1", "2"], "y": ["3"]}, "groups": ["a", "b"]});
    assert_eq!(outcome(&lab.push.call("PUT", &path, Some(&put)).expect(200).json), "applied");
    lab.push.call("PUT", &name, Some(&json!(["1", "2"]))).expect(200);
    lab.push.call("POST", &name, Some(&json!(["3"]))).expect(200);
    lab.push.call("DELETE", &name, Some(&json!(["1"]))).expect(200);
    let all = [
        "group a  {}",
        "group b  {}",
        "s\u{e4}ra/1 in a (hr)",
        "s\u{e4}ra/1 in b (hr)",
        "user s\u{e4}ra/1 t   {}",
        "user s\u{e4}ra/1: a b/c=2 (hr)",
        "user s\u{e4}ra/1: a b/c=3 (hr)",
        "user s\u{e4}ra/1: x=1 (hr)",
        "user s\u{e4}ra/1: x=2 (hr)",
        "user s\u{e4}ra/1: y=3 (hr)",
    ];
    assert_eq!(stated(&lab.db), all);
    lab.push.call("DELETE", &name, None).expect(200);
    // A part that is not given stays.
    lab.push.call("PUT", &path, Some(&json!({"groups": ["b"]}))).expect(200);
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.user_attributes"), 3);
    assert_eq!(lab.db.line("SELECT group_name FROM roster.memberships"), "b");
    lab.push.call("PUT", &path, Some(&json!({"attributes": {}}))).expect(200);
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.user_attributes"), 0);
    assert_eq!(lab.db.line("SELECT group_name FROM roster.memberships"), "b");
}

#[test]
fn whose_user_it_is() {
    let lab = Lab::new();
    lab.db.run("SELECT roster.create_user('eve', iam => 'corp', display_name => 'Eve')");
    let data = json!({"display_name": "Mallory", "attributes": {"a": ["1"]}});
    let answer = lab.push.send(&event("1", "user.upsert", "eve", data)).expect(200);
    assert_eq!(answer.json["ignored"], json!(["display_name"]));
    assert_eq!(stated(&lab.db), ["user eve t Eve  {}", "user eve: a=1 (hr)"]);
    lab.push.send(&event("2", "user.disable", "eve", Value::Null)).expect(422);
    assert_eq!(lab.db.line("SELECT active FROM roster.users"), "t");
    // An administrator's veto outlives what is pushed.
    lab.push.send(&event("3", "user.upsert", "una", json!({}))).expect(200);
    lab.db.run("SELECT roster.disable_user('una', 'corp')");
    lab.push.send(&event("4", "user.upsert", "una", json!({"email": "u@x"}))).expect(200);
    assert_eq!(lab.db.line("SELECT active, email FROM roster.users WHERE username = 'una'"), "f|u@x");
}

#[test]
fn users_are_found_as_the_source_calls_them() {
    let lab = Lab::with(&json!({"match_by": "email", "prefix": "crm"}));
    lab.db.run("SELECT roster.create_user('a', iam => 'corp', email => 'Ann@x.example'); SELECT roster.create_user('b', iam => 'corp', email => 'two@x.example');
                SELECT roster.create_user('c', iam => 'corp', email => 'Two@x.example')");
    let set = |id: &str, subject: &str| {
        lab.push.send(&event(id, "user.attributes.set", subject, attributes("tier", &["1"])))
    };
    set("1", "ann@X.example").expect(200);
    assert_eq!(lab.db.line("SELECT owner, name FROM roster.user_attributes"), "a|crm.tier");
    let answer = set("2", "two@x.example").expect(422);
    assert!(
        answer.json["detail"].as_str().is_some_and(|detail| detail.contains("several users")),
        "{answer:?}"
    );
    set("3", "nobody@x.example").expect(202);
    let key = new_source(
        &lab.db,
        "corp",
        "by id",
        "id key",
        &json!({"match_by": "external_id", "create_users": true}),
    );
    let other = super::Push::new(lab.served.port, &key);
    other.send(&event("1", "user.upsert", "E-1", json!({"email": "e@x"}))).expect(200);
    assert_eq!(lab.db.line("SELECT username, external_id FROM roster.users WHERE email = 'e@x'"), "E-1|E-1");
}

#[test]
fn headers_may_carry_the_event() {
    let lab = Lab::new();
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/tests"),
        ("ce-type", "roster.user.upsert"),
        ("ce-subject", "s%C3%A4ra"),
        ("content-type", "application/json"),
    ];
    let send = || lab.push.request("POST", "/v1/events", &headers, Some(r#"{"email": "s@x"}"#)).expect(200);
    assert_eq!(outcome(&send().json), "applied");
    assert_eq!(outcome(&send().json), "duplicate");
    assert_eq!(lab.db.line("SELECT username, email FROM roster.users"), "s\u{e4}ra|s@x");
}
