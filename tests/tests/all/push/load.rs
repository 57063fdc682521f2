//! How long it takes from an event to its effect.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Lab, attributes, event, members};

const CLIENTS: usize = 16;
const PER_SECOND: usize = 100;

#[test]
#[ignore = "long: part of make test-all"]
fn a_hundred_events_per_second_are_effective_within_a_second() {
    let lab = Lab::new();
    lab.db.run("SELECT roster.create_user('u' || n, iam => 'corp') FROM generate_series(0, 9999) n");
    for group in 0..20 {
        lab.push.outcome(&event(&format!("g{group}"), "group.upsert", &format!("g{group}"), json!({})));
    }
    let (next, start) = (AtomicUsize::new(0), Instant::now());
    let mut times: Vec<Duration> = std::thread::scope(|threads| {
        let workers: Vec<_> = (0..CLIENTS)
            .map(|_| {
                threads.spawn(|| {
                    let mut times = Vec::new();
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= 20 * PER_SECOND {
                            return times;
                        }
                        // From the moment at which it happens, whoever is still busy then.
                        let due = start + Duration::from_secs(1) * n as u32 / PER_SECOND as u32;
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        let user = format!("u{}", n * 37 % 10_000);
                        let (id, value) = (format!("e{n}"), n.to_string());
                        let event = match n % 10 {
                            0 => event(&id, "group.members.add", &format!("g{}", n % 20), members(&[&user])),
                            1 => event(&id, "user.upsert", &format!("new{n}"), attributes("a", &[&value])),
                            2 if n % 100 == 2 => {
                                event(&id, "group.attributes.set", "g1", attributes("a", &[&value]))
                            }
                            _ => event(&id, "user.attributes.set", &user, attributes("a", &[&value])),
                        };
                        assert_eq!(lab.push.outcome(&event), "applied");
                        times.push(due.elapsed());
                    }
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no panic")).collect()
    });
    times.sort();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    eprintln!("{} events: p50 {:?}, p99 {:?}, longest {:?}", times.len(), at(0.5), at(0.99), at(1.0));
    assert!(at(0.99) < Duration::from_secs(1), "p99 {:?}", at(0.99));
}
