//! Conditional questions, and how old an answer may be.

use roster_tests::Reply;
use serde_json::json;

use super::{Lab, answer};

#[test]
fn an_unchanged_answer_is_asked_for_with_its_tag() {
    let lab = Lab::with(&["sam"]);
    lab.web.answer("sam", Reply::ok(&answer(&["g"], &json!({"x": ["1"]}))).tagged("W/\"v1\""));
    lab.sync();
    lab.sync();
    let asked = lab.web.asked_about("sam");
    assert_eq!(
        (asked[0].header("if-none-match"), asked[1].header("if-none-match")),
        (None, Some("W/\"v1\""))
    );
    assert_eq!(lab.attributes(), ["sam|x|1"]);
    assert_eq!(lab.groups(), ["sam|g"]);
    assert_eq!(lab.last_run("read, added, changed, removed"), "1|0|0|0");
    lab.web.answer("sam", Reply::ok(&answer(&["g"], &json!({"x": ["2"]}))).tagged("W/\"v2\""));
    lab.sync();
    lab.sync();
    assert_eq!(lab.attributes(), ["sam|x|2"]);
    assert_eq!(lab.web.asked_about("sam")[3].header("if-none-match"), Some("W/\"v2\""));
}

#[test]
fn a_304_that_nobody_asked_for_is_no_answer() {
    let lab = Lab::with(&["sam", "sara"]);
    lab.knows("sara", &[], json!({}));
    lab.web.answer("sam", Reply::status(304));
    lab.sync();
    assert!(lab.quarantine()[0].contains("status 304"), "{:?}", lab.quarantine());
}

#[test]
fn somebody_elses_tag_is_not_used() {
    let lab = Lab::with(&["sam"]);
    lab.web.answer("sam", Reply::ok(&answer(&[], &json!({"x": ["1"]}))).tagged("\"v1\""));
    lab.sync();
    lab.db.run("SELECT roster.delete_user('sam', iam => 'corp'), roster.create_user('sam', iam => 'corp')");
    lab.sync();
    assert_eq!(lab.attributes(), ["sam|x|1"], "the new sam was asked about anew");
}

fn stale(lab: &Lab) -> Vec<String> {
    lab.db.lines(
        r#"SELECT username, stale FROM roster.attribute_origins WHERE source = 'facts' ORDER BY username COLLATE "C""#,
    )
}

#[test]
fn what_was_not_confirmed_in_time_is_stale_until_it_is() {
    let lab = Lab::with(&["sam", "sara", "tina"]);
    lab.knows("sam", &[], json!({"x": "1"}));
    lab.knows("sara", &[], json!({"x": "1"}));
    lab.web.answer("tina", Reply::ok(&answer(&[], &json!({"x": "1"}))).tagged("\"v1\""));
    lab.sync();
    assert_eq!(stale(&lab), ["sam|f", "sara|f", "tina|f"]);
    lab.configure(json!({"max_age": "1 day"}));
    // Two days go by.
    lab.db.run("UPDATE roster_private.user_link SET confirmed_at = confirmed_at - interval '2 days'");
    assert_eq!(stale(&lab), ["sam|t", "sara|t", "tina|t"]);
    lab.web.answer("sam", Reply::status(500));
    lab.sync();
    assert_eq!(stale(&lab), ["sam|t", "sara|f", "tina|f"], "an answer and a 304 confirm, a failure does not");
    lab.knows("sam", &[], json!({"x": "1"}));
    lab.sync();
    assert_eq!(stale(&lab), ["sam|f", "sara|f", "tina|f"]);
}
