//! Daemons are replaced one by one, and databases restored, without a missed schedule.

use roster_tests::{Directory, Proxy, user_dn, wait_until};

use super::{assert_one_actor, count, make_due, run, wait_for};
use crate::dump::dumped_and_restored;
use crate::ldap::Lab;

/// The schedule fires, and the daemon that has it is in the middle of reading.
fn due_and_reading(lab: &Lab, proxy: &Proxy) -> roster_tests::Hold {
    let hold = proxy.hold(|search| search.base.starts_with("ou=groups"));
    make_due(lab);
    hold.reached();
    hold
}

#[test]
fn a_rolling_restart_misses_no_schedule() {
    let (lab, proxy) = Lab::behind_proxy(&Directory::reference());
    lab.db.run("SELECT roster.alter_source('corp-ldap', schedule => '0 4 * * *')");
    let mut old = lab.daemon.spawn(&["run"]);
    wait_until("it is ready", || old.said().contains("syncd is ready"));
    for round in 1..=3 {
        lab.slapd.set(&user_dn("steve"), "labCountry", &[&format!("country {round}")]);
        let hold = due_and_reading(&lab, &proxy);
        // The new one is there before the old one goes, in the middle of a run.
        let new = lab.daemon.spawn(&["run"]);
        wait_until("it is ready", || new.said().contains("syncd is ready"));
        old.terminate();
        assert_eq!(old.finished().code, Some(0));
        hold.release();
        wait_until("the new one does what the old one left", || count(&lab, "succeeded") == round);
        assert_eq!(
            lab.db.lines(
                "SELECT value FROM roster.effective_attributes WHERE username = 'steve' AND name = 'country'"
            ),
            [format!("country {round}")]
        );
        assert_eq!(count(&lab, "cancelled"), round);
        old = new;
    }
    assert_eq!(
        lab.db.line("SELECT failures, retry_at IS NULL FROM roster.sources WHERE source = 'corp-ldap'"),
        "0|t"
    );
    assert_one_actor(&lab);
}

#[test]
fn a_daemon_alone_does_after_its_restart_what_it_left_undone() {
    let (lab, proxy) = Lab::behind_proxy(&Directory::reference());
    lab.db.run("SELECT roster.alter_source('corp-ldap', schedule => '0 4 * * *')");
    let old = lab.daemon.spawn(&["run"]);
    let hold = due_and_reading(&lab, &proxy);
    old.terminate();
    assert_eq!(old.finished().code, Some(0));
    hold.release();
    let _new = lab.daemon.spawn(&["run"]);
    wait_until("it was made up for", || count(&lab, "succeeded") == 1);
}

#[test]
fn several_missed_schedules_are_caught_up_once() {
    let lab = Lab::with(&Directory::reference());
    lab.db.run(
        "SELECT roster.alter_source('corp-ldap', schedule => '* * * * *');
         UPDATE roster_private.source SET next_run_at = now() - interval '3 days' WHERE source = 'corp-ldap'",
    );
    let _daemon = lab.daemon.spawn(&["run"]);
    wait_until("it was caught up", || count(&lab, "succeeded") == 1);
    assert_eq!(
        lab.db.line(
            "SELECT next_run_at > finished_at FROM roster.sources s JOIN roster.sync_runs r USING (source)"
        ),
        "t"
    );
}

#[test]
fn a_restored_database_has_no_leases_and_does_again_what_was_running() {
    let (lab, proxy) = Lab::behind_proxy(&Directory::reference());
    let hold = proxy.hold(|search| search.base.starts_with("ou=groups"));
    let _daemon = lab.daemon.spawn(&["run"]);
    let asked = lab.db.line("SELECT roster.sync_now('corp-ldap')");
    hold.reached();
    let restored = dumped_and_restored(&lab.db);
    hold.release();
    wait_for(&lab.db, &asked, "succeeded");
    assert_eq!(restored.number("SELECT count(*) FROM roster_private.source_lease"), 0);
    assert_eq!(restored.line("SELECT health FROM roster.sources WHERE source = 'corp-ldap'"), "failing");
    let _second = crate::ldap::daemon_of(&restored).spawn(&["run"]);
    wait_until("it was done again", || {
        restored.number("SELECT count(*) FROM roster.sync_runs WHERE state = 'succeeded'") == 1
    });
    assert!(run(&restored, &asked).starts_with("failed|"), "{}", run(&restored, &asked));
    assert_eq!(restored.line("SELECT roster.snapshot_hash('corp')"), lab.hash());
}
