//! Other transactions are in the way of a run: it repeats itself and gets through.

use super::Lab;

#[test]
fn a_plan_that_data_changed_under_is_made_again() {
    let lab = Lab::new();
    lab.change(1);
    let newest = lab.newest_run();
    let other = lab.db.session();
    // No call can do this to a run that has the identity manager for itself; a superuser can.
    other.run("BEGIN; SET LOCAL session_replication_role = replica");
    other.run("UPDATE roster_private.app_user SET version = version WHERE username = 'u0061'");
    lab.due();
    lab.waits_for_standstill("Lock");
    other.run("UPDATE roster_private.app_user SET email = 'other@example.org', version = version + 1 WHERE username = 'u0061'");
    other.run("COMMIT");
    roster_tests::wait_until("the run is over", || {
        lab.run_after(newest).is_some_and(|(_, state)| state != "running")
    });
    assert_eq!(
        lab.run_after(newest).map(|(_, state)| state).as_deref(),
        Some("succeeded"),
        "the very same run"
    );
}

/// An administrator may have made another isolation level the default of the database or of the role.
#[test]
fn the_daemon_works_whatever_isolation_level_is_the_default() {
    for level in ["repeatable read", "serializable"] {
        let lab = Lab::new();
        lab.db.run(&format!("ALTER DATABASE {} SET default_transaction_isolation = '{level}'", lab.db.name));
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
