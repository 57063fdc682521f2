//! `syncd check` of an endpoint.

use roster_tests::Reply;
use serde_json::{Value, json};

use super::{Lab, PASSWORD, answer};

/// `step: state`, and all that was said.
fn check(lab: &Lab) -> (Vec<String>, Value) {
    let done = lab.daemon.run(&["check", "facts", "--json"]);
    assert!(!done.said().contains(PASSWORD), "{done:?}");
    let report: Value = serde_json::from_str(&done.out).unwrap_or_else(|e| panic!("{e}: {done:?}"));
    let steps = report["sources"][0]["steps"].as_array().expect("steps").clone();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let states = steps.iter().map(|step| format!("{}: {}", text(&step["step"]), text(&step["state"])));
    (states.collect(), Value::from(steps))
}

#[test]
fn a_sample_user_is_shown() {
    let lab = Lab::with(&["sam"]);
    lab.knows("sam", &["g"], json!({"x": ["1", "2"]}));
    let (states, steps) = check(&lab);
    assert_eq!(states, ["secrets: ok", "connection: ok", "tls: ok", "credentials: ok", "sample user: ok"]);
    assert_eq!(steps[4]["sample"], json!({"user": "sam", "groups": ["g"], "attributes": {"x": ["1", "2"]}}));
    assert_eq!(lab.attributes(), [""; 0], "a check changes nothing");
}

#[test]
fn bulk_shows_the_first() {
    let lab = Lab::configured(&[], json!({"mode": "bulk"}));
    let body = format!("[{}]", answer(&["g"], &json!({})).replacen('{', r#"{"userid":"sam","#, 1));
    lab.web.answer("/facts", Reply::ok(&body));
    let (states, steps) = check(&lab);
    assert_eq!(states[4], "sample user: ok");
    assert_eq!(steps[4]["sample"]["user"], "sam");
}

#[test]
fn every_step_can_fail() {
    let lab = Lab::with(&["sam"]);
    let skipped = |steps: &[String]| steps.iter().filter(|step| step.ends_with(": skipped")).count();
    lab.web.answer("sam", Reply::status(401));
    let (states, steps) = check(&lab);
    assert_eq!((states[3].as_str(), skipped(&states)), ("credentials: failed", 1));
    assert!(steps[3]["remedy"].as_str().expect("a remedy").contains("auth"));
    lab.web.answer("sam", Reply::ok("{}"));
    assert_eq!(check(&lab).0[4], "sample user: failed");
    lab.configure(json!({"url": "http://127.0.0.1:1/"}));
    let (states, _) = check(&lab);
    assert_eq!((states[1].as_str(), skipped(&states)), ("connection: failed", 3));
    lab.configure(json!({"auth": {"env": "NOBODY_SET_THIS"}}));
    assert_eq!(check(&lab).0[0], "secrets: failed");
}

#[test]
fn without_users_the_way_is_checked() {
    let lab = Lab::with(&[]);
    let (states, steps) = check(&lab);
    assert_eq!(states[4], "sample user: ok");
    assert!(steps[4]["message"].as_str().expect("a message").contains("no active user"));
}
