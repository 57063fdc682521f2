//! Reading what changed only, and finding all the same what a time stamp does not show.

use roster_tests::Db;

use super::{INCREMENTAL, add_source, long_config, stated, sync, sync_anyway, with_source};

fn filled() -> Db {
    let db = with_source(INCREMENTAL);
    db.run(
        "INSERT INTO hr.attributes VALUES ('ann', 'country', 'USA', now() - interval '3 days'), ('ann', 'level', '1', now() - interval '3 days'),
         ('bob', 'country', 'UK', now() - interval '3 days'), ('cem', 'country', 'TR', now() - interval '2 days')",
    );
    assert_eq!(sync(&db, "hr"), "succeeded|4|0");
    db
}

fn complete(db: &Db) -> String {
    db.line("SELECT complete FROM roster_private.sync_run ORDER BY run_id DESC LIMIT 1")
}

#[test]
fn the_first_reading_is_full_and_the_next_ones_are_not() {
    let db = filled();
    assert_eq!(complete(&db), "t");
    assert_eq!(sync(&db, "hr"), "succeeded|0|0");
    assert_eq!(complete(&db), "f");
    assert!(
        db.number("SELECT read FROM roster.sync_runs ORDER BY run_id DESC LIMIT 1") < 4,
        "not everything is read"
    );
    db.run("INSERT INTO hr.attributes VALUES ('bob', 'level', '2')");
    assert_eq!(sync(&db, "hr"), "succeeded|1|0");
    assert_eq!(stated(&db, "hr").len(), 5, "what bob had, and what others have, stays");
    // Everything else is read after a change of the configuration, and in due time.
    db.run(&format!(
        "SELECT roster.alter_source('hr', config => '{}')",
        long_config(&format!(r#"{INCREMENTAL}, "prefix": "hr""#))
    ));
    assert_eq!(sync_anyway(&db, "hr"), "succeeded|5|5");
    assert_eq!(complete(&db), "t");
    sync(&db, "hr");
    assert_eq!(complete(&db), "f");
    db.run("UPDATE roster_private.source_state SET full_at = full_at - interval '1 day'");
    sync(&db, "hr");
    assert_eq!(complete(&db), "t");
}

#[test]
fn a_row_that_is_committed_late_with_an_older_stamp_is_found_within_the_overlap() {
    let db = filled();
    let late = db.session();
    late.run("BEGIN; INSERT INTO hr.attributes VALUES ('bob', 'late', '1', clock_timestamp())");
    db.run("INSERT INTO hr.attributes VALUES ('ann', 'early', '1', clock_timestamp())");
    assert_eq!(sync(&db, "hr"), "succeeded|1|0");
    late.run("COMMIT");
    assert_eq!(sync(&db, "hr"), "succeeded|1|0");
    assert!(stated(&db, "hr").contains(&"bob|late|1".to_owned()));
}

#[test]
fn a_value_changed_in_place_gives_way_and_a_tombstone_removes() {
    let db = filled();
    db.run("UPDATE hr.attributes SET value = 'FR', updated_at = clock_timestamp() WHERE username = 'ann' AND attribute = 'country'");
    assert_eq!(sync(&db, "hr"), "succeeded|1|1");
    assert_eq!(stated(&db, "hr")[..2], ["ann|country|FR", "ann|level|1"]);
    db.run("UPDATE hr.attributes SET deleted = true, updated_at = clock_timestamp() WHERE username = 'ann' AND attribute = 'level'");
    assert_eq!(sync(&db, "hr"), "succeeded|0|1");
    db.run("UPDATE hr.attributes SET deleted = true, updated_at = clock_timestamp() WHERE username = 'ann'");
    assert_eq!(sync(&db, "hr"), "succeeded|0|1", "the last value of ann");
    assert_eq!(db.line("SELECT count(*) FROM roster_private.user_link"), "2", "and ann is no entry any more");
    db.run("UPDATE hr.attributes SET deleted = NULL, updated_at = NULL WHERE username = 'ann'");
    assert_eq!(sync(&db, "hr"), "succeeded|2|0", "rows without a stamp are always looked at");
}

#[test]
fn a_row_that_vanished_is_found_by_the_full_reading() {
    let db = filled();
    db.run("DELETE FROM hr.attributes WHERE username = 'bob'");
    assert_eq!(sync(&db, "hr"), "succeeded|0|0");
    db.run("UPDATE roster_private.source_state SET full_at = full_at - interval '1 day'");
    assert_eq!(sync(&db, "hr"), "succeeded|0|1");
    assert_eq!(stated(&db, "hr"), ["ann|country|USA", "ann|level|1", "cem|country|TR"]);
}

#[test]
fn a_clock_that_is_ahead_hides_nothing() {
    let db = filled();
    db.run("INSERT INTO hr.attributes VALUES ('bob', 'future', '1', now() + interval '100 years')");
    assert_eq!(sync(&db, "hr"), "succeeded|1|0");
    db.run("INSERT INTO hr.attributes VALUES ('ann', 'now', '1', clock_timestamp())");
    assert_eq!(sync(&db, "hr"), "succeeded|1|0");
    db.run("UPDATE hr.attributes SET updated_at = 'infinity' WHERE attribute = 'future'");
    assert_eq!(sync(&db, "hr"), "succeeded|0|0");
    db.run("INSERT INTO hr.attributes VALUES ('cem', 'now', '1', clock_timestamp())");
    assert_eq!(sync(&db, "hr"), "succeeded|1|0");
}

#[test]
fn an_unknown_user_who_appears_later_gets_what_was_waiting() {
    let db = filled();
    db.run("INSERT INTO hr.attributes VALUES ('dora', 'country', 'IT', now() - interval '1 day'), ('dora', 'level', '3', now() - interval '30 days')");
    // Its stamp is new enough only now.
    db.run("UPDATE hr.attributes SET updated_at = clock_timestamp() WHERE username = 'dora' AND attribute = 'country'");
    assert_eq!(sync(&db, "hr"), "succeeded|0|0");
    assert_eq!(db.line("SELECT key FROM roster.quarantine"), "dora");
    db.run("UPDATE hr.attributes SET updated_at = now() - interval '40 days' WHERE username = 'dora'");
    db.run("SELECT roster.create_user('dora')");
    assert_eq!(sync(&db, "hr"), "succeeded|2|0");
    assert_eq!(complete(&db), "f");
    assert_eq!(db.lines("SELECT * FROM roster.quarantine"), [""; 0]);
}

#[test]
fn times_may_be_without_a_zone_or_without_an_hour() {
    let db = with_source("");
    for kind in ["timestamp", "date"] {
        db.run(&format!(
            "CREATE TABLE hr.{kind}_rows (u text, n text, v text, at {kind}); INSERT INTO hr.{kind}_rows VALUES ('ann', 'a', '1', now() - interval '9 days'), ('bob', 'a', '1', now())"
        ));
        add_source(
            &db,
            kind,
            &format!(
                r#"{{"relation": "hr.{kind}_rows", "format": "long", "user_column": "u", "name_column": "n", "value_column": "v", "updated_at_column": "at", "overlap": "0 s"}}"#
            ),
        );
        assert_eq!(sync(&db, kind), "succeeded|2|0");
        db.run(&format!("UPDATE hr.{kind}_rows SET v = '2', at = now() WHERE u = 'ann'"));
        assert_eq!(sync(&db, kind), "succeeded|1|1", "{kind}");
        assert_eq!(complete(&db), "f");
    }
}

#[test]
fn names_that_differ_by_case_only_are_one_user_also_incrementally() {
    let db = with_source("");
    db.run("SELECT roster.create_identity_manager('corp', kind => 'ldap'); SELECT roster.create_user('Zoë', iam => 'corp')");
    db.run(&format!(
        "SELECT roster.create_source('corp-hr', iam => 'corp', kind => 'table', config => '{}')",
        long_config(INCREMENTAL)
    ));
    db.run("INSERT INTO hr.attributes VALUES ('ZOË', 'a', '1', now() - interval '9 days'), ('zoë', 'b', '2', now())");
    assert_eq!(sync(&db, "corp-hr"), "succeeded|2|0");
    db.run("UPDATE hr.attributes SET value = '3', updated_at = clock_timestamp() WHERE attribute = 'b'");
    assert_eq!(sync(&db, "corp-hr"), "succeeded|1|1");
    assert_eq!(stated(&db, "corp-hr"), ["Zoë|a|1", "Zoë|b|3"]);
}
