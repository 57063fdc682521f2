//! One question for each user.

use roster_tests::Reply;
use serde_json::json;

use super::{Lab, answer};

#[test]
fn groups_and_attributes_are_read() {
    let lab = Lab::with(&["sam", "sara"]);
    lab.knows("sam", &["Accountants"], json!({"EMEA": ["Sales", "Expenses"], "one": "alone"}));
    lab.knows("sara", &[], json!({"EMEA": ["Sales"], "none": []}));
    let done = lab.sync();
    assert_eq!(lab.attributes(), ["sam|EMEA|Expenses", "sam|EMEA|Sales", "sam|one|alone", "sara|EMEA|Sales"]);
    assert_eq!(lab.groups(), ["sam|Accountants"]);
    assert_eq!(lab.last_run("read, quarantined, state"), "2|0|succeeded", "{done:?}");
    let asked = lab.web.asked_about("sam").remove(0);
    assert_eq!(asked.target, "/facts?userid=sam");
    assert_eq!(asked.header("authorization"), Some("Basic c3luY2Q6czNjcmV0LW9mLXRoZS1lbmRwb2ludA=="));
    assert_eq!(asked.header("accept"), Some("application/json"));
}

#[test]
fn what_is_not_said_any_more_is_removed_and_an_empty_answer_means_none() {
    let lab = Lab::with(&["sam", "sara"]);
    lab.knows("sam", &["a", "b"], json!({"x": ["1", "2"]}));
    lab.knows("sara", &["a"], json!({"x": ["1"]}));
    lab.sync();
    lab.knows("sam", &["b"], json!({"x": ["2"]}));
    lab.sync();
    assert_eq!(lab.attributes(), ["sam|x|2", "sara|x|1"]);
    assert_eq!(lab.groups(), ["sam|b", "sara|a"]);
    lab.knows("sam", &[], json!({}));
    lab.sync();
    assert_eq!(lab.attributes(), ["sara|x|1"]);
    assert_eq!(lab.groups(), ["sara|a"]);
}

#[test]
fn an_unchanged_answer_changes_nothing() {
    let lab = Lab::with(&["sam"]);
    lab.knows("sam", &["a"], json!({"x": ["1"]}));
    lab.sync();
    lab.sync();
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|0");
}

#[test]
fn names_are_encoded_and_a_query_of_the_url_stays() {
    let lab = Lab::with(&["zoë +&%/x@example.org"]);
    lab.configure(json!({"url": lab.web.url("/facts?tenant=a%20b")}));
    lab.knows("zo%C3%AB%20%2B%26%25%2Fx%40example.org", &[], json!({"x": "1"}));
    lab.sync();
    assert_eq!(lab.attributes(), ["zoë +&%/x@example.org|x|1"]);
    assert!(lab.web.asked()[0].target.starts_with("/facts?tenant=a%20b&userid=zo%C3%AB"));
}

#[test]
fn only_active_users_are_asked_about_and_others_keep_what_they_had() {
    let lab = Lab::with(&["sam", "sara"]);
    for user in ["sam", "sara"] {
        lab.knows(user, &[], json!({"x": ["1"]}));
    }
    lab.sync();
    lab.db.run("SELECT roster.disable_user('sam', iam => 'corp')");
    lab.sync();
    assert_eq!(lab.web.asked_about("sam").len(), 1);
    assert_eq!(lab.attributes(), ["sam|x|1", "sara|x|1"], "stated, though without effect while disabled");
    assert_eq!(lab.db.lines("SELECT username FROM roster.effective_attributes"), ["sara"]);
}

#[test]
fn users_are_asked_about_by_external_id_or_email() {
    let lab = Lab::with(&["sam", "sara", "tom", "tim"]);
    lab.db.run(
        "UPDATE roster_private.app_user SET external_id = 'id-' || username, version = version + 1 WHERE false;
         SELECT roster.create_user('mia', iam => 'corp', email => 'Mia@Example.org'),
                roster.create_user('one', iam => 'corp', email => 'both@example.org'),
                roster.create_user('two', iam => 'corp', email => 'BOTH@example.org')",
    );
    lab.configure(json!({"match_by": "email"}));
    lab.knows("Mia%40Example.org", &[], json!({"x": "1"}));
    lab.sync();
    assert_eq!(lab.attributes(), ["mia|x|1"]);
    assert_eq!(
        lab.web.asked().len(),
        1,
        "nobody without an address, nobody whose address is somebody else's too"
    );
}

#[test]
fn switched_off_halves_are_not_read_and_come_back() {
    let lab = Lab::with(&["sam"]);
    lab.web.answer("sam", Reply::ok(&answer(&["a"], &json!({"x": ["1"]}))).tagged("\"v1\""));
    lab.configure(json!({"sync_groups": false}));
    lab.sync();
    assert_eq!((lab.attributes(), lab.groups()), (vec!["sam|x|1".to_owned()], vec![]));
    lab.configure(json!({"sync_attributes": false}));
    lab.db.run("SELECT roster.set_guard('facts', 'user_attribute', 100, 100)");
    let done = lab.daemon.run(&["sync", "facts"]);
    assert_eq!(done.code, Some(3), "all attributes would go: {done:?}");
    lab.configure(json!({}));
    lab.sync();
    assert_eq!((lab.attributes(), lab.groups()), (vec!["sam|x|1".to_owned()], vec!["sam|a".to_owned()]));
}

#[test]
fn a_prefix_names_the_attributes() {
    let lab = Lab::with(&["sam"]);
    lab.web.answer("sam", Reply::ok(&answer(&[], &json!({"x": ["1"]}))).tagged("\"v1\""));
    lab.configure(json!({"prefix": "crm"}));
    lab.sync();
    assert_eq!(lab.attributes(), ["sam|crm.x|1"]);
    // The tag is of an answer that was taken otherwise.
    lab.configure(json!({"prefix": "erp"}));
    assert_eq!(lab.daemon.run(&["sync", "facts"]).code, Some(3), "all names of before would go");
    let run = lab.last_run("run_id");
    lab.db.run(&format!("SELECT roster.apply_run({run}, override_guard => true)"));
    assert_eq!(lab.attributes(), ["sam|erp.x|1"]);
}
