//! A stream of events whose senders repeat what was not answered: nothing is lost and nothing happens twice, whoever dies.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use roster_tests::{Cluster, Db, wait_until};
use serde_json::json;

use super::{LABEL, Push, attributes, event, new_source, outcome};

const CLIENTS: usize = 6;

/// Sends the n-th event of a client until it is answered as it should be.
fn send(push: &Push, client: usize, n: usize) {
    let user = format!("u{client}");
    let id = format!("{client}/{n}");
    let event = match n {
        0 => event(&id, "user.upsert", &user, json!({})),
        n if n % 5 == 0 => event(&id, "user.attributes.add", &user, attributes("log", &[&n.to_string()])),
        n => event(&id, "user.attributes.set", &user, attributes("last", &[&n.to_string()])),
    };
    let body = event.to_string();
    loop {
        let answer =
            push.try_request("POST", "/v1/events", &[("content-type", super::STRUCTURED)], Some(&body));
        match answer {
            Ok(answer) if answer.status == 200 => {
                let outcome = outcome(&answer.json);
                assert!(outcome == "applied" || outcome == "duplicate", "{answer:?}");
                return;
            }
            Ok(answer) => assert_eq!(answer.status, 503, "{answer:?}"),
            // Nobody listens at this moment.
            Err(_) => std::thread::yield_now(),
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

#[test]
fn nothing_is_lost_and_nothing_happens_twice() {
    // Its own server: the others' tests go on.
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start()));
    let db = Db::fresh_in(cluster);
    db.run("SELECT roster.create_identity_manager('corp')");
    let key = new_source(&db, "corp", "hr", LABEL, &json!({"create_users": true}));
    let port = free_port();
    let daemon = db.daemon();
    let mut served = daemon.serve_at(port);
    let push = Push::new(port, &key);
    let (stop, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let sent: Vec<usize> = std::thread::scope(|threads| {
        let workers: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (push, stop, done) = (&push, &stop, &done);
                threads.spawn(move || {
                    let mut n = 0;
                    while !stop.load(Ordering::Relaxed) {
                        send(push, client, n);
                        done.fetch_add(1, Ordering::Relaxed);
                        n += 1;
                    }
                    n
                })
            })
            .collect();
        for round in 0..4 {
            let before = done.load(Ordering::Relaxed);
            wait_until("events come in", || done.load(Ordering::Relaxed) > before + 60);
            if round % 2 == 0 {
                served.running.kill();
                served = daemon.serve_at(port);
            } else {
                cluster.stop();
                cluster.start_again();
            }
        }
        let before = done.load(Ordering::Relaxed);
        wait_until("it goes on", || done.load(Ordering::Relaxed) > before + 60);
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().map(|worker| worker.join().expect("no panic")).collect()
    });
    let db = db.session();
    db.run("SELECT * FROM roster.read_changes(0, 1)");
    for (client, sent) in sent.iter().enumerate() {
        let user = format!("u{client}");
        let logged: Vec<usize> = (1..*sent).filter(|n| n % 5 == 0).collect();
        let last = (1..*sent).rfind(|n| n % 5 != 0).map(|n| n.to_string());
        let values = |name: &str| {
            db.lines(&format!(
                "SELECT value FROM roster.user_attributes WHERE owner = '{user}' AND name = '{name}' ORDER BY value::integer"
            ))
        };
        assert_eq!(values("log"), logged.iter().map(usize::to_string).collect::<Vec<_>>(), "{user}");
        assert_eq!(values("last"), last.into_iter().collect::<Vec<_>>(), "{user}");
        // Each event is one run with one value more.
        let added = db.number(&format!(
            "SELECT count(*) FROM roster.changes WHERE subject = '{user}' AND kind = 'user_attribute' AND change = 'add'"
        ));
        assert_eq!(added, *sent as i64 - 1, "{user}");
    }
    assert_eq!(db.lines("SELECT * FROM roster.dead_letters"), [""; 0]);
    drop(served);
}
