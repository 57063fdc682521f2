//! Watched tables: what changes in them is queued by triggers, and nothing of it is lost.

use std::thread;

use roster_tests::{Db, Session};

use super::{add_source, long_config, stated, sync, sync_anyway, with_source};

fn watched() -> Db {
    let db = with_source("");
    db.run("INSERT INTO hr.attributes VALUES ('ann', 'a', '1'), ('bob', 'a', '1'), ('cem', 'a', '1'), ('cem', 'b', '1')");
    db.run("SELECT roster.watch_table('hr')");
    assert_eq!(sync(&db, "hr"), "succeeded|4|0");
    assert_eq!(queue(&db), [""; 0]);
    db
}

fn queue(db: &Session) -> Vec<String> {
    db.lines("SELECT who FROM roster_private.watch_queue ORDER BY queue_id")
}

fn due(db: &Db) -> String {
    db.line("SELECT count(*) FROM roster_private.watched_sources_due()")
}

#[test]
fn every_kind_of_change_queues_its_users_and_a_run_reads_just_those() {
    let db = watched();
    assert_eq!(due(&db), "0");
    db.run("INSERT INTO hr.attributes VALUES ('ann', 'b', '2'), ('ann', 'c', '3'), (NULL, 'c', '3')");
    assert_eq!(queue(&db), ["ann"]);
    assert_eq!(due(&db), "1");
    assert_eq!(sync(&db, "hr"), "succeeded|2|0");
    assert_eq!(db.line("SELECT complete FROM roster_private.sync_run ORDER BY run_id DESC LIMIT 1"), "f");
    assert_eq!(due(&db), "0");
    db.run("UPDATE hr.attributes SET username = 'bob' WHERE username = 'cem' AND attribute = 'b'");
    assert_eq!(queue(&db), ["bob", "cem"]);
    assert_eq!(sync(&db, "hr"), "succeeded|1|1");
    db.run(
        "DELETE FROM hr.attributes WHERE username = 'cem'; UPDATE hr.attributes SET value = 'x' WHERE false",
    );
    assert_eq!(queue(&db), ["cem"]);
    assert_eq!(sync(&db, "hr"), "succeeded|0|1");
    assert_eq!(stated(&db, "hr"), ["ann|a|1", "ann|b|2", "ann|c|3", "bob|a|1", "bob|b|1"]);
    db.run("TRUNCATE hr.attributes");
    assert_eq!(queue(&db), [""], "everything");
    assert_eq!(sync(&db, "hr"), "blocked|0|5");
    assert_eq!(due(&db), "0", "a blocked run waits for a decision, not for the next second");
    assert_eq!(sync_anyway(&db, "hr"), "succeeded|0|5");
    assert_eq!(queue(&db), [""; 0]);
}

#[test]
fn a_change_that_is_rolled_back_queues_nothing_and_one_made_while_a_run_reads_is_the_next_ones() {
    let db = watched();
    db.run("BEGIN; INSERT INTO hr.attributes VALUES ('ann', 'b', '2'); ROLLBACK");
    assert_eq!(queue(&db), [""; 0]);
    let (early, run) = (db.session(), db.session());
    early.run("BEGIN; INSERT INTO hr.attributes VALUES ('bob', 'early', '1')");
    db.run("INSERT INTO hr.attributes VALUES ('ann', 'b', '2')");
    run.run("BEGIN; SELECT roster.sync_table_now('hr')");
    early.run("COMMIT");
    run.run("COMMIT");
    assert_eq!(queue(&db), ["bob"], "queued before, committed after: still there");
    assert_eq!(sync(&db, "hr"), "succeeded|1|0");
}

#[test]
fn one_notification_stands_for_a_burst() {
    let db = watched();
    let mut listener = db.listener("roster_sync");
    for n in 0..20 {
        db.run(&format!("INSERT INTO hr.attributes VALUES ('ann', 'n', '{n}')"));
    }
    assert_eq!(listener(), 1);
    sync(&db, "hr");
    db.run("INSERT INTO hr.attributes VALUES ('ann', 'n', 'more')");
    assert_eq!(listener(), 1);
}

#[test]
fn eight_writers_while_runs_read_lose_nothing() {
    let db = watched();
    db.run("SELECT roster.create_user('u' || n) FROM generate_series(0, 7) n");
    thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|n| {
                let session = db.session();
                scope.spawn(move || {
                    for round in 0..40 {
                        session.run(&format!(
                            "INSERT INTO hr.attributes VALUES ('u{n}', 'round', '{round}'), ('u{}', 'from', '{n}.{round}'); DELETE FROM hr.attributes WHERE username = 'u{n}' AND attribute = 'round' AND value = '{}'",
                            (n + round) % 8, round - 1
                        ));
                    }
                })
            })
            .collect();
        while writers.iter().any(|it| !it.is_finished()) {
            sync_anyway(&db, "hr");
        }
    });
    while due(&db) != "0" {
        sync_anyway(&db, "hr");
    }
    let wanted = db.lines("SELECT DISTINCT username, attribute, value FROM hr.attributes");
    assert!(wanted.len() > 300, "{}", wanted.len());
    crate::dump::assert_same(&stated(&db, "hr"), &wanted);
}

#[test]
fn partitions_are_watched_whichever_way_they_are_written() {
    let db = with_source("");
    db.run(
        "DROP TABLE hr.attributes; CREATE TABLE hr.attributes (username char(10), attribute text, value text) PARTITION BY LIST (attribute);
         CREATE TABLE hr.a PARTITION OF hr.attributes FOR VALUES IN ('a'); CREATE TABLE hr.rest PARTITION OF hr.attributes DEFAULT;
         SELECT roster.watch_table('hr')",
    );
    sync(&db, "hr");
    db.run("INSERT INTO hr.attributes VALUES ('ann', 'a', '1')");
    db.run("INSERT INTO hr.rest VALUES ('bob', 'b', '1')");
    assert_eq!(queue(&db), ["ann", "bob"]);
    assert_eq!(sync(&db, "hr"), "succeeded|2|0");
    db.run("UPDATE hr.attributes SET attribute = 'c' WHERE username = 'ann'");
    assert_eq!(sync(&db, "hr"), "succeeded|1|1");
    db.run("SELECT roster.unwatch_table('hr'); INSERT INTO hr.a VALUES ('cem', 'a', '1')");
    assert_eq!(queue(&db), [""; 0]);
    assert_eq!(sync(&db, "hr"), "succeeded|1|0");
}

#[test]
fn what_cannot_be_watched_is_refused_with_the_reason() {
    let db = with_source("");
    db.run("CREATE VIEW hr.v AS SELECT * FROM hr.attributes");
    add_source(&db, "view", &long_config("").replace("hr.attributes", "hr.v"));
    add_source(
        &db,
        "query",
        r#"{"query": "SELECT 'ann' AS u, '1' AS a", "format": "wide", "user_column": "u"}"#,
    );
    assert!(db.error("SELECT roster.watch_table('view')").contains("hr.v is a view and cannot be watched"));
    assert!(
        db.error("SELECT roster.watch_table('query')").contains("reads a query, which cannot be watched")
    );
    let admin = db.login(&["roster_admin"]);
    db.run("GRANT USAGE ON SCHEMA hr TO PUBLIC; GRANT SELECT ON hr.attributes TO PUBLIC");
    assert!(admin.error("SELECT roster.watch_table('hr')").contains("[42501]"), "only who owns the table");
}

#[test]
fn a_table_outlives_its_source() {
    let db = watched();
    db.run("SELECT roster.drop_source('hr', override_guard => true); INSERT INTO hr.attributes VALUES ('ann', 'x', 'y')");
    assert_eq!(queue(&db), [""; 0]);
}
