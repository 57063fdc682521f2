//! Whatever goes wrong keeps what was known, says so, and is over when it is over.

use roster_tests::Reply;
use serde_json::json;

use super::Lab;

/// Sara is always well, so that the run is.
fn with_a_failing_sam(reply: Reply, reason: &str) {
    let lab = Lab::with(&["sam", "sara"]);
    lab.configure(json!({"timeout_seconds": 1}));
    for user in ["sam", "sara"] {
        lab.knows(user, &["g"], json!({"x": ["1"]}));
    }
    lab.sync();
    lab.web.answer("sam", reply);
    lab.knows("sara", &["g"], json!({"x": ["2"]}));
    let done = lab.sync();
    assert_eq!(lab.attributes(), ["sam|x|1", "sara|x|2"], "{reason}: sam keeps, sara changes");
    assert_eq!(lab.groups(), ["sam|g", "sara|g"]);
    let quarantine = lab.quarantine();
    assert_eq!(quarantine.len(), 1, "{quarantine:?}");
    assert!(quarantine[0].starts_with("sam|") && quarantine[0].contains(reason), "{quarantine:?}");
    assert!(!quarantine[0].contains("hunter2"), "no data in reasons: {quarantine:?}");
    assert!(!done.said().contains("hunter2"), "nor in logs: {done:?}");
    let message = lab.last_run("message");
    assert!(message.contains("1 of 2 users could not be read"), "{message}");

    lab.knows("sam", &[], json!({"x": ["3"]}));
    lab.sync();
    assert_eq!(lab.attributes(), ["sam|x|3", "sara|x|2"], "{reason}: recovered");
    assert_eq!(lab.quarantine(), [""; 0]);
}

#[test]
fn an_internal_error_keeps() {
    with_a_failing_sam(Reply::status(500).with_body("hunter2"), "status 500");
}

#[test]
fn an_unknown_user_keeps() {
    with_a_failing_sam(Reply::status(404), "knows the user");
}

#[test]
fn a_refusal_keeps() {
    with_a_failing_sam(Reply::status(403).with_body("hunter2"), "check auth");
}

#[test]
fn no_content_keeps() {
    with_a_failing_sam(Reply::status(204), "200 is expected");
}

#[test]
fn a_redirect_keeps() {
    with_a_failing_sam(Reply::status(302).with("Location", "/elsewhere"), "redirects are not followed");
}

#[test]
fn silence_keeps() {
    with_a_failing_sam(Reply::stall(), "no answer within 1 s");
}

#[test]
fn a_cut_answer_keeps() {
    with_a_failing_sam(
        Reply::ok(r#"{"groups":[],"authorizations":{"hunter2":["1","2"]}}"#).cut(),
        "the connection failed",
    );
}

#[test]
fn an_answer_that_is_no_json_keeps() {
    with_a_failing_sam(Reply::ok("<html>hunter2</html>"), "not JSON");
}

#[test]
fn an_answer_of_another_shape_keeps() {
    with_a_failing_sam(Reply::ok(r#"{"error":"hunter2"}"#), "groups is missing");
}

#[test]
fn an_empty_body_keeps() {
    with_a_failing_sam(Reply::ok(""), "not JSON");
}

#[test]
fn a_value_that_is_no_text_keeps() {
    let body = r#"{"groups":[],"authorizations":{"x":["1",{"hunter2":1}]}}"#;
    with_a_failing_sam(Reply::ok(body), "authorizations.x[1] is no text");
}

#[test]
fn a_huge_answer_keeps() {
    let body = format!(r#"{{"groups":[],"authorizations":{{"x":["{}"]}}}}"#, "y".repeat(2 << 20));
    with_a_failing_sam(Reply::ok(&body), "larger than 1024 KiB");
}

#[test]
fn a_passing_failure_is_asked_again() {
    let lab = Lab::with(&["sam"]);
    let good = Reply::ok(&super::answer(&[], &json!({"x": "1"})));
    lab.web.answers("sam", vec![Reply::status(503), Reply::status(500), good]);
    lab.sync();
    assert_eq!(lab.attributes(), ["sam|x|1"]);
    assert_eq!(lab.web.asked_about("sam").len(), 3);
}

#[test]
fn retry_after_is_honoured() {
    let lab = Lab::with(&["sam"]);
    let good = Reply::ok(&super::answer(&[], &json!({"x": "1"})));
    lab.web.answers("sam", vec![Reply::status(429).with("Retry-After", "2"), good]);
    let begun = std::time::Instant::now();
    lab.sync();
    assert!(begun.elapsed() >= std::time::Duration::from_secs(2), "it came back too early");
    assert_eq!(lab.attributes(), ["sam|x|1"]);
}

#[test]
fn what_will_not_pass_is_not_asked_again() {
    let lab = Lab::with(&["sam", "sara"]);
    lab.knows("sara", &[], json!({}));
    lab.web.answer("sam", Reply::status(400));
    lab.sync();
    assert_eq!(lab.web.asked_about("sam").len(), 1);
}

#[test]
fn when_nobody_can_be_read_the_run_fails() {
    let lab = Lab::with(&["sam", "sara"]);
    for user in ["sam", "sara"] {
        lab.knows(user, &[], json!({"x": "1"}));
    }
    lab.sync();
    for user in ["sam", "sara"] {
        lab.web.answer(user, Reply::status(400));
    }
    let message = lab.sync_fails();
    assert!(message.contains("nobody could be read, 2 asked: status 400 (2)"), "{message}");
    assert_eq!(lab.attributes(), ["sam|x|1", "sara|x|1"]);
}

#[test]
fn wrong_credentials_fail_at_once() {
    let users: Vec<String> = (0..100).map(|n| format!("u{n:02}")).collect();
    let lab = Lab::with(&users.iter().map(String::as_str).collect::<Vec<_>>());
    for user in &users {
        lab.web.answer(user, Reply::status(401));
    }
    let message = lab.sync_fails();
    assert!(message.contains("refuses the credentials") && message.contains("check auth"), "{message}");
    assert!(lab.web.asked().len() <= 16, "{} questions", lab.web.asked().len());
}

#[test]
fn an_endpoint_that_is_broken_is_left_alone() {
    let users: Vec<String> = (0..300).map(|n| format!("u{n:03}")).collect();
    let lab = Lab::with(&users.iter().map(String::as_str).collect::<Vec<_>>());
    for user in &users {
        lab.web.answer(user, Reply::status(400));
    }
    let message = lab.sync_fails();
    assert!(message.contains("stopped after 50 of 50 questions had failed"), "{message}");
    assert!(lab.web.asked().len() < 100, "{} questions", lab.web.asked().len());
}

#[test]
fn a_server_that_is_not_there_fails_the_run() {
    let lab = Lab::with(&["sam"]);
    lab.knows("sam", &[], json!({"x": "1"}));
    lab.sync();
    lab.configure(json!({"url": "http://127.0.0.1:1/facts"}));
    let message = lab.sync_fails();
    assert!(
        message.contains("the connection failed") && message.contains("nothing was changed"),
        "{message}"
    );
    assert_eq!(lab.attributes(), ["sam|x|1"]);
}

#[test]
fn configurations_that_cannot_work_are_told() {
    let lab = Lab::with(&["sam"]);
    lab.configure(json!({"url": "http://facts.example.org/"}));
    assert!(lab.sync_fails().contains("allow_clear_text"));
    lab.configure(json!({"auth": {"env": "NOBODY_SET_THIS"}}));
    assert!(lab.sync_fails().contains("NOBODY_SET_THIS is not set"));
    let error = lab
        .db
        .error(r#"SELECT roster.alter_source('facts', config => '{"url": "https://x", "auth": "a:b"}')"#);
    assert!(error.contains("must name where it is kept"), "{error}");
    let error = lab.db.error(r#"SELECT roster.alter_source('facts', config => '{"urls": "https://x"}')"#);
    assert!(error.contains("unknown key \"urls\""), "{error}");
}

#[test]
fn when_everybody_suddenly_has_nothing_the_guard_stops() {
    let users: Vec<String> = (0..20).map(|n| format!("u{n:02}")).collect();
    let lab = Lab::with(&users.iter().map(String::as_str).collect::<Vec<_>>());
    for user in &users {
        lab.knows(user, &["g"], json!({"x": ["1"]}));
    }
    lab.sync();
    for user in &users {
        lab.knows(user, &[], json!({}));
    }
    let done = lab.daemon.run(&["sync", "facts"]);
    assert_eq!(done.code, Some(3), "{done:?}");
    assert_eq!(lab.last_run("state"), "blocked");
    assert_eq!((lab.attributes().len(), lab.groups().len()), (20, 20));
    let run = lab.last_run("run_id");
    lab.db.run(&format!("SELECT roster.apply_run({run}, override_guard => true)"));
    assert_eq!((lab.attributes().len(), lab.groups().len()), (0, 0));
}
