use serde_json::json;

use super::Lab;

fn lab() -> Lab {
    Lab::with(
        "CREATE TABLE hr.facts (username text, attribute text, value text, gone bool NOT NULL DEFAULT false,
             at timestamptz NOT NULL DEFAULT now() - interval '1 hour');
         INSERT INTO hr.facts (username, attribute, value) VALUES ('sam', 'a', '1'), ('sam', 'b', '1'), ('sara', 'a', '1');",
        json!({"relation": "hr.facts", "format": "long", "user_column": "username", "name_column": "attribute", "value_column": "value",
               "updated_at_column": "at", "deleted_column": "gone"}),
    )
}

#[test]
fn only_what_was_written_since_is_read() {
    let lab = lab();
    lab.sync();
    assert_eq!(lab.attributes().len(), 3);
    lab.other.run("INSERT INTO hr.facts VALUES ('steve', 'a', '1', false, now())");
    lab.sync();
    assert_eq!(lab.attributes(), ["sam|a|1", "sam|b|1", "sara|a|1", "steve|a|1"]);
    // Without a newer time nobody can see it.
    lab.other.run("UPDATE hr.facts SET value = '2' WHERE username = 'sara'");
    lab.sync();
    assert_eq!(lab.attributes()[2], "sara|a|1");
    lab.other.run("UPDATE hr.facts SET at = now() WHERE username = 'sara'");
    lab.sync();
    assert_eq!(lab.attributes()[2], "sara|a|2");
}

#[test]
fn tombstones_remove() {
    let lab = lab();
    lab.sync();
    lab.other.run("UPDATE hr.facts SET gone = true, at = now() WHERE username = 'sam' AND attribute = 'b'");
    lab.sync();
    assert_eq!(lab.attributes(), ["sam|a|1", "sara|a|1"]);
}

#[test]
fn a_failed_run_goes_on_where_the_last_good_one_was() {
    let lab = lab();
    lab.sync();
    lab.other.run(
        "INSERT INTO hr.facts VALUES ('steve', 'a', '1', false, now()); ALTER TABLE hr.facts RENAME TO moved",
    );
    lab.sync_fails();
    lab.other.run("ALTER TABLE hr.moved RENAME TO facts");
    lab.sync();
    assert_eq!(lab.attributes().len(), 4);
}
