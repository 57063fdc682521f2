//! PostgreSQL goes away, or its limits end a statement: nothing is half done, it is told, and nobody is
//! needed to recover.

use roster_tests::{Cluster, Db, Directory, Proxy, Session, Slapd, user_dn, wait_until};

use super::{assert_one_actor, count, make_due, run, wait_for};
use crate::ldap::Lab;

#[test]
fn a_restart_of_postgresql_during_a_run_costs_nothing_but_time() {
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start()));
    let slapd = Slapd::start(&Directory::reference());
    let proxy = Proxy::before(slapd.port);
    let mut lab = Lab::of(Db::fresh_in(cluster), slapd, &proxy.url());
    let hold = proxy.hold(|search| search.base.starts_with("ou=groups"));
    let daemon = lab.daemon.spawn(&["run"]);
    let asked = lab.db.line("SELECT roster.sync_now('corp-ldap')");
    hold.reached();
    cluster.stop();
    wait_until("the daemon has noticed", || daemon.said().contains("PostgreSQL cannot be used"));
    hold.release();
    cluster.start_again();
    lab.db.reconnect();
    wait_until("it was done again", || count(&lab, "succeeded") == 1);
    assert!(run(&lab.db, &asked).starts_with("failed|"), "{}", run(&lab.db, &asked));
    assert_eq!(lab.active_users().len(), 5);
    assert_eq!(lab.db.line("SELECT failures FROM roster.sources WHERE source = 'corp-ldap'"), "0");
    assert_one_actor(&lab);
    cluster.stop();
}

/// Somebody keeps the identity manager for as long as the session is in its transaction.
fn in_the_way(lab: &Lab) -> Session {
    let session = lab.db.session();
    session.run(
        "BEGIN; SELECT roster_private.lock_iam(iam_id, true) FROM roster_private.iam WHERE iam = 'corp'",
    );
    session
}

fn limited_by(setting: &str, told: &str) {
    let lab = Lab::with(&Directory::reference());
    lab.db.run(
        "SELECT roster.alter_source('corp-ldap', schedule => '0 4 * * *', retry_after => '200 milliseconds')",
    );
    lab.db.run(&format!("ALTER ROLE {} SET {setting} = '700ms'", lab.daemon.role));
    let in_the_way = in_the_way(&lab);
    let _daemon = lab.daemon.spawn(&["run"]);
    make_due(&lab);
    wait_until("the limit ended two runs", || count(&lab, "failed") >= 2);
    assert_eq!(lab.health(), "failing");
    let message = lab.db.line("SELECT last_error FROM roster.sources WHERE source = 'corp-ldap'");
    assert!(message.contains(told), "{message}");
    assert_eq!(lab.active_users(), [""; 0]);
    in_the_way.run("COMMIT");
    wait_until("it has recovered", || lab.health() == "ok");
    assert_eq!(lab.active_users().len(), 5);
    assert_one_actor(&lab);
}

#[test]
fn a_statement_timeout_is_told_and_recovered_from() {
    limited_by("statement_timeout", "hint: the daemon's role or database has a statement_timeout");
}

#[test]
fn a_lock_timeout_is_told_and_recovered_from() {
    limited_by("lock_timeout", "lock timeout");
}

#[test]
fn a_deadlock_is_repeated_and_nobody_hears_of_it() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    lab.slapd.set(&user_dn("steve"), "labCountry", &["France"]);
    // Whoever has a user and then wants the identity manager meets a run that has it and wants the user.
    let other = lab.db.session();
    other.run("SET deadlock_timeout = '1min'; BEGIN; SELECT user_id FROM roster_private.user_attribute ORDER BY 1 FOR UPDATE");
    let _daemon = lab.daemon.spawn(&["run"]);
    let asked = lab.db.line("SELECT roster.sync_now('corp-ldap')");
    wait_until("the run waits for the user", || {
        lab.db.number("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0
    });
    other.run(
        "SELECT roster_private.lock_iam(iam_id, true) FROM roster_private.iam WHERE iam = 'corp'; COMMIT",
    );
    wait_for(&lab.db, &asked, "succeeded");
    assert_eq!(
        lab.db.lines(
            "SELECT value FROM roster.effective_attributes WHERE username = 'steve' AND name = 'country'"
        ),
        ["France"]
    );
    assert_eq!(count(&lab, "succeeded"), 2);
}
