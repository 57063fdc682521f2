//! What the database demands of any daemon, whatever the daemon believes.

use roster_tests::{Db, Session};

fn with_source() -> (Db, Session) {
    let db = Db::fresh();
    db.run("SELECT roster.create_identity_manager('corp', kind => 'ldap')");
    db.run("SELECT roster.create_source('s', iam => 'corp', kind => 'ldap')");
    let daemon = db.login(&["roster_syncd"]);
    (db, daemon)
}

fn claim(daemon: &Session) -> (String, String) {
    let claimed = daemon.line("SELECT run_id, slot FROM roster_private.claim_run('s')");
    let (run_id, slot) = claimed.split_once('|').expect("two columns");
    (run_id.to_owned(), slot.to_owned())
}

fn stage(daemon: &Session, run_id: &str, slot: &str, uid: &str) {
    daemon.run(&format!(
        "INSERT INTO roster_private.staged_entity (slot, run_id, kind, present, key, external_id, name, profile, active, fingerprint)
         VALUES ({slot}, {run_id}, 'user', true, md5('{uid}')::uuid, '{uid}', '{uid}', '{{}}', true, md5('f{uid}')::uuid)"
    ));
}

#[test]
fn staging_that_lost_rows_is_never_applied() {
    let (db, daemon) = with_source();
    let (run_id, slot) = claim(&daemon);
    stage(&daemon, &run_id, &slot, "a");
    stage(&daemon, &run_id, &slot, "b");
    // A crash of the server empties unlogged tables: the daemon staged three, two are there.
    for counts in ["3, 3, 0, 0, 0", "3, 2, 1, 0, 0", "3, 2, 0, 1, 0", "3, 2, 0, 0, 1", "3, 1, 0, 0, 0"] {
        daemon.error(&format!("SELECT * FROM roster_private.complete_run({run_id}, {counts}, NULL)"));
        assert_eq!(db.lines("SELECT * FROM roster.users"), [""; 0], "{counts}");
    }
    let report = daemon.line(&format!(
        "SELECT state, added FROM roster_private.complete_run({run_id}, 3, 2, 0, 0, 0, NULL)"
    ));
    assert_eq!(report, "succeeded|2");
    assert_eq!(db.number("SELECT count(*) FROM roster.users"), 2);
}

#[test]
fn a_run_is_completed_once() {
    let (db, daemon) = with_source();
    let (run_id, slot) = claim(&daemon);
    stage(&daemon, &run_id, &slot, "a");
    let complete = format!("SELECT * FROM roster_private.complete_run({run_id}, 1, 1, 0, 0, 0, NULL)");
    daemon.run(&complete);
    daemon.error(&complete);
    assert_eq!(db.number("SELECT count(*) FROM roster.users"), 1);
}

#[test]
fn a_source_is_claimed_by_one_session_at_a_time() {
    let (db, daemon) = with_source();
    let (run_id, _) = claim(&daemon);
    let told = db.login(&["roster_syncd"]).error("SELECT * FROM roster_private.claim_run('s')");
    assert!(told.contains("[55P03]") && told.contains('s'), "{told}");
    daemon.run(&format!("SELECT roster_private.end_run({run_id}, 'failed', 'it was only a test')"));
    drop(daemon);
    let next = db.login(&["roster_syncd"]);
    roster_tests::wait_until("the source is free", || {
        next.try_lines("SELECT * FROM roster_private.claim_run('s')").is_ok()
    });
}

#[test]
fn a_dead_claim_is_taken_over_and_its_run_recorded_as_failed() {
    let (db, daemon) = with_source();
    let (dead, slot) = claim(&daemon);
    stage(&daemon, &dead, &slot, "a");
    drop(daemon);
    let next = db.login(&["roster_syncd"]);
    roster_tests::wait_until("the source is free", || {
        next.try_lines("SELECT * FROM roster_private.claim_run('s')").is_ok()
    });
    assert_eq!(db.line(&format!("SELECT state FROM roster.sync_runs WHERE run_id = {dead}")), "failed");
    next.error(&format!("SELECT * FROM roster_private.complete_run({dead}, 1, 1, 0, 0, 0, NULL)"));
    assert_eq!(db.lines("SELECT * FROM roster.users"), [""; 0]);
}

#[test]
fn the_daemons_role_can_neither_read_nor_change_facts() {
    let (_db, daemon) = with_source();
    for forbidden in [
        "SELECT * FROM roster_private.app_user",
        "SELECT * FROM roster_private.user_attribute",
        "UPDATE roster_private.source SET config = '{}'",
        "SELECT roster.create_user('x')",
        "SELECT roster_private.apply_plan(NULL)",
        "SELECT roster_private.write_as(1)",
        "SELECT roster.apply_run(1, override_guard => true)",
        "SELECT roster.delete_user('x')",
    ] {
        let told = daemon.error(forbidden);
        assert!(told.contains("[42501]"), "{forbidden}: {told}");
    }
}
