//! Other transactions are in the way of a run: it repeats itself and gets through.

use super::Lab;

#[test]
fn a_run_that_is_the_victim_of_a_deadlock_is_applied_again() {
    let lab = Lab::new();
    let role = &lab.daemon.role;
    // Whoever looks first is the victim: the daemon after two seconds, the other one later.
    lab.db.run(&format!("ALTER ROLE {role} SET deadlock_timeout = '2s'"));
    // The old sessions do not know it yet.
    lab.db.run(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"));
    lab.change(1);
    let newest = lab.newest_run();
    let other = lab.db.session();
    other.run("SET deadlock_timeout = '30s'; BEGIN");
    other.run("SELECT roster_private.lock_iam((SELECT iam_id FROM roster_private.iam WHERE iam = 'corp'), false)");
    lab.due();
    lab.waits_for_standstill("Lock");
    // What the run holds already; this waits until the run is picked as the victim.
    other.run(&format!("SELECT FROM roster_private.sync_run WHERE run_id > {newest} FOR UPDATE"));
    assert_eq!(lab.db.number(&deadlocks()), 1, "it was one");
    other.run("COMMIT");
    lab.waits_for_success();
    assert_eq!(lab.run_after(newest).map(|(_, state)| state).as_deref(), Some("succeeded"), "the very same run");
    assert!(lab.served.running.said().contains("applying again"), "{}", lab.served.running.said());
    lab.assert_recovered("deadlock");
}

fn deadlocks() -> String {
    "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()".into()
}

#[test]
fn a_plan_that_data_changed_under_is_made_again() {
    let lab = Lab::new();
    lab.change(1);
    let newest = lab.newest_run();
    let other = lab.db.session();
    // No call can do this to a run that has the identity manager for itself; a superuser can.
    other.run("BEGIN; SET LOCAL session_replication_role = replica");
    other.run("UPDATE roster_private.app_user SET version = version WHERE username = 'u0010'");
    lab.due();
    lab.waits_for_standstill("Lock");
    other.run("UPDATE roster_private.app_user SET email = 'other@example.org', version = version + 1 WHERE username = 'u0010'");
    other.run("COMMIT");
    roster_tests::wait_until("the run is over", || {
        lab.run_after(newest).is_some_and(|(_, state)| state != "running")
    });
    assert_eq!(lab.run_after(newest).map(|(_, state)| state).as_deref(), Some("succeeded"), "the very same run");
}

/// An administrator may have made another isolation level the default of the database or of the role.
#[test]
fn the_daemon_works_whatever_isolation_level_is_the_default() {
    for level in ["repeatable read", "serializable"] {
        let lab = Lab::new();
        lab.db.run(&format!(
            "ALTER DATABASE {} SET default_transaction_isolation = '{level}'",
            lab.db.name
        ));
        lab.db.run(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{}'",
            lab.daemon.role
        ));
        lab.change(1);
        let newest = lab.newest_run();
        lab.due();
        roster_tests::wait_until("the run is over", || {
            lab.run_after(newest).is_some_and(|(_, state)| state != "running")
        });
        lab.waits_for_success();
        lab.assert_recovered(level);
    }
}
