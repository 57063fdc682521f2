//! `syncd run` watches: a change in the directory is effective before anybody asks for it.

use std::time::{Duration, Instant};

use roster_tests::{Cutter, Db, Directory, Running, Slapd, user_dn, wait_until};
use serde_json::json;

use super::super::Lab;
use super::lab;

#[track_caller]
fn watching(lab: &Lab) -> Running {
    let daemon = lab.daemon.spawn(&["run"]);
    wait_until("the source is watched", || daemon.said().contains("watching for changes"));
    daemon
}

fn countries(lab: &Lab, user: &str) -> Vec<String> {
    let question = "SELECT value FROM roster.effective_attributes WHERE attribute = 'country' AND username =";
    lab.db.lines(&format!("{question} '{user}' ORDER BY 1"))
}

#[test]
fn a_change_is_effective_within_a_second() {
    let lab = lab(&Directory::generated(500, 10));
    let daemon = watching(&lab);
    let mut slowest = Duration::ZERO;
    for country in ["Chad", "Fiji", "Peru", "Togo", "Oman"] {
        let user = user_dn("u0100");
        lab.slapd.set(&user, "labCountry", &[country]);
        let changed = Instant::now();
        wait_until("the change is effective", || countries(&lab, "u0100") == [country]);
        slowest = slowest.max(changed.elapsed());
    }
    eprintln!("slowest of five: {slowest:?}");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    lab.slapd.delete(&user_dn("u0200"));
    wait_until("the removal is effective", || lab.active_users().len() == 499);
    lab.agrees_with_a_first_read();
    assert_eq!(lab.last_run("trigger"), "event");
    daemon.terminate();
    assert_eq!(daemon.finished().code, Some(0));
    let left = lab.db.number("SELECT count(*) FROM roster_private.source_live");
    assert_eq!(left, 0, "given back");
}

#[test]
fn quiet_directories_cause_no_runs() {
    let lab = lab(&Directory::reference());
    let daemon = watching(&lab);
    lab.slapd.set(&user_dn("sam"), "labCountry", &["Chad"]);
    wait_until("the change is effective", || countries(&lab, "sam") == ["Chad"]);
    let runs = || lab.db.number("SELECT count(*) FROM roster.sync_runs");
    let before = runs();
    // Longer than any interval of the watcher but that of its sign of life.
    let start = Instant::now();
    wait_until("some time has passed", || start.elapsed() > Duration::from_secs(8));
    assert!(runs() - before <= 1, "at most one that was on its way: {} runs", runs() - before);
    drop(daemon);
}

#[test]
fn a_lost_connection_is_made_anew_and_misses_nothing() {
    let slapd = Slapd::options().session_log(1000).start(&Directory::reference());
    let cutter = Cutter::before(slapd.port);
    let url = format!("ldap://127.0.0.1:{}", cutter.port);
    let lab = Lab::of(Db::fresh(), slapd, &url);
    lab.sync();
    let _daemon = watching(&lab);
    cutter.cut();
    lab.slapd.set(&user_dn("sam"), "labCountry", &["Chad"]);
    cutter.pass();
    wait_until("what changed meanwhile is effective", || countries(&lab, "sam") == ["Chad"]);
    lab.slapd.set(&user_dn("sam"), "labCountry", &["Peru"]);
    wait_until("it is watched again", || countries(&lab, "sam") == ["Peru"]);
}

#[test]
fn a_source_that_is_not_to_be_watched_is_not() {
    let lab = lab(&Directory::reference());
    lab.configure(json!({"live": false}));
    lab.sync();
    let daemon = lab.daemon.spawn(&["run"]);
    wait_until("the daemon is ready", || daemon.said().contains("syncd is ready"));
    lab.configure(json!({"live": true}));
    lab.daemon.sync("corp-ldap");
    wait_until("it is watched from now on", || daemon.said().contains("watching for changes"));
    lab.slapd.set(&user_dn("sam"), "labCountry", &["Chad"]);
    wait_until("a change is effective", || countries(&lab, "sam") == ["Chad"]);
}
