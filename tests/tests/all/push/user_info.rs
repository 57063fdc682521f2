//! `/user-info`: what holds, in the format of external endpoints.

use roster_tests::{Db, encoded};
use serde_json::{Value, json};

use super::{Lab, Push, event};
use crate::reference::state_the_reference;

fn ask(push: &Push, userid: &str) -> roster_tests::Answer {
    push.call("GET", &format!("/user-info?userid={}", encoded(userid)), None)
}

#[test]
fn it_is_what_the_views_show() {
    let db = Db::fresh();
    state_the_reference(&db);
    db.run(
        "SELECT roster.create_group('company'); SELECT roster.set_group_attribute('company', 'badge', 'blue');
         SELECT roster.add_subgroup('company', 'developers'); SELECT roster.set_user_attribute('sam', 'badge', ARRAY['red', 'Red', '\u{e4}']);
         SELECT roster.set_merge_rule('badge', 'nearest'); SELECT roster.disable_user('sara')",
    );
    let key = db.line("SELECT roster.create_api_key('reader', iam => 'builtin', scopes => '{user-info}')");
    let served = db.daemon().serve(&[]);
    let push = Push::new(served.port, &key);
    let shown = db.lines("SELECT username, active, to_json(groups), attributes FROM roster.user_profiles");
    assert!(shown.len() >= 5);
    for line in shown {
        let mut parts = line.splitn(4, '|');
        let mut next = || parts.next().expect("four columns");
        let (username, active, groups, attributes) = (next(), next(), next(), next());
        let groups: Vec<String> = serde_json::from_str(groups).expect("a list");
        let groups: Vec<Value> = groups.iter().map(|name| json!({"name": name})).collect();
        let attributes: Value = serde_json::from_str(attributes).expect("an object");
        let answer = ask(&push, username).expect(200);
        assert_eq!(answer.json, json!({"groups": groups, "authorizations": attributes}), "{username}");
        let state = if active == "t" { "active" } else { "inactive" };
        assert_eq!(answer.header("x-roster-user"), Some(state), "{username}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    assert_eq!(
        ask(&push, "sam").json["authorizations"]["badge"],
        json!(["Red", "red", "\u{e4}"]),
        "merge rules count"
    );
    let nothing = json!({"groups": [], "authorizations": {}});
    assert_eq!(ask(&push, "sara").expect(200).json, nothing);
    let answer = ask(&push, "nobody").expect(200);
    assert_eq!((answer.header("x-roster-user"), &answer.json), (Some("unknown"), &nothing));
}

#[test]
fn it_stays_within_the_identity_manager_of_the_key() {
    let lab = Lab::new();
    lab.db.run("SELECT roster.create_user('eve'); SELECT roster.set_user_attribute('eve', 'a', 'b')");
    assert_eq!(ask(&lab.push, "eve").header("x-roster-user"), Some("unknown"));
    lab.push.send(&event("1", "user.upsert", "eve", json!({"attributes": {"x": ["y"]}}))).expect(200);
    assert_eq!(ask(&lab.push, "eve").json["authorizations"], json!({"x": ["y"]}));
    for path in ["/user-info", "/user-info?userid=", "/user-info?user=eve", "/user-info?userid=%00"] {
        lab.push.call("GET", path, None).expect(400);
    }
    lab.push.call("POST", "/user-info?userid=eve", None).expect(405);
    let basic = |label: &str| {
        let key = lab.db.line(&format!(
            "SELECT roster.create_api_key('{label}', iam => 'corp', scopes => '{{user-info}}')"
        ));
        let text = format!("{label}:{key}");
        let encoded = std::process::Command::new("sh")
            .args(["-c", "printf %s \"$1\" | base64 -w0", "sh", &text])
            .output()
            .expect("base64");
        lab.push.authorized(&format!("Basic {}", String::from_utf8(encoded.stdout).expect("ASCII")))
    };
    assert_eq!(ask(&basic("by name"), "eve").expect(200).json["authorizations"], json!({"x": ["y"]}));
}

#[test]
fn what_the_client_has_is_not_sent_again() {
    let lab = Lab::new();
    lab.push.send(&event("1", "user.upsert", "eve", json!({"attributes": {"x": ["y"]}}))).expect(200);
    let ask = |tag: &str| lab.push.request("GET", "/user-info?userid=eve", &[("if-none-match", tag)], None);
    let first = ask("\"another\"").expect(200);
    let tag = first.etag();
    for given in [tag.clone(), format!("W/{tag}"), format!("\"a\", {tag}"), "*".to_owned()] {
        let answer = ask(&given).expect(304);
        assert_eq!(
            (answer.etag(), answer.header("x-roster-user"), &answer.json),
            (tag.clone(), Some("active"), &Value::Null)
        );
    }
    lab.push.send(&event("2", "user.attributes.add", "eve", json!({"attributes": {"x": ["z"]}}))).expect(200);
    assert_eq!(ask(&tag).expect(200).json["authorizations"], json!({"x": ["y", "z"]}), "current at once");
}
