//! The guard: a run that takes too much away stops, says so, and waits for a decision.

use roster_tests::{Directory, Finished, group_dn, user_dn};

use super::Lab;
use crate::model::Model;

fn delete_users(lab: &Lab, users: std::ops::Range<usize>) {
    for i in users {
        lab.slapd.delete(&user_dn(&format!("u{i:04}")));
    }
}

/// A sync that must be blocked and write nothing; the id of the run.
#[track_caller]
fn blocked(lab: &Lab) -> (String, Finished) {
    let before = lab.facts();
    let done = lab.daemon.run(&["sync", "corp-ldap"]);
    assert_eq!(done.code, Some(3), "{done:?}");
    assert_eq!(lab.facts(), before, "a blocked run writes nothing");
    assert_eq!(lab.last_run("state, finished_at IS NOT NULL"), "blocked|t");
    assert_eq!(lab.health(), "blocked");
    (lab.last_run("run_id"), done)
}

#[test]
fn more_than_half_is_blocked_whatever_the_limits() {
    let lab = Lab::with(&Directory::generated(20, 1));
    lab.sync();
    lab.db.run("SELECT roster.set_guard('corp-ldap', 'user', 1000, 100)");
    delete_users(&lab, 0..11);
    let (run_id, done) = blocked(&lab);
    assert!(
        done.said().contains(&run_id) && done.said().contains("apply_run"),
        "says how to decide: {done:?}"
    );
    assert_ne!(lab.last_run("coalesce(message, '')"), "");
    let status = lab.daemon.run(&["status"]);
    assert!(status.out.contains("blocked") && status.out.contains(&run_id), "{status:?}");
    let planned = lab.db.lines(&format!("SELECT subject FROM roster.sync_changes WHERE run_id = {run_id} AND kind = 'user' AND change = 'remove'"));
    assert_eq!(planned.len(), 11, "what it would have done can be looked at");
}

#[test]
fn removing_all_is_blocked_even_of_three_and_two_of_three_are_not() {
    let lab = Lab::with(&Directory::generated(3, 0));
    lab.sync();
    lab.db.run("SELECT roster.set_guard('corp-ldap', 'user', 1000, 100); SELECT roster.set_guard('corp-ldap', 'user_attribute', 1000, 100)");
    delete_users(&lab, 0..2);
    lab.sync();
    assert_eq!(lab.active_users(), ["u0002"]);
    lab.configure(serde_json::json!({"sync_filter": "(uid=nobody)"}));
    blocked(&lab);
    assert_eq!(lab.active_users(), ["u0002"]);
}

#[test]
fn an_empty_answer_is_never_everybody_is_gone() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    lab.configure(serde_json::json!({"user_filter": "(uid=nobody)", "group_filter": "(cn=nothing)"}));
    blocked(&lab);
    assert_eq!(lab.active_users().len(), 5);
}

#[test]
fn by_default_the_larger_of_50_and_ten_percent_may_go() {
    let lab = Lab::with(&Directory::generated(120, 0));
    // Whoever reads changes has the removals of an hour added up.
    lab.configure(serde_json::json!({"page_size": 100, "incremental": "off"}));
    lab.sync();
    delete_users(&lab, 0..50);
    lab.sync();
    assert_eq!(lab.active_users().len(), 70, "50 may go, though they are more than 10 %");
    lab.slapd.add(|more| (200..800).for_each(|i| more.user(&format!("u{i:04}"), &[])));
    lab.sync();
    delete_users(&lab, 200..267);
    lab.sync();
    assert_eq!(lab.active_users().len(), 603, "67 of 670 are 10 %, though more than 50");
    delete_users(&lab, 267..328);
    blocked(&lab);
}

#[test]
fn limits_of_ones_own_count_per_kind() {
    let lab = Lab::with(&Directory::generated(40, 2));
    lab.configure(serde_json::json!({"incremental": "off"}));
    lab.sync();
    lab.db.run("SELECT roster.set_guard('corp-ldap', 'membership', 1, 0)");
    let with = |members: std::ops::Range<usize>| {
        let members: Vec<_> = members.map(|i| user_dn(&format!("u{i:04}"))).collect();
        members.iter().map(String::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let set = |members: &[String]| {
        lab.slapd.set(&group_dn("g00"), "member", &members.iter().map(String::as_str).collect::<Vec<_>>())
    };
    set(&with(0..10));
    lab.db.run("SELECT roster.set_guard('corp-ldap', 'membership', 100, 0)");
    lab.sync();
    lab.db.run("SELECT roster.set_guard('corp-ldap', 'membership', 1, 0)");
    set(&with(0..9));
    lab.sync();
    set(&with(0..7));
    let (_, done) = blocked(&lab);
    assert!(done.said().contains("membership"), "names the kind: {done:?}");
    set(&with(0..8));
    lab.sync();
    assert_eq!(lab.health(), "ok", "the next run that may pass ends the blockade");
}

#[test]
fn an_override_lets_exactly_that_plan_through() {
    let lab = Lab::with(&Directory::generated(20, 2));
    lab.sync();
    delete_users(&lab, 0..11);
    let (run_id, _) = blocked(&lab);
    let before = lab.facts();
    assert_eq!(lab.db.line(&format!("SELECT roster.apply_run({run_id})")), run_id, "it does not raise");
    assert_eq!(lab.facts(), before, "without override it stays blocked");
    assert_eq!(lab.health(), "blocked");
    let planned = listed(&lab, &run_id);
    // What the directory says now is none of the override's business: the plan was decided on.
    delete_users(&lab, 11..13);
    let applied = lab.db.line(&format!("SELECT roster.apply_run({run_id}, override_guard => true)"));
    assert_eq!(lab.active_users().len(), 9);
    assert_eq!(told(&lab, &applied), planned);
    assert_eq!(
        lab.db.line(&format!("SELECT state FROM roster.sync_runs WHERE run_id = {applied}")),
        "succeeded"
    );
    assert_eq!(lab.health(), "ok");
    Model::stated_in(&lab.db).assert_derived_in(&lab.db);
    let overrides = lab.db.lines("SELECT actor FROM roster.changes WHERE kind NOT IN ('user', 'group', 'membership', 'nesting', 'user_attribute', 'group_attribute') AND (coalesce(subject, '') || coalesce(name, '') || coalesce(after::text, '')) LIKE '%overrid%'");
    assert_eq!(overrides, ["postgres"], "an override is in the audit trail with its actor");
    lab.db.error(&format!("SELECT roster.apply_run({run_id}, override_guard => true)"));
}

#[test]
fn an_override_is_refused_when_the_data_changed_meanwhile() {
    for change in [
        "roster.disable_user('u0001', iam => 'corp')",
        "roster.delete_user('u0003', iam => 'corp')",
        "roster.delete_user('u0015', iam => 'corp')",
    ] {
        let lab = Lab::with(&Directory::generated(20, 1));
        lab.sync();
        delete_users(&lab, 0..11);
        let (run_id, _) = blocked(&lab);
        lab.db.run(&format!("SELECT {change}"));
        let before = lab.facts();
        let told = lab.db.try_lines(&format!("SELECT roster.apply_run({run_id}, override_guard => true)"));
        let told = told.expect_err(change);
        assert!(told.contains("changed"), "{change}: {told}");
        assert_eq!(lab.facts(), before, "{change}");
    }
}

#[test]
fn a_blocked_plan_is_stale_after_another_run() {
    let lab = Lab::with(&Directory::generated(20, 1));
    lab.sync();
    delete_users(&lab, 0..11);
    let (run_id, _) = blocked(&lab);
    lab.slapd.add(|more| (0..11).for_each(|i| more.user(&format!("n{i:04}"), &[])));
    lab.configure(serde_json::json!({"user_filter": "(|(uid=n*)(uid=u001*)(uid=u000[0-9]))"}));
    lab.db.run("SELECT roster.set_guard('corp-ldap', 'user', 1000, 100)");
    // The deleted stay away, so the new run is blocked as well; only one of the two plans may ever be applied.
    let (newer, _) = blocked(&lab);
    lab.db.run(&format!("SELECT roster.apply_run({newer}, override_guard => true)"));
    let facts = lab.facts();
    lab.db.error(&format!("SELECT roster.apply_run({run_id}, override_guard => true)"));
    assert_eq!(lab.facts(), facts);
}

#[test]
fn only_an_admin_may_override() {
    let lab = Lab::with(&Directory::generated(20, 1));
    lab.sync();
    delete_users(&lab, 0..11);
    let (run_id, _) = blocked(&lab);
    for role in ["roster_user_admin", "roster_reader", "roster_syncd"] {
        let told = lab
            .db
            .login(&[role])
            .error(&format!("SELECT roster.apply_run({run_id}, override_guard => true)"));
        assert!(told.contains("[42501]"), "{role}: {told}");
    }
    lab.db
        .login(&["roster_admin"])
        .run(&format!("SELECT roster.apply_run({run_id}, override_guard => true)"));
    assert_eq!(lab.active_users().len(), 9);
}

#[test]
fn dropping_a_source_is_guarded_too() {
    let lab = Lab::with(&Directory::generated(20, 1));
    lab.sync();
    let before = lab.facts();
    // Refused or recorded as blocked: in either case nothing is gone without an override.
    let answer = lab.db.try_lines("SELECT roster.drop_source('corp-ldap')");
    assert_eq!(lab.facts(), before, "{answer:?}");
    assert_eq!(lab.active_users().len(), 20);
}

/// What a plan lists.
pub fn listed(lab: &Lab, run_id: &str) -> Vec<String> {
    lab.db.lines(&format!(
        r#"SELECT change, kind, iam, subject, name, before, after FROM roster.sync_changes WHERE run_id = {run_id}
           ORDER BY (change, kind, subject, name, before, after)::text COLLATE "C""#
    ))
}

/// What the feed tells of a run.
pub fn told(lab: &Lab, run_id: &str) -> Vec<String> {
    lab.db.lines("SELECT count(*) FROM roster.read_changes(0, 1)");
    lab.db.lines(&format!(
        r#"SELECT change, kind, iam, subject, name, before, after FROM roster.changes WHERE run_id = {run_id}
             AND kind IN ('user', 'group', 'membership', 'nesting', 'user_attribute', 'group_attribute')
           ORDER BY (change, kind, subject, name, before, after)::text COLLATE "C""#
    ))
}
