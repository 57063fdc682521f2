//! Sources, their guards and their configuration, without a daemon.

use roster_tests::Db;

fn with_iam() -> Db {
    let db = Db::fresh();
    db.run("SELECT roster.create_identity_manager('corp', kind => 'ldap')");
    db
}

#[test]
fn unknown_configuration_is_refused_by_name() {
    let db = with_iam();
    let told = db.error(
        r#"SELECT roster.create_source('s', iam => 'corp', kind => 'ldap', config => '{"user_bass": "x"}')"#,
    );
    assert!(told.contains("user_bass"), "{told}");
    assert_eq!(db.lines("SELECT source FROM roster.sources WHERE source = 's'"), [""; 0]);
}

#[test]
fn secrets_are_references_never_values() {
    let db = with_iam();
    for secret in [r#""hunter2""#, r#"{"value": "hunter2"}"#] {
        let told = db.error(&format!(
            r#"SELECT roster.create_source('s', iam => 'corp', kind => 'ldap', config => '{{"bind_password": {secret}}}')"#
        ));
        assert!(told.contains("bind_password"), "{told}");
        assert!(!told.contains("hunter2"), "an error never repeats a secret: {told}");
    }
    for variable in ["DATABASE_URL", "PGPASSWORD"] {
        let told = db.error(&format!(
            r#"SELECT roster.create_source('s', iam => 'corp', kind => 'ldap', config => '{{"bind_password": {{"env": "{variable}"}}}}')"#
        ));
        assert!(told.contains("bind_password"), "{told}");
    }
    db.run(r#"SELECT roster.create_source('s', iam => 'corp', kind => 'ldap', config => '{"bind_password": {"file": "ldap"}}')"#);
}

#[test]
fn alter_source_changes_what_it_names_and_nothing_else() {
    let db = with_iam();
    db.run(r#"SELECT roster.create_source('s', iam => 'corp', kind => 'ldap', schedule => '5 4 * * 1', priority => 7, config => '{"page_size": 10}')"#);
    db.run("SELECT roster.alter_source('s', priority => 9)");
    assert_eq!(
        db.lines("SELECT schedule, priority, config, enabled FROM roster.sources WHERE source = 's'"),
        [r#"5 4 * * 1|9|{"page_size": 10}|t"#]
    );
    db.run("SELECT roster.alter_source('s', enabled => false)");
    assert_eq!(db.lines("SELECT health FROM roster.sources WHERE source = 's'"), ["disabled"]);
}

#[test]
fn a_new_source_runs_hourly_unless_told_otherwise() {
    let db = with_iam();
    db.run("SELECT roster.create_source('s', iam => 'corp', kind => 'ldap')");
    assert_eq!(db.line("SELECT schedule FROM roster.sources WHERE source = 's'"), "0 * * * *");
}

#[test]
fn schedules_follow_the_clock_of_their_time_zone() {
    let db = with_iam();
    db.run("SELECT roster.create_source('s', iam => 'corp', kind => 'ldap', schedule => '30 6 * * *', time_zone => 'Asia/Tokyo')");
    assert_eq!(
        db.line("SELECT (next_run_at AT TIME ZONE 'Asia/Tokyo')::time, next_run_at > now() FROM roster.sources WHERE source = 's'"),
        "06:30:00|t"
    );
}

#[test]
fn a_guard_shows_what_was_set() {
    let db = with_iam();
    db.run("SELECT roster.create_source('s', iam => 'corp', kind => 'ldap'); SELECT roster.set_guard('s', 'user', 5, 2.5)");
    let guards = db.lines(
        "SELECT g.* FROM roster.guards g WHERE g::text LIKE '%user%' AND g::text NOT LIKE '%user_attribute%'",
    );
    assert!(guards.iter().any(|guard| guard.contains('5') && guard.contains("2.5")), "{guards:?}");
    for (arguments, word) in [
        ("'s', 'nonsense', 1, 1", "kind"),
        ("'s', 'user', -1, 1", "max_count"),
        ("'s', 'user', 1, 101", "max_percent"),
    ] {
        let told = db.error(&format!("SELECT roster.set_guard({arguments})"));
        assert!(told.contains(word), "{told}");
    }
}

#[test]
fn a_dropped_source_is_gone_and_its_name_is_free() {
    let db = with_iam();
    db.run("SELECT roster.create_source('s', iam => 'corp', kind => 'ldap')");
    db.run("SELECT roster.drop_source('s')");
    assert_eq!(db.lines("SELECT source FROM roster.sources WHERE source = 's'"), [""; 0]);
    db.run("SELECT roster.create_source('s', iam => 'corp', kind => 'ldap')");
}

#[test]
fn a_source_may_be_made_and_dropped_in_one_transaction() {
    let db = with_iam();
    db.run("BEGIN; SELECT roster.create_source('s', iam => 'corp', kind => 'ldap')");
    db.run("SELECT roster.create_user('u', iam => 'corp'); SELECT roster.drop_source('s'); COMMIT");
    assert_eq!(db.lines("SELECT source FROM roster.sources WHERE source = 's'"), [""; 0]);
    assert_eq!(db.lines("SELECT username FROM roster.users"), ["u"]);
}
