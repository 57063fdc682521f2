//! A backup is worth what its restore brings back.

use std::path::PathBuf;
use std::process::Command;

use roster_tests::{Db, pg_binary, run};

use crate::model::Model;
use crate::reference::{REFERENCE, effective, state_the_reference};

/// What must be equal right after the restore, before any call.
pub fn contents(db: &Db) -> Vec<String> {
    let mut contents = db
        .lines(r#"SELECT 'effective', e.* FROM roster.effective_attributes e ORDER BY e::text COLLATE "C""#);
    for view in [
        "identity_managers",
        "sources",
        "users",
        "groups",
        "memberships",
        "user_attributes",
        "group_attributes",
        "effective_groups",
        "attribute_origins",
        "user_profiles",
        "permission_grants",
        "merge_rules",
        "platforms",
        "platform_users",
        "guards",
        "sync_runs",
        "quarantine",
        "changes",
    ] {
        contents.extend(
            db.lines(&format!(r#"SELECT '{view}', v.* FROM roster.{view} v ORDER BY v::text COLLATE "C""#)),
        );
    }
    // When the built-in identity manager was made is the database's own date, not the user's data.
    contents.retain(|line| !line.starts_with("identity_managers|builtin|"));
    contents.extend(
        db.lines("SELECT iam, kind, display_name, enabled, case_sensitive FROM roster.identity_managers"),
    );
    contents
        .extend(db.lines("SELECT iam, roster.snapshot_hash(iam) FROM roster.identity_managers ORDER BY iam"));
    contents
}

/// Shows what differs, not everything.
#[track_caller]
pub fn assert_same(found: &[String], expected: &[String]) {
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|line| !those.contains(line)).cloned().collect()
    };
    assert_eq!(only(found, expected), only(expected, found));
    assert_eq!(found.len(), expected.len());
}

pub fn dumped_and_restored(db: &Db) -> Db {
    let file: PathBuf = std::env::temp_dir().join(format!("roster-{}-{}.dump", std::process::id(), db.name));
    run(Command::new(pg_binary("pg_dump")).args(["-Fc", "-f"]).arg(&file).arg(db.url("postgres")));
    let restored = Db::empty();
    run(Command::new(pg_binary("pg_restore"))
        .args(["-j2", "--exit-on-error", "-d", &restored.url("postgres")])
        .arg(&file));
    std::fs::remove_file(&file).expect("pg_dump wrote it");
    restored
}

#[test]
fn a_restored_database_equals_the_original_before_any_call() {
    let db = Db::fresh();
    state_the_reference(&db);
    db.run(
        "SELECT roster.create_group('company'); SELECT roster.set_group_attribute('company', 'badge', 'blue');
         SELECT roster.add_subgroup('company', 'developers'); SELECT roster.add_subgroup('developers', 'company');
         SELECT roster.create_identity_manager('corp', kind => 'ldap', display_name => 'The company');
         SELECT roster.create_source('corp-ldap', iam => 'corp', kind => 'ldap', config => '{\"page_size\": 7}');
         SELECT roster.set_guard('corp-ldap', 'user', 3, 3);
         SELECT roster.create_user('Eve', iam => 'corp'); SELECT roster.disable_user('sara');
         SELECT roster.remove_user_attribute('steve', 'country'); SELECT roster.delete_user('fiona');
         SELECT roster.set_merge_rule('badge', 'nearest'); SELECT roster.grant_permission('p', group_name => 'company');
         SELECT roster.set_default_permissions('builtin', ARRAY['login']); SELECT roster.create_user('una');
         SELECT roster.set_platform_username('steve', 'snowflake', 'S'); SELECT roster.set_platform_rule('databricks', 'insensitive', ARRAY['corp']);
         SELECT roster.read_changes(0, 1)",
    );
    let restored = dumped_and_restored(&db);
    assert_same(&contents(&restored), &contents(&db));
}

#[test]
fn work_goes_on_in_a_restored_database() {
    let db = Db::fresh();
    state_the_reference(&db);
    let ids = db.lines("SELECT user_id FROM roster.users");
    let last_change = db.number("SELECT max(change_id) FROM roster.read_changes(0, 1000)");
    let restored = dumped_and_restored(&db);
    assert_eq!(effective(&restored), REFERENCE);
    let id = restored.line("SELECT roster.create_user('new')");
    assert!(!ids.contains(&id), "ids continue");
    restored.run(
        "SELECT roster.create_group('company'); SELECT roster.set_group_attribute('company', 'badge', 'blue');
         SELECT roster.add_subgroup('company', 'developers'); SELECT roster.add_member('developers', 'new');
         SELECT roster.remove_member('developers', 'sam');
         SELECT roster.create_identity_manager('corp', kind => 'ldap');
         SELECT roster.create_source('corp-ldap', iam => 'corp', kind => 'ldap')",
    );
    Model::stated_in(&restored).assert_derived_in(&restored);
    let first =
        restored.number(&format!("SELECT min(change_id) FROM roster.read_changes({last_change}, 100)"));
    assert_eq!(first, last_change + 1, "the feed continues where it stood");
}
