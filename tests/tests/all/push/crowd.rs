//! Sixteen clients at once.

use serde_json::json;

use super::{Lab, attributes, event, members};
use crate::model::Model;

const CLIENTS: usize = 16;
const ROUNDS: usize = 25;

#[test]
fn sixteen_clients_lose_nothing_and_none_is_sent_away() {
    let lab = Lab::new();
    lab.push.outcome(&event("g", "group.upsert", "all", json!({})));
    std::thread::scope(|threads| {
        for client in 0..CLIENTS {
            let push = &lab.push;
            threads.spawn(move || {
                for round in 0..ROUNDS {
                    let id = |step: &str| format!("{client} {round} {step}");
                    // All write the same users and groups, each its own values.
                    let user = format!("u{}", round % 7);
                    let value = format!("c{client}r{round}");
                    let send = |step: &str, kind: &str, subject: &str, data| {
                        let answer = push.send(&event(&id(step), kind, subject, data));
                        assert!(matches!(answer.status, 200 | 202), "{answer:?}");
                    };
                    send("upsert", "user.upsert", &user, json!({"display_name": value}));
                    send("add", "user.attributes.add", &user, attributes("seen", &[&value]));
                    send(
                        "both",
                        "group.members.add",
                        "all",
                        members(&[&user, &format!("u{}", (round + 3) % 7)]),
                    );
                    let group = format!("g{}", client % 3);
                    send("group", "group.upsert", &group, attributes("seen", &[&value]));
                    send(
                        "carry",
                        "group.attributes.add",
                        "all",
                        attributes("seen", &[&format!("all {value}")]),
                    );
                }
            });
        }
    });
    let seen = |view: &str| lab.db.number(&format!("SELECT count(*) FROM roster.{view} WHERE name = 'seen'"));
    assert_eq!(seen("user_attributes"), (CLIENTS * ROUNDS) as i64);
    assert_eq!(
        lab.db.number("SELECT count(*) FROM roster.group_attributes WHERE owner = 'all'"),
        (CLIENTS * ROUNDS) as i64
    );
    roster_tests::wait_until("nobody waits", || {
        lab.db.number("SELECT count(*) FROM roster.dead_letters") == 0
    });
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.memberships WHERE group_name = 'all'"), 7);
    Model::stated_in(&lab.db).assert_derived_in(&lab.db);
}
