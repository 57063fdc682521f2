//! A crowd of writers and readers: whoever is picked as the victim of a deadlock repeats, nobody ever sees derived
//! tables that do not follow from the facts, and the feed tells exactly what became of them.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use roster_tests::{Db, Rng, Session};

use crate::model::Model;

const WRITERS: usize = 16;
const CALLS: usize = 60;
const USERS: usize = 30;
const GROUPS: usize = 12;
/// Far more than chance needs: a transaction that is the victim every time starves.
const PATIENCE: usize = 1000;

/// Rows of the derived tables that do not follow from the facts, or lack. One statement, so one snapshot:
/// it must find nothing at any moment. No way is longer than there are groups.
const OUT_OF_STEP: &str = "
    WITH RECURSIVE up(group_id, ancestor_id, depth) AS (
        SELECT g.group_id, g.group_id, 0 FROM roster_private.app_group g
        UNION
        SELECT u.group_id, n.parent_id, u.depth + 1
        FROM up u JOIN roster_private.nesting n ON n.child_id = u.ancestor_id
        WHERE u.depth < (SELECT count(*) FROM roster_private.app_group)
    ), naive AS (
        SELECT u.group_id, u.ancestor_id, min(u.depth) AS depth FROM up u GROUP BY 1, 2
    ), closure AS (
        SELECT c.group_id, c.ancestor_id, c.depth FROM roster_private.group_closure c
    ), carried AS (
        SELECT n.group_id, n.ancestor_id AS carrier_id, n.depth, a.source_id, a.opened_run, a.valid_from, a.valid_until,
               a.name, a.value
        FROM naive n JOIN roster_private.group_attribute a ON a.group_id = n.ancestor_id
    ), effective AS (
        SELECT e.group_id, e.carrier_id, e.depth, e.source_id, e.opened_run, e.valid_from, e.valid_until, e.name, e.value
        FROM roster_private.group_effective e
    )
    SELECT 'closure lacks', d::text FROM (TABLE naive EXCEPT ALL TABLE closure) d
    UNION ALL
    SELECT 'closure has', d::text FROM (TABLE closure EXCEPT ALL TABLE naive) d
    UNION ALL
    SELECT 'effective lacks', d::text FROM (TABLE carried EXCEPT ALL TABLE effective) d
    UNION ALL
    SELECT 'effective has', d::text FROM (TABLE effective EXCEPT ALL TABLE carried) d
    UNION ALL
    SELECT 'no step on a shortest way', c::text FROM roster_private.group_closure c
    WHERE CASE c.depth WHEN 0 THEN c.via_id <> c.group_id ELSE NOT EXISTS (
        SELECT FROM roster_private.nesting n JOIN naive s ON s.group_id = n.parent_id
        WHERE n.child_id = c.group_id AND n.parent_id = c.via_id AND s.ancestor_id = c.ancestor_id AND s.depth = c.depth - 1) END";

#[test]
fn a_crowd_of_writers_and_readers_ends_in_step() {
    let db = Db::fresh();
    populate(&db);
    let (repeats, live) = let_loose(&db);
    assert!(repeats >= WRITERS - 1, "all but one had to repeat their first transaction, {repeats} repeats");

    let stated = Model::stated_in(&db);
    assert_eq!((stated.users.len(), stated.groups.len()), (USERS, GROUPS));
    stated.assert_derived_in(&db);
    assert_in_step(&db);

    let mut feed = Feed::default();
    feed.read_on(&db, 97);
    assert!(feed.told == live.told, "who read along was told the same as who reads afterwards");
    assert_eq!(replayed(&feed.told), stated, "the feed, replayed");
}

#[track_caller]
fn assert_in_step(session: &Session) {
    // Compiling the question takes a hundred times as long as answering it.
    session.run("SET jit = off");
    assert_eq!(session.lines(OUT_OF_STEP), [""; 0]);
}

fn populate(db: &Db) {
    // A deadlock is found after this time, by default a second: the crowd makes many.
    db.run(&format!("ALTER DATABASE {} SET deadlock_timeout = '10ms'", db.name));
    db.run(&format!(
        "SELECT roster.create_user('u' || i) FROM generate_series(0, {USERS} - 1) i;
         SELECT roster.create_group('g' || i) FROM generate_series(0, {GROUPS} - 1) i"
    ));
}

/// How often a transaction was repeated, and the feed as somebody saw it who read along.
fn let_loose(db: &Db) -> (usize, Feed) {
    let writers: Vec<_> = (0..WRITERS).map(|_| db.login(&["roster_user_admin"])).collect();
    let [attributes, groups, changes] = [(); 3].map(|()| db.login(&["roster_reader"]));
    let inspector = db.session();
    let (together, done) = (&Barrier::new(WRITERS), &AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(move || {
            until(done, || drop(attributes.lines("SELECT * FROM roster.effective_attributes")));
        });
        scope.spawn(move || until(done, || drop(groups.lines("SELECT * FROM roster.effective_groups"))));
        scope.spawn(move || until(done, || assert_in_step(&inspector)));
        let feed = scope.spawn(move || {
            let mut feed = Feed::default();
            until(done, || feed.read_on(&changes, 7));
            feed
        });
        let writers = writers.into_iter().enumerate();
        let writers: Vec<_> =
            writers.map(|(seed, session)| scope.spawn(move || write(&session, seed, together))).collect();
        let ends: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        // Also when one of them failed, or the readers would go on for ever.
        done.store(true, Ordering::Release);
        let repeats = ends.into_iter().map(|end| end.expect("a writer came to its end")).sum();
        (repeats, feed.join().expect("the feed can be read"))
    })
}

/// Again and again, the last time after all is done.
fn until(done: &AtomicBool, mut look: impl FnMut()) {
    while !done.load(Ordering::Acquire) {
        look();
    }
    look();
}

/// Returns how often it had to repeat a transaction.
fn write(session: &Session, seed: usize, together: &Barrier) -> usize {
    let mut rng = Rng::seeded(seed as u64);
    // All share the identity manager before anybody wants it alone: a deadlock that does not depend on luck.
    let first = [
        format!("add_member('g0', 'u{seed}')"),
        format!("set_group_attribute('g{}', 'a', '0')", seed % GROUPS),
    ];
    let mut repeats = committed(session, &first, Some(together));
    let mut left = CALLS;
    while left > 0 {
        let size = if rng.one_in(3) { 2 + rng.below(2) } else { 1 }.min(left);
        let calls: Vec<_> = (0..size).map(|_| random_call(&mut rng)).collect();
        repeats += committed(session, &calls, None);
        left -= size;
    }
    repeats
}

fn random_call(rng: &mut Rng) -> String {
    let (user, group, other) = (rng.below(USERS), rng.below(GROUPS), rng.below(GROUPS));
    let (name, value) = (*rng.pick(&["a", "b"]), rng.below(3));
    match rng.below(20) {
        0..=3 => format!("add_member('g{group}', 'u{user}')"),
        4..=5 => format!("remove_member('g{group}', 'u{user}')"),
        6..=7 => format!("add_subgroup('g{group}', 'g{other}')"),
        8 => format!("remove_subgroup('g{group}', 'g{other}')"),
        9..=10 => format!("set_user_attribute('u{user}', '{name}', ARRAY['{value}', '{}'])", rng.below(3)),
        11 => format!("add_user_attribute('u{user}', '{name}', '{value}')"),
        12..=13 => format!("remove_user_attribute('u{user}', '{name}', '{value}')"),
        14 => format!("set_group_attribute('g{group}', '{name}', '{value}')"),
        15 => format!("add_group_attribute('g{group}', '{name}', '{value}')"),
        16..=17 => format!("remove_group_attribute('g{group}', '{name}')"),
        18 => format!("disable_user('u{user}')"),
        _ => format!("enable_user('u{user}')"),
    }
}

/// Repeats a transaction until it is through, or refused as documented. Returns the number of repeats.
fn committed(session: &Session, calls: &[String], mut together: Option<&Barrier>) -> usize {
    for repeats in 0..PATIENCE {
        let Err(told) = attempt(session, calls, together.take()) else { return repeats };
        session.run("ROLLBACK");
        if told.contains("cannot be put into itself") {
            return repeats;
        }
        assert!(told.contains("[40P01]") || told.contains("[40001]"), "{calls:?}: {told}");
    }
    panic!("{calls:?} was the victim {PATIENCE} times");
}

/// One transaction. It waits for the others after its first call, also if that failed: they wait for it.
fn attempt(session: &Session, calls: &[String], mut together: Option<&Barrier>) -> Result<(), String> {
    session.try_lines("BEGIN")?;
    for call in calls {
        let told = session.try_lines(&format!("SELECT roster.{call}"));
        if let Some(others) = together.take() {
            others.wait();
        }
        told?;
    }
    session.try_lines("COMMIT").map(drop)
}

/// What a reader of the feed was told so far.
#[derive(Debug, Default)]
struct Feed {
    last: i64,
    told: Vec<String>,
}

impl Feed {
    /// Reads to the end, in chunks.
    #[track_caller]
    fn read_on(&mut self, session: &Session, chunk: usize) {
        loop {
            let more = session.lines(&format!(
                "SELECT change_id, change, kind, subject, name, coalesce(after, before) #>> '{{}}'
                 FROM roster.read_changes({}, {chunk})",
                self.last
            ));
            if more.is_empty() {
                return;
            }
            for line in more {
                let id =
                    line.split('|').next().and_then(|id| id.parse().ok()).expect("a change has a number");
                assert!(id > self.last, "{line} was told after {}", self.last);
                self.last = id;
                self.told.push(line);
            }
        }
    }
}

/// The facts that the changes add up to.
fn replayed(changes: &[String]) -> Model {
    let mut model = Model::default();
    for line in changes {
        let parts: Vec<_> = line.split('|').collect();
        let [_, change, kind, subject, name, value] = parts[..] else { panic!("six columns: {line}") };
        let pair = || (subject.to_owned(), name.to_owned());
        let triple = || (subject.to_owned(), name.to_owned(), value.to_owned());
        match kind {
            // Nobody deletes users here: one that is removed was disabled.
            "user" => {
                let was = model.users.insert(subject.to_owned(), change == "add");
                assert_eq!(was.unwrap_or(false), change == "remove", "{line}");
            }
            "group" => turn(&mut model.groups, subject.to_owned(), change),
            "membership" => turn(&mut model.members, pair(), change),
            "nesting" => turn(&mut model.nestings, pair(), change),
            "user_attribute" => turn(&mut model.user_values, triple(), change),
            "group_attribute" => turn(&mut model.group_values, triple(), change),
            _ => panic!("nobody made such a change: {line}"),
        }
    }
    model
}

/// Nothing is added that is there, and nothing removed that is not.
#[track_caller]
fn turn<T: Ord + Clone + Debug>(facts: &mut BTreeSet<T>, fact: T, change: &str) {
    let turned = match change {
        "add" => facts.insert(fact.clone()),
        "remove" => facts.remove(&fact),
        _ => false,
    };
    assert!(turned, "{change} {fact:?}");
}
