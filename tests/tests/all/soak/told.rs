//! Who follows corp over HTTP: a subscriber of the feed, and the receiver of a webhook.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Signal;
use super::http::Http;
use super::world::World;

#[derive(Debug, Default)]
pub struct Subscribed {
    lines: Vec<String>,
    next: i64,
}

pub fn subscribe(world: &World, signal: &Signal) -> Subscribed {
    let mut subscribed = Subscribed::default();
    let mut http = world.feed();
    while !signal.is_over() {
        subscribed.on(&mut http, 1);
    }
    subscribed
}

impl Subscribed {
    /// The next stretch; how many changes it had.
    fn on(&mut self, http: &mut Http, wait: usize) -> usize {
        let path = format!("/v1/changes?after={}&limit=200&wait={wait}", self.next);
        let (status, answer) = http.insist("GET", &path, "", "");
        assert_eq!(status, 200, "{answer}");
        let changes = answer["changes"].as_array().expect("changes");
        self.lines.extend(changes.iter().map(line));
        let next = answer["next"].as_i64().expect("where to go on");
        assert!(next >= self.next, "the feed goes forward: {} after {}", next, self.next);
        self.next = next;
        changes.len()
    }
}

fn line(change: &Value) -> String {
    let text = |name: &str| change[name].as_str().unwrap_or_default();
    format!(
        "{}|{}|{}|{}|{}|{}",
        change["change_id"],
        text("change"),
        text("kind"),
        text("subject"),
        text("name"),
        text("source")
    )
}

pub fn assert_complete(world: &World, mut subscribed: Subscribed) {
    let mut http = world.feed();
    while subscribed.on(&mut http, 0) > 0 {}
    let session = world.session();
    let there = session.lines(
        "SELECT change_id, change, kind, coalesce(subject, ''), coalesce(name, ''), coalesce(source, '') FROM roster.changes
         WHERE iam = 'corp' ORDER BY change_id",
    );
    assert_eq!(subscribed.lines.len(), there.len(), "the subscriber missed something, or was told twice");
    for (told, there) in subscribed.lines.iter().zip(&there) {
        assert_eq!(told, there);
    }
    webhook_was_told(world);
}

/// Every attribute event at least once, and about each subject in order.
fn webhook_was_told(world: &World) {
    let taken = world.receiver.taken();
    let mut told = BTreeMap::<String, usize>::new();
    let mut last = BTreeMap::<(String, String), i64>::new();
    for one in &taken {
        let data = &one.body["data"];
        let (subject, id) = (one.text("/subject").to_owned(), data["change_id"].as_i64().expect("a number"));
        let is_user = data["kind"] == "user" || one.text("/type").starts_with("user");
        let about = (
            if one.text("/type").starts_with("member") || !is_user { "group" } else { "user" },
            subject.clone(),
        );
        let before = last.insert((about.0.to_owned(), about.1), id).unwrap_or_default();
        assert!(before < id, "{subject} was told of {id} after {before}");
        for (change, values) in [("add", &data["added"]), ("remove", &data["removed"])] {
            for value in values.as_array().into_iter().flatten() {
                let value = value.as_str().expect("a text");
                let fact = format!(
                    "{change}|{}|{subject}|{}|{value}",
                    one.text("/data/kind"),
                    one.text("/data/name")
                );
                *told.entry(fact).or_default() += 1;
            }
        }
    }
    let mut happened = BTreeMap::<String, usize>::new();
    for line in world.session().lines(
        "SELECT change, replace(kind, '_attribute', ''), subject, name, coalesce(after, before) #>> '{}' FROM roster.changes
         WHERE iam = 'corp' AND kind IN ('user_attribute', 'group_attribute')",
    ) {
        *happened.entry(line).or_default() += 1;
    }
    let differs: Vec<_> = happened
        .iter()
        .filter(|(fact, times)| told.get(*fact) != Some(*times))
        .chain(told.iter().filter(|(fact, _)| !happened.contains_key(*fact)))
        .take(20)
        .collect();
    assert!(differs.is_empty(), "the webhook was told otherwise than it happened: {differs:#?}");
    let sent = world.receiver.received().len();
    println!("webhook: {} events taken of {sent} sent", taken.len());
}
