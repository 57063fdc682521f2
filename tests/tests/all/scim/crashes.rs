//! What was answered is there, whoever dies.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use roster_tests::{Cluster, Db, Scim, patch_body, wait_until};
use serde_json::json;

use super::{IAM, LABEL, Lab, SOURCE, new_source, shown_members, user};
use crate::model::Model;

const CLIENTS: usize = 6;

/// Adds users to a group until the daemon is gone; returns who was promised to be there and who to be a member.
fn work_until_it_dies(
    scim: &Scim,
    worker: usize,
    round: usize,
    group: &str,
    answered: &AtomicUsize,
) -> (Vec<String>, Vec<String>) {
    let (mut created, mut members) = (Vec::new(), Vec::new());
    for n in 0.. {
        let name = format!("r{round}w{worker}n{n}");
        let Ok(answer) = scim.try_request("POST", "/Users", &[], Some(&user(&name, json!({})).to_string()))
        else {
            break;
        };
        assert_eq!(answer.status, 201, "{answer:?}");
        created.push(name);
        answered.fetch_add(1, Ordering::Relaxed);
        let id = answer.id();
        let add = patch_body(&json!([{"op": "add", "path": "members", "value": [{"value": id}]}]));
        let Ok(answer) = scim.try_request("PATCH", &format!("/Groups/{group}"), &[], Some(&add)) else {
            break;
        };
        assert_eq!(answer.status, 200, "{answer:?}");
        members.push(id);
        answered.fetch_add(1, Ordering::Relaxed);
    }
    (created, members)
}

#[test]
fn a_killed_daemon_loses_nothing_that_it_answered() {
    let mut lab = Lab::new();
    let group = lab.new_group("Staff", &[]);
    let (mut all_created, mut all_members) = (Vec::new(), Vec::new());
    for round in 0..3 {
        let answered = AtomicUsize::new(0);
        let (scim, served) = (&lab.scim, &mut lab.served);
        std::thread::scope(|threads| {
            let workers: Vec<_> = (0..CLIENTS)
                .map(|worker| {
                    let (answered, group) = (&answered, &group);
                    threads.spawn(move || work_until_it_dies(scim, worker, round, group, answered))
                })
                .collect();
            wait_until("there is some work done", || answered.load(Ordering::Relaxed) > 40 + 30 * round);
            served.running.kill();
            for worker in workers {
                let (created, members) = worker.join().expect("no panic");
                all_created.extend(created);
                all_members.extend(members);
            }
        });
        lab.served = lab.db.daemon().serve(&[]);
        lab.scim = lab.scim.on_port(lab.served.port);
        for name in &all_created {
            assert_eq!(
                lab.scim.find("/Users", &format!("userName eq \"{name}\"")).expect(200).total(),
                1,
                "{name}"
            );
        }
        let shown = shown_members(&lab.scim, &group);
        for id in &all_members {
            assert!(shown.binary_search(id).is_ok(), "{id} was promised");
        }
        // At most one request of each client was on its way.
        assert!(shown.len() <= all_members.len() + CLIENTS * (round + 1));
    }
    Model::stated_in(&lab.db).assert_derived_in(&lab.db);
}

#[test]
fn a_daemon_that_is_told_to_end_finishes_what_it_began() {
    let mut lab = Lab::new();
    let stop = AtomicBool::new(false);
    let scim = &lab.scim;
    let promised: Vec<String> = std::thread::scope(|threads| {
        let worker = threads.spawn(|| {
            let mut promised = Vec::new();
            for n in 0.. {
                let name = format!("u{n}");
                match scim.try_request("POST", "/Users", &[], Some(&user(&name, json!({})).to_string())) {
                    Ok(answer) if answer.status == 201 => promised.push(name),
                    Ok(answer) => assert_eq!(answer.status, 503, "{answer:?}"),
                    Err(_) => break,
                }
                if n == 20 {
                    stop.store(true, Ordering::Relaxed);
                }
            }
            promised
        });
        wait_until("some are there", || stop.load(Ordering::Relaxed));
        lab.served.running.terminate();
        assert!(lab.served.running.ends_within(std::time::Duration::from_secs(10)), "it ends by itself");
        worker.join().expect("no panic")
    });
    let there = lab.db.lines("SELECT username FROM roster.users");
    assert!(promised.iter().all(|name| there.contains(name)), "{promised:?} {there:?}");
    assert!(there.len() <= promised.len() + 1, "nothing that was not answered, but for the last one");
}

#[test]
fn a_restarted_database_is_found_again() {
    // Its own server: the others' tests go on.
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start()));
    let db = Db::fresh_in(cluster);
    let key = new_source(&db, IAM, SOURCE, LABEL, &json!({}));
    let served = db.daemon().serve(&[]);
    let scim = Scim::new(served.port, IAM, &key);
    let group = scim.create("/Groups", &super::group("Staff", &[]));
    let stop = AtomicBool::new(false);
    let done = AtomicUsize::new(0);
    let refused = AtomicUsize::new(0);
    let promised: Vec<String> = std::thread::scope(|threads| {
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let (scim, stop, done, refused) = (&scim, &stop, &done, &refused);
                threads.spawn(move || {
                    let mut promised = Vec::new();
                    let mut n = 0;
                    while !stop.load(Ordering::Relaxed) {
                        n += 1;
                        let name = format!("w{worker}n{n}");
                        let answer = scim.post("/Users", &user(&name, json!({})));
                        match answer.status {
                            201 => {
                                promised.push(name);
                                done.fetch_add(1, Ordering::Relaxed);
                            }
                            _ => {
                                assert_eq!(answer.status, 503, "{answer:?}");
                                let wait = answer
                                    .header("retry-after")
                                    .and_then(|seconds| seconds.parse::<u32>().ok());
                                assert!(wait.is_some_and(|seconds| seconds > 0), "{answer:?}");
                                refused.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                    }
                    promised
                })
            })
            .collect();
        wait_until("some are there", || done.load(Ordering::Relaxed) > 20);
        cluster.stop();
        wait_until("somebody is sent away", || refused.load(Ordering::Relaxed) > 4);
        assert_eq!(scim.get("/ServiceProviderConfig").status, 503, "even the key cannot be checked");
        cluster.start_again();
        let before = done.load(Ordering::Relaxed);
        wait_until("it goes on without help", || done.load(Ordering::Relaxed) > before + 20);
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().flat_map(|worker| worker.join().expect("no panic")).collect()
    });
    let there = db.session().lines("SELECT username FROM roster.users");
    for name in &promised {
        assert!(there.contains(name), "{name} was promised");
    }
    scim.get(&format!("/Groups/{group}")).expect(200);
    drop(served);
}
