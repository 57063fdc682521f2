//! The built-in identity manager: users, groups and attributes stated by SQL calls.

use roster_tests::Db;

use crate::reference::{effective, state_the_reference};

#[test]
fn a_disabled_user_has_nothing_and_gets_everything_back() {
    let db = Db::fresh();
    state_the_reference(&db);
    let before = db.line("SELECT user_id FROM roster.users WHERE username = 'sam'");
    let all = effective(&db);
    db.run("SELECT roster.disable_user('sam')");
    assert_eq!(db.lines("SELECT active FROM roster.users WHERE username = 'sam'"), ["f"]);
    assert_eq!(db.lines("SELECT * FROM roster.effective_groups WHERE username = 'sam'"), [""; 0]);
    assert_eq!(db.lines("SELECT * FROM roster.effective_attributes WHERE username = 'sam'"), [""; 0]);
    db.run("SELECT roster.enable_user('sam')");
    assert_eq!(effective(&db), all);
    assert_eq!(db.line("SELECT user_id FROM roster.users WHERE username = 'sam'"), before);
}

#[test]
fn a_deleted_user_is_gone_and_a_namesake_inherits_nothing() {
    let db = Db::fresh();
    state_the_reference(&db);
    let old = db.number("SELECT user_id FROM roster.users WHERE username = 'sam'");
    db.run("SELECT roster.delete_user('sam')");
    assert_eq!(db.lines("SELECT * FROM roster.users WHERE username = 'sam'"), [""; 0]);
    assert_eq!(db.lines("SELECT * FROM roster.memberships WHERE member_name = 'sam'"), [""; 0]);
    let new = db.number("SELECT roster.create_user('sam')");
    assert_ne!(new, old);
    assert_eq!(db.lines("SELECT * FROM roster.effective_attributes WHERE username = 'sam'"), [""; 0]);
    assert_eq!(db.lines("SELECT * FROM roster.memberships WHERE member_name = 'sam'"), [""; 0]);
}

#[test]
fn a_deleted_group_takes_its_edges_along_and_a_namesake_inherits_nothing() {
    let db = Db::fresh();
    state_the_reference(&db);
    db.run("SELECT roster.create_group('company'); SELECT roster.add_subgroup('company', 'developers')");
    db.run("SELECT roster.delete_group('developers'); SELECT roster.create_group('developers')");
    assert_eq!(
        db.lines("SELECT * FROM roster.memberships WHERE 'developers' IN (group_name, member_name)"),
        [""; 0]
    );
    assert_eq!(db.lines("SELECT * FROM roster.group_attributes WHERE owner = 'developers'"), [""; 0]);
    assert_eq!(db.lines("SELECT * FROM roster.effective_groups WHERE username = 'sam'"), [""; 0]);
}

#[test]
fn setting_replaces_the_set_adding_adds_removing_removes() {
    let db = Db::fresh();
    db.run(
        "SELECT roster.create_user('u'); SELECT roster.create_group('g'); SELECT roster.add_member('g', 'u')",
    );
    for kind in ["user", "group"] {
        let owner = &kind[..1];
        let values = || {
            db.lines(&format!(
                "SELECT value FROM roster.{kind}_attributes WHERE owner = '{owner}' AND name = 'a' ORDER BY 1"
            ))
        };
        let call = |function: &str, rest: &str| {
            db.run(&format!("SELECT roster.{function}_{kind}_attribute('{owner}', 'a'{rest})"))
        };
        call("set", ", ARRAY['1', '2', '3']");
        assert_eq!(values(), ["1", "2", "3"]);
        call("set", ", ARRAY['3', '4']");
        assert_eq!(values(), ["3", "4"]);
        call("add", ", '5'");
        assert_eq!(values(), ["3", "4", "5"]);
        call("remove", ", '4'");
        assert_eq!(values(), ["3", "5"]);
        call("remove", "");
        assert_eq!(values(), [""; 0]);
        call("set", ", '{a,b}'");
        assert_eq!(values(), ["{a,b}"], "a bare '{{a,b}}' is one value");
    }
}

#[test]
fn stating_what_holds_already_changes_nothing() {
    let db = Db::fresh();
    state_the_reference(&db);
    db.run("SELECT roster.create_group('company'); SELECT roster.add_subgroup('company', 'developers')");
    let facts = "SELECT since FROM roster.memberships UNION ALL SELECT since FROM roster.user_attributes
                 UNION ALL SELECT since FROM roster.group_attributes ORDER BY 1";
    let since = db.lines(facts);
    let changes = db.lines("SELECT * FROM roster.read_changes(0, 1000)");
    db.run(
        "SELECT roster.set_user_attribute('steve', 'country', 'USA'); SELECT roster.add_user_attribute('steve', 'country', 'USA');
         SELECT roster.set_user_attribute('stephanie', 'sales_region', ARRAY['Michigan', 'Ohio', 'Indiana', 'Ohio']);
         SELECT roster.add_member('developers', 'sam'); SELECT roster.add_subgroup('company', 'developers');
         SELECT roster.set_group_attribute('developers', 'organization', 'engineering'); SELECT roster.enable_user('sam')",
    );
    assert_eq!(db.lines(facts), since, "what is restated keeps its since");
    assert_eq!(db.lines("SELECT * FROM roster.read_changes(0, 1000)"), changes);
}

#[test]
fn every_call_sees_the_changes_made_earlier_in_its_transaction() {
    let db = Db::fresh();
    db.run(
        "BEGIN; SELECT roster.create_user('u'); SELECT roster.create_group('inner'); SELECT roster.create_group('outer');
         SELECT roster.set_group_attribute('outer', 'a', '1'); SELECT roster.add_subgroup('outer', 'inner');
         SELECT roster.add_member('inner', 'u')",
    );
    assert_eq!(effective(&db), ["u|a|1"]);
    db.run("SELECT roster.remove_subgroup('outer', 'inner')");
    assert_eq!(effective(&db), [""; 0]);
    db.run("ROLLBACK");
    assert_eq!(db.lines("SELECT username FROM roster.users"), [""; 0]);
    assert_eq!(
        db.lines("SELECT * FROM roster.read_changes(0, 1000)"),
        [""; 0],
        "what was rolled back never happened"
    );
}

#[test]
fn a_rollback_to_a_savepoint_takes_back_what_followed_it() {
    let db = Db::fresh();
    db.run(
        "BEGIN; SELECT roster.create_user('u'); SAVEPOINT s; SELECT roster.set_user_attribute('u', 'a', '1');
         ROLLBACK TO s; SELECT roster.set_user_attribute('u', 'b', '2'); COMMIT",
    );
    assert_eq!(effective(&db), ["u|b|2"]);
    let told = db.lines("SELECT change, kind, name, after #>> '{}' FROM roster.read_changes(0, 100) WHERE kind = 'user_attribute'");
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn snapshot_hash_tells_equal_contents_from_different_ones() {
    let (one, other) = (Db::fresh(), Db::fresh());
    let hash = |db: &Db| db.line("SELECT roster.snapshot_hash('builtin')");
    let empty = hash(&one);
    state_the_reference(&one);
    state_the_reference(&other);
    let full = hash(&one);
    assert_ne!(full, empty);
    assert_eq!(hash(&other), full, "the same contents, stated in another database");
    for call in [
        "set_user_attribute('steve', 'country', 'France')",
        "add_member('developers', 'steve')",
        "create_group('more')",
        "add_subgroup('more', 'developers')",
        "disable_user('sara')",
        "set_group_attribute('more', 'a', '1')",
    ] {
        let before = hash(&one);
        one.run(&format!("SELECT roster.{call}"));
        assert_ne!(hash(&one), before, "{call} is a difference");
    }
}

#[test]
fn external_groups_take_attributes_by_hand() {
    let db = Db::fresh();
    db.run(
        "SELECT roster.create_identity_manager('corp', kind => 'ldap');
         SELECT roster.create_group('staff', iam => 'corp'); SELECT roster.create_user('Eve', iam => 'corp');
         SELECT roster.add_member('staff', 'eve', iam => 'corp');
         SELECT roster.set_group_attribute('staff', 'badge', 'blue', iam => 'corp')",
    );
    assert_eq!(db.lines("SELECT iam, username, value FROM roster.effective_attributes"), ["corp|Eve|blue"]);
    assert_eq!(db.lines("SELECT source FROM roster.group_attributes"), ["manual"]);
}
