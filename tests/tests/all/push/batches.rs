//! Several events in one request.

use serde_json::{Value, json};

use super::{Lab, attributes, event, outcome, stated};

#[test]
fn a_bad_one_is_in_nobodys_way() {
    let lab = Lab::new();
    let events = [
        event("1", "user.upsert", "sara", json!({})),
        event("2", "user.attributes.set", "sara", attributes("a", &["1"])),
        event("3", "user.attributes.set", "sara", json!({"attributes": 5})),
        json!({"specversion": "1.0", "type": "roster.user.upsert"}),
        event("2", "user.attributes.set", "sara", attributes("a", &["again"])),
        event("5", "user.attributes.add", "sara", attributes("a", &["2"])),
        event("6", "group.attributes.set", "dev", attributes("a", &["2"])),
    ];
    let answer = lab.push.batch(&events).expect(200);
    let Value::Array(outcomes) = &answer.json else { panic!("{answer:?}") };
    let outcomes: Vec<String> =
        outcomes.iter().map(|one| format!("{} {}", one["id"], outcome(one))).collect();
    assert_eq!(
        outcomes,
        [
            r#""1" applied"#,
            r#""2" applied"#,
            r#""3" dead"#,
            "null dead",
            r#""2" duplicate"#,
            r#""5" applied"#,
            r#""6" waiting"#
        ]
    );
    assert_eq!(stated(&lab.db), ["user sara t   {}", "user sara: a=1 (hr)", "user sara: a=2 (hr)"]);
    // Each was a transaction of its own.
    assert_eq!(lab.db.number("SELECT count(*) FROM roster_private.run WHERE actor = 'hr key'"), 3);
    assert_eq!(lab.push.batch(&[]).expect(200).json, json!([]));
    let many: Vec<Value> = (0..1001).map(|n| event(&n.to_string(), "user.upsert", "x", json!({}))).collect();
    lab.push.batch(&many).expect(413);
}
