//! A provider that provisions by SCIM: users come, change, are disabled and enabled, enter and leave groups.

use std::collections::{BTreeMap, BTreeSet};

use roster_tests::{Rng, SCIM_JSON, patch_body};
use serde_json::{Value, json};

use super::Signal;
use super::http::{Http, prefix};
use super::world::World;
use crate::scim::{ENTERPRISE, group, user};

const GROUPS: usize = 5;
const MOST_USERS: usize = 120;

#[derive(Debug, Default)]
pub struct ProviderModel {
    pub users: BTreeMap<String, Person>,
    /// (group, user)
    pub members: BTreeSet<(String, String)>,
    pub groups: BTreeMap<String, String>,
    pub done: usize,
    pub sent: usize,
}

#[derive(Debug, Clone)]
pub struct Person {
    pub id: String,
    pub active: bool,
    pub title: String,
}

pub fn document(name: &str, person: &Person) -> Value {
    user(
        name,
        json!({"externalId": format!("ext-{name}"), "active": person.active, "title": person.title,
               ENTERPRISE: {"department": person.title}}),
    )
}

pub fn work(world: &World, mut rng: Rng, signal: &Signal) -> ProviderModel {
    let mut http = world.scim();
    let mut model = ProviderModel::default();
    for n in 0..GROUPS {
        let name = format!("scim group {n}");
        let id = created(&mut http, "/Groups", "displayName", &name, &new_group(&name));
        model.groups.insert(name, id);
    }
    while !signal.is_over() {
        model.step(&mut http, &mut rng);
        model.done += 1;
        signal.pause(&mut rng, 400);
    }
    model.sent = http.sent;
    model
}

/// A group whose external id is known, so that it is the same one in another database.
pub fn new_group(name: &str) -> Value {
    let mut group = group(name, &[]);
    group["externalId"] = json!(format!("ext-{name}"));
    group
}

impl ProviderModel {
    fn step(&mut self, http: &mut Http, rng: &mut Rng) {
        let names: Vec<String> = self.users.keys().cloned().collect();
        if names.len() < MOST_USERS && (names.is_empty() || rng.one_in(5)) {
            let name = format!("scim{:04}", self.done);
            let mut person = Person { id: String::new(), active: true, title: "new".into() };
            person.id = created(http, "/Users", "userName", &name, &document(&name, &person));
            self.users.insert(name, person);
            return;
        }
        let name = rng.pick(&names).clone();
        let person = self.users.get_mut(&name).expect("somebody who is there");
        let path = format!("/Users/{}", person.id);
        match rng.below(8) {
            0..=2 => {
                person.title = format!("title {}", rng.below(30));
                let text = document(&name, person).to_string();
                done(http.insist("PUT", &format!("{}{path}", prefix()), SCIM_JSON, &text));
            }
            3 => {
                person.active = !person.active;
                patch(http, &path, &json!([{"op": "replace", "path": "active", "value": person.active}]));
            }
            _ => {
                let id = person.id.clone();
                self.turn_member(http, rng, &name, &id);
            }
        }
    }

    fn turn_member(&mut self, http: &mut Http, rng: &mut Rng, name: &str, id: &str) {
        let groups: Vec<_> = self.groups.iter().map(|(name, id)| (name.clone(), id.clone())).collect();
        let (group, group_id) = rng.pick(&groups).clone();
        let path = format!("/Groups/{group_id}");
        let pair = (group, name.to_owned());
        if self.members.remove(&pair) {
            let member = format!("members[value eq \"{id}\"]");
            patch(http, &path, &json!([{"op": "remove", "path": member}]));
        } else {
            patch(http, &path, &json!([{"op": "add", "path": "members", "value": [{"value": id}]}]));
            self.members.insert(pair);
        }
    }
}

/// The id of the new resource, which may be there already: the answer to the request before may have been lost.
pub fn created(http: &mut Http, path: &str, key: &str, name: &str, body: &Value) -> String {
    let (status, answer) = http.insist("POST", &format!("{}{path}", prefix()), SCIM_JSON, &body.to_string());
    if status == 201 {
        return answer["id"].as_str().expect("an id").to_owned();
    }
    assert_eq!(status, 409, "{answer}");
    let filter = roster_tests::encoded(&format!("{key} eq \"{name}\""));
    let (status, answer) = http.insist("GET", &format!("{}{path}?filter={filter}", prefix()), SCIM_JSON, "");
    assert_eq!(status, 200, "{answer}");
    answer["Resources"][0]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("taken by nobody: {name} {answer}"))
        .to_owned()
}

pub fn patch(http: &mut Http, path: &str, operations: &Value) {
    done(http.insist("PATCH", &format!("{}{path}", prefix()), SCIM_JSON, &patch_body(operations)));
}

fn done((status, answer): (u16, Value)) {
    assert!(matches!(status, 200 | 204), "{status} {answer}");
}
