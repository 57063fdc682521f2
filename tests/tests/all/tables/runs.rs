//! Plans, the guard, errors in the middle, backups.

use roster_tests::Db;

use crate::dump::{assert_same, contents, dumped_and_restored};

use super::{INCREMENTAL, add_source, quarantined, stated, sync, with_source};

fn filled(more: &str) -> Db {
    let db = with_source(more);
    db.run("INSERT INTO hr.attributes SELECT u, a, '1', now() - interval '1 day' FROM unnest('{ann,bob,cem}'::text[]) u, unnest('{a,b,c}'::text[]) a");
    assert_eq!(sync(&db, "hr"), "succeeded|9|0");
    db
}

#[test]
fn an_emptied_table_is_blocked_and_an_administrator_may_let_it_through() {
    let db = filled(INCREMENTAL);
    let state = "SELECT cursor, full_at, confirmed_at FROM roster_private.source_state";
    let before = db.line(state);
    db.run(
        "TRUNCATE hr.attributes; UPDATE roster_private.source_state SET full_at = full_at - interval '1 day'",
    );
    let run = db.number("SELECT roster.sync_table_now('hr')");
    assert_eq!(
        db.line(&format!("SELECT state, removed FROM roster.sync_runs WHERE run_id = {run}")),
        "blocked|9"
    );
    assert_eq!(db.line("SELECT health FROM roster.sources WHERE source = 'hr'"), "blocked");
    assert_eq!(stated(&db, "hr").len(), 9);
    assert_eq!(db.line("SELECT count(*) FROM roster_private.user_link"), "3", "nobody was forgotten");
    assert_ne!(before, "", "and the cursor stands where it was");
    assert_eq!(db.line("SELECT cursor FROM roster_private.source_state"), before.split('|').next().unwrap());
    assert_eq!(db.number(&format!("SELECT count(*) FROM roster.sync_changes WHERE run_id = {run}")), 9);
    db.run(&format!("SELECT roster.apply_run({run}, override_guard => true)"));
    assert_eq!(stated(&db, "hr"), [""; 0]);
    assert_eq!(db.line("SELECT count(*) FROM roster_private.user_link"), "0");
    assert_eq!(
        db.line("SELECT cursor ->> 'watermark' FROM roster_private.source_state"),
        "",
        "the cursor came with the data"
    );
    db.run("INSERT INTO hr.attributes VALUES ('ann', 'a', '1', now())");
    assert_eq!(sync(&db, "hr"), "succeeded|1|0");
}

#[test]
fn a_plan_lists_and_writes_nothing_until_it_is_applied() {
    let db = filled("");
    db.run("UPDATE hr.attributes SET value = '2' WHERE username = 'ann' AND attribute = 'a'; INSERT INTO hr.attributes VALUES ('ghost', 'a', '1')");
    db.run(
        "BEGIN; SELECT roster_private.begin_table_now('hr'); UPDATE roster_private.sync_run SET mode = 'plan' WHERE state = 'running';
         SELECT roster_private.finish_table_now(r.run_id, s.facts, s.complete, s.cursor)
         FROM roster_private.sync_run r, roster_private.stage_table(r.run_id) s WHERE r.state = 'running'; COMMIT",
    );
    assert_eq!(stated(&db, "hr").len(), 9);
    assert!(stated(&db, "hr").contains(&"ann|a|1".to_owned()));
    let run = db.number("SELECT max(run_id) FROM roster.sync_runs WHERE mode = 'plan'");
    assert_eq!(
        db.lines(&format!("SELECT change, kind, subject, name, before, after FROM roster.sync_changes WHERE run_id = {run} ORDER BY change")),
        ["add|user_attribute|ann|a||\"2\"", "remove|user_attribute|ann|a|\"1\"|"]
    );
    db.run(&format!("SELECT roster.apply_run({run})"));
    assert!(stated(&db, "hr").contains(&"ann|a|2".to_owned()));
    assert_eq!(sync(&db, "hr"), "succeeded|0|0", "the links came along");
    assert_eq!(quarantined(&db, "hr").len(), 1);
}

#[test]
fn an_error_while_reading_leaves_nothing() {
    let db = filled("");
    db.run("CREATE VIEW hr.broken AS SELECT username, attribute, (1 / (CASE username WHEN 'cem' THEN 0 ELSE 1 END))::text AS value FROM hr.attributes");
    add_source(
        &db,
        "broken",
        r#"{"relation": "hr.broken", "format": "long", "user_column": "username", "name_column": "attribute", "value_column": "value"}"#,
    );
    let runs = db.number("SELECT count(*) FROM roster.sync_runs");
    assert!(db.error("SELECT roster.sync_table_now('broken')").contains("division by zero"));
    assert_eq!(db.number("SELECT count(*) FROM roster.sync_runs"), runs);
    assert_eq!(stated(&db, "broken"), [""; 0]);
    assert_eq!(sync(&db, "hr"), "succeeded|0|0");
}

#[test]
fn an_unchanged_reading_writes_no_fact_and_no_link() {
    let db = filled("");
    let rows = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables WHERE relname IN ('user_attribute', 'user_link', 'run', 'user_attribute_history', 'quarantined')";
    assert_eq!(
        db.session().lines(&format!("BEGIN; SELECT state FROM roster.sync_runs WHERE run_id = roster.sync_table_now('hr'); {rows}; COMMIT")).last().unwrap(),
        "0"
    );
}

#[test]
fn two_runs_of_one_source_do_not_mix_and_two_sources_run_side_by_side() {
    let db = filled("");
    add_source(&db, "second", &super::long_config(r#", "prefix": "second""#));
    let other = db.session();
    other.run("BEGIN; SELECT roster.sync_table_now('hr')");
    let told = db.error("SELECT roster.sync_table_now('hr')");
    assert!(told.contains("[55P03]"), "{told}");
    other.run("COMMIT");
    other.run("BEGIN; SELECT roster_private.stage_table(roster_private.begin_table_now('hr'))");
    assert_eq!(sync(&db, "second"), "succeeded|9|0");
    other.run("ROLLBACK");
    assert_eq!(sync(&db, "hr"), "succeeded|0|0");
}

#[test]
fn what_cannot_be_read_here_is_refused() {
    let db = filled("");
    db.run(r#"SELECT roster.create_source('far', iam => 'builtin', kind => 'table', config => '{"connection": {"env": "X"}, "relation": "a.b", "format": "wide", "user_column": "u"}');
              SELECT roster.create_source('dir', iam => 'builtin', kind => 'ldap')"#);
    for source in ["far", "dir"] {
        let told = db.error(&format!("SELECT roster.sync_table_now('{source}')"));
        assert!(
            told.contains("not a table of this database")
                && told.contains("sync_now")
                && told.contains("[22023]"),
            "{told}"
        );
    }
    assert!(db.error("SELECT roster.sync_table_now('none')").contains("[42704]"));
    db.run("SELECT roster.alter_source('hr', enabled => false)");
    assert!(db.error("SELECT roster.sync_table_now('hr')").contains("[55000]"));
}

#[test]
fn a_restored_database_goes_on_without_a_change() {
    let db = filled(INCREMENTAL);
    db.run("INSERT INTO hr.attributes VALUES ('ghost', 'a', '1', now())");
    sync(&db, "hr");
    db.run("SELECT roster.watch_table('hr'); INSERT INTO hr.attributes VALUES ('ann', 'queued', '1', now() - interval '1 year')");
    let restored = dumped_and_restored(&db);
    assert_same(&contents(&restored), &contents(&db));
    assert_eq!(sync(&restored, "hr"), "succeeded|1|0", "what was queued came along, and nothing else is new");
    assert_eq!(sync(&restored, "hr"), "succeeded|0|0");
    assert_eq!(restored.line("SELECT count(*) FROM roster_private.watch_queue"), "0");
}
