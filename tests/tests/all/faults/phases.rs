//! PostgreSQL ends while a run is in one phase or another: reading, waiting, writing this table or that one,
//! or after the commit that nobody was told of.

use roster_tests::{Hold, Session, wait_until};

use super::Lab;

/// Where a run is when the lights go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    ReadingUsers,
    ReadingGroups,
    WaitingForTheIdentityManager,
    /// Blocked by a lock on the table that it writes next.
    Writing(&'static str),
    Committed,
}

const PHASES: [Phase; 10] = [
    Phase::ReadingUsers,
    Phase::ReadingGroups,
    Phase::WaitingForTheIdentityManager,
    Phase::Writing("app_user"),
    Phase::Writing("user_claim"),
    Phase::Writing("user_attribute"),
    Phase::Writing("membership"),
    Phase::Writing("group_effective"),
    Phase::Writing("quarantined"),
    Phase::Committed,
];

/// What keeps the run in its phase; it ends with the server, but for the directory's part.
#[derive(Debug)]
struct Brake {
    hold: Option<Hold>,
    _session: Option<Session>,
}

impl Phase {
    /// Makes a run and stops it in this phase.
    fn reached(self, lab: &Lab) -> Brake {
        match self {
            Phase::ReadingUsers => held(lab, "ou=people"),
            Phase::ReadingGroups => held(lab, "ou=groups"),
            Phase::WaitingForTheIdentityManager => {
                let iam = "SELECT iam_id FROM roster_private.iam WHERE iam = 'corp'";
                stopped_by(lab, &format!("SELECT roster_private.lock_iam(({iam}), false)"))
            }
            Phase::Writing(table) => {
                stopped_by(lab, &format!("LOCK TABLE roster_private.{table} IN SHARE MODE"))
            }
            Phase::Committed => {
                let brake = stopped_by(lab, "LOCK TABLE roster_private.quarantined IN SHARE MODE");
                let session = lab.db.session();
                // Commits are local and wait for a standby that does not exist: the client is not told.
                session.run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
                session.run("SELECT pg_reload_conf()");
                wait_for_a_commit_that_hangs(lab);
                drop(brake);
                lab.waits_for_standstill("SyncRep");
                // For the next start.
                session.run("ALTER SYSTEM RESET synchronous_standby_names");
                Brake { hold: None, _session: None }
            }
        }
    }
}

/// Tries commits until one of them waits for the standby, for ever: then all others do as well.
fn wait_for_a_commit_that_hangs(lab: &Lab) {
    let commits = lab.db.session();
    std::thread::spawn(move || {
        while commits.try_lines("SELECT pg_logical_emit_message(true, 'commit', 'probe')").is_ok() {}
    });
    let session = lab.db.session();
    wait_until("commits wait", || {
        session.number(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%probe%' AND wait_event = 'SyncRep'",
        ) > 0
    });
}

fn held(lab: &Lab, base: &'static str) -> Brake {
    let hold = lab.proxy.hold(move |search| search.base.starts_with(base));
    lab.due();
    hold.reached();
    Brake { hold: Some(hold), _session: None }
}

fn stopped_by(lab: &Lab, lock: &str) -> Brake {
    let session = lab.db.session();
    session.run(&format!("BEGIN; {lock}"));
    lab.due();
    lab.waits_for_standstill("Lock");
    Brake { hold: None, _session: Some(session) }
}

#[test]
fn a_crash_in_any_phase_leaves_the_state_before_or_after_and_the_next_run_goes_on() {
    let lab = Lab::new();
    for (round, phase) in PHASES.into_iter().enumerate() {
        interrupted(&lab, round, phase, "crash");
    }
}

#[test]
fn a_restart_in_any_phase_leaves_the_state_before_or_after_and_the_next_run_goes_on() {
    let lab = Lab::new();
    for (round, phase) in PHASES.into_iter().enumerate() {
        interrupted(&lab, round, phase, "restart");
    }
}

fn interrupted(lab: &Lab, round: usize, phase: Phase, how: &str) {
    let what = format!("{how} at {phase:?}");
    lab.change(round);
    let (before, after) = (lab.hash(), lab.expected());
    assert_ne!(before, after, "{what}: there is something to do");
    let newest = lab.newest_run();
    let brake = phase.reached(lab);
    match how {
        "crash" => lab.cluster.crash(),
        _ => lab.cluster.stop(),
    }
    lab.waits_for_readiness(503);
    if let Some(hold) = &brake.hold {
        hold.release();
    }
    lab.cluster.start_again();
    lab.waits_for_readiness(200);
    // A daemon that is back tries again at once, and may have succeeded by now.
    let found = lab.hash();
    assert!(found == before || found == after, "{what}: a third state");
    let broken = lab.run_after(newest).expect("the run is on record").0;
    if phase != Phase::Committed {
        wait_until("it was tried again without being asked", || {
            lab.run_after(broken).is_some_and(|(_, state)| state == "succeeded")
        });
    }
    let expected = if phase == Phase::Committed { "succeeded" } else { "failed" };
    assert_eq!(
        lab.ask(&format!("SELECT state FROM roster.sync_runs WHERE run_id = {broken}")),
        expected,
        "{what}: the record says how it ended"
    );
    if phase != Phase::Committed {
        let sql = format!("SELECT count(*) FROM roster.changes WHERE run_id = {broken}");
        assert_eq!(lab.ask(&sql), "0", "{what}: a failed run changed something");
    }
    assert_ne!(
        lab.ask(&format!(
            "SELECT state || coalesce(message, '') FROM roster.sync_runs WHERE run_id = {broken}"
        )),
        "failed",
        "{what}: and why"
    );
    lab.assert_recovered(&what);
}
