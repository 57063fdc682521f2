//! A wrong call is told what is wrong, about which argument, and what to do; and it changes nothing.

use roster_tests::{Db, Session};

use crate::reference::state_the_reference;

/// A call, and the words that its error must contain (the argument first).
const REFUSED: &[(&str, &[&str])] = &[
    ("create_user('')", &["username"]),
    ("create_user(NULL)", &["username"]),
    ("create_user('steve')", &["username", "steve"]),
    ("create_user('x', iam => 'nowhere')", &["iam", "nowhere"]),
    ("create_user('x', iam => NULL)", &["iam"]),
    ("create_user('x', profile => '[1]')", &["profile"]),
    ("disable_user('nobody')", &["username", "nobody"]),
    ("enable_user('nobody')", &["username", "nobody"]),
    ("delete_user('nobody')", &["username", "nobody"]),
    ("delete_user(NULL)", &["username"]),
    ("create_group('')", &["group_name"]),
    ("create_group(NULL)", &["group_name"]),
    ("create_group('developers')", &["group_name", "developers"]),
    ("create_group('x', iam => 'nowhere')", &["iam", "nowhere"]),
    ("delete_group('nothing')", &["group_name", "nothing"]),
    ("add_member('nothing', 'steve')", &["group_name", "nothing"]),
    ("add_member('developers', 'nobody')", &["username", "nobody"]),
    ("add_member('developers', NULL)", &["username"]),
    ("add_member(NULL, 'steve')", &["group_name"]),
    ("add_member('developers', 'steve', iam => 'nowhere')", &["iam", "nowhere"]),
    (
        "add_member('developers', 'steve', valid_from => now(), valid_until => now() - interval '1 day')",
        &["valid_until"],
    ),
    ("remove_member('nothing', 'steve')", &["group_name", "nothing"]),
    ("remove_member('developers', 'nobody')", &["username", "nobody"]),
    ("add_subgroup('developers', 'developers')", &["child_group", "developers"]),
    ("add_subgroup('developers', 'nothing')", &["child_group", "nothing"]),
    ("add_subgroup('nothing', 'developers')", &["group_name", "nothing"]),
    ("add_subgroup('developers', NULL)", &["child_group"]),
    ("remove_subgroup('developers', 'nothing')", &["child_group", "nothing"]),
    ("set_user_attribute('nobody', 'a', '1')", &["username", "nobody"]),
    ("set_user_attribute('steve', '', '1')", &["name"]),
    ("set_user_attribute('steve', NULL, '1')", &["name"]),
    ("set_user_attribute('steve', 'a', NULL::text)", &["value"]),
    ("set_user_attribute('steve', 'a', NULL::text[])", &["vals"]),
    ("set_user_attribute('steve', 'a', ARRAY['1', NULL])", &["vals"]),
    (
        "set_user_attribute('steve', 'a', '1', valid_from => 'infinity', valid_until => now())",
        &["valid_until"],
    ),
    ("add_user_attribute('nobody', 'a', '1')", &["username", "nobody"]),
    ("add_user_attribute('steve', 'a', NULL)", &["value"]),
    ("remove_user_attribute('nobody', 'a')", &["username", "nobody"]),
    ("set_group_attribute('nothing', 'a', '1')", &["group_name", "nothing"]),
    ("set_group_attribute('developers', '', '1')", &["name"]),
    ("add_group_attribute('nothing', 'a', '1')", &["group_name", "nothing"]),
    ("remove_group_attribute('nothing', 'a')", &["group_name", "nothing"]),
    ("create_identity_manager('')", &["iam"]),
    ("create_identity_manager(NULL)", &["iam"]),
    ("create_identity_manager('builtin')", &["iam", "builtin"]),
    ("create_source('', iam => 'builtin', kind => 'ldap')", &["source"]),
    ("create_source('s', iam => 'nowhere', kind => 'ldap')", &["iam", "nowhere"]),
    ("create_source('s', iam => 'builtin', kind => 'telepathy')", &["kind", "telepathy"]),
    ("create_source('manual', iam => 'builtin', kind => 'ldap')", &["source", "manual"]),
    ("create_source('s', iam => 'builtin', kind => 'ldap', schedule => '61 * * * *')", &["schedule", "61"]),
    ("create_source('s', iam => 'builtin', kind => 'ldap', schedule => 'now and then')", &["schedule"]),
    (
        "create_source('s', iam => 'builtin', kind => 'ldap', time_zone => 'Mars/Olympus')",
        &["time_zone", "Mars"],
    ),
    ("create_source('s', iam => 'builtin', kind => 'ldap', config => '[]')", &["config"]),
    ("alter_source('nothing', priority => 1)", &["source", "nothing"]),
    ("drop_source('nothing')", &["source", "nothing"]),
    ("set_guard('nothing', 'user', 1, 1)", &["source", "nothing"]),
    ("sync_now('nothing')", &["source", "nothing"]),
    ("plan('nothing')", &["source", "nothing"]),
    ("apply_run(4711)", &["4711"]),
    ("snapshot_hash('nowhere')", &["iam", "nowhere"]),
];

#[test]
fn a_wrong_call_names_the_argument_and_the_remedy_and_changes_nothing() {
    let db = Db::fresh();
    state_the_reference(&db);
    let before = state(&db);
    let mut wrong = Vec::new();
    for (call, words) in REFUSED {
        match db.try_lines(&format!("SELECT roster.{call}")) {
            Ok(lines) => wrong.push(format!("{call} was accepted: {lines:?}")),
            Err(told) => wrong.extend(unclear(call, words, &told)),
        }
        assert_eq!(state(&db), before, "{call} changed something");
    }
    assert!(wrong.is_empty(), "{} of {} calls:\n{}", wrong.len(), REFUSED.len(), wrong.join("\n"));
}

fn unclear(call: &str, words: &[&str], told: &str) -> Option<String> {
    let names_all = words.iter().all(|word| told.contains(word));
    // The first line is the message; a remedy is in the hint (or detail) below it.
    let has_remedy = told.contains('\n');
    // XX000 is an accident, 42883 a function that does not exist.
    let deliberate = !told.contains("[XX000]") && !told.contains("[42883]");
    (!(names_all && has_remedy && deliberate)).then(|| format!("{call}: {told}"))
}

fn state(db: &Session) -> (String, Vec<String>) {
    (
        db.line("SELECT roster.snapshot_hash('builtin')"),
        db.lines("SELECT * FROM roster.read_changes(0, 1000)"),
    )
}

#[test]
fn nul_cannot_enter() {
    let db = Db::fresh();
    db.error(r"SELECT roster.create_user(E'a\x00b')");
    db.error(r#"SELECT roster.create_user('a', profile => '{"x": "\u0000"}')"#);
    assert_eq!(db.lines("SELECT * FROM roster.users"), [""; 0]);
}

#[test]
fn an_identity_manager_with_that_name_exists() {
    let db = Db::fresh();
    db.run("SELECT roster.create_identity_manager('corp', kind => 'ldap')");
    let told = db.error("SELECT roster.create_identity_manager('corp', kind => 'scim')");
    assert!(told.contains("corp"), "{told}");
}

#[test]
fn one_wrong_value_of_many_leaves_the_set_as_it_was() {
    let db = Db::fresh();
    state_the_reference(&db);
    db.error("SELECT roster.set_user_attribute('stephanie', 'sales_region', ARRAY['Iowa', NULL])");
    assert_eq!(
        db.lines("SELECT value FROM roster.user_attributes WHERE owner = 'stephanie' ORDER BY 1"),
        ["Indiana", "Michigan", "Ohio"]
    );
}

#[test]
fn other_isolation_levels_are_refused_with_a_remedy_rather_than_derive_wrongly() {
    let db = Db::fresh();
    db.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    let told = db.error("SELECT roster.create_group('g')");
    db.run("ROLLBACK");
    assert!(told.contains("READ COMMITTED"), "{told}");
}
