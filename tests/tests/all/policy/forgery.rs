//! Attempts to be somebody else without `assume_user`, by every way to a setting. All fail, superusers' as well.

use std::process::Command;

use roster_tests::{Db, pg_binary};

use super::{Person, answers, may_see, person, person_with};

const SETTING: &str = "roster.assumed_user";

fn victim(db: &Db) -> (Person, String) {
    let victim = person(db);
    may_see(db, &victim, &["secret"]);
    let id = db.line(&format!("SELECT user_id FROM roster.users WHERE username = '{}'", victim.name));
    (victim, id)
}

/// Statements that set a parameter, each in its own transaction.
fn attempts(id: &str) -> Vec<String> {
    vec![
        format!("SET {SETTING} = '{id}'"),
        format!("SET SESSION {SETTING} = {id}"),
        format!("BEGIN; SET LOCAL {SETTING} = '{id}'"),
        format!("SELECT set_config('{SETTING}', '{id}', false)"),
        format!("BEGIN; SELECT set_config('{SETTING}', '{id}', true)"),
        format!("DO $$ BEGIN PERFORM set_config('{SETTING}', '{id}', false); END $$"),
        format!(
            "CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE sql SET {SETTING} = '{id}' AS 'SELECT roster.username()'; SELECT pg_temp.f()"
        ),
        format!("ALTER ROLE CURRENT_USER SET {SETTING} = '{id}'"),
        format!("ALTER SYSTEM SET {SETTING} = '{id}'"),
    ]
}

fn nobody_is_assumed(session: &roster_tests::Session, what: &str) {
    let victim =
        answers(session, "roster.has_attribute('territory', 'secret'); roster.attribute_values('territory')");
    assert!(!victim.contains("secret") && !victim.contains("true"), "{what}: {victim}");
}

#[test]
fn by_settings_before_the_library_is_loaded() {
    let db = Db::fresh();
    let (_victim, id) = victim(&db);
    for attempt in attempts(&id) {
        for roles in [&[][..], &["roster_impersonator", "roster_admin"]] {
            let forger = db.login(roles);
            let _ = forger.try_lines(&attempt);
            nobody_is_assumed(&forger, &attempt);
            let _ = forger.try_lines("ROLLBACK");
            nobody_is_assumed(&forger, &attempt);
        }
    }
}

#[test]
fn by_settings_afterwards() {
    let db = Db::fresh();
    let (_victim, id) = victim(&db);
    let forger = person(&db);
    assert_eq!(answers(&forger, "roster.username()"), forger.name);
    for attempt in attempts(&id) {
        let told = forger.error(&attempt);
        assert!(
            told.contains("[42501]") || told.contains("[22023]") || told.contains("[55P02]"),
            "{attempt}: {told}"
        );
        let _ = forger.try_lines("ROLLBACK");
        assert_eq!(answers(&forger, "roster.username()"), forger.name, "{attempt}");
    }
}

#[test]
fn by_a_superuser() {
    let db = Db::fresh();
    let (_victim, id) = victim(&db);
    let superuser = db.session();
    nobody_is_assumed(&superuser, "at first");
    for attempt in attempts(&id) {
        let told = superuser.error(&attempt);
        assert!(told.contains("[22023]") || told.contains("[55P02]"), "{attempt}: {told}");
        let _ = superuser.try_lines("ROLLBACK");
        nobody_is_assumed(&superuser, &attempt);
    }
    let forger = person_with(&db, &[]);
    // Before the library is loaded, a superuser can write it into the catalog: it is dropped when it is.
    let fresh = db.session();
    fresh.run(&format!("ALTER ROLE {} SET {SETTING} = '{id}'", forger.name));
    fresh.run(&format!("ALTER DATABASE {} SET {SETTING} = '{id}'", db.name));
    for role in [forger.name.as_str(), "postgres"] {
        let (out, _) = psql(
            &db,
            role,
            "",
            "SELECT coalesce(roster.attribute_values('territory')::text, ''), current_setting('roster.assumed_user')",
        );
        assert_eq!(out, ["{}|"], "{role}");
        let (out, _) = psql(
            &db,
            role,
            "",
            &format!(
                "{}; SELECT count(*) FROM pg_class WHERE roster.has_attribute('territory', 'secret')",
                super::PARALLEL
            ),
        );
        assert_eq!(out, ["0"], "{role}, in parallel");
    }
    db.run(&format!(
        "ALTER DATABASE {} RESET {SETTING}; ALTER ROLE {} RESET {SETTING}",
        db.name, forger.name
    ));
}

#[test]
fn by_the_options_of_a_connection() {
    let db = Db::fresh();
    let (_victim, id) = victim(&db);
    let forger = person(&db);
    for role in [forger.name.as_str(), "postgres"] {
        let options = format!("-c {SETTING}={id}");
        let (out, err) = psql(&db, role, &options, "SELECT roster.attribute_values('territory')");
        assert_eq!(out, ["{}"], "{role}");
        assert!(err.contains("WARNING") && err.contains(SETTING), "{role} is told: {err}");
        let (out, _) = psql(
            &db,
            role,
            &options,
            &format!(
                "{}; SELECT count(*) FROM pg_class WHERE roster.has_attribute('territory', 'secret')",
                super::PARALLEL
            ),
        );
        assert_eq!(out, ["0"], "{role}, in parallel");
        let (out, _) = psql(
            &db,
            role,
            &options,
            "BEGIN; SAVEPOINT s; SELECT set_config('roster.assumed_user', '1', true); SELECT roster.attribute_values('territory'); ROLLBACK TO s; SELECT roster.attribute_values('territory')",
        );
        assert!(out.iter().filter(|line| *line == "{}").count() == 2, "{role}: {out:?}");
    }
}

/// The way out of an assumed identity: only the transaction's end.
#[test]
fn an_assumed_user_cannot_go_back() {
    let db = Db::fresh();
    let (victim, _) = victim(&db);
    let pool = person_with(&db, &["roster_impersonator"]);
    let web = db.new_role(&[]);
    db.run(&format!("GRANT {web} TO {}", pool.name));
    pool.run(&format!(
        "BEGIN; SELECT roster.assume_user('{}'); SET LOCAL ROLE {web}; SAVEPOINT s",
        victim.name
    ));
    for attempt in [
        "RESET roster.assumed_user",
        "SET roster.assumed_user TO DEFAULT",
        "SET LOCAL roster.assumed_user = ''",
        "SELECT set_config('roster.assumed_user', NULL, true)",
        "RESET ALL",
        "DISCARD ALL",
    ] {
        let _ = pool.try_lines(attempt);
        pool.run("ROLLBACK TO s");
        assert_eq!(answers(&pool, "roster.username()"), victim.name, "{attempt}");
    }
    pool.run("RESET ALL");
    assert_eq!(answers(&pool, "roster.username()"), victim.name, "RESET ALL leaves it");
    pool.run("ROLLBACK");
}

/// A connection with options of its own: the rows, and what went to standard error.
fn psql(db: &Db, role: &str, options: &str, sql: &str) -> (Vec<String>, String) {
    let output = Command::new(pg_binary("psql"))
        .env("PGOPTIONS", options)
        .args(["-X", "-q", "-A", "-t", "-d", &db.url(role), "-c", sql])
        .output()
        .expect("psql runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout).lines().map(str::to_owned).collect(), text(&output.stderr))
}
