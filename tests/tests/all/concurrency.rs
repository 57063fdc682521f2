//! Many sessions at once: nothing lost, nothing derived from half of the facts.

use std::sync::Barrier;
use std::thread;

use roster_tests::{Db, Rng, Session};

use crate::model::Model;

#[test]
fn concurrent_writers_leave_derived_values_that_follow_from_the_facts() {
    let db = Db::fresh();
    db.run(
        "SELECT roster.create_user('u' || i) FROM generate_series(0, 5) i;
         SELECT roster.create_group('g' || i) FROM generate_series(0, 5) i;
         SELECT roster.set_group_attribute('g' || i, 'a', i::text) FROM generate_series(0, 5) i",
    );
    let start = Barrier::new(4);
    thread::scope(|scope| {
        for seed in 0..4 {
            let (session, start) = (db.session(), &start);
            scope.spawn(move || {
                start.wait();
                disturb(&session, &mut Rng::seeded(seed), 60);
            });
        }
    });
    Model::stated_in(&db).assert_derived_in(&db);
    let feed = db.lines(
        "SELECT count(*), count(DISTINCT change_id), count(change_id) FROM roster.read_changes(0, 100000)",
    );
    let [all, distinct, numbered]: [&str; 3] =
        feed[0].split('|').collect::<Vec<_>>().try_into().expect("three columns");
    assert!(all == distinct && all == numbered, "every change is numbered once: {feed:?}");
}

/// Random changes; a deadlock or a serialization failure is no error, anything else is.
fn disturb(session: &Session, rng: &mut Rng, calls: usize) {
    for _ in 0..calls {
        let (x, y) = (rng.below(6), rng.below(6));
        let call = match rng.below(9) {
            0 | 1 if x != y => format!("add_subgroup('g{x}', 'g{y}')"),
            2 if x != y => format!("remove_subgroup('g{x}', 'g{y}')"),
            3 | 4 => format!("add_member('g{x}', 'u{y}')"),
            5 => format!("remove_member('g{x}', 'u{y}')"),
            6 => format!("set_group_attribute('g{x}', 'a', '{y}')"),
            7 => format!("add_group_attribute('g{x}', 'b', '{y}')"),
            _ => format!("set_user_attribute('u{x}', 'a', '{y}')"),
        };
        if let Err(told) = session.try_lines(&format!("SELECT roster.{call}")) {
            assert!(
                told.contains("[40P01]") || told.contains("[40001]") || told.contains("no such"),
                "{call}: {told}"
            );
        }
    }
}

#[test]
fn members_of_one_group_are_added_side_by_side() {
    let db = Db::fresh();
    db.run("SELECT roster.create_group('g'); SELECT roster.create_user('a'); SELECT roster.create_user('b')");
    let (one, other) = (db.session(), db.session());
    one.run("BEGIN; SELECT roster.add_member('g', 'a')");
    other.run("SET lock_timeout = '5s'; SELECT roster.add_member('g', 'b')");
    one.run("COMMIT");
    assert_eq!(db.lines("SELECT username FROM roster.effective_groups ORDER BY 1"), ["a", "b"]);
}

#[test]
fn the_same_call_from_two_sessions_is_one_fact() {
    let db = Db::fresh();
    db.run("SELECT roster.create_group('g'); SELECT roster.create_user('a')");
    let sessions: Vec<_> = (0..4).map(|_| db.session()).collect();
    let start = Barrier::new(sessions.len());
    thread::scope(|scope| {
        for session in sessions {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                session.run(
                    "SELECT roster.add_member('g', 'a'); SELECT roster.set_user_attribute('a', 'x', '1')",
                );
            });
        }
    });
    assert_eq!(db.lines("SELECT group_name, member_name FROM roster.memberships"), ["g|a"]);
    assert_eq!(
        db.number(
            "SELECT count(*) FROM roster.read_changes(0, 100) WHERE kind IN ('membership', 'user_attribute')"
        ),
        2
    );
}

#[test]
fn nesting_made_in_two_sessions_at_once_derives_through_both() {
    let db = Db::fresh();
    db.run(
        "SELECT roster.create_group(g) FROM unnest(ARRAY['a', 'b', 'c']) g; SELECT roster.create_user('u');
         SELECT roster.add_member('a', 'u'); SELECT roster.set_group_attribute('c', 'badge', 'blue')",
    );
    let (one, other) = (db.session(), db.session());
    one.run("BEGIN; SELECT roster.add_subgroup('b', 'a')");
    thread::scope(|scope| {
        // It may have to wait for the first to commit, and must then see its nesting.
        let second = scope.spawn(move || other.run("SELECT roster.add_subgroup('c', 'b')"));
        roster_tests::wait_until("the second session waits or is done", || {
            second.is_finished() || db.number("SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") > 0
        });
        one.run("COMMIT");
    });
    assert_eq!(db.lines("SELECT username, value FROM roster.effective_attributes"), ["u|blue"]);
}
