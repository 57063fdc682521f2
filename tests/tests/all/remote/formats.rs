use serde_json::json;

use super::{LONG, Lab, long};

#[test]
fn a_long_table_is_read_and_removals_arrive() {
    let lab = Lab::with(LONG, long());
    lab.sync();
    assert_eq!(lab.attributes(), ["sam|country|France", "sam|country|USA", "sara|role|admin"]);
    assert_eq!(lab.last_run("state, quarantined"), "succeeded|0");
    lab.other.run("DELETE FROM hr.facts WHERE value = 'France'; UPDATE hr.facts SET value = 'owner' WHERE username = 'sara'");
    lab.sync();
    assert_eq!(lab.attributes(), ["sam|country|USA", "sara|role|owner"]);
    lab.sync();
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|0");
    lab.other.run("DELETE FROM hr.facts WHERE username = 'sara'");
    lab.sync();
    assert_eq!(lab.attributes(), ["sam|country|USA"]);
}

#[test]
fn a_wide_table_is_read_with_arrays_and_lists() {
    let lab = Lab::with(
        "CREATE TABLE hr.facts (username text PRIMARY KEY, country text, regions text[], level int, \"on\" date);
         INSERT INTO hr.facts VALUES ('sam', 'USA', '{Ohio,Michigan}', 7, '2026-02-03'), ('sara', NULL, NULL, NULL, NULL);",
        json!({"relation": "hr.facts", "format": "wide", "user_column": "username", "prefix": "hr"}),
    );
    lab.sync();
    assert_eq!(
        lab.attributes(),
        [
            "sam|hr.country|USA",
            "sam|hr.level|7",
            "sam|hr.on|2026-02-03",
            "sam|hr.regions|Michigan",
            "sam|hr.regions|Ohio"
        ]
    );
}

#[test]
fn a_json_table_is_read() {
    let lab = Lab::with(
        r#"CREATE TABLE hr.facts (mail text, facts jsonb);
           INSERT INTO hr.facts VALUES ('SAM@example.org', '{"country": ["USA", "France"], "level": 7}'), ('sara@example.org', '{"a": {"b": 1}}');"#,
        json!({"relation": "hr.facts", "format": "json", "user_column": "mail", "attributes_column": "facts", "match_by": "email"}),
    );
    lab.sync();
    assert_eq!(lab.attributes(), ["sam|country|France", "sam|country|USA", "sam|level|7"]);
    assert!(lab.quarantine()[0].contains("nested"), "{:?}", lab.quarantine());
}

#[test]
fn views_and_queries_are_read() {
    let lab = Lab::with(
        "CREATE TABLE hr.people (login text, dept text); INSERT INTO hr.people VALUES ('sam', 'D1'), ('sara', 'D2');
         CREATE VIEW hr.facts AS SELECT login AS username, 'department' AS attribute, dept AS value FROM hr.people;",
        long(),
    );
    lab.sync();
    assert_eq!(lab.attributes(), ["sam|department|D1", "sara|department|D2"]);
    lab.configure(json!({"format": "wide", "user_column": "login",
        "query": "SELECT login, upper(dept) || ' %' AS department FROM hr.people WHERE login <> 'sara' -- not her"}));
    lab.sync();
    assert_eq!(lab.attributes(), ["sam|department|D1 %"]);
}

#[test]
fn nulls_and_unknown_users_are_quarantined_and_the_others_arrive() {
    let lab = Lab::with(
        &format!(
            "{LONG} INSERT INTO hr.facts VALUES (NULL, 'country', 'X'), ('sara', NULL, 'X'), ('nobody', 'country', 'X');"
        ),
        long(),
    );
    lab.sync();
    assert_eq!(lab.attributes(), ["sam|country|France", "sam|country|USA", "sara|role|admin"]);
    let quarantine = lab.quarantine().join("\n");
    assert_eq!(lab.quarantine().len(), 3, "{quarantine}");
    assert!(quarantine.contains(r#"no user "nobody" in identity manager "corp""#), "{quarantine}");
}

#[test]
fn users_are_created_where_that_is_wanted() {
    let mut keys = long();
    keys["create_users"] = true.into();
    let lab = Lab::with(&format!("{LONG} INSERT INTO hr.facts VALUES ('newcomer', 'country', 'X');"), keys);
    lab.sync();
    assert_eq!(lab.db.line("SELECT active FROM roster.users WHERE username = 'newcomer'"), "t");
}

#[test]
fn a_plan_writes_nothing() {
    let lab = Lab::with(LONG, long());
    let done = lab.daemon.run(&["sync", "hr", "--plan"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.out.contains("country"), "{done:?}");
    assert_eq!(lab.attributes(), [""; 0]);
}

#[test]
fn a_hundred_thousand_rows() {
    let lab = Lab::with(
        "CREATE TABLE hr.facts (username text, attribute text, value text);
         INSERT INTO hr.facts SELECT 'u' || n / 5, 'a' || n % 5, 'value ' || n FROM generate_series(0, 99999) n;",
        long(),
    );
    lab.db.run("SELECT count(roster.create_user('u' || n, iam => 'corp')) FROM generate_series(0, 19999) n");
    let begun = std::time::Instant::now();
    lab.sync();
    println!("100,000 rows of 20,000 users: {:?}", begun.elapsed());
    let begun = std::time::Instant::now();
    lab.sync();
    println!("again: {:?}", begun.elapsed());
    assert_eq!(lab.attributes().len(), 100_000);
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|0");
}
