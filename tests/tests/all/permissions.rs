//! Permissions: default, group, direct; and facts whose time is over.

use roster_tests::Db;

fn held(db: &Db) -> Vec<String> {
    db.lines(
        r#"SELECT username, permission, origin, group_name FROM roster.effective_permissions
           ORDER BY username COLLATE "C", permission COLLATE "C", origin COLLATE "C""#,
    )
}

#[test]
fn defaults_are_given_once_when_a_user_is_first_provisioned() {
    let db = Db::fresh();
    db.run(
        "SELECT roster.create_user('early'); SELECT roster.set_default_permissions('builtin', ARRAY['login', 'browse', 'login']);
         SELECT roster.create_user('late'); SELECT roster.set_default_permissions('builtin', ARRAY['login'])",
    );
    assert_eq!(held(&db), ["late|browse|default|", "late|login|default|"]);
    assert_eq!(db.line("SELECT roster.revoke_permission('browse', username => 'late')"), "t");
    assert_eq!(held(&db), ["late|login|default|"]);
    assert_eq!(db.line("SELECT roster.revoke_permission('browse', username => 'late')"), "f");
}

#[test]
fn a_group_gives_permissions_to_its_present_members_even_before_it_arrives() {
    let db = Db::fresh();
    db.run(
        "SELECT roster.grant_permission('report', group_name => 'company'); SELECT roster.create_user('sam')",
    );
    assert_eq!(held(&db), [""; 0]);
    db.run(
        "SELECT roster.create_group('company'); SELECT roster.create_group('developers');
         SELECT roster.add_subgroup('company', 'developers'); SELECT roster.add_member('developers', 'sam')",
    );
    assert_eq!(held(&db), ["sam|report|group|company"]);
    db.run("SELECT roster.remove_member('developers', 'sam')");
    assert_eq!(held(&db), [""; 0]);
}

#[test]
fn direct_grants_end_with_the_user_and_with_their_window() {
    let db = Db::fresh();
    db.run(
        "SELECT roster.create_user('sam');
         SELECT roster.grant_permission('audit', username => 'sam');
         SELECT roster.grant_permission('later', username => 'sam', valid_from => now() + interval '1 hour')",
    );
    assert_eq!(held(&db), ["sam|audit|user|"]);
    assert_eq!(db.line("SELECT roster.grant_permission('audit', username => 'sam')"), "f");
    assert_eq!(db.line("SELECT permissions FROM roster.user_profiles"), "{audit}");
    db.run("SELECT roster.disable_user('sam')");
    assert_eq!(held(&db), [""; 0]);
    db.run("SELECT roster.delete_user('sam')");
    assert_eq!(db.lines("SELECT * FROM roster.permission_grants"), [""; 0]);
    assert_eq!(
        db.lines(
            "SELECT change, name FROM roster.read_changes() WHERE kind = 'permission' ORDER BY change_id"
        ),
        ["add|audit", "add|later", "remove|audit", "remove|later"]
    );
}

#[test]
fn a_grant_names_one_grantee() {
    let db = Db::fresh();
    for call in [
        "SELECT roster.grant_permission('p')",
        "SELECT roster.grant_permission('p', username => 'a', group_name => 'b')",
        "SELECT roster.revoke_permission('p')",
    ] {
        let told = db.error(call);
        assert!(told.contains("either \"username\" or \"group_name\""), "{call}\n{told}");
    }
    assert!(
        db.error("SELECT roster.set_default_permissions('builtin', NULL)")
            .contains("\"permissions\" must not be NULL")
    );
    assert!(
        db.error("SELECT roster.grant_permission('', group_name => 'g')")
            .contains("\"permission\" must not be empty")
    );
}

/// One of each kind that has a window, all over.
fn with_expired() -> Db {
    let db = Db::fresh();
    db.run(
        "SELECT roster.create_user('u'); SELECT roster.create_group('g'); SELECT roster.create_group('child');
         SELECT roster.add_subgroup('g', 'child');
         SELECT roster.add_member('g', 'u', valid_until => now() - interval '1 second');
         SELECT roster.add_user_attribute('u', 'a', '1', valid_until => now() - interval '1 second');
         SELECT roster.add_user_attribute('u', 'a', '2', valid_until => now() + interval '1 hour');
         SELECT roster.add_group_attribute('g', 'b', '1', valid_until => now() - interval '1 second');
         SELECT roster.grant_permission('p', username => 'u', valid_until => now() - interval '1 second');
         SELECT roster.grant_permission('q', group_name => 'g', valid_until => now() - interval '1 second')",
    );
    db
}

const CLOSED: [&str; 5] = [
    "remove|group_attribute|g|b",
    "remove|membership|g|u",
    "remove|permission|g|q",
    "remove|permission|u|p",
    "remove|user_attribute|u|a",
];

fn closed(db: &Db) -> Vec<String> {
    db.lines(
        r#"SELECT change, kind, subject, name FROM roster.read_changes() WHERE change = 'remove'
           ORDER BY kind COLLATE "C", subject COLLATE "C""#,
    )
}

#[test]
fn what_is_over_is_closed_and_the_feed_tells_it() {
    let db = with_expired();
    assert_eq!(db.number("SELECT roster.expire_due()"), 5);
    assert_eq!(closed(&db), CLOSED);
    assert_eq!(db.lines("SELECT value FROM roster.user_attributes"), ["2"]);
    assert_eq!(db.lines("SELECT * FROM roster_private.group_effective"), [""; 0]);
    assert_eq!(db.number("SELECT roster.expire_due()"), 0);
}

#[test]
fn the_daemon_closes_what_is_over() {
    let db = with_expired();
    let _daemon = db.daemon().spawn(&["run"]);
    roster_tests::wait_until("the daemon has closed what is over", || {
        db.lines("SELECT change FROM roster.changes WHERE change = 'remove' AND change_id IS NOT NULL").len()
            == 5
    });
    assert_eq!(closed(&db), CLOSED);
}
