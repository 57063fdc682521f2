//! Services that push events: values of users and members of groups of their own. Some events are sent again when they
//! are long done, and some so late that newer ones were taken before.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use roster_tests::Rng;
use serde_json::{Value, json};

use super::http::Http;
use super::world::{Values, World};
use super::{SERVICES, STAYING, Signal, username};
use crate::push::{STRUCTURED, attributes, event, members};

const NAMES: [&str; 3] = ["clearance", "project", "cart"];

#[derive(Debug, Default)]
pub struct ServiceModel {
    pub values: Values,
    pub members: BTreeSet<(String, String)>,
    pub groups: BTreeSet<String>,
    /// How often a fact was taken back: `kind|subject|name|value`.
    pub retracted: Vec<String>,
    /// How often one was stated.
    pub added: Vec<String>,
    pub done: usize,
    pub sent: usize,
}

pub fn group(n: usize) -> String {
    format!("team{n}")
}

struct Service<'w> {
    n: usize,
    http: Http,
    model: ServiceModel,
    /// Events that are done.
    past: Vec<Value>,
    rng: Rng,
    clock: SystemTime,
    world: &'w World,
}

pub fn work(world: &World, n: usize, rng: Rng, signal: &Signal) -> ServiceModel {
    let http = world.push().beginning_with(n);
    let clock = SystemTime::now();
    let mut service =
        Service { n, http, model: ServiceModel::default(), past: Vec::new(), rng, clock, world };
    service.begin();
    while !signal.is_over() {
        service.step();
        signal.pause(&mut service.rng, 150);
    }
    service.model.sent = service.http.sent;
    service.model
}

impl Service<'_> {
    fn begin(&mut self) {
        let group = group(self.n);
        let event = self.event("group.upsert", &group, attributes("team", &[&group]));
        assert_eq!(self.state(&event), "applied");
        self.model.groups.insert(group);
    }

    fn step(&mut self) {
        // Each has users of its own, who stay.
        let user = username(self.rng.below(STAYING / SERVICES) * SERVICES + self.n);
        let name = *self.rng.pick(&NAMES);
        let values: BTreeSet<String> =
            (0..self.rng.below(3)).map(|_| format!("{name} {}", self.rng.below(9))).collect();
        let texts: Vec<&str> = values.iter().map(String::as_str).collect();
        match self.rng.below(20) {
            0..=7 => {
                let event = self.event("user.attributes.set", &user, attributes(name, &texts));
                self.state(&event);
                self.sets(&user, name, values);
            }
            8..=11 => {
                let event = self.event("user.attributes.add", &user, attributes(name, &texts));
                self.state(&event);
                let all = &self.values(&user, name) | &values;
                self.sets(&user, name, all);
            }
            12..=14 => {
                let event = self.event("user.attributes.remove", &user, attributes(name, &texts));
                self.state(&event);
                let rest = &self.values(&user, name) - &values;
                self.sets(&user, name, rest);
            }
            15..=16 => self.turn_member(&user),
            17 => self.repeat(),
            18 => self.late(),
            _ => self.visible(&user),
        }
    }

    fn values(&self, user: &str, name: &str) -> BTreeSet<String> {
        self.model.values.get(&(user.to_owned(), name.to_owned())).cloned().unwrap_or_default()
    }

    fn sets(&mut self, user: &str, name: &str, values: BTreeSet<String>) {
        let old =
            self.model.values.insert((user.to_owned(), name.to_owned()), values.clone()).unwrap_or_default();
        let fact = |value: &String| format!("user_attribute|{user}|{name}|{value}");
        self.model.retracted.extend(old.difference(&values).map(fact));
        self.model.added.extend(values.difference(&old).map(fact));
    }

    fn turn_member(&mut self, user: &str) {
        let pair = (group(self.n), user.to_owned());
        let fact = format!("membership|{}|{user}|", pair.0);
        if self.model.members.remove(&pair) {
            let event = self.event("group.members.remove", &pair.0, members(&[user]));
            self.state(&event);
            self.model.retracted.push(fact);
        } else {
            let event = self.event("group.members.add", &pair.0, members(&[user]));
            self.state(&event);
            self.model.members.insert(pair);
            self.model.added.push(fact);
        }
    }

    /// A copy of an event that is done changes nothing.
    fn repeat(&mut self) {
        if self.past.is_empty() {
            return;
        }
        let event = self.past[self.rng.below(self.past.len())].clone();
        let (status, answer) = self.http.insist("POST", "/v1/events", STRUCTURED, &event.to_string());
        assert_eq!((status, answer["outcome"].as_str()), (200, Some("duplicate")), "{event}\n{answer}");
    }

    /// An event that was overtaken by newer ones changes nothing. (Its values are nobody's.)
    fn late(&mut self) {
        let Some(past) = self.past.iter().rev().find(|past| past["type"] == "roster.user.attributes.set")
        else {
            return;
        };
        let mut late = past.clone();
        late["id"] = json!(format!("{}/late/{}", self.n, self.model.done));
        late["time"] = json!(rfc3339(self.clock - Duration::from_secs(3600)));
        let name = late["data"]["attributes"].as_object().and_then(|all| all.keys().next()).cloned();
        late["data"] = attributes(&name.expect("one attribute"), &["too late"]);
        assert_eq!(self.state(&late), "late");
    }

    /// What was acknowledged is there for everybody, at once.
    fn visible(&mut self, user: &str) {
        let value = format!("cart at {}", self.model.done);
        let event = self.event("user.attributes.set", user, attributes("cart", &[&value]));
        self.state(&event);
        self.sets(user, "cart", [value.clone()].into());
        let Some(session) = self.world.try_session() else { return };
        let seen = session.try_lines(&format!(
            "SELECT value FROM roster.effective_attributes WHERE iam = 'corp' AND username = '{user}' AND name = 'cart'"
        ));
        // The server may be gone again.
        if let Ok(seen) = seen {
            assert_eq!(seen, [value], "acknowledged, so effective");
        }
    }

    fn event(&mut self, kind: &str, subject: &str, data: Value) -> Value {
        let mut event = event(&format!("{}/{}", self.n, self.model.done), kind, subject, data);
        self.clock = SystemTime::now().max(self.clock + Duration::from_millis(1));
        event["time"] = json!(rfc3339(self.clock));
        event["source"] = json!(format!("/services/{}", self.n));
        event
    }

    /// Until it is acknowledged. What it was the first time, if it had to be repeated.
    fn state(&mut self, event: &Value) -> String {
        let (status, answer) = self.http.insist("POST", "/v1/events", STRUCTURED, &event.to_string());
        assert_eq!(status, 200, "{event}\n{answer}");
        let said = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
        let outcome = if said("outcome") == "duplicate" { said("first") } else { said("outcome") };
        assert!(outcome == "applied" || outcome == "late", "{event}\n{answer}");
        self.model.done += 1;
        self.past.push(event.clone());
        outcome
    }
}

/// To the millisecond, in UTC.
pub fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let (days, seconds) = (since.as_secs() / 86400, since.as_secs() % 86400);
    // Days to a date, after Howard Hinnant.
    let z = days as i64 + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", since.subsec_millis())
}
