//! Platform usernames: three states, rules, and collisions that resolve to nobody.

use roster_tests::Db;

fn with_users() -> Db {
    let db = Db::fresh();
    db.run(
        "SELECT roster.create_user('steve'); SELECT roster.create_user('sam');
         SELECT roster.set_user_attribute('sam', 'region', 'EMEA');
         SELECT roster.set_platform_username('sam', 'snowflake', 'SAM_S')",
    );
    db
}

fn users_on(db: &Db, platform: &str) -> Vec<String> {
    db.lines(&format!(
        r#"SELECT platform_username, username FROM roster.platform_users WHERE platform = '{platform}' ORDER BY platform_username COLLATE "C""#
    ))
}

#[test]
fn a_value_none_and_unset_are_three_states() {
    let db = with_users();
    assert_eq!(users_on(&db, "snowflake"), ["SAM_S|sam", "steve|steve"]);
    db.run("SELECT roster.set_platform_username('steve', 'snowflake', state => 'none')");
    assert_eq!(users_on(&db, "snowflake"), ["SAM_S|sam"]);
    db.run("SELECT roster.set_platform_username('steve', 'snowflake', state => 'unset')");
    assert_eq!(users_on(&db, "snowflake"), ["SAM_S|sam", "steve|steve"]);
    assert_eq!(
        db.lines("SELECT name, value FROM roster.platform_attributes WHERE platform = 'snowflake' AND platform_username = 'SAM_S'"),
        ["region|EMEA"]
    );
    assert_eq!(
        db.line("SELECT platforms FROM roster.user_profiles WHERE username = 'sam'"),
        r#"{"postgres": "sam", "snowflake": "SAM_S"}"#
    );
}

#[test]
fn a_name_that_two_claim_is_nobody() {
    let db = with_users();
    db.run("SELECT roster.set_platform_username('steve', 'snowflake', 'SAM_S')");
    assert_eq!(users_on(&db, "snowflake"), [""; 0]);
    assert_eq!(
        db.lines("SELECT platform, platform_username, usernames FROM roster.platform_collisions"),
        ["snowflake|SAM_S|{sam,steve}"]
    );
    db.run("SELECT roster.disable_user('steve')");
    assert_eq!(users_on(&db, "snowflake"), ["SAM_S|sam"], "a disabled user claims nothing");
}

#[test]
fn a_value_collides_with_somebody_elses_fallback() {
    let db = with_users();
    db.run("SELECT roster.set_platform_username('sam', 'snowflake', 'steve')");
    assert_eq!(users_on(&db, "snowflake"), [""; 0]);
}

#[test]
fn databricks_compares_without_case_others_exactly() {
    let db = with_users();
    db.run(
        "SELECT roster.set_platform_username('sam', 'databricks', 'Sam@example.org');
         SELECT roster.set_platform_username('steve', 'databricks', 'sam@EXAMPLE.org');
         SELECT roster.set_platform_username('steve', 'snowflake', 'sam_s')",
    );
    assert_eq!(users_on(&db, "databricks"), [""; 0]);
    assert_eq!(users_on(&db, "snowflake"), ["SAM_S|sam", "sam_s|steve"]);
    db.run("SELECT roster.set_platform_username('steve', 'databricks', state => 'unset')");
    assert_eq!(users_on(&db, "databricks"), ["Sam@example.org|sam", "steve|steve"]);
}

#[test]
fn on_postgres_only_builtin_users_fall_back_unless_a_rule_names_more() {
    let db = with_users();
    db.run(
        "SELECT roster.create_identity_manager('corp', kind => 'ldap'); SELECT roster.create_user('cora', iam => 'corp');
         SELECT roster.create_user('steve', iam => 'corp')",
    );
    assert_eq!(users_on(&db, "postgres"), ["sam|sam", "steve|steve"]);
    db.run("SELECT roster.set_platform_rule('postgres', fallback_iams => ARRAY['builtin', 'corp'])");
    assert_eq!(users_on(&db, "postgres"), ["cora|cora", "sam|sam"], "steve is ambiguous now");
    db.run("SELECT roster.set_platform_username('steve', 'postgres', state => 'none', iam => 'corp')");
    assert_eq!(users_on(&db, "postgres"), ["cora|cora", "sam|sam", "steve|steve"]);
    let told = db.error("SELECT roster.set_platform_rule('postgres', 'insensitive')");
    assert!(told.contains("must be exact for platform postgres"), "{told}");
}

#[test]
fn wrong_calls_say_what_to_do() {
    let db = with_users();
    for (call, says) in [
        ("SELECT roster.set_platform_username('sam', 'snowflake')", "\"platform_username\" must not be NULL"),
        (
            "SELECT roster.set_platform_username('sam', 'snowflake', 'x', state => 'none')",
            "goes with state value",
        ),
        (
            "SELECT roster.set_platform_username('sam', 'snowflake', state => 'gone')",
            "must be value, unset or none",
        ),
        ("SELECT roster.set_platform_username('nobody', 'snowflake', 'x')", "user \"nobody\" does not exist"),
        ("SELECT roster.set_platform_rule('snowflake', 'sometimes')", "must be exact or insensitive"),
        (
            "SELECT roster.set_platform_rule('snowflake', fallback_iams => ARRAY['nowhere'])",
            "identity manager \"nowhere\" does not exist",
        ),
    ] {
        let told = db.error(call);
        assert!(told.contains(says), "{call}\n{told}");
    }
    assert_eq!(
        db.lines("SELECT change, subject, name, after ->> 'platform_username' FROM roster.read_changes() WHERE kind = 'platform_username'"),
        ["add|sam|snowflake|SAM_S"]
    );
}
