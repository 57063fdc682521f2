//! Who may come in, and how far.

use serde_json::json;

use super::{Lab, Push, attributes, event, new_source, stated};

#[test]
fn without_a_good_key_nobody_comes_in() {
    let lab = Lab::new();
    for wrong in ["", "Bearer x", "Basic eDp5"] {
        let stranger = lab.push.authorized(wrong);
        let answer = stranger.send(&event("1", "user.upsert", "eve", json!({}))).expect(401);
        assert!(answer.header("www-authenticate").is_some());
        stranger.call("GET", "/user-info?userid=x", None).expect(401);
    }
    for (scope, path, status) in [
        ("changes", "/v1/events", 403),
        ("scim", "/v1/events", 403),
        ("user-info", "/v1/events", 403),
        ("push", "/user-info?userid=x", 403),
    ] {
        let key = lab.db.line(&format!(
            "SELECT roster.create_api_key('{scope} only', iam => 'corp', scopes => '{{{scope}}}')"
        ));
        let method = if path == "/v1/events" { "POST" } else { "GET" };
        let answer = Push::new(lab.served.port, &key).request(method, path, &[], None).expect(status);
        assert!(answer.json["detail"].as_str().is_some_and(|detail| detail.contains("scope")), "{answer:?}");
    }
    lab.db.run("SELECT roster.alter_source('hr', enabled => false)");
    lab.push.send(&event("1", "user.upsert", "eve", json!({}))).expect(403);
    lab.db.run("SELECT roster.alter_source('hr', enabled => true); SELECT roster.revoke_api_key('hr key')");
    lab.push.send(&event("1", "user.upsert", "eve", json!({}))).expect(401);
    assert_eq!(stated(&lab.db), [""; 0]);
    lab.push.call("GET", "/v1/nothing", None).expect(404);
}

#[test]
fn a_key_acts_in_its_own_source_and_identity_manager() {
    let lab = Lab::new();
    let second = Push::new(
        lab.served.port,
        &new_source(&lab.db, "corp", "crm", "crm key", &json!({"create_users": true})),
    );
    lab.db.run("SELECT roster.create_identity_manager('other')");
    let other = Push::new(
        lab.served.port,
        &new_source(&lab.db, "other", "far", "far key", &json!({"create_users": true})),
    );
    for push in [&lab.push, &second, &other] {
        // One id, three sources: three events.
        push.send(&event(
            "1",
            "user.upsert",
            "sara",
            json!({"display_name": "S", "attributes": {"a": ["1"]}}),
        ))
        .expect(200);
        push.send(&event("2", "group.upsert", "dev", json!({}))).expect(200);
        push.send(&event("3", "group.members.add", "dev", json!({"members": ["sara"]}))).expect(200);
    }
    assert_eq!(lab.db.line("SELECT count(*) FROM roster.users"), "2");
    let theirs = || {
        lab.db.lines("SELECT * FROM roster.user_attributes WHERE source <> 'hr' UNION ALL SELECT iam, group_name, member_name, source, source, since, NULL, NULL FROM roster.memberships WHERE source <> 'hr' ORDER BY 1, 2, 3, 5")
    };
    let before = theirs();
    assert_eq!(before.len(), 4);
    lab.push
        .send(&event("4", "user.attributes.remove", "sara", json!({"attributes": {"a": null}})))
        .expect(200);
    lab.push.call("PUT", "/v1/users/sara", Some(&json!({"attributes": {}, "groups": []}))).expect(200);
    lab.push.send(&event("5", "group.delete", "dev", json!({}))).expect(200);
    assert_eq!(theirs(), before);
    assert_eq!(lab.db.line("SELECT count(*) FROM roster.groups"), "2");
    // Disabled by one of two who have the user: the first made her, the second has no claim.
    second.send(&event("6", "user.disable", "sara", json!({}))).expect(422);
}

#[test]
fn limits_hold() {
    let lab = Lab::with(&json!({"rate_limit": 3, "create_users": true}));
    let answers: Vec<u16> = (0..12)
        .map(|n| lab.push.send(&event(&n.to_string(), "user.upsert", "x", json!({}))).status)
        .collect();
    assert!(answers.contains(&429) && answers.contains(&200), "{answers:?}");
    let lab = Lab::new();
    let big = format!("{{\"x\": \"{}\"}}", "x".repeat(17 << 20));
    lab.push.request("POST", "/v1/events", &[("content-type", super::STRUCTURED)], Some(&big)).expect(413);
    let many: Vec<String> = (0..10_001).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    lab.push.send(&event("1", "user.upsert", "x", attributes("a", &many))).expect(422);
    lab.push.send(&event("2", "user.upsert", "x", attributes("a", &many[1..]))).expect(200);
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.effective_attributes"), 10_000);
}

#[test]
fn a_configuration_that_means_nothing_is_refused() {
    let lab = Lab::new();
    for (config, told) in [
        (r#"{"match": "x"}"#, "match_by"),
        (r#"{"match_by": "phone"}"#, "match_by"),
        (r#"{"create_users": "yes"}"#, "create_users"),
        (r#"{"prefix": ""}"#, "prefix"),
        (r#"{"rate_limit": 0}"#, "rate_limit"),
        (r#"{"signing_secret": "hunter2"}"#, "signing_secret"),
    ] {
        let error = lab.db.error(&format!(
            "SELECT roster.create_source('x', iam => 'corp', kind => 'push', config => '{config}')"
        ));
        assert!(error.contains(told) && !error.contains("hunter2"), "{error}");
    }
    let done = lab.db.daemon().run(&["check", "hr"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.out.contains("created"), "{done:?}");
    lab.db.run(r#"SELECT roster.alter_source('hr', config => '{"signing_secret": {"env": "NOT_SET"}}')"#);
    let done = lab.db.daemon().run(&["check", "hr"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.out.contains("NOT_SET"), "{done:?}");
}
