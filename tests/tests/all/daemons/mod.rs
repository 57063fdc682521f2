//! Several daemons, daemons that die, stand still or lose the network, and what becomes of runs then.

mod cancel;
mod faults;
mod limits;
mod restart;
mod retry;
mod takeover;

use roster_tests::{Db, wait_until};

use crate::ldap::Lab;

/// The state and message of a run.
fn run(db: &Db, run_id: &str) -> String {
    db.line(&format!("SELECT state, coalesce(message, '') FROM roster.sync_runs WHERE run_id = {run_id}"))
}

#[track_caller]
fn wait_for(db: &Db, run_id: &str, state: &str) {
    wait_until(&format!("run {run_id} is {state}"), || {
        let found = run(db, run_id);
        let over = !["queued", "running"].iter().any(|passing| found.starts_with(passing));
        assert!(found.starts_with(state) || !over, "{found}");
        found.starts_with(state)
    });
}

/// How many runs of the source have that state.
fn count(lab: &Lab, state: &str) -> i64 {
    lab.db.number(&format!("SELECT count(*) FROM roster.sync_runs WHERE state = '{state}'"))
}

/// The schedule of the source fires now.
fn make_due(lab: &Lab) {
    lab.db.run(
        "UPDATE roster_private.source SET next_run_at = now() - interval '1 second' WHERE source = 'corp-ldap';
         NOTIFY roster_sync",
    );
}

/// At any moment one actor: runs that were applied do not overlap, and what failed changed nothing.
#[track_caller]
fn assert_one_actor(lab: &Lab) {
    let overlapping = lab.db.lines(
        "SELECT a.run_id, b.run_id FROM roster.sync_runs a JOIN roster.sync_runs b USING (source)
         WHERE a.run_id < b.run_id AND a.state = 'succeeded' AND b.state = 'succeeded'
           AND a.started_at < b.finished_at AND b.started_at < a.finished_at",
    );
    assert_eq!(overlapping, [""; 0], "two runs acted at the same time");
    let undead = lab.db.lines(
        "SELECT DISTINCT r.run_id, r.state, r.message FROM roster.sync_runs r JOIN roster.changes c USING (run_id)
         WHERE r.state <> 'succeeded'",
    );
    assert_eq!(undead, [""; 0], "a run that did not succeed changed something");
}
