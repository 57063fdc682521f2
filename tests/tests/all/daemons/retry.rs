//! A scheduled run that failed is repeated, with growing pauses and not for ever faster than its schedule.

use roster_tests::{Directory, user_dn, wait_until};

use super::{count, make_due, wait_for};
use crate::ldap::Lab;

fn retry(lab: &Lab) -> String {
    lab.db.line("SELECT failures, retry_at IS NOT NULL FROM roster.sources WHERE source = 'corp-ldap'")
}

#[test]
fn a_source_that_was_gone_is_current_again_without_anybody() {
    let mut lab = Lab::with(&Directory::reference());
    lab.db.run(
        "SELECT roster.alter_source('corp-ldap', schedule => '0 4 * * *', retry_after => '200 milliseconds')",
    );
    lab.slapd.kill();
    let _daemon = lab.daemon.spawn(&["run"]);
    make_due(&lab);
    wait_until("it failed three times", || count(&lab, "failed") >= 3);
    assert_eq!(lab.health(), "failing");
    let failures = lab.db.number("SELECT failures FROM roster.sources WHERE source = 'corp-ldap'");
    assert!(failures >= 3, "{failures}");
    lab.slapd.restart();
    wait_until("it has recovered", || count(&lab, "succeeded") == 1);
    assert_eq!(lab.active_users().len(), 5);
    assert_eq!((retry(&lab), lab.health()), ("0|f".to_owned(), "ok".to_owned()));
    assert_eq!(lab.db.lines("SELECT DISTINCT trigger FROM roster.sync_runs"), ["schedule"]);
}

#[test]
fn pauses_double_up_to_half_an_hour_and_end_with_the_schedule() {
    let lab = Lab::with(&Directory::reference());
    lab.slapd.kill();
    lab.db
        .run("SELECT roster.alter_source('corp-ldap', schedule => '0 4 1 1 *', retry_after => '10 minutes')");
    let _daemon = lab.daemon.spawn(&["run"]);
    let pause = "SELECT round(extract(epoch FROM t.retry_at - r.finished_at) / 60)
                 FROM roster_private.source_retry t, roster.sync_runs r ORDER BY r.run_id DESC LIMIT 1";
    make_due(&lab);
    for (failures, minutes) in [(1, "10"), (2, "20"), (3, "30"), (4, "30")] {
        wait_until("it failed", || count(&lab, "failed") == failures);
        assert_eq!(lab.db.line(pause), minutes);
        lab.db.run("UPDATE roster_private.source_retry SET retry_at = now(); NOTIFY roster_sync");
    }
    wait_until("it failed", || count(&lab, "failed") == 5);
    lab.db.run(
        "UPDATE roster_private.source SET next_run_at = now() + interval '1 minute' WHERE source = 'corp-ldap';
         UPDATE roster_private.source_retry SET retry_at = now(); NOTIFY roster_sync",
    );
    wait_until("it failed", || count(&lab, "failed") == 6);
    let soonest = lab.db.line(
        "SELECT t.retry_at = s.next_run_at FROM roster_private.source_retry t JOIN roster_private.source s USING (source_id)",
    );
    assert_eq!(soonest, "t", "never later than the schedule");
}

#[test]
fn who_asked_for_a_run_decides_whether_to_ask_again() {
    let mut lab = Lab::with(&Directory::reference());
    lab.db.run("SELECT roster.alter_source('corp-ldap', retry_after => '100 milliseconds')");
    lab.slapd.kill();
    let _daemon = lab.daemon.spawn(&["run"]);
    let asked = lab.db.line("SELECT roster.sync_now('corp-ldap')");
    wait_for(&lab.db, &asked, "failed");
    assert_eq!(retry(&lab), "1|f");
    lab.slapd.restart();
    let asked = lab.db.line("SELECT roster.sync_now('corp-ldap')");
    wait_for(&lab.db, &asked, "succeeded");
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.sync_runs"), 2);
}

#[test]
fn a_blocked_run_waits_for_a_decision_and_is_not_repeated() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    lab.db.run(
        "SELECT roster.alter_source('corp-ldap', schedule => '0 4 * * *', retry_after => '100 milliseconds')",
    );
    for user in ["steve", "sara", "stephanie", "sam"] {
        lab.slapd.delete(&user_dn(user));
    }
    let _daemon = lab.daemon.spawn(&["run"]);
    make_due(&lab);
    wait_until("it is blocked", || lab.health() == "blocked");
    assert_eq!(retry(&lab), "0|f");
    // Time passes: other things are done.
    let other = crate::ldap::config(&lab.slapd.url());
    lab.db
        .call("SELECT roster.create_source('other', iam => 'corp', kind => 'ldap', config => $1)", &[&other]);
    for _ in 0..3 {
        let plan = lab.db.line("SELECT roster.plan('other')");
        wait_for(&lab.db, &plan, "succeeded");
    }
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.sync_runs WHERE source = 'corp-ldap'"), 2);
}

#[test]
fn odd_times_are_refused() {
    let lab = Lab::with(&Directory::reference());
    let refused = lab.db.error("SELECT roster.alter_source('corp-ldap', retry_after => '0')");
    assert!(refused.contains("22023") && refused.contains("retry_after"), "{refused}");
}
