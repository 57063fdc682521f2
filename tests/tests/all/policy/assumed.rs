//! The assumed user: as long as its transaction, and nowhere else.

use roster_tests::{Db, pg_binary, run};
use std::process::Command;

use super::{PARALLEL, Person, answers, may_see, person, person_with, sales};

/// Somebody who may assume, and two to be assumed.
fn three(db: &Db) -> (Person, Person, Person) {
    let (pool, anna, bert) = (person_with(db, &["roster_impersonator"]), person(db), person(db));
    may_see(db, &anna, &["a"]);
    may_see(db, &bert, &["b"]);
    (pool, anna, bert)
}

fn assume(session: &Person, other: &Person) {
    session.run(&format!("SELECT roster.assume_user('{}')", other.name));
}

#[test]
fn it_ends_with_the_transaction_however_that_ends() {
    let db = Db::fresh();
    let (pool, anna, _) = three(&db);
    for end in ["COMMIT", "ROLLBACK", "PREPARE TRANSACTION 'held'", "SELECT 1 / 0"] {
        pool.run("BEGIN");
        assume(&pool, &anna);
        assert_eq!(
            answers(&pool, "roster.username(); roster.has_attribute('territory', 'a')"),
            format!("{}|true", anna.name)
        );
        let ended = pool.try_lines(end);
        assert_eq!(ended.is_err(), end.contains('/'), "{end}: {ended:?}");
        pool.run("ROLLBACK");
        assert_eq!(
            answers(&pool, "roster.username(); roster.has_attribute('territory', 'a')"),
            format!("{}|false", pool.name),
            "after {end}"
        );
    }
    pool.run("ROLLBACK PREPARED 'held'");
    assume(&pool, &anna);
    assert_eq!(answers(&pool, "roster.username()"), pool.name, "without BEGIN, a statement is a transaction");
}

#[test]
fn it_is_the_user_of_that_identity_manager() {
    let db = Db::fresh();
    let (pool, anna, _) = three(&db);
    db.run("SELECT roster.create_identity_manager('corp', kind => 'ldap'); SELECT roster.create_user('Jörg', iam => 'corp')");
    db.run(&format!("SELECT roster.create_user('{}', iam => 'corp')", anna.name));
    pool.run("BEGIN");
    for (call, user) in [
        ("'jörg', 'corp'".into(), "corp|Jörg".to_owned()),
        (format!("'{}'", anna.name), format!("builtin|{}", anna.name)),
        (format!("'{}', 'corp'", anna.name), format!("corp|{}", anna.name)),
        (format!("username => '{}', iam => 'bim'", anna.name), format!("builtin|{}", anna.name)),
    ] {
        let id = pool.line(&format!("SELECT roster.assume_user({call})"));
        assert_eq!(
            answers(&pool, "roster.iam(); roster.username(); roster.current_user_id()"),
            format!("{user}|{id}")
        );
    }
    pool.run("COMMIT");
}

#[test]
fn nobody_can_be_assumed_who_is_not_there() {
    let db = Db::fresh();
    let (pool, anna, bert) = three(&db);
    db.run(&format!("SELECT roster.disable_user('{}')", anna.name));
    for (call, code) in [
        ("'nobody'".to_owned(), "[42704]"),
        (format!("'{}'", anna.name), "[42704]"),
        (format!("'{}', 'nowhere'", bert.name), "[42704]"),
        ("NULL".into(), "[22023]"),
        (format!("'{}', NULL", bert.name), "[22023]"),
    ] {
        let told = pool.error(&format!("SELECT roster.assume_user({call})"));
        assert!(told.contains(code), "{call}: {told}");
    }
    pool.run("BEGIN");
    assume(&pool, &bert);
    db.run(&format!("SELECT roster.disable_user('{}')", bert.name));
    assert_eq!(
        answers(&pool, "roster.username(); roster.has_attribute('territory', 'b')"),
        "NULL|NULL",
        "gone meanwhile"
    );
    pool.run("COMMIT");
}

#[test]
fn a_rollback_to_a_savepoint_before_it_forgets_it() {
    let db = Db::fresh();
    let (pool, anna, bert) = three(&db);
    let who = || answers(&pool, "roster.username(); roster.attribute_values('territory')");
    let (as_pool, as_anna, as_bert) =
        (format!("{}|{{}}", pool.name), format!("{}|{{a}}", anna.name), format!("{}|{{b}}", bert.name));
    pool.run("BEGIN; SAVEPOINT one");
    assume(&pool, &anna);
    assert_eq!(who(), as_anna);
    pool.run("SAVEPOINT two");
    assume(&pool, &bert);
    assert_eq!(who(), as_bert);
    pool.run("SAVEPOINT three");
    assert_eq!(who(), as_bert);
    pool.run("ROLLBACK TO three");
    assert_eq!(who(), as_bert);
    pool.run("ROLLBACK TO two");
    assert_eq!(who(), as_anna);
    pool.run("ROLLBACK TO one");
    assert_eq!(who(), as_pool);
    assume(&pool, &bert);
    pool.run("RELEASE one");
    assert_eq!(who(), as_bert, "a savepoint that is released keeps it");
    pool.run("ROLLBACK");
    assert_eq!(who(), as_pool);
}

#[test]
fn functions_with_settings_and_handlers_of_their_own_do_not_end_it() {
    let db = Db::fresh();
    let (pool, anna, _) = three(&db);
    pool.run(&format!(
        "CREATE FUNCTION pg_temp.become(name text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$ BEGIN
             BEGIN PERFORM roster.assume_user(name); EXCEPTION WHEN division_by_zero THEN NULL; END;
         END $$;
         BEGIN; SELECT pg_temp.become('{}')",
        anna.name
    ));
    assert_eq!(answers(&pool, "roster.username()"), anna.name);
    let _ = pool.try_lines("SAVEPOINT s");
    pool.run("DO $$ BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END $$");
    assert_eq!(answers(&pool, "roster.username()"), anna.name);
    pool.run("SET LOCAL work_mem = '1MB'; RESET ALL");
    assert_eq!(answers(&pool, "roster.username()"), anna.name, "RESET ALL is no way out");
    pool.run("COMMIT");
}

#[test]
fn parallel_workers_have_it() {
    let db = Db::fresh();
    let (pool, anna, bert) = three(&db);
    sales(&db);
    may_see(&db, &anna, &["t1", "t2"]);
    may_see(&db, &bert, &["t3"]);
    may_see(&db, &pool, &["t4", "t5", "t6"]);
    pool.run(PARALLEL);
    let rows = "SELECT count(*) FROM sales WHERE roster.has_attribute('territory', territory)";
    assert!(pool.lines(&format!("EXPLAIN {rows}")).concat().contains("Gather"));
    assert_eq!(pool.number(rows), 30);
    for _ in 0..3 {
        pool.run("BEGIN");
        for (person, count) in [(&anna, 20), (&bert, 10), (&anna, 20)] {
            assume(&pool, person);
            assert_eq!(pool.number(rows), count);
            assert_eq!(
                pool.lines("SELECT DISTINCT roster.username() FROM sales WHERE id > 0"),
                [person.name.as_str()]
            );
        }
        pool.run("COMMIT");
        assert_eq!(pool.number(rows), 30);
    }
}

/// As documented: close cursors before.
#[test]
fn an_open_cursor_follows_it() {
    let db = Db::fresh();
    let (pool, anna, bert) = three(&db);
    sales(&db);
    may_see(&db, &anna, &["t1"]);
    may_see(&db, &bert, &["t50"]);
    pool.run("BEGIN");
    assume(&pool, &anna);
    pool.run("DECLARE c CURSOR FOR SELECT territory FROM sales WHERE roster.has_attribute('territory', territory) AND id < 100");
    assert_eq!(pool.lines("FETCH 5 FROM c"), ["t1"]);
    pool.run("CLOSE c; DECLARE c CURSOR FOR SELECT territory FROM sales WHERE roster.has_attribute('territory', territory)");
    assert_eq!(pool.lines("FETCH 1 FROM c"), ["t1"]);
    assume(&pool, &bert);
    assert_eq!(pool.lines("FETCH 1 FROM c"), ["t50"]);
    pool.run("COMMIT");
}

#[test]
fn only_impersonators_may_assume() {
    let db = Db::fresh();
    let (_, anna, bert) = three(&db);
    for roles in [&[][..], &["roster_reader"], &["roster_syncd"], &["roster_user_admin"], &["roster_admin"]] {
        let session = db.login(roles);
        let told = session.error(&format!("SELECT roster.assume_user('{}')", anna.name));
        assert!(told.contains("[42501]"), "{roles:?}: {told}");
    }
    let told = bert.error(&format!("SELECT roster.assume_user('{}')", bert.name));
    assert!(told.contains("[42501]"), "not even oneself: {told}");
}

/// As a web application does: the role of the pool logs in, becomes nobody in particular, and assumes.
#[test]
fn postgrest_style_sessions() {
    let db = Db::fresh();
    let (pool, anna, _) = three(&db);
    let web = db.new_role(&[]);
    db.run(&format!("GRANT {web} TO {}", pool.name));
    sales(&db);
    may_see(&db, &anna, &["t1"]);
    db.run(
        "ALTER TABLE sales ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON sales USING (roster.has_attribute('territory', territory))",
    );
    pool.run("BEGIN");
    assume(&pool, &anna);
    pool.run(&format!("SET LOCAL ROLE {web}"));
    assert_eq!(pool.number("SELECT count(*) FROM sales"), 10);
    assert_eq!(answers(&pool, "current_user::text; roster.username()"), format!("{web}|{}", anna.name));
    let told = pool.error(&format!("SELECT roster.assume_user('{}')", pool.name));
    assert!(told.contains("[42501]"), "the role of the request cannot change it: {told}");
    pool.run("ROLLBACK");
    assert_eq!(pool.number("SELECT count(*) FROM sales"), 0);
}

#[test]
fn a_dump_of_the_database_does_not_mind() {
    let db = Db::fresh();
    let dump = run(Command::new(pg_binary("pg_dump")).args(["--schema-only", "-d", &db.url("postgres")]));
    assert!(!dump.contains("assumed_user"));
}
