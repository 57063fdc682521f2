//! `GET /v1/changes`: the feed over HTTP.

use std::thread;
use std::time::{Duration, Instant};

use roster_tests::{Db, Follower, Served, wait_until};

struct Lab {
    db: Db,
    served: Served,
    follower: Follower,
}

fn lab(arguments: &[&str]) -> Lab {
    let db = Db::fresh();
    db.run("SELECT roster.create_identity_manager('corp'); SELECT roster.create_identity_manager('other')");
    let key = db.line("SELECT roster.create_api_key('reader', 'corp', '{changes}')");
    let served = db.daemon().serve(arguments);
    let follower = Follower::new(served.port, &key);
    Lab { db, served, follower }
}

impl Lab {
    /// Where the feed stands now.
    fn end(&self) -> i64 {
        // What another session is numbering right now would come after it.
        self.db.run("SELECT count(*) FROM roster.read_changes(0, 10000)");
        self.follower.get("limit=10000").expect(200).next()
    }

    /// How many of its requests wait, by the connections that the daemon has accepted.
    fn waiting(&self) -> usize {
        let port = format!(":{:04X}", self.served.port);
        let sockets = std::fs::read_to_string("/proc/net/tcp").expect("Linux");
        let is_ours = |line: &&str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            fields.get(1).is_some_and(|local| local.ends_with(&port)) && fields.get(3) == Some(&"01")
        };
        sockets.lines().filter(is_ours).count()
    }
}

#[test]
fn pages_tell_everything_once_in_order_and_only_of_the_keys_identity_manager() {
    let lab = lab(&[]);
    lab.db.run(
        "SELECT roster.create_user(n || i, iam => n) FROM unnest(ARRAY['corp', 'other']) n, generate_series(1, 30) i;
         SELECT roster.set_user_attribute('corp' || i, 'a', i::text, iam => 'corp') FROM generate_series(1, 10) i",
    );
    let (mut after, mut read) = (0, Vec::new());
    loop {
        let page = lab.follower.get(&format!("after={after}&limit=7")).expect(200);
        assert_eq!(page.content_type, "application/json");
        assert!(page.changes().len() <= 7);
        read.extend_from_slice(page.changes());
        if page.next() == after {
            break;
        }
        after = page.next();
    }
    let ids: Vec<i64> = read.iter().map(|change| change["change_id"].as_i64().expect("a number")).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    let expected = lab.db.lines("SELECT change_id FROM roster.changes WHERE iam = 'corp' ORDER BY change_id");
    assert_eq!(ids.iter().map(i64::to_string).collect::<Vec<_>>(), expected);
    assert!(read.iter().all(|change| change["iam"] == "corp"));
    let told = read.iter().find(|change| change["kind"] == "user_attribute").expect("there are ten");
    for member in ["changed_at", "actor", "source", "run_id", "change", "subject", "name", "before", "after"]
    {
        assert!(told.get(member).is_some(), "{member}: {told}");
    }
    assert_eq!((&told["source"], &told["after"]), (&"manual".into(), &"1".into()));
    let last = lab.db.number("SELECT max(change_id) FROM roster.changes");
    assert_eq!(after, last, "the place to go on is past the changes of others");
    let some = lab.follower.get("kind=user_attribute,group&limit=10000").expect(200);
    assert_eq!(some.changes().len(), 10);
    let lines = lab.follower.accepting("kind=user&limit=3", "application/x-ndjson").expect(200);
    assert_eq!(lines.content_type, "application/x-ndjson");
    let lines: Vec<serde_json::Value> =
        lines.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(
        (&lines[0]["subject"], lines[3]["next"].as_i64()),
        (&"corp1".into(), lines[2]["change_id"].as_i64())
    );
}

#[test]
fn who_waits_is_told_within_a_second_or_of_nothing_at_the_end() {
    let lab = lab(&[]);
    let after = lab.end();
    let began = Instant::now();
    let nothing = lab.follower.get(&format!("after={after}&wait=1")).expect(200);
    assert!(nothing.changes().is_empty() && began.elapsed() >= Duration::from_secs(1));
    assert_eq!(nothing.next(), after);
    let told = thread::scope(|scope| {
        let waiting = scope.spawn(|| lab.follower.get(&format!("after={after}&wait=60")).expect(200));
        wait_until("the request waits", || lab.waiting() > 0);
        // What concerns others wakes nobody.
        lab.db.run("SELECT roster.create_user('x', iam => 'other')");
        let began = Instant::now();
        lab.db.run("SELECT roster.create_user('sam', iam => 'corp')");
        let told = waiting.join().expect("it is answered");
        // A loaded machine is no bug, a poll of 60 s is one.
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        told
    });
    assert_eq!(told.changes()[0]["subject"], "sam");
    assert_eq!(told.changes().len(), 1);
}

#[test]
fn keys_and_parameters_that_are_wrong_are_told_as_problems() {
    let lab = lab(&[]);
    let follower = |sql: &str| Follower::new(lab.served.port, &lab.db.line(sql));
    let other = follower("SELECT roster.create_api_key('info', 'corp', '{user-info}')");
    let revoked = follower("SELECT roster.create_api_key('old', 'corp', '{changes}')");
    lab.db.run("SELECT roster.revoke_api_key('old')");
    for (told, status, word) in [
        (other.get(""), 403, "changes"),
        (revoked.get(""), 401, "revoked"),
        (Follower::new(lab.served.port, "").get(""), 401, "API key"),
        (Follower::new(lab.served.port, "rk_none").get(""), 401, "API key"),
        (lab.follower.get("after=x"), 400, "after"),
        (lab.follower.get("limit=0"), 400, "limit"),
        (lab.follower.get("wait=61"), 400, "wait"),
        (lab.follower.get("kind=%27"), 400, "kind"),
        (lab.follower.get("since=1"), 400, "since"),
    ] {
        let told = told.expect(status);
        assert_eq!(told.content_type, "application/problem+json", "{told:?}");
        assert_eq!(told.json["status"], status, "{told:?}");
        assert!(told.json["detail"].as_str().is_some_and(|detail| detail.contains(word)), "{word}: {told:?}");
    }
}

#[test]
fn many_wait_without_a_connection_to_the_database_each() {
    const MANY: usize = 150;
    let lab = lab(&["--pool-size", "3"]);
    let after = lab.end();
    thread::scope(|scope| {
        let wait = || lab.follower.get(&format!("after={after}&wait=60")).expect(200);
        let waiting: Vec<_> = (0..MANY).map(|_| scope.spawn(wait)).collect();
        wait_until("all wait", || lab.waiting() >= MANY);
        let connections = lab.db.number(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'syncd%'",
        );
        assert!(connections <= 10, "{connections} connections");
        lab.db.run("SELECT roster.create_user('sam', iam => 'corp')");
        for told in waiting {
            assert_eq!(told.join().expect("it is answered").changes()[0]["subject"], "sam");
        }
    });
}

#[test]
fn who_waits_is_answered_when_the_daemon_stops() {
    let mut lab = lab(&[]);
    let after = lab.end();
    let follower = lab.follower.clone();
    let waiting = thread::spawn(move || follower.get(&format!("after={after}&wait=60")));
    wait_until("the request waits", || lab.waiting() > 0);
    lab.served.running.terminate();
    let told = waiting.join().expect("it is answered").expect(200);
    assert_eq!((told.changes().len(), told.next()), (0, after));
    assert!(lab.served.running.ends_within(Duration::from_secs(10)));
}

#[test]
fn a_large_run_is_read_page_by_page() {
    let lab = lab(&[]);
    lab.db.run(
        "SELECT roster.create_identity_manager('dir', kind => 'ldap');
         SELECT roster.create_source('s', iam => 'dir', kind => 'ldap')",
    );
    let key = lab.db.line("SELECT roster.create_api_key('dir', 'dir', '{changes}')");
    let claimed = lab.db.line("SELECT run_id, slot FROM roster_private.claim_run('s')");
    let (run_id, slot) = claimed.split_once('|').expect("two columns");
    lab.db.run(&format!(
        "INSERT INTO roster_private.staged_entity (slot, run_id, kind, present, key, external_id, name, profile, active, fingerprint)
         SELECT {slot}, {run_id}, 'user', true, md5('u' || i)::uuid, 'u' || i, 'u' || i, '{{}}'::jsonb, true, md5('f' || i)::uuid
         FROM generate_series(1, 5000) i"
    ));
    lab.db.run(&format!("SELECT * FROM roster_private.complete_run({run_id}, 5000, 5000, 0, 0, 0, NULL)"));
    let foreign = lab.follower.get("limit=5").expect(200);
    assert!(foreign.changes().iter().all(|change| change["iam"] == "corp"));
    let follower = Follower::new(lab.served.port, &key);
    let (mut after, mut found) = (0, 0);
    loop {
        let page = follower.get(&format!("after={after}&limit=999&kind=user")).expect(200);
        found += page.changes().len();
        if page.next() == after {
            break;
        }
        after = page.next();
    }
    assert_eq!(found, 5000);
}
