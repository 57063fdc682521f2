//! `sync_table_now` reads with the rights of the caller, and writes what only the product may write.

use roster_tests::{Db, Session};

use super::{add_source, long_config, stated, sync, with_source};

/// A database with one row in the table, and a session of an administrator who owns nothing.
fn with_admin() -> (Db, Session, String) {
    let db = with_source("");
    db.run("INSERT INTO hr.attributes VALUES ('ann', 'a', '1')");
    let role = db.new_role(&["roster_admin"]);
    let admin = Session::connect(&db.url(&role));
    (db, admin, role)
}

#[test]
fn a_caller_without_select_is_refused_and_one_with_it_is_not() {
    let (db, admin, role) = with_admin();
    assert!(admin.error("SELECT roster.sync_table_now('hr')").contains("[42501]"), "no USAGE on the schema");
    db.run(&format!("GRANT USAGE ON SCHEMA hr TO {role}"));
    let told = admin.error("SELECT roster.sync_table_now('hr')");
    assert!(told.contains("permission denied for table attributes") && told.contains("[42501]"), "{told}");
    assert_eq!(db.lines("SELECT * FROM roster.sync_runs"), [""; 0]);
    db.run(&format!("GRANT SELECT ON hr.attributes TO {role}"));
    assert_eq!(sync(&admin, "hr"), "succeeded|1|0");
    assert_eq!(stated(&db, "hr"), ["ann|a|1"]);
    assert_eq!(db.line("SELECT DISTINCT actor FROM roster.changes WHERE kind = 'user_attribute'"), role);
}

#[test]
fn nobody_else_may_call_it() {
    let db = with_source("");
    db.run("GRANT USAGE ON SCHEMA hr TO PUBLIC; GRANT SELECT ON hr.attributes TO PUBLIC");
    for role in ["roster_user_admin", "roster_reader", "roster_syncd", "roster_impersonator"] {
        let told = db.login(&[role]).error("SELECT roster.sync_table_now('hr')");
        assert!(told.contains("[42501]"), "{role}: {told}");
    }
    assert!(db.login(&[]).error("SELECT roster.sync_table_now('hr')").contains("[42501]"));
}

#[test]
fn row_security_of_the_table_holds_for_the_caller() {
    let (db, admin, role) = with_admin();
    db.run(&format!(
        "GRANT USAGE ON SCHEMA hr TO {role}; GRANT SELECT ON hr.attributes TO {role}; INSERT INTO hr.attributes VALUES ('bob', 'secret', '1');
         ALTER TABLE hr.attributes ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON hr.attributes USING (attribute <> 'secret')"
    ));
    assert_eq!(sync(&admin, "hr"), "succeeded|1|0");
    assert_eq!(stated(&db, "hr"), ["ann|a|1"]);
}

#[test]
fn what_a_query_calls_runs_as_the_caller() {
    let (db, admin, role) = with_admin();
    db.run(
        "CREATE TABLE public.secrets (v text); INSERT INTO public.secrets VALUES ('top'); REVOKE ALL ON public.secrets FROM PUBLIC;
         GRANT CREATE ON SCHEMA public TO PUBLIC; CREATE TABLE public.witness (who text); GRANT INSERT ON public.witness TO PUBLIC",
    );
    admin.run(
        "CREATE FUNCTION public.probe() RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.witness VALUES (current_user); RETURN 'x'; END $$",
    );
    for (query, refused) in [
        ("SELECT 'ann' AS username, 'a' AS attribute, v AS value FROM public.secrets", true),
        ("SELECT 'ann' AS username, 'a' AS attribute, username AS value FROM roster_private.app_user", true),
        ("SELECT 'ann' AS username, 'a' AS attribute, hash::text AS value FROM roster_private.api_key", true),
        ("SELECT 'ann' AS username, 'a' AS attribute, public.probe() AS value", false),
        ("SELECT 'ann' AS username, 'a' AS attribute, current_user::text AS value", false),
    ] {
        let config = long_config("")
            .replace(r#""relation": "hr.attributes""#, &format!(r#""query": "{query}""#))
            .replace('\'', "''");
        admin.run(&format!("SELECT roster.alter_source('hr', config => '{config}')"));
        if refused {
            let told = admin.error("SELECT roster.sync_table_now('hr')");
            assert!(told.contains("[42501]"), "{query}\n{told}");
        } else {
            admin.run("SELECT roster.sync_table_now('hr')");
        }
    }
    assert_eq!(db.lines("SELECT DISTINCT who FROM public.witness"), std::slice::from_ref(&role));
    assert_eq!(stated(&db, "hr"), [format!("ann|a|{role}")]);
}

#[test]
fn an_administrator_completes_only_what_this_very_transaction_has_begun() {
    let (db, admin, _) = with_admin();
    let other = db.session();
    other.run("BEGIN; SELECT roster_private.begin_table_now('hr')");
    for call in [
        "finish_table_now(1, 0, true, NULL)",
        "finish_table_now((SELECT max(run_id) FROM roster.sync_runs), 0, true, NULL)",
    ] {
        let told = admin.error(&format!("SELECT roster_private.{call}"));
        assert!(told.contains("[55000]"), "{told}");
    }
    other.run("ROLLBACK");
    for call in [
        "roster_private.complete_facts(1, 0, 0, true, NULL, NULL)",
        "roster_private.fence_run(1)",
        "roster_private.store_state(1)",
    ] {
        assert!(admin.error(&format!("SELECT {call}")).contains("[42501]"), "{call}");
    }
    assert!(
        admin.error("SELECT * FROM roster_private.staged_fact").contains("[42501]"),
        "what others stage is not shown"
    );
}

#[test]
fn a_watched_table_runs_nothing_of_its_owner_as_somebody_else() {
    let db = with_source("");
    let owner = Session::connect(&db.url(&db.new_role(&[])));
    db.run("GRANT CREATE ON SCHEMA public TO PUBLIC; CREATE TABLE public.witness (who text); GRANT INSERT ON public.witness TO PUBLIC");
    owner.run(
        "CREATE TYPE public.name AS (n text); CREATE TABLE public.mine (u public.name, a text);
         CREATE FUNCTION public.spy(public.name) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.witness VALUES (current_user); RETURN 'x'; END $$;
         CREATE CAST (public.name AS text) WITH FUNCTION public.spy(public.name) AS IMPLICIT",
    );
    add_source(&db, "mine", r#"{"relation": "public.mine", "format": "wide", "user_column": "u"}"#);
    db.run("SELECT roster.watch_table('mine')");
    owner.run("INSERT INTO public.mine VALUES (ROW('ann'), 'a')");
    assert_eq!(db.lines("SELECT who FROM public.witness"), [""; 0]);
    assert_eq!(db.line("SELECT count(*) FROM roster_private.watch_queue WHERE who IS NOT NULL"), "1");
}
