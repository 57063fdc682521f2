//! Once, and by the time of the event.

use std::sync::Barrier;

use serde_json::{Value, json};

use super::{Lab, attributes, event, event_at, facts, members, outcome};

#[test]
fn a_repeat_changes_nothing() {
    let lab = Lab::new();
    let first = event("1", "user.upsert", "sara", attributes("a", &["1"]));
    assert_eq!(lab.push.outcome(&first), "applied");
    lab.push.outcome(&event("2", "user.attributes.set", "sara", attributes("a", &["2"])));
    let before = lab.facts();
    let answer = lab.push.send(&first).expect(200);
    assert_eq!((outcome(&answer.json), &answer.json["first"]), ("duplicate".into(), &json!("applied")));
    assert_eq!(lab.facts(), before);
    // The same id of another origin is another event.
    let mut other = first;
    other["source"] = json!("/others");
    assert_eq!(lab.push.outcome(&other), "applied");
}

#[test]
fn of_two_at_the_same_instant_one_counts() {
    let lab = Lab::new();
    lab.push.outcome(&event("0", "user.upsert", "sara", json!({})));
    for round in 0..10 {
        let barrier = Barrier::new(8);
        let event = event(
            &format!("r{round}"),
            "user.attributes.set",
            "sara",
            attributes("n", &[&round.to_string()]),
        );
        let mut outcomes: Vec<String> = std::thread::scope(|threads| {
            let workers: Vec<_> = (0..8)
                .map(|_| {
                    threads.spawn(|| {
                        barrier.wait();
                        lab.push.outcome(&event)
                    })
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().expect("no panic")).collect()
        });
        outcomes.sort();
        assert_eq!(outcomes[0], "applied");
        assert!(outcomes[1..].iter().all(|outcome| outcome == "duplicate"), "{outcomes:?}");
    }
    assert_eq!(
        lab.db.number("SELECT count(*) FROM roster.read_changes(0, 1000) WHERE kind = 'user_attribute' AND change = 'add'"),
        10
    );
}

#[test]
fn what_is_older_and_arrives_later_does_not_count() {
    let lab = Lab::new();
    let send = |second, id: &str, kind: &str, data: Value| {
        lab.push.send(&event_at(second, id, kind, "sara", data)).expect(200)
    };
    send(10, "1", "user.upsert", json!({"display_name": "new"}));
    send(10, "2", "user.attributes.set", attributes("a", &["new"]));
    let before = facts(&lab.db);
    let answer = send(5, "3", "user.attributes.set", attributes("a", &["old"]));
    assert_eq!((outcome(&answer.json), &answer.json["late"]), ("late".into(), &json!(["a"])));
    assert_eq!(
        outcome(&send(5, "4", "user.attributes.remove", json!({"attributes": {"a": null}})).json),
        "late"
    );
    assert_eq!(outcome(&send(9, "5", "user.attributes.add", attributes("a", &["old"])).json), "late");
    assert_eq!(outcome(&send(5, "6", "user.disable", Value::Null).json), "late");
    assert_eq!(facts(&lab.db), before);
    // Of an event that is late in part, the rest counts, and it is told.
    let answer = send(5, "7", "user.attributes.set", json!({"attributes": {"a": ["old"], "b": ["first"]}}));
    assert_eq!((outcome(&answer.json), &answer.json["late"]), ("applied".into(), &json!(["a"])));
    let answer = send(
        5,
        "8",
        "user.upsert",
        json!({"display_name": "old", "email": "e@x", "attributes": {"c": ["1"]}}),
    );
    assert_eq!(
        (outcome(&answer.json), &answer.json["late"]),
        ("applied".into(), &json!(["user", "display_name"]))
    );
    assert_eq!(
        super::stated(&lab.db),
        ["user sara t new e@x {}", "user sara: a=new (hr)", "user sara: b=first (hr)", "user sara: c=1 (hr)"]
    );
    // At the same time, what arrives later is newer.
    assert_eq!(
        outcome(&send(10, "9", "user.attributes.set", attributes("a", &["same time"])).json),
        "applied"
    );
    assert_eq!(
        outcome(
            &lab.push.send(&event_at(5, "3", "user.attributes.set", "sara", attributes("a", &["old"]))).json
        ),
        "duplicate"
    );
}

#[test]
fn a_subject_that_is_gone_is_remembered() {
    let lab = Lab::new();
    lab.push.outcome(&event_at(1, "u", "user.upsert", "sam", json!({})));
    let send = |second, id: &str, kind: &str, data: Value| {
        lab.push.outcome(&event_at(second, id, kind, "dev", data))
    };
    assert_eq!(send(1, "1", "group.upsert", json!({})), "applied");
    assert_eq!(send(10, "2", "group.delete", Value::Null), "applied");
    assert_eq!(send(5, "3", "group.upsert", json!({})), "late");
    assert_eq!(send(5, "4", "group.members.add", members(&["sam"])), "late");
    assert_eq!(send(5, "5", "group.attributes.set", attributes("a", &["1"])), "late");
    assert_eq!(lab.db.lines("SELECT * FROM roster.dead_letters"), [""; 0]);
    assert_eq!(send(20, "6", "group.members.add", members(&["sam"])), "waiting");
    assert_eq!(send(15, "7", "group.upsert", json!({})), "applied");
}

#[test]
fn clocks_that_are_ahead_are_refused() {
    let lab = Lab::new();
    let at = |interval: &str| {
        let mut event = event("1", "user.upsert", "sara", json!({}));
        event["time"] = json!(
            lab.db.line(&format!("SELECT to_json(clock_timestamp() + interval '{interval}') #>> '{{}}'"))
        );
        event
    };
    let answer = lab.push.send(&at("6 minutes")).expect(422);
    assert!(answer.json["detail"].as_str().is_some_and(|detail| detail.contains("ahead")), "{answer:?}");
    // Nothing has happened: with its time right, the same event is taken.
    assert_eq!(lab.push.outcome(&at("4 minutes")), "applied");
    assert_eq!(lab.db.lines("SELECT * FROM roster.dead_letters"), [""; 0]);
}
