//! Names are compared the same way everywhere: exactly, after Unicode NFC, or without case where the iam says so.

use roster_tests::Db;

const COMPOSED: &str = "jos\u{e9}";
const DECOMPOSED: &str = "jose\u{301}";

#[test]
fn both_normal_forms_of_a_name_are_the_same_name() {
    let db = Db::fresh();
    db.run(&format!("SELECT roster.create_user('{DECOMPOSED}'); SELECT roster.create_group('{COMPOSED}')"));
    assert_eq!(db.lines("SELECT username FROM roster.users"), [COMPOSED]);
    let told = db.error(&format!("SELECT roster.create_user('{COMPOSED}')"));
    assert!(told.contains("username"), "{told}");
    db.error(&format!("SELECT roster.create_group('{DECOMPOSED}')"));
    db.run(&format!("SELECT roster.add_member('{DECOMPOSED}', '{COMPOSED}')"));
    assert_eq!(
        db.lines("SELECT group_name, username FROM roster.effective_groups"),
        [format!("{COMPOSED}|{COMPOSED}")]
    );
    db.run(&format!("SELECT roster.remove_member('{COMPOSED}', '{DECOMPOSED}')"));
    assert_eq!(db.lines("SELECT * FROM roster.memberships"), [""; 0]);
}

#[test]
fn both_normal_forms_of_an_attribute_are_the_same_attribute() {
    let db = Db::fresh();
    db.run("SELECT roster.create_user('u')");
    db.run(&format!("SELECT roster.add_user_attribute('u', '{COMPOSED}', '{COMPOSED}')"));
    db.run(&format!("SELECT roster.add_user_attribute('u', '{DECOMPOSED}', '{DECOMPOSED}')"));
    assert_eq!(
        db.lines("SELECT name, value FROM roster.effective_attributes"),
        [format!("{COMPOSED}|{COMPOSED}")]
    );
    db.run(&format!("SELECT roster.remove_user_attribute('u', '{DECOMPOSED}', '{DECOMPOSED}')"));
    assert_eq!(db.lines("SELECT name, value FROM roster.effective_attributes"), [""; 0]);
}

#[test]
fn case_counts_unless_the_identity_manager_says_otherwise() {
    let db = Db::fresh();
    db.run("SELECT roster.create_user('Anna'); SELECT roster.create_user('anna')");
    assert_eq!(db.number("SELECT count(*) FROM roster.users"), 2);
    db.run("SELECT roster.create_identity_manager('corp', kind => 'ldap'); SELECT roster.create_user('Anna', iam => 'corp')");
    db.error("SELECT roster.create_user('ANNA', iam => 'corp')");
    db.run("SELECT roster.set_user_attribute('aNNa', 'a', '1', iam => 'corp')");
    assert_eq!(db.lines("SELECT username, value FROM roster.effective_attributes"), ["Anna|1"]);
    db.run("SELECT roster.create_identity_manager('exact', kind => 'ldap', case_sensitive => true);
            SELECT roster.create_user('Anna', iam => 'exact'); SELECT roster.create_user('ANNA', iam => 'exact')");
}

#[test]
fn the_same_name_in_two_identity_managers_is_two_people() {
    let db = Db::fresh();
    db.run(
        "SELECT roster.create_identity_manager('corp', kind => 'ldap');
            SELECT roster.create_user('ann'); SELECT roster.create_user('ann', iam => 'corp');
            SELECT roster.set_user_attribute('ann', 'a', 'own');
            SELECT roster.set_user_attribute('ann', 'a', 'corporate', iam => 'corp')",
    );
    assert_eq!(
        db.lines("SELECT iam, value FROM roster.effective_attributes WHERE username = 'ann' ORDER BY 1"),
        ["builtin|own", "corp|corporate"]
    );
}

#[test]
fn an_attribute_value_may_be_long() {
    let db = Db::fresh();
    db.run("SELECT roster.create_user('u'); SELECT roster.set_user_attribute('u', 'essay', repeat('word ', 20000))");
    assert_eq!(db.number("SELECT length(value) FROM roster.effective_attributes"), 100_000);
    db.run("SELECT roster.remove_user_attribute('u', 'essay', repeat('word ', 20000))");
    assert_eq!(db.lines("SELECT 1 FROM roster.user_attributes"), [""; 0]);
}
