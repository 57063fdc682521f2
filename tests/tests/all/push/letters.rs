//! What cannot be applied is kept: until its subject appears, or somebody has looked at it.

use roster_tests::wait_until;
use serde_json::{Value, json};

use super::{Lab, attributes, event, event_at, facts, members, stated};

fn letters(lab: &Lab) -> Vec<String> {
    lab.db.lines(
        "SELECT event_id, type, subject, state, reason FROM roster.dead_letters ORDER BY dead_letter_id",
    )
}

#[test]
fn what_waits_is_applied_when_its_subject_appears() {
    let lab = Lab::with(&json!({}));
    let answer =
        lab.push.send(&event_at(5, "1", "user.attributes.set", "sara", attributes("a", &["5"]))).expect(202);
    assert_eq!(answer.json["waiting"], json!(["sara"]));
    lab.push.send(&event_at(3, "2", "user.attributes.set", "sara", attributes("a", &["3"]))).expect(202);
    lab.push.send(&event_at(4, "3", "group.members.add", "dev", members(&["sara"]))).expect(202);
    lab.push.call("PUT", "/v1/users/sara/attributes/called", Some(&json!(["yes"]))).expect(202);
    assert_eq!(
        letters(&lab)[0],
        "1|roster.user.attributes.set|sara|waiting|no user \"sara\" in identity manager \"corp\""
    );
    assert_eq!(letters(&lab).len(), 4);
    // A repeat is one all the same.
    let answer =
        lab.push.send(&event_at(5, "1", "user.attributes.set", "sara", attributes("a", &["5"]))).expect(200);
    assert_eq!((&answer.json["outcome"], &answer.json["first"]), (&json!("duplicate"), &json!("waiting")));
    lab.db.run("SELECT roster.create_user('sara', iam => 'corp')");
    wait_until("the user's events are applied", || letters(&lab).len() == 1);
    assert_eq!(stated(&lab.db), ["user sara t   {}", "user sara: a=5 (hr)", "user sara: called=yes (hr)"]);
    lab.db.run("SELECT roster.create_group('dev', iam => 'corp')");
    wait_until("the group's event is applied", || letters(&lab).is_empty());
    assert_eq!(lab.db.line("SELECT member_name FROM roster.memberships"), "sara");
    assert_eq!(lab.db.line("SELECT string_agg(DISTINCT actor, ',') FROM roster.read_changes(0, 1000) WHERE source = 'hr' AND kind <> 'source'"), "hr key");
}

#[test]
fn members_who_are_there_need_not_wait_for_others() {
    let lab = Lab::new();
    lab.push.outcome(&event("1", "group.upsert", "dev", json!({})));
    lab.push.outcome(&event("2", "user.upsert", "ann", json!({})));
    let answer =
        lab.push.send(&event("3", "group.members.add", "dev", members(&["ann", "bob", "cid"]))).expect(202);
    assert_eq!(answer.json["waiting"], json!(["bob", "cid"]));
    assert_eq!(lab.db.lines("SELECT member_name FROM roster.memberships"), ["ann"]);
    // Who is taken out before having been in does not enter later.
    lab.push.send(&event("4", "group.members.remove", "dev", members(&["cid"]))).expect(200);
    lab.push.outcome(&event("5", "user.upsert", "cid", json!({})));
    lab.push.outcome(&event("6", "user.upsert", "bob", json!({})));
    wait_until("bob has entered", || letters(&lab).is_empty());
    assert_eq!(lab.db.lines("SELECT member_name FROM roster.memberships ORDER BY 1"), ["ann", "bob"]);
    // Groups of a whole user: those that are there at once.
    let put = json!({"groups": ["dev", "ops"]});
    let answer = lab.push.call("PUT", "/v1/users/cid", Some(&put)).expect(202);
    assert_eq!(answer.json["waiting"], json!(["ops"]));
    lab.push.outcome(&event("7", "group.upsert", "ops", json!({})));
    wait_until("cid has entered", || letters(&lab).is_empty());
    assert_eq!(
        lab.db.lines("SELECT group_name FROM roster.memberships WHERE member_name = 'cid' ORDER BY 1"),
        ["dev", "ops"]
    );
}

#[test]
fn bad_data_are_kept_with_the_reason_and_change_nothing() {
    let lab = Lab::new();
    lab.push.outcome(&event("first", "user.upsert", "sara", json!({})));
    let before = facts(&lab.db);
    let long = "x".repeat(70_000);
    let bad = [
        ("user.nothing", "sara", json!({}), "types are"),
        ("user.upsert", " ", json!({}), "subject"),
        ("user.upsert", "sara", json!([]), "JSON object"),
        ("user.upsert", "sara", json!({"username": "x"}), "username"),
        ("user.upsert", "sara", json!({"email": 5}), "email"),
        ("user.upsert", "sara", json!({"display_name": "x", "attributes": {"": ["1"]}}), "attributes"),
        ("user.attributes.set", "sara", json!({}), "attributes must be"),
        ("user.attributes.set", "sara", json!({"attributes": {"a": [1]}}), "list of texts"),
        ("user.attributes.set", "sara", json!({"attributes": {"a": ["1"]}, "x": 1}), "unknown key"),
        ("user.attributes.set", "sara", attributes("a", &[&long]), "65536"),
        ("user.attributes.add", "sara", json!({"attributes": {"a": null}}), "null"),
        ("group.members.add", "dev", json!({"members": "sara"}), "list of names"),
        ("group.members.add", "dev", json!({"members": [""]}), "members"),
        ("user.attributes.set", &"x".repeat(1001), attributes("a", &["1"]), "1000"),
        ("user.attributes.set", "sara", attributes(&"x".repeat(1001), &["1"]), "1000"),
    ];
    for (n, (kind, subject, data, told)) in bad.iter().enumerate() {
        let answer = lab.push.send(&event(&n.to_string(), kind, subject, data.clone()));
        assert_eq!(
            (answer.status, &answer.json["outcome"]),
            (422, &json!("dead")),
            "{kind} {data}: {answer:?}"
        );
        assert!(
            answer.json["detail"].as_str().is_some_and(|detail| detail.contains(told)),
            "{told}: {answer:?}"
        );
    }
    assert_eq!(facts(&lab.db), before);
    assert_eq!(
        lab.db.number("SELECT count(*) FROM roster.dead_letters WHERE state = 'dead'"),
        bad.len() as i64
    );
    // Coming again, it is the same letter.
    lab.push.send(&event("5", "user.upsert", "sara", json!({"attributes": {"": []}}))).expect(422);
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.dead_letters"), bad.len() as i64);
}

#[test]
fn what_cannot_be_read_is_told_and_not_kept() {
    let lab = Lab::new();
    let post = |content_type: &str, body: &str| {
        lab.push.request("POST", "/v1/events", &[("content-type", content_type)], Some(body))
    };
    post(super::STRUCTURED, "{").expect(400);
    post(super::STRUCTURED, "[]").expect(400);
    post(super::STRUCTURED, r#"{"specversion": "1.0", "type": "roster.user.upsert", "subject": "x"}"#)
        .expect(400);
    post(super::BATCH, "{}").expect(400);
    post("text/plain", "hello").expect(415);
    for (method, path, body) in [
        ("PUT", "/v1/users/x", Some(json!(["1"]))),
        ("PUT", "/v1/users/x", None),
        ("PUT", "/v1/users/x/attributes/a", Some(json!("1"))),
        ("PUT", "/v1/users/x/attributes/a", Some(json!([1]))),
        ("POST", "/v1/users/x/attributes/a", None),
        ("POST", "/v1/users/x/attributes/a", Some(json!(["\0"]))),
        ("PUT", "/v1/users/%00/attributes/a", Some(json!(["1"]))),
    ] {
        lab.push.call(method, path, body.as_ref()).expect(400);
    }
    lab.push.call("PUT", "/v1/users/x", Some(&json!({"attribute": {}}))).expect(422);
    lab.push.call("GET", "/v1/users/x", None).expect(405);
    lab.push.send(&event("nul", "user.upsert", "sara", json!({"title": "\0"}))).expect(422);
    assert_eq!(lab.db.line("SELECT event_id, data FROM roster.dead_letters"), "nul|");
}

#[test]
fn letters_are_tried_again_and_discarded() {
    let lab = Lab::with(&json!({}));
    lab.push.send(&event("1", "user.upsert", "sara", attributes("a", &["1"]))).expect(202);
    let id = lab.db.line("SELECT dead_letter_id FROM roster.dead_letters");
    assert_eq!(lab.db.line(&format!("SELECT roster.retry_dead_letter({id})")), "waiting");
    assert_eq!(lab.db.line("SELECT dead_letter_id FROM roster.dead_letters"), id);
    lab.db.run(r#"SELECT roster.alter_source('hr', config => '{"create_users": true}')"#);
    assert_eq!(lab.db.line(&format!("SELECT roster.retry_dead_letter({id})")), "applied");
    assert_eq!(stated(&lab.db), ["user sara t   {}", "user sara: a=1 (hr)"]);
    let told = lab.db.error(&format!("SELECT roster.retry_dead_letter({id})"));
    assert!(told.contains("roster.dead_letters"), "{told}");
    let waits = event("2", "group.members.add", "dev", members(&["sara"]));
    lab.push.send(&waits).expect(202);
    lab.db.run("SELECT roster.discard_dead_letter(dead_letter_id) FROM roster.dead_letters");
    lab.db.run("SELECT roster.create_group('dev', iam => 'corp')");
    let answer = lab.push.send(&waits).expect(200);
    assert_eq!((&answer.json["outcome"], &answer.json["first"]), (&json!("duplicate"), &json!("discarded")));
    assert_eq!(lab.db.lines("SELECT * FROM roster.memberships"), [""; 0]);
}

#[test]
fn what_is_kept_is_bounded() {
    let lab = Lab::with(&json!({}));
    lab.push.send(&event("1", "group.delete", "x", Value::Null)).expect(200);
    lab.push.send(&event("2", "user.upsert", "y", json!({}))).expect(202);
    lab.db.run("UPDATE roster_private.push_event SET received_at = now() - interval '29 days'; UPDATE roster_private.push_letter SET received_at = now() - interval '89 days'");
    assert_eq!(lab.db.line("SELECT roster_private.purge_push()"), "0");
    lab.db.run("UPDATE roster_private.push_event SET received_at = now() - interval '31 days'; UPDATE roster_private.push_letter SET received_at = now() - interval '91 days'");
    lab.db.run("SELECT roster_private.purge_push()");
    assert_eq!(lab.db.line("SELECT (SELECT count(*) FROM roster_private.push_event), (SELECT count(*) FROM roster.dead_letters)"), "0|0");
}
