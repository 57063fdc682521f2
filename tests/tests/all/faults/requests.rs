//! The database crashes under requests of a provider, again and again: what was answered is there, and a request
//! whose answer was lost may be repeated.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use roster_tests::{Cluster, Db, Scim, patch_body, wait_until};
use serde_json::json;

use crate::model::Model;
use crate::scim::{IAM, LABEL, SOURCE, group, new_source, user};

const CLIENTS: usize = 6;
const CRASHES: usize = 4;

#[derive(Debug, Default)]
struct Traffic {
    stop: AtomicBool,
    done: AtomicUsize,
    sent_away: AtomicUsize,
}

/// What a client was promised: users, and members of the group by their names.
#[derive(Debug, Default)]
struct Promised {
    users: Vec<String>,
    members: Vec<String>,
}

#[test]
fn crashes_of_the_database_lose_nothing_that_was_answered() {
    let cluster = Cluster::durable();
    let db = Db::fresh_in(cluster);
    let key = new_source(&db, IAM, SOURCE, LABEL, &json!({}));
    let served = db.daemon().serve(&[]);
    let scim = Scim::new(served.port, IAM, &key);
    let staff = scim.create("/Groups", &group("Staff", &[]));
    let traffic = Traffic::default();
    let promised: Vec<Promised> = thread::scope(|threads| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (scim, staff, traffic) = (&scim, &staff, &traffic);
                threads.spawn(move || provision(scim, staff, client, traffic))
            })
            .collect();
        for _ in 0..CRASHES {
            let done = traffic.done.load(Ordering::Relaxed);
            wait_until("there is traffic", || traffic.done.load(Ordering::Relaxed) > done + 100);
            let away = traffic.sent_away.load(Ordering::Relaxed);
            cluster.crash();
            wait_until("somebody is sent away", || traffic.sent_away.load(Ordering::Relaxed) > away);
            assert_eq!(super::get(served.port, "/readyz").0, 503);
            cluster.start_again();
        }
        let done = traffic.done.load(Ordering::Relaxed);
        wait_until("it goes on", || traffic.done.load(Ordering::Relaxed) > done + 100);
        traffic.stop.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().expect("no panic")).collect()
    });
    let session = db.session();
    let users = session.lines("SELECT username FROM roster.users WHERE active");
    let members = session.lines("SELECT member_name FROM roster.memberships WHERE group_name = 'Staff'");
    for promised in &promised {
        assert!(promised.users.iter().all(|name| users.contains(name)), "a user was lost");
        assert!(promised.members.iter().all(|name| members.contains(name)), "a member was lost");
    }
    let asked: usize = promised.iter().map(|promised| promised.users.len()).sum();
    assert!(
        users.len() <= asked + CLIENTS,
        "each was asked for once, the last ones may not have been answered"
    );
    Model::stated_in(&session).assert_derived_in(&session);
    assert_eq!(
        session.line("SELECT count(change_id) = count(*), count(change_id) - count(DISTINCT change_id) FROM roster.read_changes(0, 1000000)"),
        "t|0",
        "every change has a number of its own"
    );
}

/// Creates users and puts them into the group; a request without a good answer is sent again.
fn provision(scim: &Scim, staff: &str, client: usize, traffic: &Traffic) -> Promised {
    let mut promised = Promised::default();
    for n in 0.. {
        let name = format!("c{client}n{n}");
        let Some(id) = created(scim, &name, traffic) else { break };
        promised.users.push(name.clone());
        let add = patch_body(&json!([{"op": "add", "path": "members", "value": [{"value": id}]}]));
        let path = format!("/Groups/{staff}");
        if !repeated(traffic, || match scim.try_request("PATCH", &path, &[], Some(&add)) {
            Ok(answer) if answer.status == 200 || answer.status == 204 => true,
            other => refused(&other, traffic),
        }) {
            break;
        }
        promised.members.push(name);
    }
    promised
}

/// The id of the user, who may be there already: the answer to the request before may have been lost.
fn created(scim: &Scim, name: &str, traffic: &Traffic) -> Option<String> {
    let mut id = None;
    let body = user(name, json!({})).to_string();
    repeated(traffic, || match scim.try_request("POST", "/Users", &[], Some(&body)) {
        Ok(answer) if answer.status == 201 => {
            id = Some(answer.id());
            true
        }
        Ok(answer) if answer.status == 409 => {
            let found = scim.find("/Users", &format!("userName eq \"{name}\""));
            if found.status != 200 {
                return refused(&Ok(found), traffic);
            }
            id = Some(found.resources()[0]["id"].as_str().expect("an id").to_owned());
            true
        }
        other => refused(&other, traffic),
    });
    id
}

/// False: it was stopped before it was done.
fn repeated(traffic: &Traffic, mut attempt: impl FnMut() -> bool) -> bool {
    while !attempt() {
        if traffic.stop.load(Ordering::Relaxed) {
            return false;
        }
    }
    traffic.done.fetch_add(1, Ordering::Relaxed);
    !traffic.stop.load(Ordering::Relaxed)
}

/// There is one good way to be refused: come again later.
fn refused(answer: &Result<roster_tests::Answer, String>, traffic: &Traffic) -> bool {
    let Ok(answer) = answer else {
        panic!("the daemon answers, whatever becomes of the database: {answer:?}")
    };
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    traffic.sent_away.fetch_add(1, Ordering::Relaxed);
    false
}
