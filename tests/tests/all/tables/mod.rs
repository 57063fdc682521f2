//! Table sources of the same database: no daemon takes part.

mod examples;
mod formats;
mod incremental;
mod model;
mod overlap;
mod rights;
mod routes;
mod runs;
mod users;
mod watch;

use roster_tests::{Db, Session};

/// The table that most tests read: one row per value.
const LONG: &str = "CREATE SCHEMA hr; CREATE TABLE hr.attributes (username text, attribute text, value text,
    updated_at timestamptz DEFAULT clock_timestamp(), deleted boolean)";

/// The configuration of a source that reads it, with `more` keys.
fn long_config(more: &str) -> String {
    format!(
        r#"{{"relation": "hr.attributes", "format": "long", "user_column": "username", "name_column": "attribute", "value_column": "value"{more}}}"#
    )
}

const INCREMENTAL: &str = r#", "updated_at_column": "updated_at", "deleted_column": "deleted""#;

/// Users a, b and c, and source `hr` over an empty table.
fn with_source(more: &str) -> Db {
    let db = Db::fresh();
    db.run(LONG);
    for user in ["ann", "bob", "cem"] {
        db.run(&format!("SELECT roster.create_user('{user}')"));
    }
    add_source(&db, "hr", &long_config(more));
    db
}

fn add_source(db: &Db, name: &str, config: &str) {
    let config = config.replace('\'', "''");
    db.run(&format!(
        "SELECT roster.create_source('{name}', iam => 'builtin', kind => 'table', config => '{config}')"
    ));
}

/// Synchronises and returns state, added and removed of the run.
#[track_caller]
fn sync(db: &Session, source: &str) -> String {
    let run = db.number(&format!("SELECT roster.sync_table_now('{source}')"));
    db.line(&format!("SELECT state, added, removed FROM roster.sync_runs WHERE run_id = {run}"))
}

/// The same for somebody who means it: what the guard blocks is let through.
#[track_caller]
fn sync_anyway(db: &Session, source: &str) -> String {
    let run = db.number(&format!("SELECT roster.sync_table_now('{source}')"));
    if db.line(&format!("SELECT state FROM roster.sync_runs WHERE run_id = {run}")) == "blocked" {
        db.run(&format!("SELECT roster.apply_run({run}, override_guard => true)"));
    }
    db.line(&format!("SELECT state, added, removed FROM roster.sync_runs WHERE run_id = {run}"))
}

/// What a source states about users, sorted.
#[track_caller]
fn stated(db: &Session, source: &str) -> Vec<String> {
    db.lines(&format!(
        r#"SELECT owner, name, value FROM roster.user_attributes WHERE source = '{source}'
           ORDER BY owner COLLATE "C", name COLLATE "C", value COLLATE "C""#
    ))
}

#[track_caller]
fn quarantined(db: &Session, source: &str) -> Vec<String> {
    db.lines(&format!(
        r#"SELECT kind, key, reason FROM roster.quarantine WHERE source = '{source}' ORDER BY kind COLLATE "C", key COLLATE "C""#
    ))
}

/// As a directory would: the user keeps id and facts, and is called otherwise.
fn rename(db: &Session, from: &str, to: &str) {
    let renamed = db.call(
        "UPDATE roster_private.app_user SET username = $2::text, username_key = $2::text WHERE username = $1",
        &[&from, &to],
    );
    assert_eq!(renamed, 1, "{from} is there");
}
