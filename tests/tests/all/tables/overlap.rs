//! Several sources that speak about the same users and attributes: each owns its facts.

use roster_tests::Db;

use super::{add_source, stated, sync, with_source};

fn two() -> Db {
    let db = with_source("");
    db.run(
        "CREATE TABLE hr.crm (u text, region text); INSERT INTO hr.crm VALUES ('ann', 'Ohio'), ('bob', 'Iowa');
         INSERT INTO hr.attributes VALUES ('ann', 'region', 'Ohio'), ('ann', 'region', 'Utah'), ('cem', 'region', 'Maine')",
    );
    add_source(
        &db,
        "crm",
        r#"{"relation": "hr.crm", "format": "wide", "user_column": "u", "max_age": "1 hour"}"#,
    );
    sync(&db, "hr");
    sync(&db, "crm");
    db
}

const EFFECTIVE: &str = r#"SELECT username, value FROM roster.effective_attributes WHERE name = 'region' ORDER BY username, value COLLATE "C""#;

#[test]
fn each_source_removes_its_own_statement_only() {
    let db = two();
    assert_eq!(db.lines(EFFECTIVE), ["ann|Ohio", "ann|Utah", "bob|Iowa", "cem|Maine"]);
    db.run("DELETE FROM hr.attributes WHERE value = 'Ohio'");
    assert_eq!(sync(&db, "hr"), "succeeded|0|1");
    assert_eq!(db.lines(EFFECTIVE), ["ann|Ohio", "ann|Utah", "bob|Iowa", "cem|Maine"], "crm says so still");
    db.run("DELETE FROM hr.crm WHERE u = 'ann'");
    assert_eq!(sync(&db, "crm"), "succeeded|0|1");
    assert_eq!(db.lines(EFFECTIVE), ["ann|Utah", "bob|Iowa", "cem|Maine"]);
}

#[test]
fn the_source_of_the_highest_priority_wins_where_the_rule_says_so() {
    let db = two();
    db.run("SELECT roster.set_merge_rule('region', 'priority'); SELECT roster.alter_source('crm', priority => 5)");
    assert_eq!(db.lines(EFFECTIVE), ["ann|Ohio", "bob|Iowa", "cem|Maine"]);
    assert_eq!(
        db.lines("SELECT value, source, wins FROM roster.attribute_origins WHERE username = 'ann' ORDER BY source, value"),
        ["Ohio|crm|t", "Ohio|hr|f", "Utah|hr|f"]
    );
}

#[test]
fn facts_are_stale_when_their_source_was_not_read_within_max_age() {
    let db = two();
    let stale =
        "SELECT source, stale FROM roster.attribute_origins WHERE username = 'ann' ORDER BY source, value";
    assert_eq!(db.lines(stale), ["crm|f", "hr|f", "hr|f"]);
    db.run("UPDATE roster_private.source_state SET confirmed_at = now() - interval '2 hours'; UPDATE roster_private.run SET at = at - interval '2 hours'");
    assert_eq!(db.lines(stale), ["crm|t", "hr|f", "hr|f"], "only crm has a max_age");
    assert_eq!(sync(&db, "crm"), "succeeded|0|0");
    assert_eq!(db.lines(stale), ["crm|f", "hr|f", "hr|f"], "nothing changed, and that is known now");
}

#[test]
fn a_dropped_source_leaves_nothing_behind() {
    let db = two();
    db.run("SELECT roster.drop_source('crm', override_guard => true)");
    assert_eq!(stated(&db, "crm"), [""; 0]);
    assert_eq!(db.line("SELECT count(*) FROM roster_private.user_link"), "2");
    assert_eq!(db.line("SELECT count(*) FROM roster_private.source_state"), "1");
    assert_eq!(db.lines(EFFECTIVE), ["ann|Ohio", "ann|Utah", "cem|Maine"]);
}
