//! Events in any order, some of them several times, end in the state of a naive model that takes them in order.

use std::collections::{BTreeMap, BTreeSet};

use roster_tests::{Db, Rng};
use serde_json::{Value, json};

use super::{attributes, members, new_source};

#[derive(Debug, Clone)]
struct Event {
    second: usize,
    kind: &'static str,
    subject: String,
    data: Value,
}

const USERS: [&str; 4] = ["ann", "bob", "cid", "dan"];
const GROUPS: [&str; 3] = ["dev", "ops", "hr"];
const NAMES: [&str; 2] = ["color", "size"];
const VALUES: [&str; 3] = ["1", "2", "3"];

fn random(rng: &mut Rng, second: usize) -> Event {
    let kinds = [
        "user.upsert",
        "user.upsert",
        "user.disable",
        "user.attributes.set",
        "user.attributes.add",
        "user.attributes.add",
        "user.attributes.remove",
        "group.upsert",
        "group.upsert",
        "group.delete",
        "group.attributes.set",
        "group.attributes.add",
        "group.attributes.remove",
        "group.members.add",
        "group.members.add",
        "group.members.remove",
    ];
    let kind = *rng.pick(&kinds);
    let subject = if kind.starts_with("user") { *rng.pick(&USERS) } else { *rng.pick(&GROUPS) };
    let some = |rng: &mut Rng, of: &[&'static str]| -> Vec<&'static str> {
        of.iter().copied().filter(|_| rng.one_in(2)).collect()
    };
    let data = match kind {
        "user.disable" | "group.delete" => Value::Null,
        "user.upsert" | "group.upsert" => match rng.below(3) {
            0 => json!({}),
            1 => json!({"title": rng.pick(&VALUES), "display_name": rng.pick(&VALUES)}),
            _ => json!({"display_name": null, "attributes": {*rng.pick(&NAMES): some(rng, &VALUES)}}),
        },
        "group.members.add" | "group.members.remove" => members(&some(rng, &USERS)),
        _ if kind.ends_with("remove") && rng.one_in(4) => json!({"attributes": {*rng.pick(&NAMES): null}}),
        _ => {
            let name = *rng.pick(&NAMES);
            attributes(name, &some(rng, &VALUES))
        }
    };
    Event { second, kind, subject: subject.to_owned(), data }
}

#[derive(Debug, Default)]
struct Thing {
    exists: bool,
    active: bool,
    display_name: Option<String>,
    profile: BTreeMap<String, Value>,
    values: BTreeMap<String, BTreeSet<String>>,
}

/// What is stated is stated whether its subject is there or not; it shows when it is.
#[derive(Debug, Default)]
struct Naive {
    things: BTreeMap<(bool, String), Thing>,
    members: BTreeSet<(String, String)>,
}

impl Naive {
    fn take(&mut self, event: &Event) {
        let is_user = event.kind.starts_with("user");
        let thing = self.things.entry((is_user, event.subject.clone())).or_default();
        let verb = event.kind.rsplit('.').next().expect("a verb");
        if event.kind.contains(".members.") {
            for member in event.data["members"].as_array().expect("names") {
                let pair = (event.subject.clone(), member.as_str().expect("a name").to_owned());
                if verb == "add" {
                    self.members.insert(pair)
                } else {
                    self.members.remove(&pair)
                };
            }
            return;
        }
        match verb {
            "upsert" => {
                (thing.exists, thing.active) = (true, true);
                for (key, value) in event.data.as_object().expect("fields") {
                    match key.as_str() {
                        "attributes" => {}
                        "display_name" => thing.display_name = value.as_str().map(str::to_owned),
                        _ => {
                            thing.profile.insert(key.clone(), value.clone());
                        }
                    }
                }
            }
            "disable" => thing.active = false,
            "delete" => {
                thing.exists = false;
                thing.display_name = None;
                thing.profile.clear();
                thing.values.clear();
                self.members.retain(|(group, _)| *group != event.subject);
            }
            _ => {}
        }
        let Some(given) = event.data.get("attributes").and_then(Value::as_object) else { return };
        for (name, values) in given {
            let held = thing.values.entry(name.clone()).or_default();
            let Some(values) = values.as_array() else {
                held.clear();
                continue;
            };
            let values = values.iter().map(|value| value.as_str().expect("a text").to_owned());
            match verb {
                "add" => held.extend(values),
                "remove" => values.for_each(|value| {
                    held.remove(&value);
                }),
                _ => *held = values.collect(),
            }
        }
    }

    /// As `super::stated` shows it.
    fn stated(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for ((is_user, name), thing) in self.things.iter().filter(|(_, thing)| thing.exists) {
            let kind = if *is_user { "user" } else { "group" };
            let shown = thing.display_name.clone().unwrap_or_default();
            let profile = json!(thing.profile).to_string().replace("\":", "\": ");
            lines.push(match is_user {
                true => format!("user {name} {} {shown}  {profile}", if thing.active { "t" } else { "f" }),
                false => format!("group {name} {shown} {profile}"),
            });
            for (attribute, values) in &thing.values {
                lines.extend(values.iter().map(|value| format!("{kind} {name}: {attribute}={value} (hr)")));
            }
        }
        let exists = |is_user: bool, name: &String| {
            self.things.get(&(is_user, name.clone())).is_some_and(|thing| thing.exists)
        };
        let there = self.members.iter().filter(|(group, user)| exists(false, group) && exists(true, user));
        lines.extend(there.map(|(group, user)| format!("{user} in {group} (hr)")));
        lines.sort();
        lines
    }
}

fn send(db: &Db, id: usize, event: &Event) {
    let kind = format!("roster.{}", event.kind);
    let data = (!event.data.is_null()).then_some(&event.data);
    db.call(
        "SELECT roster_private.push_event((SELECT source_id FROM roster_private.source WHERE source = 'hr'), 'key', 'o', $1, $2, $3,
                timestamptz '2026-01-01' + $4 * interval '1 second', $5, NULL, NULL)",
        &[&id.to_string(), &kind, &event.subject, &(event.second as f64), &data],
    );
}

fn retry(db: &Db) {
    while db.number("SELECT roster_private.retry_waiting_events()") > 0 {}
}

fn check(seed: u64, count: usize) {
    let mut rng = Rng::seeded(seed);
    let events: Vec<Event> = (0..count).map(|second| random(&mut rng, second)).collect();
    let mut naive = Naive::default();
    events.iter().for_each(|event| naive.take(event));

    let mut order: Vec<usize> = (0..count).chain((0..count / 3).map(|_| rng.below(count))).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, rng.below(at + 1));
    }
    let db = Db::fresh();
    db.run("SELECT roster.create_identity_manager('corp')");
    new_source(&db, "corp", "hr", "key", &json!({"create_users": true}));
    for (no, id) in order.iter().enumerate() {
        send(&db, *id, &events[*id]);
        if no % 10 == 0 {
            retry(&db);
        }
    }
    retry(&db);
    assert_eq!(super::stated(&db), naive.stated(), "seed {seed}: {order:?}\n{events:#?}");
    assert_eq!(
        db.lines("SELECT reason FROM roster.dead_letters WHERE state = 'dead'"),
        [""; 0],
        "seed {seed}"
    );
    crate::model::Model::stated_in(&db).assert_derived_in(&db);
}

#[test]
fn any_order_ends_in_the_same_state() {
    for seed in 0..6 {
        check(seed, 60);
    }
    check(100, 250);
}

#[test]
#[ignore = "long: part of make test-all"]
fn any_order_of_many_ends_in_the_same_state() {
    for seed in 1000..1060 {
        check(seed, 120);
    }
}
