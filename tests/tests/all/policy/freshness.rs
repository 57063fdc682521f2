//! A helper sees what its statement sees: never less, never more.

use roster_tests::{Db, wait_until};

use super::{Person, answers, may_see, person, person_with};

fn editor(db: &Db) -> Person {
    person_with(db, &["roster_user_admin", "roster_impersonator"])
}

#[test]
fn plpgsql_expressions_see_changes_made_earlier_in_the_same_transaction() {
    let db = Db::fresh();
    let (anna, bert) = (editor(&db), person(&db));
    may_see(&db, &bert, &["b"]);
    anna.run(&format!(
        "CREATE TEMP TABLE told (line text);
         DO $$ DECLARE r boolean; v text; BEGIN
             FOR i IN 1..2 LOOP
                 r := roster.has_attribute('territory', 'new'); INSERT INTO told VALUES (r::text);
                 PERFORM roster.add_user_attribute('{0}', 'territory', 'new');
                 r := roster.has_attribute('territory', 'new'); INSERT INTO told VALUES (r::text);
                 PERFORM roster.remove_user_attribute('{0}', 'territory');
             END LOOP;
             PERFORM roster.assume_user('{1}');
             r := roster.has_attribute('territory', 'b'); v := roster.username(); INSERT INTO told VALUES (r::text), (v);
             PERFORM roster.assume_user('{0}');
             r := roster.has_attribute('territory', 'b'); v := roster.username(); INSERT INTO told VALUES (r::text), (v);
         END $$",
        anna.name, bert.name
    ));
    assert_eq!(
        anna.lines("SELECT line FROM told"),
        ["false", "true", "false", "true", "true", &bert.name, "false", &anna.name]
    );
}

/// PL/pgSQL keeps the call site, and nothing is written that would make one snapshot differ from the next.
#[test]
fn one_call_site_follows_roles_assumed_users_and_rollbacks() {
    let db = Db::fresh();
    let (anna, bert, carl) = (editor(&db), person(&db), person(&db));
    may_see(&db, &anna, &["a"]);
    may_see(&db, &bert, &["b"]);
    may_see(&db, &carl, &["c"]);
    db.run(&format!("GRANT {} TO {}", bert.name, anna.name));
    anna.run(&format!(
        "CREATE TEMP TABLE told (line text);
         DO $$ DECLARE said text := ''; who text; step text;
         BEGIN
             FOREACH step IN ARRAY ARRAY['none', 'role', 'assume', 'assume again', 'undone', 'none', 'assume', 'role'] LOOP
                 IF step = 'role' THEN SET LOCAL ROLE {bert}; END IF;
                 IF step = 'assume' THEN RESET ROLE; PERFORM roster.assume_user('{carl}'); END IF;
                 IF step = 'assume again' THEN PERFORM roster.assume_user('{anna}'); END IF;
                 IF step = 'undone' THEN
                     BEGIN PERFORM roster.assume_user('{bert}'); PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END;
                 END IF;
                 -- Another call site is the first to ask as somebody new.
                 who := roster.username();
                 who := array_to_string(roster.attribute_values('territory'), '');
                 said := said || who;
             END LOOP;
             RESET ROLE; INSERT INTO told VALUES (said);
         END $$",
        anna = anna.name,
        bert = bert.name,
        carl = carl.name
    ));
    assert_eq!(anna.line("SELECT line FROM told"), "abcaaacc");
}

#[test]
fn one_statement_that_assumes_twice_answers_as_each() {
    let db = Db::fresh();
    let (anna, bert) = (editor(&db), person(&db));
    assert_eq!(
        anna.line(&format!(
            "SELECT roster.username(), roster.assume_user('{0}') > 0, roster.username(), roster.assume_user('{1}') > 0, roster.username()",
            bert.name, anna.name
        )),
        format!("{1}|t|{0}|t|{1}", bert.name, anna.name)
    );
}

#[test]
fn statements_of_one_transaction_see_each_other() {
    let db = Db::fresh();
    let anna = editor(&db);
    let name = &anna.name;
    let all = "roster.attribute_values('territory'); roster.in_group('g'); roster.has_permission('p')";
    anna.run("BEGIN");
    assert_eq!(answers(&anna, all), "{}|false|false");
    anna.run(&format!(
        "SELECT roster.set_user_attribute('{name}', 'territory', 'x'); SELECT roster.create_group('g');
         SELECT roster.add_member('g', '{name}'); SELECT roster.grant_permission('p', group_name => 'g')"
    ));
    assert_eq!(answers(&anna, all), "{x}|true|true");
    anna.run(&format!("SAVEPOINT s; SELECT roster.add_user_attribute('{name}', 'territory', 'y')"));
    assert_eq!(answers(&anna, all), "{x,y}|true|true");
    anna.run("ROLLBACK TO s");
    assert_eq!(answers(&anna, all), "{x}|true|true");
    anna.run("ROLLBACK");
    assert_eq!(answers(&anna, all), "{}|false|false");
}

/// Each rollback leaves the counters of the snapshot where they were before.
#[test]
fn rolled_back_subtransactions_leave_nothing_behind() {
    let db = Db::fresh();
    let anna = editor(&db);
    anna.run(&format!(
        "CREATE TEMP TABLE told (line text);
         DO $$ DECLARE r boolean; BEGIN
             FOR i IN 1..3 LOOP
                 BEGIN
                     PERFORM roster.set_user_attribute('{0}', 'territory', 'x');
                     r := roster.has_attribute('territory', 'x');
                     RAISE EXCEPTION 'was %', r;
                 EXCEPTION WHEN raise_exception THEN
                     r := roster.has_attribute('territory', 'x');
                     INSERT INTO told VALUES (sqlerrm), (r::text);
                 END;
             END LOOP;
         END $$",
        anna.name
    ));
    assert_eq!(anna.lines("SELECT line FROM told"), ["was t", "false", "was t", "false", "was t", "false"]);
}

#[test]
fn a_statement_does_not_see_what_it_changes_itself() {
    let db = Db::fresh();
    let anna = editor(&db);
    let seen = anna.line(&format!(
        "WITH change AS (SELECT roster.set_user_attribute('{}', 'territory', 'x') AS done)
         SELECT bool_or(roster.has_attribute('territory', 'x')) FROM change, generate_series(1, 10) WHERE done",
        anna.name
    ));
    assert_eq!(seen, "f");
    assert_eq!(answers(&anna, "roster.has_attribute('territory', 'x')"), "true");
}

#[test]
fn commits_of_others_are_seen_by_the_next_statement_or_by_the_next_transaction() {
    let db = Db::fresh();
    let anna = person(&db);
    let has = "roster.has_attribute('territory', 'x')";
    for (level, within) in
        [("READ COMMITTED", "true"), ("REPEATABLE READ", "false"), ("SERIALIZABLE", "false")]
    {
        anna.run(&format!("BEGIN ISOLATION LEVEL {level}"));
        assert_eq!(answers(&anna, has), "false", "{level}");
        may_see(&db, &anna, &["x"]);
        assert_eq!(answers(&anna, has), within, "{level}");
        anna.run("COMMIT");
        assert_eq!(answers(&anna, has), "true", "{level}");
        may_see(&db, &anna, &[]);
    }
}

#[test]
fn validity_windows_are_judged_at_the_start_of_the_statement() {
    let db = Db::fresh();
    let anna = person(&db);
    db.run(&format!(
        "SELECT roster.add_user_attribute('{0}', 'territory', 'brief', valid_until => clock_timestamp() + interval '0.5 s');
         SELECT roster.add_user_attribute('{0}', 'territory', 'past', valid_until => now() - interval '1 s');
         SELECT roster.add_user_attribute('{0}', 'territory', 'soon', valid_from => clock_timestamp() + interval '0.5 s')",
        anna.name
    ));
    anna.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    assert_eq!(answers(&anna, "roster.attribute_values('territory')"), "{brief}");
    wait_until("the windows pass, within one snapshot", || {
        answers(&anna, "roster.attribute_values('territory')") == "{soon}"
    });
    anna.run("COMMIT");
}

#[test]
fn prepared_statements_and_generic_plans_follow_changes_and_users() {
    let db = Db::fresh();
    let (anna, bert) = (person_with(&db, &["roster_impersonator"]), person(&db));
    super::sales(&db);
    db.run("CREATE INDEX ON sales (territory); ANALYZE sales");
    may_see(&db, &anna, &["t1"]);
    may_see(&db, &bert, &["t2", "t3"]);
    for mode in ["force_generic_plan", "force_custom_plan"] {
        anna.run(&format!(
            "SET plan_cache_mode = {mode}; DEALLOCATE ALL;
             PREPARE mine AS SELECT count(*) FROM sales WHERE roster.has_attribute('territory', territory);
             PREPARE named(text) AS SELECT count(*) FROM sales WHERE roster.has_attribute($1, territory)"
        ));
        let counts = || {
            (
                anna.number("EXECUTE mine"),
                anna.number("EXECUTE named('territory')"),
                anna.number("EXECUTE named('x')"),
            )
        };
        assert_eq!(counts(), (10, 10, 0), "{mode}");
        may_see(&db, &anna, &["t1", "t5", "t6"]);
        assert_eq!(counts(), (30, 30, 0), "{mode}");
        anna.run(&format!("BEGIN; SELECT roster.assume_user('{}')", bert.name));
        assert_eq!(counts(), (20, 20, 0), "{mode}");
        anna.run("ROLLBACK");
        assert_eq!(counts(), (30, 30, 0), "{mode}");
        may_see(&db, &anna, &["t1"]);
    }
}

#[test]
fn a_cursor_answers_as_of_its_snapshot() {
    let db = Db::fresh();
    let anna = editor(&db);
    may_see(&db, &anna, &["x"]);
    anna.run(
        "BEGIN; DECLARE c CURSOR FOR SELECT i, roster.attribute_values('territory') FROM generate_series(1, 3) i",
    );
    assert_eq!(anna.line("FETCH c"), "1|{x}");
    anna.run(&format!("SELECT roster.set_user_attribute('{}', 'territory', 'y')", anna.name));
    assert_eq!(anna.line("FETCH c"), "2|{x}");
    assert_eq!(answers(&anna, "roster.attribute_values('territory')"), "{y}");
    assert_eq!(anna.line("FETCH c"), "3|{x}");
    anna.run("COMMIT");
}

#[test]
fn functions_within_a_statement_have_their_own_view_of_things() {
    let db = Db::fresh();
    let anna = editor(&db);
    db.run(&format!(
        "CREATE FUNCTION change(n integer) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
             PERFORM roster.set_user_attribute('{}', 'territory', 'v' || n);
             RETURN (SELECT array_to_string(roster.attribute_values('territory'), ','));
         END $$;
         CREATE FUNCTION stable_inside() RETURNS text LANGUAGE plpgsql STABLE AS
             $$ BEGIN RETURN array_to_string(roster.attribute_values('territory'), ','); END $$",
        anna.name
    ));
    assert_eq!(
        anna.lines(
            "SELECT roster.attribute_values('territory'), change(i), roster.attribute_values('territory'), stable_inside()
             FROM generate_series(1, 6) i"
        ),
        (1..=6).map(|i| format!("{{}}|v{i}|{{}}|")).collect::<Vec<_>>()
    );
}

#[test]
fn procedures_that_commit_start_anew() {
    let db = Db::fresh();
    let (anna, bert) = (editor(&db), person(&db));
    may_see(&db, &bert, &["b"]);
    anna.run("CREATE TEMP TABLE told (line text)");
    anna.run(&format!(
        "DO $$ DECLARE r text; BEGIN
             PERFORM roster.assume_user('{}');
             r := roster.username(); INSERT INTO told VALUES (r);
             COMMIT;
             r := roster.username(); INSERT INTO told VALUES (r);
         END $$",
        bert.name
    ));
    assert_eq!(anna.lines("SELECT line FROM told"), [bert.name.as_str(), anna.name.as_str()]);
}

#[test]
fn the_extension_may_be_made_again_under_a_session() {
    let db = Db::fresh();
    let anna = person(&db);
    may_see(&db, &anna, &["x"]);
    assert_eq!(answers(&anna, "roster.has_attribute('territory', 'x')"), "true");
    db.run("DROP EXTENSION pg_roster; CREATE EXTENSION pg_roster");
    assert_eq!(answers(&anna, "roster.has_attribute('territory', 'x')"), "NULL");
    db.run(&format!("SELECT roster.create_user('{}')", anna.name));
    may_see(&db, &anna, &["x"]);
    assert_eq!(answers(&anna, "roster.has_attribute('territory', 'x')"), "true");
}
