//! Many users, several at a time.

use roster_tests::Reply;
use serde_json::json;

use super::{Lab, answer};

#[test]
fn so_many_are_asked_about_at_once_and_no_more() {
    let users: Vec<String> = (0..40).map(|n| format!("u{n:02}")).collect();
    let lab = Lab::with(&users.iter().map(String::as_str).collect::<Vec<_>>());
    for user in &users {
        lab.knows(user, &[], json!({"x": "1"}));
    }
    lab.configure(json!({"concurrency": 5}));
    lab.web.wait_for(5);
    lab.sync();
    assert_eq!(lab.web.most_at_once(), 5);
    assert_eq!(lab.attributes().len(), 40);
}

#[test]
fn ten_thousand_users() {
    let lab = Lab::with(&[]);
    lab.db.run("SELECT count(roster.create_user('u' || n, iam => 'corp')) FROM generate_series(1, 10000) n");
    let reply = Reply::ok(&answer(&["g1", "g2"], &json!({"x": ["1", "2"], "y": "3"})));
    for n in 1..=10000 {
        lab.web.answer(&format!("u{n}"), reply.clone());
    }
    let begun = std::time::Instant::now();
    lab.sync();
    println!("10,000 users, 8 at once: {:?}", begun.elapsed());
    assert_eq!(lab.web.most_at_once().min(8), lab.web.most_at_once(), "no more than eight at once");
    assert_eq!(lab.web.asked().len(), 10000);
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.user_attributes WHERE source = 'facts'"), 30000);
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.memberships WHERE source = 'facts'"), 20000);
}
