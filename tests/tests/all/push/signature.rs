//! Signed requests.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use roster_tests::Answer;
use serde_json::{Value, json};

use super::{BATCH, LABEL, Lab, Push, STRUCTURED, event, new_source};

const SECRET: &str = "correct horse battery";

fn lab() -> Lab {
    let db = roster_tests::Db::fresh();
    db.run("SELECT roster.create_identity_manager('corp')");
    let config = json!({"create_users": true, "signing_secret": {"env": "HOOK_SECRET"}});
    let key = new_source(&db, "corp", "hr", LABEL, &config);
    let served = db.daemon().with("HOOK_SECRET", SECRET).serve(&[]);
    Lab { push: Push::new(served.port, &key), served, db }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// By another implementation than that of the daemon.
fn sign(secret: &str, id: &str, timestamp: u64, body: &str) -> String {
    let script = "openssl dgst -sha256 -hmac \"$1\" -binary | base64 -w0";
    let mut child = Command::new("sh")
        .args(["-c", script, "sh", secret])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(format!("{id}.{timestamp}.{body}").as_bytes()).expect("it reads");
    drop(stdin);
    let out = child.wait_with_output().expect("it ends").stdout;
    format!("v1,{}", String::from_utf8(out).expect("base64"))
}

fn signed(push: &Push, content_type: &str, id: &str, timestamp: u64, signature: &str, body: &str) -> Answer {
    let timestamp = timestamp.to_string();
    let headers = [
        ("content-type", content_type),
        ("webhook-id", id),
        ("webhook-timestamp", timestamp.as_str()),
        ("webhook-signature", signature),
    ];
    push.request("POST", "/v1/events", &headers, Some(body))
}

#[test]
fn only_what_is_signed_is_taken_and_only_once() {
    let lab = lab();
    let body = event("1", "user.upsert", "sara", json!({})).to_string();
    let good = sign(SECRET, "m1", now(), &body);
    lab.push.request("POST", "/v1/events", &[("content-type", STRUCTURED)], Some(&body)).expect(401);
    signed(&lab.push, STRUCTURED, "m1", now(), "v1,AAAA", &body).expect(401);
    signed(&lab.push, STRUCTURED, "m1", now(), &sign("another", "m1", now(), &body), &body).expect(401);
    signed(&lab.push, STRUCTURED, "m2", now(), &good, &body).expect(401);
    signed(&lab.push, STRUCTURED, "m1", now(), &good, &body.replace("sara", "eve")).expect(401);
    for off in [now() - 310, now() + 310] {
        let answer =
            signed(&lab.push, STRUCTURED, "m1", off, &sign(SECRET, "m1", off, &body), &body).expect(401);
        assert!(
            answer.json["detail"].as_str().is_some_and(|detail| detail.contains("5 minutes")),
            "{answer:?}"
        );
    }
    assert_eq!(lab.db.lines("SELECT * FROM roster.users"), [""; 0]);

    let at = now();
    let good = format!("v1,bm90aGluZw== {}", sign(SECRET, "m1", at, &body));
    assert_eq!(signed(&lab.push, STRUCTURED, "m1", at, &good, &body).expect(200).json["outcome"], "applied");
    let before = lab.facts();
    assert_eq!(
        signed(&lab.push, STRUCTURED, "m1", at, &good, &body).expect(200).json["outcome"],
        "duplicate"
    );
    assert_eq!(lab.facts(), before);
}

#[test]
fn a_replayed_call_has_no_effect() {
    let lab = lab();
    let call = |method: &str, id: &str, body: &str| {
        let at = now();
        let (signature, at) = (sign(SECRET, id, at, body), at.to_string());
        let headers = [("webhook-id", id), ("webhook-timestamp", &at), ("webhook-signature", &signature)];
        lab.push.request(method, "/v1/users/sara/attributes/a", &headers, Some(body)).expect(200).json
    };
    signed_upsert(&lab);
    assert_eq!(call("PUT", "c1", r#"["1"]"#)["outcome"], "applied");
    assert_eq!(call("PUT", "c2", r#"["2"]"#)["outcome"], "applied");
    assert_eq!(call("PUT", "c1", r#"["1"]"#)["outcome"], "duplicate");
    assert_eq!(lab.db.line("SELECT value FROM roster.user_attributes"), "2");
    // Bad data do not use the id up.
    let bad = json!([
        event("b1", "user.disable", "sara", json!({})),
        event("b2", "user.nothing", "sara", json!({}))
    ])
    .to_string();
    let at = now();
    let answer = signed(&lab.push, BATCH, "b", at, &sign(SECRET, "b", at, &bad), &bad).expect(200);
    assert_eq!((&answer.json[0]["outcome"], &answer.json[1]["outcome"]), (&json!("applied"), &json!("dead")));
    let answer = signed(&lab.push, BATCH, "b", at, &sign(SECRET, "b", at, &bad), &bad).expect(200);
    let Value::Array(outcomes) = answer.json else { panic!("a list") };
    assert!(outcomes.iter().all(|one| one["outcome"] == "duplicate"), "{outcomes:?}");
}

fn signed_upsert(lab: &Lab) {
    let body = event("1", "user.upsert", "sara", json!({})).to_string();
    let at = now();
    signed(&lab.push, STRUCTURED, "u", at, &sign(SECRET, "u", at, &body), &body).expect(200);
}

#[test]
fn without_its_secret_the_daemon_takes_nothing_and_says_which_one_is_missing() {
    let db = roster_tests::Db::fresh();
    db.run("SELECT roster.create_identity_manager('corp')");
    let key = new_source(&db, "corp", "hr", LABEL, &json!({"signing_secret": {"env": "HOOK_SECRET"}}));
    let served = db.daemon().serve(&[]);
    let push = Push::new(served.port, &key);
    let answer = push.send(&event("1", "user.upsert", "sara", json!({}))).expect(503);
    assert!(answer.header("retry-after").is_some());
    assert!(!answer.json.to_string().contains("HOOK_SECRET"), "{answer:?}");
    roster_tests::wait_until("the log names the variable", || served.running.said().contains("HOOK_SECRET"));
}
