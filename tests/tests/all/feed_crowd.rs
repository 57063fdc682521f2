//! The promise of the feed: whatever the order of commits, a reader misses nothing and sees nothing twice.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use roster_tests::{Db, Follower, Rng, Session, wait_until};

const SINGLE: usize = 12;
const PLANNED: usize = 4;
const ROUNDS: usize = 20;
const WHAT: &str = "change_id, kind, change, iam, subject, name, before::text, after::text";

#[test]
fn sixteen_writers_whose_commits_are_reordered_are_read_completely_and_in_order() {
    let db = Db::fresh();
    for writer in 0..SINGLE {
        db.run(&format!("SELECT roster.create_user('u{writer}')"));
    }
    for writer in 0..PLANNED {
        db.run(&format!(
            "SELECT roster.create_identity_manager('p{writer}', kind => 'ldap');
             SELECT roster.create_source('s{writer}', iam => 'p{writer}', kind => 'ldap')"
        ));
    }
    let key = db.line("SELECT roster.create_api_key('reader', 'builtin', '{changes}')");
    let served = db.daemon().serve(&[]);
    let follower = Follower::new(served.port, &key);
    let (start, quick, done) = (Barrier::new(SINGLE + PLANNED), AtomicUsize::new(0), AtomicBool::new(false));
    let (by_call, by_view, by_http) = thread::scope(|scope| {
        let (done, follower) = (&done, &follower);
        let is_done = move || done.load(Ordering::SeqCst);
        let (one, other, view) = (db.session(), db.session(), db.session());
        let readers = [
            scope.spawn(move || read_calls(&one, is_done)),
            scope.spawn(move || read_calls(&other, is_done)),
            scope.spawn(move || read_view(&view, is_done)),
        ];
        let http = scope.spawn(move || read_http(follower, is_done));
        let mut writers = Vec::new();
        for writer in 0..SINGLE {
            let (session, start, quick) = (db.session(), &start, &quick);
            writers.push(scope.spawn(move || {
                start.wait();
                match writer {
                    0..4 => write_late(&session, writer, quick),
                    _ => write_quickly(&session, writer, quick),
                }
            }));
        }
        for writer in 0..PLANNED {
            let (session, start) = (db.session(), &start);
            writers.push(scope.spawn(move || {
                start.wait();
                write_runs(&session, writer);
            }));
        }
        for writer in writers {
            writer.join().expect("no writer fails");
        }
        done.store(true, Ordering::SeqCst);
        let [one, other, view] = readers.map(|reader| reader.join().expect("no reader fails"));
        assert_eq!(one, other, "two readers see the same in the same order");
        (one, view, http.join().expect("no reader fails"))
    });
    let all = db
        .lines(&format!("SELECT {WHAT} FROM roster.changes WHERE change_id IS NOT NULL ORDER BY change_id"));
    assert_eq!(db.number("SELECT count(*) FROM roster.changes WHERE change_id IS NULL"), 0);
    assert_eq!(by_call, all);
    assert_eq!(by_view, all);
    let ids = |lines: &[String]| -> Vec<String> {
        lines.iter().map(|line| line.split('|').next().unwrap_or_default().to_owned()).collect()
    };
    let builtin: Vec<String> =
        all.iter().filter(|line| line.split('|').nth(3) == Some("builtin")).cloned().collect();
    assert_eq!(by_http, ids(&builtin), "over HTTP, of one identity manager");
    let expected = (SINGLE * ROUNDS) as i64;
    let added = "SELECT count(*) FROM roster.changes WHERE kind = 'user_attribute' AND change = 'add'";
    assert_eq!(db.number(added), expected, "what was committed is there, what was rolled back is not");
    let users = "SELECT count(*) FROM roster.changes WHERE kind = 'user' AND iam LIKE 'p%'";
    assert_eq!(db.number(users), (PLANNED * 5 * 30) as i64);
}

/// One transaction after the other; some are rolled back.
fn write_quickly(session: &Session, writer: usize, quick: &AtomicUsize) {
    let mut rng = Rng::seeded(writer as u64);
    for round in 0..ROUNDS {
        let pause = rng.below(20);
        let call = |value: &str| format!("SELECT roster.set_user_attribute('u{writer}', 'a', '{value}')");
        session.run(&format!("BEGIN; {}; ROLLBACK", call("never")));
        session
            .run(&format!("BEGIN; {}; SELECT pg_sleep({pause} / 1000.0); COMMIT", call(&round.to_string())));
        quick.fetch_add(1, Ordering::SeqCst);
    }
}

/// Begins early, commits when the others have gone on.
fn write_late(session: &Session, writer: usize, quick: &AtomicUsize) {
    for round in 0..ROUNDS {
        session.run(&format!("BEGIN; SELECT roster.set_user_attribute('u{writer}', 'a', '{round}')"));
        let last = (SINGLE - 4) * ROUNDS;
        let until = last.min(quick.load(Ordering::SeqCst) + 5 + writer);
        wait_until("others have committed", || quick.load(Ordering::SeqCst) >= until);
        session.run("COMMIT");
    }
}

/// Planned runs, which have their time before they commit.
fn write_runs(session: &Session, writer: usize) {
    for round in 0..5 {
        let claimed =
            session.line(&format!("SELECT run_id, slot FROM roster_private.claim_run('s{writer}')"));
        let (run_id, slot) = claimed.split_once('|').expect("two columns");
        session.run(&format!(
            "INSERT INTO roster_private.staged_entity (slot, run_id, kind, present, key, external_id, name, profile, active, fingerprint)
             SELECT {slot}, {run_id}, 'user', true, md5(n)::uuid, n, n, '{{}}'::jsonb, true, md5('f' || n)::uuid
             FROM (SELECT 'w{writer}r{round}u' || i AS n FROM generate_series(1, 30) i) t"
        ));
        session.run(&format!(
            "BEGIN; SELECT * FROM roster_private.complete_run({run_id}, 30, 30, 0, 0, 0, NULL); SELECT pg_sleep(0.05); COMMIT"
        ));
    }
}

/// Once more after all writers are done: until there is nothing left.
fn read_all(is_done: impl Fn() -> bool, mut more: impl FnMut() -> usize) {
    loop {
        let was_done = is_done();
        if more() == 0 && was_done {
            return;
        }
    }
}

fn last_of(lines: &[String]) -> String {
    lines.last().map_or("0".into(), |line| line.split('|').next().unwrap_or_default().to_owned())
}

fn read_calls(session: &Session, is_done: impl Fn() -> bool) -> Vec<String> {
    let mut read = Vec::new();
    read_all(is_done, || {
        let more = session.lines(&format!("SELECT {WHAT} FROM roster.read_changes({}, 7)", last_of(&read)));
        read.extend_from_slice(&more);
        more.len()
    });
    read
}

fn read_view(session: &Session, is_done: impl Fn() -> bool) -> Vec<String> {
    let mut read = Vec::new();
    read_all(is_done, || {
        // Numbering is the daemon's, and the other readers'.
        let _ = session.lines("SELECT count(*) FROM roster.read_changes(0, 1)");
        let more = session.lines(&format!(
            "SELECT {WHAT} FROM roster.changes WHERE change_id > {} ORDER BY change_id LIMIT 50",
            last_of(&read)
        ));
        read.extend_from_slice(&more);
        more.len()
    });
    read
}

fn read_http(follower: &Follower, is_done: impl Fn() -> bool) -> Vec<String> {
    let (mut read, mut after) = (Vec::new(), 0);
    read_all(is_done, || {
        let told = follower.get(&format!("after={after}&limit=11&wait=1")).expect(200);
        after = told.next();
        read.extend(told.changes().iter().map(|change| change["change_id"].to_string()));
        told.changes().len()
    });
    read
}
