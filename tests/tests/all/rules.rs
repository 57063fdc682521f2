//! Merge rules: which of several values holds, and who says so.

use roster_tests::{Db, Directory};

use crate::ldap::Lab;
use crate::reference::effective;

/// Sam is in developers, which is inside company; each states a colour, and so does Sam.
fn with_colours() -> Db {
    let db = Db::fresh();
    db.run(
        "SELECT roster.create_user('sam'); SELECT roster.create_group('developers'); SELECT roster.create_group('company');
         SELECT roster.add_member('developers', 'sam'); SELECT roster.add_subgroup('company', 'developers');
         SELECT roster.set_group_attribute('company', 'colour', 'grey');
         SELECT roster.set_group_attribute('developers', 'colour', ARRAY['blue', 'green']);
         SELECT roster.set_user_attribute('sam', 'colour', 'red');
         SELECT roster.set_group_attribute('company', 'badge', 'silver')",
    );
    db
}

#[test]
fn values_unite_unless_a_rule_says_otherwise() {
    let db = with_colours();
    let all =
        ["sam|badge|silver", "sam|colour|blue", "sam|colour|green", "sam|colour|grey", "sam|colour|red"];
    assert_eq!(effective(&db), all);
    db.run(
        "SELECT roster.set_merge_rule('colour', 'nearest'); SELECT roster.set_merge_rule('colour', 'union')",
    );
    assert_eq!(effective(&db), all);
    assert_eq!(db.lines("SELECT * FROM roster.merge_rules"), ["colour|union"]);
}

#[test]
fn the_nearest_hides_the_farther() {
    let db = with_colours();
    db.run("SELECT roster.set_merge_rule('colour', 'nearest')");
    assert_eq!(effective(&db), ["sam|badge|silver", "sam|colour|red"]);
    db.run("SELECT roster.remove_user_attribute('sam', 'colour')");
    assert_eq!(effective(&db), ["sam|badge|silver", "sam|colour|blue", "sam|colour|green"]);
    db.run("SELECT roster.remove_group_attribute('developers', 'colour')");
    assert_eq!(effective(&db), ["sam|badge|silver", "sam|colour|grey"]);
    assert_eq!(
        db.lines(
            "SELECT name, value FROM roster.effective_attributes WHERE value = 'grey' AND username = 'sam'"
        ),
        ["colour|grey"],
        "a condition on the value does not come before the rule"
    );
}

#[test]
fn a_value_out_of_its_window_hides_nothing() {
    let db = with_colours();
    db.run(
        "SELECT roster.set_merge_rule('colour', 'nearest');
         SELECT roster.set_user_attribute('sam', 'colour', 'red', valid_until => now() - interval '1 hour')",
    );
    assert_eq!(effective(&db), ["sam|badge|silver", "sam|colour|blue", "sam|colour|green"]);
}

#[test]
fn a_condition_on_the_value_does_not_undo_a_rule() {
    let db = with_colours();
    db.run("SELECT roster.set_merge_rule('colour', 'nearest')");
    assert_eq!(db.lines("SELECT * FROM roster.effective_attributes WHERE value = 'grey'"), [""; 0]);
    assert_eq!(db.lines("SELECT * FROM roster.users_with_attribute('colour', 'grey')"), [""; 0]);
    assert_eq!(db.lines("SELECT username FROM roster.users_with_attribute('colour', 'red')"), ["sam"]);
}

#[test]
fn origins_show_who_loses_and_explain_says_why() {
    let db = with_colours();
    db.run("SELECT roster.set_merge_rule('colour', 'nearest')");
    assert_eq!(
        db.lines("SELECT value, origin, path, wins FROM roster.attribute_origins WHERE name = 'colour' ORDER BY value"),
        ["blue|group|{developers}|f", "green|group|{developers}|f", "grey|group|{developers,company}|f", "red|user|{}|t"]
    );
    let because = db.lines("SELECT because FROM roster.explain_attribute('sam', 'badge')").join("");
    assert!(because.starts_with("because sam is in developers (since "), "{because}");
    assert!(
        because.contains(", from source manual), which is inside company, which has badge = silver (since "),
        "{because}"
    );
    let lost = db.line("SELECT because FROM roster.explain_attribute('sam', 'colour', 'grey')");
    assert!(lost.ends_with("; it does not count, as the merge rule of colour is nearest"), "{lost}");
    let own = db.line("SELECT because FROM roster.explain_attribute('sam', 'colour', 'red')");
    assert!(own.starts_with("because sam has colour = red (since "), "{own}");
}

#[test]
fn rules_are_checked_and_audited() {
    let db = Db::fresh();
    let told = db.error("SELECT roster.set_merge_rule('colour', 'loudest')");
    assert!(
        told.contains("\"rule\" must be union, nearest or priority") && told.contains("[22023]"),
        "{told}"
    );
    let told = db.error("SELECT roster.set_merge_rule(' ', 'union')");
    assert!(told.contains("\"name\" must not be empty"), "{told}");
    db.run("SELECT roster.set_merge_rule('colour', 'nearest')");
    assert_eq!(
        db.lines("SELECT change, kind, subject, after FROM roster.read_changes()"),
        ["add|merge_rule|colour|\"nearest\""]
    );
}

#[test]
fn nested_members_are_found_from_the_group() {
    let db = with_colours();
    assert_eq!(db.lines("SELECT username, direct, depth FROM roster.group_members('company')"), ["sam|f|2"]);
    assert_eq!(
        db.lines("SELECT username, direct, depth FROM roster.group_members('developers', 'builtin')"),
        ["sam|t|1"]
    );
    db.run("SELECT roster.disable_user('sam')");
    assert_eq!(db.lines("SELECT username FROM roster.group_members('company')"), [""; 0]);
}

#[test]
fn the_source_with_the_highest_priority_that_has_a_value_decides() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    let db = &lab.db;
    db.run(
        "SELECT roster.set_merge_rule('country', 'priority');
         SELECT roster.set_user_attribute('steve', 'country', 'Germany', iam => 'corp');
         SELECT roster.set_user_attribute('sara', 'country', 'France', iam => 'corp')",
    );
    let held = || {
        db.lines(
            "SELECT username, value FROM roster.effective_attributes WHERE name = 'country' ORDER BY 1, 2",
        )
    };
    assert_eq!(held(), ["sara|France", "steve|Germany", "steve|USA"], "equal priorities unite");
    db.run("SELECT roster.alter_source('corp-ldap', priority => 10)");
    assert_eq!(held(), ["sara|France", "steve|USA"], "who has no value there keeps the other source's");
    db.run("SELECT roster.alter_source('corp-ldap', priority => -1)");
    assert_eq!(held(), ["sara|France", "steve|Germany"]);
    assert_eq!(
        db.lines("SELECT value, source, wins FROM roster.attribute_origins WHERE name = 'country' AND username = 'steve' ORDER BY 1"),
        ["Germany|manual|t", "USA|corp-ldap|f"]
    );
}
