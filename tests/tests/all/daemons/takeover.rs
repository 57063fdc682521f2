//! Two daemons, one of which dies, stands still or is cut off in the middle of a run: the other takes over
//! within 15 seconds, and the first cannot apply any more, whenever it wakes up.

use std::time::{Duration, Instant};

use roster_tests::{Cutter, Directory, Hold, Rng, Running, user_dn, wait_until};

use super::{assert_one_actor, count, run, wait_for};
use crate::ldap::Lab;

const TAKEOVER: Duration = Duration::from_secs(15);

fn country(lab: &Lab) -> String {
    lab.db
        .lines("SELECT value FROM roster.effective_attributes WHERE username = 'steve' AND name = 'country'")
        .concat()
}

/// A daemon in the middle of a run that somebody asked for: its search below `base` waits for the test.
fn reading(base: &'static str, through: Option<&Cutter>) -> (Lab, Running, Hold, String) {
    let (lab, proxy) = Lab::behind_proxy(&Directory::reference());
    let hold = proxy.hold(move |search| search.base.starts_with(base));
    let daemon = match through {
        Some(cutter) => lab.daemon.clone().by_way_of(cutter.port),
        None => lab.daemon.clone(),
    };
    let first = daemon.spawn(&["run"]);
    let asked = lab.db.line("SELECT roster.sync_now('corp-ldap')");
    hold.reached();
    // Whoever reads from here on finds something else than the first did.
    lab.slapd.set(&user_dn("steve"), "labCountry", &["France"]);
    (lab, first, hold, asked)
}

#[track_caller]
fn taken_over_since(lab: &Lab, since: Instant) {
    wait_until("the other one has taken over", || count(lab, "succeeded") == 1);
    assert!(since.elapsed() < TAKEOVER, "{:?}", since.elapsed());
    assert_eq!(country(lab), "France");
    assert_eq!(lab.health(), "ok");
}

#[test]
fn who_stands_still_loses_the_source_and_cannot_apply_when_it_wakes() {
    for base in ["ou=people", "ou=groups"] {
        let (lab, first, hold, asked) = reading(base, None);
        first.stop();
        let stopped = Instant::now();
        let _second = lab.daemon.spawn(&["run"]);
        taken_over_since(&lab, stopped);
        assert!(
            run(&lab.db, &asked).starts_with("failed|its process stood still"),
            "{}",
            run(&lab.db, &asked)
        );
        let facts = lab.facts();
        hold.release();
        first.cont();
        wait_until("the first gives up", || first.said().contains("run failed"));
        assert_eq!(lab.facts(), facts);
        assert_one_actor(&lab);
        // It is a good daemon again.
        let next = lab.db.line("SELECT roster.sync_now('corp-ldap')");
        wait_for(&lab.db, &next, "succeeded");
    }
}

#[test]
fn a_run_that_was_handed_in_ends_without_its_daemon_and_nobody_repeats_it() {
    let lab = Lab::with(&Directory::reference());
    let first = lab.daemon.spawn(&["run"]);
    let in_the_way = lab.db.session();
    in_the_way.run(
        "BEGIN; SELECT roster_private.lock_iam(iam_id, true) FROM roster_private.iam WHERE iam = 'corp'",
    );
    let asked = lab.db.line("SELECT roster.sync_now('corp-ldap')");
    wait_until("it waits for the identity manager", || {
        lab.db.number("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'") > 0
    });
    first.stop();
    let _second = lab.daemon.spawn(&["run"]);
    wait_until("the lease has ended", || {
        lab.db.number("SELECT count(*) FROM roster_private.source_lease WHERE until < clock_timestamp()") == 1
    });
    let refused = lab.db.error("SELECT roster.drop_source('corp-ldap')");
    assert!(refused.contains("55P03"), "{refused}");
    in_the_way.run("COMMIT");
    wait_for(&lab.db, &asked, "succeeded");
    first.cont();
    wait_until("it hears of its success", || first.said().contains("run ended"));
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.sync_runs"), 1);
    assert_one_actor(&lab);
}

#[test]
fn who_is_killed_is_followed_at_once() {
    let (lab, mut first, hold, asked) = reading("ou=groups", None);
    let _second = lab.daemon.spawn(&["run"]);
    assert_eq!(lab.health(), "running");
    first.kill();
    let killed = Instant::now();
    hold.release();
    taken_over_since(&lab, killed);
    assert!(
        run(&lab.db, &asked).starts_with("failed|the process that ran it ended"),
        "{}",
        run(&lab.db, &asked)
    );
    assert_one_actor(&lab);
}

#[test]
fn health_tells_the_truth_while_nobody_takes_over() {
    let (lab, mut first, hold, asked) = reading("ou=groups", None);
    let running = "SELECT running_run_id FROM roster.sources WHERE source = 'corp-ldap'";
    assert_eq!((lab.health(), lab.db.line(running)), ("running".to_owned(), asked.clone()));
    first.stop();
    wait_until("a daemon that stands still is noticed", || lab.health() == "failing");
    first.cont();
    wait_until("a lease that nobody took is as good as new", || lab.health() == "running");
    first.kill();
    hold.release();
    wait_until("a dead daemon is noticed", || lab.health() == "failing");
    let told = lab.db.line("SELECT last_error FROM roster.sources WHERE source = 'corp-ldap'");
    assert!(told.contains(&asked), "{told}");
    assert_eq!(lab.db.line(running), "");
}

#[test]
fn who_was_only_slow_goes_on() {
    let (lab, first, hold, asked) = reading("ou=groups", None);
    first.stop();
    wait_until("the lease has ended", || {
        lab.db.number("SELECT count(*) FROM roster_private.source_lease WHERE until < clock_timestamp()") == 1
    });
    first.cont();
    hold.release();
    wait_for(&lab.db, &asked, "succeeded");
    assert_one_actor(&lab);
}

#[test]
fn who_is_cut_off_loses_the_source_and_cannot_apply_when_the_network_is_back() {
    let cutter = Cutter::before(roster_tests::Cluster::shared().port);
    let (lab, first, hold, asked) = reading("ou=groups", Some(&cutter));
    cutter.black_hole();
    let lost = Instant::now();
    let _second = lab.daemon.spawn(&["run"]);
    hold.release();
    taken_over_since(&lab, lost);
    assert!(run(&lab.db, &asked).starts_with("failed|its process stood still"), "{}", run(&lab.db, &asked));
    let facts = lab.facts();
    wait_until("the first notices", || first.said().contains("run failed"));
    cutter.pass();
    assert_eq!(lab.facts(), facts);
    wait_until("the first is back", || first.said().matches("syncd is ready").count() == 2);
    assert_eq!(lab.facts(), facts);
    assert_one_actor(&lab);
}

#[test]
fn a_broken_network_frees_the_source_at_once() {
    let cutter = Cutter::before(roster_tests::Cluster::shared().port);
    let (lab, first, hold, _) = reading("ou=groups", Some(&cutter));
    let _second = lab.daemon.spawn(&["run"]);
    cutter.cut();
    let lost = Instant::now();
    hold.release();
    taken_over_since(&lab, lost);
    cutter.pass();
    wait_until("the first is back", || first.said().matches("syncd is ready").count() == 2);
    assert_one_actor(&lab);
}

#[test]
fn a_clock_that_was_set_back_does_not_prolong_a_lease() {
    let (lab, first, hold, _) = reading("ou=groups", None);
    first.stop();
    let stopped = Instant::now();
    lab.db.run("UPDATE roster_private.source_lease SET until = until + interval '1 hour'");
    let _second = lab.daemon.spawn(&["run"]);
    taken_over_since(&lab, stopped);
    hold.release();
    first.cont();
    wait_until("the first gives up", || first.said().contains("run failed"));
    assert_one_actor(&lab);
}

#[test]
fn syncd_sync_has_a_lease_too() {
    let (lab, proxy) = Lab::behind_proxy(&Directory::reference());
    let hold = proxy.hold(|search| search.base.starts_with("ou=groups"));
    let first = lab.daemon.spawn(&["sync", "corp-ldap"]);
    hold.reached();
    let before = lab.db.line("SELECT until FROM roster_private.source_lease");
    wait_until("it is renewed", || lab.db.line("SELECT until FROM roster_private.source_lease") != before);
    first.stop();
    wait_until("it has ended", || {
        lab.db.number("SELECT count(*) FROM roster_private.source_lease WHERE until < clock_timestamp()") == 1
    });
    lab.sync();
    let facts = lab.facts();
    hold.release();
    first.cont();
    let done = first.finished();
    assert_eq!(done.code, Some(1), "{done:?}");
    assert_eq!(lab.facts(), facts);
    assert_eq!(lab.db.lines("SELECT state FROM roster.sync_runs ORDER BY run_id"), ["failed", "succeeded"]);
    // Who called it knows, and decides: no daemon repeats it.
    assert_eq!(
        lab.db.lines("SELECT retry_at FROM roster_private.source_retry WHERE retry_at IS NOT NULL"),
        [""; 0]
    );
}

#[test]
#[ignore = "several minutes: make test-all"]
fn daemons_that_stop_at_random_moments_never_act_twice() {
    let lab = Lab::with(&Directory::generated(300, 20));
    let daemons = [lab.daemon.spawn(&["run"]), lab.daemon.spawn(&["run"])];
    let mut rng = Rng::seeded(7);
    for round in 0..20 {
        lab.slapd.set(&user_dn("u0001"), "labCountry", &[&format!("country {round}")]);
        let asked = lab.db.line("SELECT roster.sync_now('corp-ldap')");
        let victim = &daemons[rng.below(2)];
        let moment = Instant::now() + Duration::from_millis(rng.below(400) as u64);
        wait_until("the moment has come", || Instant::now() >= moment);
        victim.stop();
        wait_until("somebody has done it", || {
            lab.db.lines(
                "SELECT value FROM roster.effective_attributes WHERE username = 'u0001' AND name = 'country'",
            ) == [format!("country {round}")]
        });
        victim.cont();
        wait_until("it is over", || count(&lab, "running") == 0 && count(&lab, "queued") == 0);
        assert!(!run(&lab.db, &asked).starts_with("queued"));
    }
    assert_one_actor(&lab);
}
