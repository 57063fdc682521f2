//! `syncd run`: what is asked for and what is due, once, however many daemons there are.

use std::time::{Duration, Instant};

use roster_tests::{Directory, user_dn, wait_until};
use serde_json::json;

use super::Lab;

#[track_caller]
fn wait_for(lab: &Lab, run_id: &str, state: &str) {
    let now = || lab.db.line(&format!("SELECT state, message FROM roster.sync_runs WHERE run_id = {run_id}"));
    wait_until("the run is over", || !now().starts_with("queued") && !now().starts_with("running"));
    assert!(now().starts_with(state), "{}", now());
}

#[test]
fn a_running_daemon_picks_up_sync_now_and_plan_at_once() {
    let lab = Lab::with(&Directory::reference());
    let daemon = lab.daemon.spawn(&["run"]);
    let first = lab.db.line("SELECT roster.sync_now('corp-ldap')");
    wait_for(&lab, &first, "succeeded");
    assert_eq!(lab.active_users().len(), 5);
    lab.slapd.set(&user_dn("steve"), "labCountry", &["France"]);
    let asked = Instant::now();
    let second = lab.db.line("SELECT roster.sync_now('corp-ldap')");
    wait_for(&lab, &second, "succeeded");
    assert!(asked.elapsed() < Duration::from_secs(5), "at once, not at the next poll: {:?}", asked.elapsed());
    lab.slapd.set(&user_dn("steve"), "labCountry", &["Spain"]);
    let plan = lab.db.line("SELECT roster.plan('corp-ldap')");
    wait_for(&lab, &plan, "succeeded");
    assert_eq!(
        lab.db.lines("SELECT value FROM roster.effective_attributes WHERE username = 'steve'"),
        ["France"]
    );
    assert_eq!(
        lab.db.line(&format!("SELECT mode, trigger FROM roster.sync_runs WHERE run_id = {plan}")),
        "plan|manual"
    );
    daemon.terminate();
    assert_eq!(daemon.finished().code, Some(0));
}

#[test]
fn a_daemon_that_starts_later_finds_what_was_asked_for() {
    let lab = Lab::with(&Directory::reference());
    let asked = lab.db.line("SELECT roster.sync_now('corp-ldap')");
    let _daemon = lab.daemon.spawn(&["run"]);
    wait_for(&lab, &asked, "succeeded");
}

#[test]
fn a_due_schedule_runs_and_moves_on() {
    let lab = Lab::with(&Directory::reference());
    lab.db.run("SELECT roster.alter_source('corp-ldap', schedule => '0 4 * * *')");
    let _daemon = lab.daemon.spawn(&["run"]);
    // Nobody waits until four: the clock of this source is put forward.
    lab.db.run("UPDATE roster_private.source SET next_run_at = now() - interval '1 second' WHERE source = 'corp-ldap'; NOTIFY roster_sync");
    wait_until("the schedule ran", || {
        lab.db.number("SELECT count(*) FROM roster.sync_runs WHERE state = 'succeeded'") > 0
    });
    assert_eq!(lab.db.lines("SELECT trigger, state FROM roster.sync_runs"), ["schedule|succeeded"]);
    assert_eq!(
        lab.db.line("SELECT next_run_at > now(), extract(hour FROM next_run_at AT TIME ZONE 'UTC') FROM roster.sources WHERE source = 'corp-ldap'"),
        "t|4"
    );
    assert_eq!(lab.active_users().len(), 5);
}

#[test]
fn a_disabled_source_does_not_run() {
    let lab = Lab::with(&Directory::reference());
    let other = super::config(&lab.slapd.url());
    lab.db
        .call("SELECT roster.create_source('other', iam => 'corp', kind => 'ldap', config => $1)", &[&other]);
    lab.db.run("SELECT roster.alter_source('corp-ldap', enabled => false)");
    lab.db.run("UPDATE roster_private.source SET next_run_at = now() - interval '1 second' WHERE source IN ('corp-ldap', 'other')");
    let _daemon = lab.daemon.spawn(&["run"]);
    wait_until("the enabled one ran", || {
        lab.db.number("SELECT count(*) FROM roster.sync_runs WHERE source = 'other' AND state = 'succeeded'")
            > 0
    });
    assert_eq!(lab.db.lines("SELECT * FROM roster.sync_runs WHERE source = 'corp-ldap'"), [""; 0]);
}

#[test]
fn of_two_daemons_one_acts() {
    let (lab, proxy) = Lab::behind_proxy(&Directory::generated(50, 5));
    let _daemons = [lab.daemon.spawn(&["run"]), lab.daemon.spawn(&["run"])];
    for i in 0..6 {
        lab.slapd.set(&user_dn("u0001"), "labCountry", &[&format!("country {i}")]);
        let asked = lab.db.line("SELECT roster.sync_now('corp-ldap')");
        wait_for(&lab, &asked, "succeeded");
    }
    assert_eq!(lab.db.lines("SELECT DISTINCT state FROM roster.sync_runs"), ["succeeded"]);
    let pages = proxy.searches().iter().filter(|search| search.base.starts_with("ou=people")).count();
    let runs = lab.db.number("SELECT count(*) FROM roster.sync_runs");
    assert_eq!(runs, 6);
    assert!(pages <= 6 * 7, "{pages} pages of people for 6 runs of 5 full pages: nobody read twice");
}

#[test]
fn a_second_sync_of_a_source_is_turned_away_while_the_first_runs() {
    let (lab, proxy) = Lab::behind_proxy(&Directory::reference());
    let hold = proxy.hold(|search| search.base.starts_with("ou=people"));
    let first = lab.daemon.spawn(&["sync", "corp-ldap"]);
    hold.reached();
    assert_eq!(lab.health(), "running");
    let second = lab.daemon.run(&["sync", "corp-ldap"]);
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.said().contains("corp-ldap"), "{second:?}");
    hold.release();
    assert_eq!(first.finished().code, Some(0));
    assert_eq!(lab.active_users().len(), 5);
}

#[test]
fn a_run_whose_daemon_died_is_not_running_for_ever() {
    let (lab, proxy) = Lab::behind_proxy(&Directory::reference());
    let hold = proxy.hold(|search| search.base.starts_with("ou=groups"));
    let mut first = lab.daemon.spawn(&["sync", "corp-ldap"]);
    hold.reached();
    first.kill();
    hold.release();
    super::unchanged::wait_for_statistics(&lab);
    lab.sync();
    let states = lab.db.lines("SELECT state FROM roster.sync_runs ORDER BY run_id");
    assert_eq!(states.last().map(String::as_str), Some("succeeded"), "{states:?}");
    assert!(!states.contains(&"running".to_owned()), "{states:?}");
    assert_eq!(lab.health(), "ok");
}

#[test]
fn sigterm_ends_a_daemon_in_mid_run_within_five_seconds() {
    let (lab, proxy) = Lab::behind_proxy(&Directory::reference());
    lab.configure(json!({"timeout_seconds": 60}));
    let hold = proxy.hold(|search| search.base.starts_with("ou=groups"));
    let mut daemon = lab.daemon.spawn(&["run"]);
    let asked = lab.db.line("SELECT roster.sync_now('corp-ldap')");
    hold.reached();
    daemon.terminate();
    assert!(daemon.ends_within(Duration::from_secs(5)), "{}", daemon.said());
    hold.release();
    assert_eq!(
        lab.db.line(&format!("SELECT state FROM roster.sync_runs WHERE run_id = {asked}")),
        "cancelled"
    );
    assert_eq!(lab.active_users(), [""; 0]);
}
