//! The end of a source, and a backup of one.

use serde_json::{Value, json};

use super::{Lab, Push, attributes, event, event_at, members, outcome, stated};
use crate::dump::{assert_same, contents, dumped_and_restored};

#[test]
fn a_dropped_source_leaves_nothing_behind() {
    let lab = Lab::new();
    lab.db.run(
        "SELECT roster.create_user('ann', iam => 'corp'); SELECT roster.create_group('staff', iam => 'corp')",
    );
    let before = stated(&lab.db);
    for (n, (kind, subject, data)) in [
        ("user.upsert", "sara", attributes("a", &["1"])),
        ("user.attributes.set", "ann", attributes("a", &["1"])),
        ("group.upsert", "dev", attributes("b", &["1"])),
        ("group.members.add", "dev", members(&["sara", "ann", "nobody"])),
        ("group.members.add", "staff", members(&["sara"])),
        ("user.nothing", "sara", Value::Null),
    ]
    .into_iter()
    .enumerate()
    {
        lab.push.send(&event(&n.to_string(), kind, subject, data));
    }
    lab.db.run("SELECT roster.drop_source('hr', override_guard => true)");
    let after: Vec<String> = stated(&lab.db).into_iter().filter(|line| line != "user sara f   {}").collect();
    assert_eq!(after, before);
    for table in ["push_event", "push_seen", "push_order", "push_letter"] {
        assert_eq!(lab.db.number(&format!("SELECT count(*) FROM roster_private.{table}")), 0, "{table}");
    }
    assert_eq!(lab.db.lines("SELECT * FROM roster.effective_attributes"), [""; 0]);
    lab.push.send(&event("x", "user.upsert", "sara", json!({}))).expect(403);
}

#[test]
fn a_restored_database_knows_what_it_has_seen() {
    let mut lab = Lab::new();
    let first = event_at(10, "1", "user.upsert", "sara", attributes("a", &["1"]));
    lab.push.send(&first).expect(200);
    lab.push.send(&event("2", "group.members.add", "dev", members(&["sara"]))).expect(202);
    // It gives changes their numbers when it comes by, maybe between the two looks below.
    lab.served.running.kill();
    let restored = dumped_and_restored(&lab.db);
    assert_same(&contents(&restored), &contents(&lab.db));
    let letters = "SELECT * FROM roster.dead_letters";
    assert_eq!(restored.lines(letters), lab.db.lines(letters));
    let key = restored.line("SELECT roster.create_api_key('new key', iam => 'corp', scopes => '{push}')");
    let served = restored.daemon().serve(&[]);
    let push = Push::new(served.port, &key);
    assert_eq!(push.outcome(&first), "duplicate");
    let late = event_at(5, "3", "user.attributes.set", "sara", attributes("a", &["old"]));
    assert_eq!(push.outcome(&late), "late");
    assert_eq!(outcome(&push.send(&event("4", "group.upsert", "dev", json!({}))).json), "applied");
    roster_tests::wait_until("the letter was opened", || restored.lines(letters).is_empty());
    assert_eq!(restored.line("SELECT member_name FROM roster.memberships"), "sara");
}

#[test]
fn who_left_is_not_who_comes() {
    let lab = Lab::new();
    lab.push.send(&event("1", "user.upsert", "sara", json!({}))).expect(200);
    lab.db.run("SELECT roster.set_user_attribute('sara', 'clearance', 'secret', iam => 'corp')");
    lab.db.run("SELECT roster.drop_source('hr', override_guard => true)");
    let key = super::new_source(&lab.db, "corp", "hr2", "key 2", &json!({"create_users": true}));
    let push = Push::new(lab.served.port, &key);
    push.send(&event("1", "user.upsert", "sara", json!({}))).expect(200);
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.users WHERE username = 'sara'"), 2);
    assert_eq!(
        lab.db.lines("SELECT * FROM roster.effective_attributes"),
        [""; 0],
        "a newcomer inherits nothing"
    );
}
