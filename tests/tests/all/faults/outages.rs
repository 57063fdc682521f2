//! A server is away for long, or hangs: health tells, and everything goes on when it is back.

use std::time::{Duration, Instant};

use roster_tests::wait_until;

use super::Lab;

/// More than there are slots of staging, and far more than one would look at by hand.
const FAILURES: i64 = 25;

#[test]
fn a_directory_that_is_gone_for_hours_costs_nothing_but_time() {
    let mut lab = Lab::new();
    let (before, succeeded) = (lab.hash(), last_success(&lab));
    lab.change(1);
    lab.slapd.kill();
    let first = lab.newest_run();
    let sessions = sessions_of_the_daemon(&lab);
    wait_until("many runs have failed", || {
        lab.due();
        failures_since(&lab, first) >= FAILURES
    });
    assert_eq!(lab.health(), "failing");
    let told = lab.ask("SELECT last_error FROM roster.sources WHERE source = 'corp-ldap'");
    assert!(told.contains(&lab.proxy.port.to_string()), "it says which server: {told}");
    assert_eq!(last_success(&lab), succeeded, "since when is on record");
    assert_eq!(lab.hash(), before, "a directory that is gone is not an empty one");
    assert_eq!(lab.get("/readyz").0, 200, "other sources and requests are served");
    wait_until("no session is left over", || sessions_of_the_daemon(&lab) <= sessions + 1);
    lab.slapd.restart();
    lab.due();
    lab.waits_for_success();
    lab.assert_recovered("directory back");
}

fn failures_since(lab: &Lab, run: i64) -> i64 {
    lab.db.number(&format!("SELECT count(*) FROM roster.sync_runs WHERE run_id > {run} AND state = 'failed'"))
}

fn last_success(lab: &Lab) -> String {
    lab.ask("SELECT last_success_at FROM roster.sources WHERE source = 'corp-ldap'")
}

fn sessions_of_the_daemon(lab: &Lab) -> i64 {
    lab.db.number(&format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{}'", lab.daemon.role))
}

#[test]
fn a_database_that_is_gone_for_a_while_is_found_again() {
    let lab = Lab::new();
    lab.change(1);
    lab.cluster.stop();
    let gone = Instant::now();
    lab.waits_for_readiness(503);
    assert_eq!(lab.get("/readyz").1["status"], "unavailable");
    // Long enough for the pauses between attempts to reach their length.
    wait_until("it was away for a while", || gone.elapsed() > Duration::from_secs(15));
    assert_eq!(lab.get("/readyz").0, 503);
    lab.cluster.start_again();
    let back = Instant::now();
    lab.waits_for_readiness(200);
    lab.due();
    // It notices within the longest pause.
    lab.waits_for_success();
    wait_until("the change is there", || lab.hash() == lab.expected());
    assert!(back.elapsed() < Duration::from_secs(40), "{:?}", back.elapsed());
    lab.assert_recovered("database back");
}

#[test]
fn a_database_that_hangs_is_not_called_ready() {
    let lab = Lab::new();
    lab.cluster.freeze();
    let asked = Instant::now();
    let (status, _) = lab.get("/readyz");
    let (took, alive) = (asked.elapsed(), lab.get("/healthz").0);
    lab.cluster.thaw();
    assert_eq!(status, 503, "an answer, not silence ({took:?})");
    assert_eq!(alive, 200);
    lab.waits_for_readiness(200);
    lab.change(1);
    lab.due();
    wait_until("runs go on", || lab.hash() == lab.expected());
    lab.waits_for_success();
    lab.assert_recovered("thawed");
}

/// A plan that waits for somebody is in logged tables.
#[test]
fn a_blocked_run_can_be_released_after_a_crash() {
    let lab = Lab::new();
    lab.db.run("SELECT roster.set_guard('corp-ldap', 'user', 0, 0)");
    // The next run would be blocked as well, and only the newest plan is kept.
    lab.db.run("SELECT roster.unschedule('corp-ldap')");
    lab.slapd.delete(&roster_tests::user_dn("u0001"));
    lab.db.run("SELECT roster.sync_now('corp-ldap')");
    wait_until("the guard stops it", || lab.health() == "blocked");
    let blocked = lab.ask("SELECT run_id FROM roster.sync_runs WHERE state = 'blocked'");
    lab.cluster.crash();
    lab.cluster.start_again();
    lab.waits_for_readiness(200);
    assert_eq!(lab.health(), "blocked");
    assert_eq!(
        lab.ask(&format!("SELECT string_agg(change || ' ' || kind || ' ' || subject, ',') FROM roster.sync_changes WHERE run_id = {blocked} AND kind = 'user'")),
        "remove user u0001"
    );
    lab.db.session().run(&format!("SELECT roster.apply_run({blocked}, override_guard => true)"));
    lab.assert_recovered("released");
}
