//! How long it takes from an event, or a change of the watched table, until another session sees the effect.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::tables::replacing;
use super::world::{Stated, World};
use super::{STAYING, username};
use crate::push::{STRUCTURED, attributes, event};

const CLIENTS: usize = 8;
const PER_SECOND: usize = 100;
const SECONDS: usize = 30;

#[derive(Debug)]
pub struct Latencies {
    events: Vec<Duration>,
    table: Vec<Duration>,
}

impl Latencies {
    /// A hundred events per second, while the watched table changes and is read.
    pub fn measure(world: &World, stated: &mut Stated) -> Latencies {
        let (next, start) = (AtomicUsize::new(0), Instant::now());
        let next = &next;
        let (mut events, mut table) = thread::scope(|threads| {
            let clients: Vec<_> =
                (0..CLIENTS).map(|n| threads.spawn(move || send(world, n, next, start))).collect();
            let table = threads.spawn(move || change_the_table(world, next));
            let events: Vec<_> =
                clients.into_iter().flat_map(|client| client.join().expect("a client")).collect();
            (events, table.join().expect("the table's writer"))
        });
        // The measurement's own facts, so that the model stays complete.
        for n in 0..STAYING {
            let last = (0..SECONDS * PER_SECOND)
                .rev()
                .find(|event| event % STAYING == n)
                .expect("everybody has one");
            let service = &mut stated.services[n % super::SERVICES];
            let key = (username(n), "measured".to_owned());
            let all = (0..SECONDS * PER_SECOND).filter(|event| event % STAYING == n);
            let fact = |event: usize| format!("user_attribute|{}|measured|{event}", username(n));
            service.added.extend(all.clone().map(fact));
            service.retracted.extend(all.filter(|event| *event != last).map(fact));
            service.values.insert(key, [last.to_string()].into());
        }
        let changes = table.len();
        let key = (username(0), "measured".to_owned());
        stated.tables[0]
            .retracted
            .extend((0..changes).map(|n| format!("user_attribute|{}|measured|{n}", username(0))));
        stated.tables[0].values.insert(key, [(changes - 1).to_string()].into());
        events.sort();
        table.sort();
        Latencies { events, table }
    }
}

/// Events are due at fixed times, whoever is still busy then; each user's come one after the other.
fn send(world: &World, client: usize, next: &AtomicUsize, start: Instant) -> Vec<Duration> {
    let mut http = world.push().beginning_with(client);
    let session = world.session();
    let mut times = Vec::new();
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= SECONDS * PER_SECOND {
            return times;
        }
        let due = start + Duration::from_secs(1) * n as u32 / PER_SECOND as u32;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let (user, value) = (username(n % STAYING), n.to_string());
        let event =
            event(&format!("measured {n}"), "user.attributes.set", &user, attributes("measured", &[&value]));
        let (status, answer) = http.insist("POST", "/v1/events", STRUCTURED, &event.to_string());
        assert_eq!(status, 200, "{answer}");
        wait_for(&session, &user, "measured", &value, "corp-apps");
        times.push(due.elapsed());
    }
}

fn change_the_table(world: &World, next: &AtomicUsize) -> Vec<Duration> {
    let (writer, session) = (world.session(), world.session());
    let mut times = Vec::new();
    let user = username(0);
    while next.load(Ordering::Relaxed) < SECONDS * PER_SECOND || times.is_empty() {
        let value = times.len().to_string();
        let begun = Instant::now();
        writer.run(&replacing(&user, "measured", &[value.clone()].into()));
        wait_for(&session, &user, "measured", &value, "corp-hr");
        times.push(begun.elapsed());
    }
    times
}

fn wait_for(session: &roster_tests::Session, user: &str, name: &str, value: &str, source: &str) {
    let begun = Instant::now();
    let sql = format!(
        "SELECT EXISTS (SELECT FROM roster.effective_attributes WHERE iam = 'corp' AND username = '{user}' AND name = '{name}' AND value = '{value}')
            AND EXISTS (SELECT FROM roster.user_attributes WHERE iam = 'corp' AND owner = '{user}' AND name = '{name}' AND value = '{value}' AND source = '{source}')"
    );
    while session.line(&sql) != "t" {
        assert!(begun.elapsed() < Duration::from_secs(60), "{user} {name}={value} of {source} never came");
        thread::sleep(Duration::from_millis(2));
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |times: &[Duration], part: f64| times[((times.len() - 1) as f64 * part) as usize];
        let line = |times: &[Duration]| {
            let (p50, p99, most) = (at(times, 0.5), at(times, 0.99), at(times, 1.0));
            format!("p50 {p50:.1?}, p99 {p99:.1?}, longest {most:.1?} of {}", times.len())
        };
        write!(
            f,
            "event -> effective at {PER_SECOND}/s: {}\nwatched table -> effective, meanwhile: {}",
            line(&self.events),
            line(&self.table)
        )
    }
}
