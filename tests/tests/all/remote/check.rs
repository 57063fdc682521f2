use serde_json::{Value, json};

use super::{LONG, Lab, long};

/// Steps by name: state, message and sample.
fn check(lab: &Lab) -> Vec<(String, String, String, Value)> {
    let before = lab.db.line("SELECT count(*) FROM roster.sync_runs");
    let done = lab.daemon.run(&["check", "hr", "--json"]);
    assert_eq!(lab.db.line("SELECT count(*) FROM roster.sync_runs"), before, "a check is no run");
    let report: Value = serde_json::from_str(&done.out).unwrap_or_else(|e| panic!("{e}: {done:?}"));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let steps = report["sources"][0]["steps"].as_array().expect("steps").clone();
    steps
        .iter()
        .map(|step| {
            (text(&step["step"]), text(&step["state"]), text(&step["message"]), step["sample"].clone())
        })
        .collect()
}

fn states(steps: &[(String, String, String, Value)]) -> Vec<String> {
    steps.iter().map(|(step, state, ..)| format!("{step}: {state}")).collect()
}

#[test]
fn everything_on_the_way_is_shown() {
    let lab = Lab::with(LONG, long());
    let steps = check(&lab);
    assert_eq!(
        states(&steps),
        [
            "secrets: ok",
            "connection: ok",
            "tls: warning",
            "rights: ok",
            "columns: ok",
            "rows: ok",
            "users: ok",
            "sample user: ok"
        ]
    );
    assert!(steps[1].2.contains(&format!("as {}", lab.reader)), "{steps:?}");
    assert_eq!(steps[4].2, "username text, attribute text, value text");
    assert_eq!(steps[5].2, "3 statements about 2 users");
    assert_eq!(steps[7].3, json!({"user": "sam", "attributes": {"country": ["USA", "France"]}}));
    assert_eq!(lab.attributes(), [""; 0]);
}

#[test]
fn an_account_that_could_write_is_warned_about() {
    let lab = Lab::with(LONG, long());
    lab.other.run(&format!("GRANT UPDATE ON hr.facts TO {}", lab.reader));
    let steps = check(&lab);
    assert_eq!((steps[3].1.as_str(), steps[3].2.contains("could write")), ("warning", true), "{steps:?}");
    let daemon = lab.daemon.clone().with("HR_URL", &lab.other.url("postgres"));
    assert!(daemon.run(&["check", "hr"]).out.contains("postgres is a superuser there"));
}

#[test]
fn what_is_wrong_with_the_rows_is_counted_by_column() {
    let lab = Lab::with(
        &format!(
            "{LONG} INSERT INTO hr.facts VALUES (NULL, 'a', 'X'), (NULL, 'a', 'X'), ('sara', NULL, 'X'), ('nobody', 'a', 'X');"
        ),
        long(),
    );
    let steps = check(&lab);
    assert_eq!(steps[5].1, "warning");
    assert!(
        steps[5].2.contains("2 NULL in username (the user), 1 NULL in attribute (the name)"),
        "{steps:?}"
    );
    assert_eq!(steps[6].2, "1 of 3 users are not known in the identity manager");
    lab.other.run("CREATE TABLE hr.wide (username text, x text); INSERT INTO hr.wide VALUES ('sam', '1'), ('sam', '2'), ('sara', '1')");
    lab.other.run(&format!("GRANT SELECT ON hr.wide TO {}", lab.reader));
    lab.configure(json!({"relation": "hr.wide", "format": "wide", "user_column": "username"}));
    let steps = check(&lab);
    assert!(steps[5].2.contains("1 with a user in username whom another row has already"), "{steps:?}");
}

#[test]
fn every_column_that_does_not_fit_is_a_step() {
    let lab = Lab::with("CREATE TABLE hr.facts (username text);", long());
    let steps = check(&lab);
    let columns: Vec<_> = steps.iter().filter(|step| step.0 == "columns").collect();
    assert_eq!(columns.len(), 2, "{steps:?}");
    assert!(columns.iter().all(|step| step.1 == "failed" && step.2.contains("does not exist")), "{steps:?}");
    assert!(states(&steps).contains(&"rows: skipped".to_owned()));
}

#[test]
fn a_local_table_is_checked_with_the_rights_of_the_daemon() {
    let lab = Lab::with("", long());
    let mut keys = long();
    keys["connection"] = Value::Null;
    lab.configure(keys);
    lab.db.run(&format!("CREATE SCHEMA hr; {LONG}"));
    assert_eq!(states(&check(&lab))[0], "columns: failed");
    lab.db.run(&format!("GRANT USAGE ON SCHEMA hr TO {0}; GRANT SELECT ON hr.facts TO {0}", lab.daemon.role));
    assert_eq!(states(&check(&lab)), ["columns: ok", "rows: ok", "users: ok", "sample user: ok"]);
}

#[test]
fn a_connection_that_fails_is_told() {
    let lab = Lab::with(LONG, long());
    let daemon = lab.daemon.clone().with("HR_URL", "postgres://x@127.0.0.1:1/x");
    let done = daemon.run(&["check", "hr"]);
    assert_eq!(done.code, Some(1));
    assert!(done.out.contains("cannot connect to PostgreSQL at 127.0.0.1:1/x"), "{done:?}");
}
