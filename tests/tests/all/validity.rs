//! Validity windows: stated values and memberships that hold from, until, or between two times.

use roster_tests::Db;

use crate::reference::effective;

fn with_user() -> Db {
    let db = Db::fresh();
    db.run("SELECT roster.create_user('u'); SELECT roster.create_group('g'); SELECT roster.set_group_attribute('g', 'badge', 'blue')");
    db
}

#[test]
fn a_value_holds_within_its_window_only() {
    let db = with_user();
    db.run(
        "SELECT roster.add_user_attribute('u', 'a', 'past', valid_until => now() - interval '1 hour');
         SELECT roster.add_user_attribute('u', 'a', 'future', valid_from => now() + interval '1 hour');
         SELECT roster.add_user_attribute('u', 'a', 'present', valid_from => now() - interval '1 hour', valid_until => now() + interval '1 hour');
         SELECT roster.add_user_attribute('u', 'a', 'always')",
    );
    assert_eq!(effective(&db), ["u|a|always", "u|a|present"]);
    assert_eq!(
        db.lines("SELECT value, valid_from IS NOT NULL, valid_until IS NOT NULL FROM roster.user_attributes ORDER BY value"),
        ["always|f|f", "future|t|f", "past|f|t", "present|t|t"],
        "what is stated stays visible with its window"
    );
}

#[test]
fn a_membership_holds_within_its_window_only() {
    let db = with_user();
    db.run("SELECT roster.add_member('g', 'u', valid_from => now() + interval '1 hour')");
    assert_eq!(effective(&db), [""; 0]);
    assert_eq!(db.lines("SELECT * FROM roster.effective_groups"), [""; 0]);
    db.run("SELECT roster.add_member('g', 'u', valid_until => now() + interval '1 hour')");
    assert_eq!(effective(&db), ["u|badge|blue"]);
    assert_eq!(
        db.lines("SELECT member_name, valid_from, valid_until > now() FROM roster.memberships"),
        ["u||t"],
        "the same membership with another window replaces it"
    );
    db.run("SELECT roster.add_member('g', 'u', valid_until => now() - interval '1 hour')");
    assert_eq!(effective(&db), [""; 0]);
}

#[test]
fn the_end_of_a_window_needs_no_call() {
    let db = with_user();
    db.run("SELECT roster.add_user_attribute('u', 'a', 'brief', valid_until => clock_timestamp() + interval '0.3 s')");
    db.run("SELECT roster.add_member('g', 'u', valid_from => clock_timestamp() + interval '0.3 s')");
    assert_eq!(effective(&db), ["u|a|brief"]);
    roster_tests::wait_until("the windows pass", || effective(&db) == ["u|badge|blue"]);
}

#[test]
fn group_values_have_windows_too() {
    let db = with_user();
    db.run(
        "SELECT roster.add_member('g', 'u');
         SELECT roster.set_group_attribute('g', 'badge', 'red', valid_from => now() + interval '1 hour');",
    );
    assert_eq!(effective(&db), [""; 0]);
    db.run(
        "SELECT roster.add_group_attribute('g', 'badge', 'green', valid_until => now() + interval '1 hour')",
    );
    assert_eq!(effective(&db), ["u|badge|green"]);
}

#[test]
fn restating_a_value_with_another_window_is_one_fact_with_the_new_window() {
    let db = with_user();
    db.run("SELECT roster.set_user_attribute('u', 'a', '1', valid_until => now() - interval '1 hour')");
    assert_eq!(effective(&db), [""; 0]);
    db.run("SELECT roster.set_user_attribute('u', 'a', '1')");
    assert_eq!(db.lines("SELECT value, valid_from, valid_until FROM roster.user_attributes"), ["1||"]);
    assert_eq!(effective(&db), ["u|a|1"]);
}
