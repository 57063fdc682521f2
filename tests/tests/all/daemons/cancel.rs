//! `roster.cancel_run` and `run_timeout`.

use std::time::{Duration, Instant};

use roster_tests::{Directory, wait_until};

use super::{assert_one_actor, run, wait_for};
use crate::ldap::Lab;

fn cancel(lab: &Lab, run_id: &str) -> String {
    lab.db.line(&format!("SELECT roster.cancel_run({run_id})"))
}

#[test]
fn a_running_run_is_cancelled_within_seconds_and_says_by_whom() {
    let (lab, proxy) = Lab::behind_proxy(&Directory::reference());
    let hold = proxy.hold(|search| search.base.starts_with("ou=groups"));
    let _daemon = lab.daemon.spawn(&["run"]);
    let asked = lab.db.line("SELECT roster.sync_now('corp-ldap')");
    hold.reached();
    let begun = Instant::now();
    assert_eq!(cancel(&lab, &asked), "t");
    wait_for(&lab.db, &asked, "cancelled");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(run(&lab.db, &asked), "cancelled|cancelled by postgres");
    assert_eq!(cancel(&lab, &asked), "f", "it is over");
    hold.release();
    assert_eq!(lab.active_users(), [""; 0]);
    let next = lab.db.line("SELECT roster.sync_now('corp-ldap')");
    wait_for(&lab.db, &next, "succeeded");
    assert_one_actor(&lab);
}

#[test]
fn syncd_sync_is_cancelled_too() {
    let (lab, proxy) = Lab::behind_proxy(&Directory::reference());
    let hold = proxy.hold(|search| search.base.starts_with("ou=groups"));
    let running = lab.daemon.spawn(&["sync", "corp-ldap"]);
    hold.reached();
    let run_id = lab.db.line("SELECT running_run_id FROM roster.sources WHERE source = 'corp-ldap'");
    assert_eq!(cancel(&lab, &run_id), "t");
    let done = running.finished();
    hold.release();
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.err.contains("cancelled by postgres"), "{done:?}");
    assert_eq!(run(&lab.db, &run_id), "cancelled|cancelled by postgres");
}

#[test]
fn a_run_that_is_being_applied_is_cancelled() {
    let lab = Lab::with(&Directory::reference());
    let _daemon = lab.daemon.spawn(&["run"]);
    let in_the_way = lab.db.session();
    in_the_way.run(
        "BEGIN; SELECT roster_private.lock_iam(iam_id, true) FROM roster_private.iam WHERE iam = 'corp'",
    );
    let asked = lab.db.line("SELECT roster.sync_now('corp-ldap')");
    wait_until("it waits for the identity manager", || {
        lab.db.number("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'") > 0
    });
    assert_eq!(cancel(&lab, &asked), "t");
    wait_for(&lab.db, &asked, "cancelled");
    in_the_way.run("COMMIT");
    assert_eq!(lab.active_users(), [""; 0]);
}

#[test]
fn a_run_without_a_process_is_cancelled_at_once_and_not_repeated() {
    let (lab, proxy) = Lab::behind_proxy(&Directory::reference());
    let hold = proxy.hold(|search| search.base.starts_with("ou=groups"));
    let mut daemon = lab.daemon.spawn(&["run"]);
    let asked = lab.db.line("SELECT roster.sync_now('corp-ldap')");
    hold.reached();
    wait_until("it asks nothing", || {
        lab.db.number(&format!(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = '{}' AND state = 'active'",
            lab.daemon.role
        )) == 0
    });
    daemon.kill();
    hold.release();
    wait_until("the server has noticed", || lab.health() == "failing");
    assert_eq!(cancel(&lab, &asked), "t");
    assert_eq!(run(&lab.db, &asked), "cancelled|cancelled by postgres; its process was gone");
    assert_eq!(
        lab.db.line("SELECT failures, retry_at IS NULL FROM roster.sources WHERE source = 'corp-ldap'"),
        "0|t"
    );
}

#[test]
fn what_was_never_begun_is_cancelled_at_once() {
    let lab = Lab::with(&Directory::reference());
    let asked = lab.db.line("SELECT roster.sync_now('corp-ldap')");
    assert_eq!(cancel(&lab, &asked), "t");
    assert_eq!(run(&lab.db, &asked), "cancelled|cancelled by postgres");
    assert_eq!(cancel(&lab, "4711"), "f");
}

#[test]
fn a_run_that_takes_too_long_fails_and_says_so() {
    let (lab, proxy) = Lab::behind_proxy(&Directory::reference());
    lab.db.run("SELECT roster.alter_source('corp-ldap', run_timeout => '1 second')");
    let hold = proxy.hold(|search| search.base.starts_with("ou=groups"));
    let _daemon = lab.daemon.spawn(&["run"]);
    let asked = lab.db.line("SELECT roster.sync_now('corp-ldap')");
    hold.reached();
    wait_for(&lab.db, &asked, "failed|timed out after 00:00:01");
    hold.release();
    assert_eq!(lab.health(), "failing");
    assert_eq!(lab.active_users(), [""; 0]);
    lab.db.run("SELECT roster.alter_source('corp-ldap', run_timeout => '0')");
    let next = lab.db.line("SELECT roster.sync_now('corp-ldap')");
    wait_for(&lab.db, &next, "succeeded");
    let refused = lab.db.error("SELECT roster.alter_source('corp-ldap', run_timeout => '-1 second')");
    assert!(refused.contains("22023") && refused.contains("run_timeout"), "{refused}");
}
