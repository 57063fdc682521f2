//! An unchanged directory costs its reading, and writes nothing.

use roster_tests::{Cluster, Db, Directory, Slapd, wait_until};

use super::Lab;

#[test]
fn an_unchanged_sync_writes_no_facts_and_next_to_no_wal() {
    // WAL is counted per cluster, so this test has one for itself.
    let cluster = Box::leak(Box::new(Cluster::start()));
    let slapd = Slapd::start(&Directory::generated(1000, 50));
    let url = slapd.url();
    let lab = Lab::of(Db::fresh_in(cluster), slapd, &url);
    lab.sync();
    let facts = lab.facts();
    lab.sync();
    lab.db.run("CHECKPOINT");
    let (rows, wal) = (rows_written(&lab), wal_position(&lab));
    lab.sync();
    let written = wal_position(&lab) - wal;
    assert_eq!(rows_written(&lab), rows, "rows of facts, history and derived tables");
    assert!(written < 1_000_000, "{written} bytes of WAL");
    assert_eq!(lab.last_run("state, added, changed, removed, read"), "succeeded|0|0|0|1050");
    assert_eq!(lab.facts(), facts);
}

fn wal_position(lab: &Lab) -> i64 {
    lab.db.number("SELECT pg_current_wal_lsn() - '0/0'")
}

/// Rows ever written, per table; the record of the runs is not a fact.
fn rows_written(lab: &Lab) -> Vec<String> {
    wait_for_statistics(lab);
    lab.db.lines(
        "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables
         WHERE schemaname = 'roster_private' AND relname NOT IN ('sync_run', 'source', 'source_lease', 'source_retry', 'source_state', 'run_total') ORDER BY 1",
    )
}

/// A backend reports what it wrote before it leaves: wait until those of the daemon are gone.
pub fn wait_for_statistics(lab: &Lab) {
    let role = &lab.daemon.role;
    wait_until("the daemon's sessions are over", || {
        lab.db.number(&format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'")) == 0
    });
    lab.db.run("SELECT pg_stat_force_next_flush()");
    lab.db.run("SELECT pg_stat_clear_snapshot()");
}
