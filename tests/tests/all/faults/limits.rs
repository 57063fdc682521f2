//! Limits that an administrator set on the daemon's role.

use roster_tests::{Scim, wait_until};
use serde_json::json;

use super::Lab;
use crate::scim;

/// The role has a new setting, and no session from before it.
fn set(lab: &Lab, setting: &str) {
    let role = &lab.daemon.role;
    lab.db.run(&format!("ALTER ROLE {role} SET {setting}"));
    lab.db.run(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"));
    wait_until("the daemon is back", || {
        lab.db.number(&format!(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}' AND query LIKE 'LISTEN%'"
        )) > 0
            || lab.get("/readyz").0 == 200
    });
}

/// The session of a run is idle as long as the directory takes to answer.
#[test]
fn limits_on_idle_sessions_do_not_end_the_runs_of_a_slow_directory() {
    let lab = Lab::new();
    set(&lab, "idle_session_timeout = '500ms'");
    lab.change(1);
    let newest = lab.newest_run();
    let hold = lab.proxy.hold(|search| search.base.starts_with("ou=groups"));
    lab.due();
    hold.reached();
    let clock = lab.db.line("SELECT clock_timestamp()");
    wait_until("the directory took its time", || {
        lab.db.line(&format!("SELECT clock_timestamp() > timestamptz '{clock}' + interval '2 s'")) == "t"
    });
    hold.release();
    wait_until("the run is over", || lab.run_after(newest).is_some_and(|(_, state)| state != "running"));
    assert_eq!(lab.run_after(newest).map(|(_, state)| state).as_deref(), Some("succeeded"));
    lab.assert_recovered("idle session");
}

#[test]
fn requests_that_meet_a_time_limit_are_asked_to_come_again() {
    for setting in ["lock_timeout = '300ms'", "statement_timeout = '500ms'"] {
        let lab = Lab::new();
        let key = scim::new_source(&lab.db, scim::IAM, scim::SOURCE, scim::LABEL, &json!({}));
        let provider = Scim::new(lab.served.port, scim::IAM, &key);
        provider.create("/Users", &scim::user("alice", json!({})));
        set(&lab, setting);
        let hog = lab.db.session();
        hog.run("BEGIN");
        hog.run(
            "SELECT roster_private.lock_iam((SELECT iam_id FROM roster_private.iam WHERE iam = 'idp'), true)",
        );
        let answer = provider.post("/Users", &scim::user("bob", json!({}))).expect(503);
        let wait = answer.header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok());
        assert!(wait.is_some_and(|seconds| seconds > 0), "{answer:?}");
        assert_eq!(provider.find("/Users", "userName eq \"bob\"").expect(200).total(), 0, "{setting}");
        hog.run("ROLLBACK");
        provider.create("/Users", &scim::user("bob", json!({})));
    }
}
