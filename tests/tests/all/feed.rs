//! The change feed: what happened, in order, by whom, and nothing twice.

use roster_tests::Db;

use crate::reference::state_the_reference;

#[test]
fn every_change_is_told_once_in_order_with_its_actor() {
    let db = Db::fresh();
    let admin = db.login(&["roster_user_admin"]);
    let name = admin.line("SELECT session_user");
    admin.run("SELECT roster.create_user('steve')");
    admin.run("SELECT roster.set_user_attribute('steve', 'country', 'USA')");
    admin.run("SELECT roster.create_group('developers')");
    admin.run("SELECT roster.add_member('developers', 'steve')");
    admin.run("SELECT roster.remove_user_attribute('steve', 'country')");
    admin.run("SELECT roster.remove_member('developers', 'steve')");
    admin.run("SELECT roster.disable_user('steve')");
    assert_eq!(
        db.lines("SELECT change, kind, iam, source, actor FROM roster.read_changes(0, 100)"),
        [
            "add|user",
            "add|user_attribute",
            "add|group",
            "add|membership",
            "remove|user_attribute",
            "remove|membership",
            "remove|user",
        ]
        .map(|told| format!("{told}|builtin|manual|{name}"))
    );
}

#[test]
fn a_change_says_what_it_is_about() {
    let db = Db::fresh();
    state_the_reference(&db);
    db.run("SELECT roster.create_group('company'); SELECT roster.add_subgroup('company', 'developers')");
    let about = |kind: &str| {
        db.lines(&format!(
            "SELECT subject, name, before::text, after::text FROM roster.changes WHERE kind = '{kind}' AND subject IN ('steve', 'sam', 'company', 'developers')"
        ))
    };
    let one = |kind: &str, words: &[&str]| {
        let told = about(kind);
        assert_eq!(told.len(), 1, "{kind}: {told:?}");
        assert!(words.iter().all(|word| told[0].contains(word)), "{kind} tells of {words:?}: {told:?}");
    };
    one("user_attribute", &["steve", "country", "USA"]);
    one("group_attribute", &["developers", "organization", "engineering"]);
    one("membership", &["sam", "developers"]);
    one("nesting", &["company", "developers"]);
}

#[test]
fn a_reader_that_asks_for_more_misses_nothing_and_sees_nothing_twice() {
    let db = Db::fresh();
    state_the_reference(&db);
    let all = db.lines("SELECT change_id FROM roster.read_changes(0, 1000)");
    assert!(all.len() > 12, "{all:?}");
    let mut read = Vec::new();
    let mut last = "0".to_owned();
    loop {
        let more = db.lines(&format!("SELECT change_id FROM roster.read_changes({last}, 3)"));
        assert!(more.len() <= 3);
        let Some(newest) = more.last() else { break };
        last = newest.clone();
        read.extend(more);
    }
    assert_eq!(read, all);
    assert_eq!(
        db.lines("SELECT change_id FROM roster.changes ORDER BY change_id"),
        all,
        "the view tells the same"
    );
}

#[test]
fn a_change_that_commits_late_is_not_missed() {
    let db = Db::fresh();
    db.run("SELECT roster.create_user('a'); SELECT roster.create_user('b')");
    let last = db.line("SELECT max(change_id) FROM roster.read_changes(0, 100)");
    let (early, late) = (db.session(), db.session());
    late.run("BEGIN; SELECT roster.set_user_attribute('a', 'x', 'late')");
    early.run("SELECT roster.set_user_attribute('b', 'x', 'early')");
    let first = db.lines(&format!("SELECT subject FROM roster.read_changes({last}, 100)"));
    assert_eq!(first, ["b"]);
    let last = db.line("SELECT max(change_id) FROM roster.changes");
    late.run("COMMIT");
    assert_eq!(db.lines(&format!("SELECT subject FROM roster.read_changes({last}, 100)")), ["a"]);
}

#[test]
fn configuration_is_in_the_audit_trail_too() {
    let db = Db::fresh();
    for call in [
        "create_identity_manager('corp', kind => 'ldap')",
        "create_source('s', iam => 'corp', kind => 'ldap')",
        "set_guard('s', 'user', 5, 1)",
        "alter_source('s', priority => 3)",
        "drop_source('s')",
    ] {
        db.run(&format!("SELECT roster.{call}"));
    }
    let told = db.lines("SELECT change, kind, subject FROM roster.read_changes(0, 100)");
    assert_eq!(told.len(), 5, "{told:?}");
    assert!(told[0].starts_with("add|") && told[0].ends_with("|corp"), "{told:?}");
    assert!(told[1..].iter().all(|line| line.ends_with("|s")), "{told:?}");
    assert!(told[4].starts_with("remove|"), "{told:?}");
}

#[test]
fn since_is_the_time_of_the_commit() {
    let db = Db::fresh();
    db.run("BEGIN; SELECT roster.create_user('a'); SELECT roster.set_user_attribute('a', 'x', '1')");
    let before_commit = db.line("SELECT clock_timestamp()");
    db.run("COMMIT");
    assert_eq!(db.line(&format!("SELECT since > '{before_commit}' FROM roster.user_attributes")), "t");
}
