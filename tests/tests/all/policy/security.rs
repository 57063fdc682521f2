//! What the helpers must not give away, and what nobody may take over.

use roster_tests::Db;

use super::{answers, may_see, person};

#[test]
fn helpers_are_declared_as_policies_need_them() {
    let db = Db::fresh();
    let odd = db.lines(
        "SELECT oid::regprocedure FROM pg_proc
         WHERE pronamespace = 'roster'::regnamespace
           AND proname IN ('current_user_id', 'username', 'iam', 'has_attribute', 'has_attribute_under', 'attribute_values',
                           'in_group', 'in_all_groups', 'has_permission')
           AND (provolatile <> 's' OR proparallel <> 's' OR procost <> 1 OR proleakproof OR prosecdef OR proconfig IS NOT NULL
                OR NOT has_function_privilege('public', oid, 'EXECUTE'))",
    );
    assert_eq!(odd, [""; 0]);
    assert_eq!(
        db.lines(
            "SELECT provolatile, proparallel, has_function_privilege('public', oid, 'EXECUTE') FROM pg_proc
             WHERE oid = 'roster.assume_user(text, text)'::regprocedure"
        ),
        ["v|u|f"]
    );
}

/// What the caller has on the search_path, or in a temporary schema, is never called or read by a helper.
#[test]
fn nothing_of_the_caller_is_called_with_the_rights_of_the_owner() {
    let db = Db::fresh();
    let anna = person(&db);
    may_see(&db, &anna, &["a"]);
    db.run("GRANT CREATE ON SCHEMA public TO PUBLIC");
    anna.run(
        "CREATE TEMP TABLE app_user (user_id bigint, username text); CREATE TEMP TABLE effective_attributes (user_id bigint, name text, value text);
         INSERT INTO effective_attributes SELECT i, 'territory', 'forged' FROM generate_series(1, 9) i;
         CREATE FUNCTION public.same(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT true';
         CREATE FUNCTION public.same(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
         CREATE OPERATOR public.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = public.same);
         CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.same);
         CREATE FUNCTION public.attribute_values(text) RETURNS text[] LANGUAGE sql AS $$ SELECT '{forged}'::text[] $$;
         SET search_path = public, pg_temp, roster_private, roster, pg_catalog",
    );
    assert_eq!(
        answers(
            &anna,
            "roster.attribute_values('territory'); roster.username(); roster.has_attribute('territory', 'forged')"
        ),
        format!("{{a}}|{}|false", anna.name)
    );
    let path = anna.line("SHOW search_path");
    assert_eq!(path, "public, pg_temp, roster_private, roster, pg_catalog", "the caller keeps the path");
    assert_eq!(anna.line("SELECT current_user"), anna.name, "and the role");
}

#[test]
fn the_planner_takes_attribute_values_from_the_schema_of_has_attribute() {
    let db = Db::fresh();
    let anna = person(&db);
    may_see(&db, &anna, &["t3"]);
    super::sales(&db);
    db.run("CREATE INDEX ON sales (territory); ANALYZE sales; GRANT CREATE ON SCHEMA public TO PUBLIC");
    anna.run(
        "CREATE FUNCTION public.attribute_values(text) RETURNS text[] LANGUAGE sql STABLE AS $$ SELECT '{t1,t2}'::text[] $$;
         SET search_path = public, roster, pg_catalog; SET enable_seqscan = off",
    );
    let query = "SELECT DISTINCT territory FROM sales WHERE has_attribute('territory', territory)";
    assert!(anna.lines(&format!("EXPLAIN {query}")).concat().contains("Index Cond"), "by index");
    assert_eq!(anna.lines(query), ["t3"]);
}

#[test]
fn a_role_that_is_gone_is_nobody() {
    let db = Db::fresh();
    let (anna, helper) = (person(&db), db.new_role(&[]));
    db.run(&format!("GRANT {helper} TO {}", anna.name));
    anna.run(&format!("SET ROLE {helper}"));
    db.run(&format!("DROP ROLE {helper}"));
    assert_eq!(answers(&anna, "roster.has_attribute('territory', 'a'); roster.username()"), "NULL|NULL");
}

#[test]
fn helpers_answer_in_read_only_and_in_restricted_surroundings() {
    let db = Db::fresh();
    let anna = person(&db);
    may_see(&db, &anna, &["a"]);
    anna.run("SET default_transaction_read_only = on; SET row_security = off; SET default_transaction_isolation = 'serializable'");
    assert_eq!(answers(&anna, "roster.has_attribute('territory', 'a'); roster.in_group('x')"), "true|false");
    anna.run("BEGIN READ ONLY");
    assert_eq!(answers(&anna, "roster.has_attribute('territory', 'a')"), "true");
    anna.run("COMMIT");
}
