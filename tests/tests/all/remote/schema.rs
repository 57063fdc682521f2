use serde_json::json;

use super::{LONG, Lab, long};

#[test]
fn all_columns_that_do_not_fit_are_told_at_once() {
    let lab = Lab::with(
        "CREATE TABLE hr.facts (username text, attribute text[], changed text, flag int);",
        json!({"relation": "hr.facts", "format": "long", "user_column": "login", "name_column": "attribute", "value_column": "value",
               "updated_at_column": "changed", "deleted_column": "flag"}),
    );
    let message = lab.sync_fails();
    for part in [
        "column \"login\" (config key user_column) does not exist",
        "column \"value\" (config key value_column) does not exist",
        "column \"changed\" (config key updated_at_column) must be a timestamp",
        "column \"flag\" (config key deleted_column) must be boolean",
        "column \"attribute\" (config key name_column) must hold one name",
        "nothing was changed",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn names_that_there_are_twice_are_told() {
    let lab = Lab::with(
        LONG,
        json!({"query": "SELECT username, attribute, value, value FROM hr.facts", "format": "long",
        "user_column": "username", "name_column": "attribute", "value_column": "value"}),
    );
    assert!(lab.sync_fails().contains("several columns of the name \"value\""));
}

#[test]
fn what_cannot_be_read_is_told() {
    let lab = Lab::with(LONG, long());
    lab.sync();
    lab.other.run(&format!("REVOKE SELECT ON hr.facts FROM {}", lab.reader));
    assert!(lab.sync_fails().contains("permission denied for table facts"));
    lab.other.run("DROP TABLE hr.facts");
    assert!(lab.sync_fails().contains("relation \"hr.facts\" does not exist"));
    lab.configure(json!({"query": "SELECT FROM WHERE", "format": "wide", "user_column": "username"}));
    assert!(lab.sync_fails().contains("syntax error"));
    assert_eq!(lab.attributes().len(), 3);
}
