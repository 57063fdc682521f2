//! A plan is the same run that stops before it writes; applying it later writes exactly what it listed.

use roster_tests::{Directory, Finished, group_dn, user_dn};
use serde_json::Value;

use super::Lab;
use super::guard::{listed, told};
use crate::model::Model;

fn changed() -> Lab {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    lab.slapd.set(&user_dn("steve"), "labCountry", &["France"]);
    lab.slapd.set(&user_dn("sara"), "mail", &["sara@new.example.org"]);
    lab.slapd.set(&group_dn("developers"), "member", &[&user_dn("sara"), &group_dn("Field_Sales")]);
    lab.slapd.add(|more| more.user("zoe", &[("labRole", "auditor")]));
    lab.slapd.delete(&user_dn("fiona"));
    lab
}

#[track_caller]
fn plan(lab: &Lab) -> Finished {
    let done = lab.daemon.run(&["sync", "corp-ldap", "--plan"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    done
}

#[test]
fn a_plan_writes_nothing_and_apply_run_writes_exactly_what_it_listed() {
    let lab = changed();
    let before = lab.facts();
    plan(&lab);
    assert_eq!(lab.facts(), before);
    assert_eq!(lab.last_run("mode, state"), "plan|succeeded");
    let run_id = lab.last_run("run_id");
    let planned = listed(&lab, &run_id);
    assert!(planned.len() >= 8, "{planned:?}");
    // The directory moves on; the plan does not.
    lab.slapd.set(&user_dn("steve"), "labCountry", &["Spain"]);
    let applied = lab.db.line(&format!("SELECT roster.apply_run({run_id})"));
    assert_eq!(told(&lab, &applied), planned);
    assert_eq!(
        lab.db.lines("SELECT value FROM roster.effective_attributes WHERE username = 'steve'"),
        ["France"]
    );
    assert_eq!(lab.active_users(), ["sam", "sara", "stephanie", "steve", "zoe"]);
    Model::stated_in(&lab.db).assert_derived_in(&lab.db);
    lab.sync();
    assert_eq!(
        lab.db.lines("SELECT value FROM roster.effective_attributes WHERE username = 'steve'"),
        ["Spain"]
    );
}

#[test]
fn a_plan_reads_as_a_difference() {
    let lab = changed();
    let done = plan(&lab);
    let line = |sign: char, words: &[&str]| {
        let found = done
            .out
            .lines()
            .any(|line| line.trim_start().starts_with(sign) && words.iter().all(|word| line.contains(word)));
        assert!(found, "a line `{sign}` with {words:?} in:\n{}", done.out);
    };
    line('+', &["user", "zoe"]);
    line('-', &["user", "fiona"]);
    line('-', &["membership", "sam", "developers"]);
    line('+', &["membership", "sara", "developers"]);
    line('+', &["nesting", "Field_Sales", "developers"]);
    line('+', &["steve", "country", "France"]);
    line('-', &["steve", "country", "USA"]);
    let last: String = done.out.lines().rev().take(4).collect();
    assert!(last.chars().any(|c| c.is_ascii_digit()), "counts at the end:\n{}", done.out);
    assert!(done.said().contains("apply_run"), "says how to apply it: {done:?}");
}

#[test]
fn a_plan_as_json_lists_every_change() {
    let lab = changed();
    let done = lab.daemon.run(&["sync", "corp-ldap", "--plan", "--json"]);
    let json: Value = serde_json::from_str(&done.out).unwrap_or_else(|e| panic!("{e}: {done:?}"));
    let run_id = lab.last_run("run_id");
    assert_eq!(json["changes"].as_array().expect("changes").len(), listed(&lab, &run_id).len());
    assert!(
        json["changes"]
            .as_array()
            .expect("changes")
            .iter()
            .any(|c| c["subject"] == "zoe" && c["change"] == "add")
    );
    assert_eq!(json["run"]["run_id"].to_string(), run_id);
}

#[test]
fn a_plan_is_refused_after_the_data_changed_and_applied_only_once() {
    let lab = changed();
    plan(&lab);
    let stale = lab.last_run("run_id");
    lab.db.run("SELECT roster.delete_user('steve', iam => 'corp')");
    let before = lab.facts();
    let told = lab.db.error(&format!("SELECT roster.apply_run({stale})"));
    assert!(told.contains("changed"), "{told}");
    assert_eq!(lab.facts(), before);
    plan(&lab);
    let fresh = lab.last_run("run_id");
    lab.db.run(&format!("SELECT roster.apply_run({fresh})"));
    let after = lab.facts();
    lab.db.error(&format!("SELECT roster.apply_run({fresh})"));
    assert_eq!(lab.facts(), after);
}

#[test]
fn a_plan_of_an_unchanged_directory_is_empty() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    plan(&lab);
    assert_eq!(lab.last_run("mode, state, added, changed, removed"), "plan|succeeded|0|0|0");
    let run_id = lab.last_run("run_id");
    assert_eq!(listed(&lab, &run_id), [""; 0]);
}

#[test]
fn a_plan_counts_what_an_apply_then_counts() {
    let lab = changed();
    plan(&lab);
    let counts = lab.last_run("read, added, changed, removed, quarantined");
    lab.sync();
    assert_eq!(lab.last_run("read, added, changed, removed, quarantined"), counts);
    assert_eq!(lab.last_run("mode"), "apply");
}
