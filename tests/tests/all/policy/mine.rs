//! `my_attributes`, `my_groups`, `my_profile`: about oneself, for everybody.

use roster_tests::Db;

use super::{may_see, person, person_with};

#[test]
fn they_show_oneself_and_nobody_else() {
    let db = Db::fresh();
    let (anna, bert, stranger) = (person(&db), person(&db), db.login(&[]));
    may_see(&db, &anna, &["a1", "a2"]);
    may_see(&db, &bert, &["b"]);
    db.run(&format!("SELECT roster.create_group('g'); SELECT roster.add_member('g', '{}')", anna.name));
    assert_eq!(
        anna.lines("SELECT name, value FROM roster.my_attributes ORDER BY value"),
        ["territory|a1", "territory|a2"]
    );
    assert_eq!(anna.lines("SELECT group_name FROM roster.my_groups"), ["g"]);
    assert_eq!(
        anna.lines("SELECT username, groups, attributes FROM roster.my_profile"),
        [format!(r#"{}|{{g}}|{{"territory": ["a1", "a2"]}}"#, anna.name)]
    );
    assert_eq!(bert.lines("SELECT value FROM roster.my_attributes"), ["b"]);
    let columns =
        "SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attnum > 0 AND attrelid = ";
    for (view, promised) in [
        ("my_attributes", "name, value"),
        ("my_groups", "group_name"),
        (
            "my_profile",
            "user_id, iam, username, display_name, email, active, profile, platforms, groups, attributes, permissions",
        ),
    ] {
        assert_eq!(db.line(&format!("{columns}'roster.{view}'::regclass")), promised);
        assert_eq!(stranger.lines(&format!("SELECT * FROM roster.{view}")), [""; 0]);
        let told = anna.error(&format!("DELETE FROM roster.{view}"));
        assert!(told.contains("[42501]") || told.contains("[55000]"), "{told}");
    }
}

/// A condition of the reader's own, cheaper than the view's, would see the rows first were it not for the barrier.
#[test]
fn a_leaky_condition_learns_nothing_of_others() {
    let db = Db::fresh();
    let (anna, bert) = (person(&db), person(&db));
    may_see(&db, &anna, &["mine"]);
    may_see(&db, &bert, &["secret"]);
    db.run(&format!(
        "SELECT roster.create_group('secret group'); SELECT roster.add_member('secret group', '{}')",
        bert.name
    ));
    anna.run(
        "CREATE TEMP TABLE leaked (what text);
         CREATE FUNCTION pg_temp.leak(what text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
             $$ BEGIN INSERT INTO leaked VALUES (what); RETURN true; END $$",
    );
    anna.lines("SELECT * FROM roster.my_attributes WHERE pg_temp.leak(value)");
    anna.lines("SELECT * FROM roster.my_groups WHERE pg_temp.leak(group_name)");
    anna.lines("SELECT user_id FROM roster.my_profile WHERE pg_temp.leak(username)");
    assert_eq!(
        anna.lines("SELECT DISTINCT what FROM leaked ORDER BY 1"),
        ["mine".to_owned(), anna.name.clone()]
    );
}

#[test]
fn they_follow_the_assumed_user() {
    let db = Db::fresh();
    let (pool, anna) = (person_with(&db, &["roster_impersonator"]), person(&db));
    may_see(&db, &anna, &["a"]);
    pool.run(&format!("BEGIN; SELECT roster.assume_user('{}')", anna.name));
    assert_eq!(pool.lines("SELECT * FROM roster.my_attributes"), ["territory|a"]);
    assert_eq!(pool.lines("SELECT username FROM roster.my_profile"), [anna.name.as_str()]);
    pool.run("COMMIT");
    assert_eq!(pool.lines("SELECT * FROM roster.my_attributes"), [""; 0]);
}
