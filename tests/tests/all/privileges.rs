//! Who may do what, to the letter: every grant of the installed extension, as a file. A change of it is a decision.
//! After one: `UPDATE_DOCS=1 cargo test --release -p roster-tests -- privileges`.

use roster_tests::{Db, repository};

#[test]
fn grants_are_those_of_the_snapshot() {
    let file = repository().join("tests/tests/all/privileges.snapshot");
    let found = grants(&Db::fresh()).join("\n") + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &found).expect("the snapshot can be written");
    }
    let decided = std::fs::read_to_string(&file).unwrap_or_default();
    let only = |these: &str, those: &str| -> Vec<String> {
        these.lines().filter(|line| !those.lines().any(|l| l == *line)).map(str::to_owned).collect()
    };
    assert_eq!(
        (only(&found, &decided), only(&decided, &found)),
        (vec![], vec![]),
        "grants that are new, and grants that are gone: if they are meant, run once with UPDATE_DOCS=1"
    );
}

/// What anybody but the owner may do, memberships of roles included.
fn grants(db: &Db) -> Vec<String> {
    db.lines(
        r#"SELECT line FROM (
             SELECT format('schema %s: %s %s', n.nspname, grantee(a), a.privilege_type) AS line
             FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname IN ('roster', 'roster_private') AND a.grantee <> n.nspowner
             UNION ALL
             SELECT format('relation %s: %s %s', c.oid::regclass, grantee(a), a.privilege_type)
             FROM pg_class c, aclexplode(c.relacl) a
             WHERE c.relnamespace IN ('roster'::regnamespace, 'roster_private'::regnamespace) AND a.grantee <> c.relowner
             UNION ALL
             SELECT format('function %s: %s %s', p.oid::regprocedure, grantee(a), a.privilege_type)
             FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
             WHERE p.pronamespace IN ('roster'::regnamespace, 'roster_private'::regnamespace) AND a.grantee <> p.proowner
             UNION ALL
             SELECT format('parameter %s: %s %s', r.parname, grantee(a), a.privilege_type)
             FROM pg_parameter_acl r, aclexplode(r.paracl) a WHERE a.grantee::regrole::text LIKE 'roster\_%'
             UNION ALL
             SELECT format('role %s: member of %s', m.member::regrole, m.roleid::regrole)
             FROM pg_auth_members m WHERE m.member::regrole::text LIKE 'roster\_%'
           ) g ORDER BY line COLLATE "C""#
            .replace("grantee(a)", "CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END")
            .as_str(),
    )
}

#[test]
fn nobody_installs_replaces_or_overloads_anything_in_the_schemas() {
    let db = Db::fresh();
    for roles in [
        &[][..],
        &["roster_reader"],
        &["roster_user_admin"],
        &["roster_admin"],
        &["roster_syncd"],
        &["roster_impersonator"],
    ] {
        let person = db.login(roles);
        for attempt in [
            "CREATE FUNCTION roster.has_attribute(name text, value varchar) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
            "CREATE OR REPLACE FUNCTION roster.username() RETURNS text LANGUAGE sql AS $$ SELECT 'root' $$",
            "CREATE VIEW roster.mine AS SELECT 1",
            "CREATE TABLE roster_private.mine (i int)",
            "CREATE TYPE roster.mine AS (i int)",
            "CREATE OPERATOR roster.= (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)",
            "ALTER FUNCTION roster.version() OWNER TO CURRENT_USER",
            "DROP VIEW roster.users",
            "COMMENT ON VIEW roster.users IS 'mine'",
            "CREATE TRIGGER mine AFTER INSERT ON roster_private.staged_entity EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "CREATE RULE mine AS ON INSERT TO roster_private.staged_edge DO INSTEAD NOTHING",
            "ALTER TABLE roster_private.app_user DISABLE TRIGGER ALL",
            "GRANT SELECT ON roster.users TO PUBLIC",
            "SET ROLE roster_owner",
            "ALTER EXTENSION pg_roster UPDATE",
            "DROP EXTENSION pg_roster",
            "CREATE EXTENSION pg_roster VERSION '0.1.0'",
        ] {
            person.run("BEGIN");
            let told = person.try_lines(attempt);
            person.run("ROLLBACK");
            let refused = match &told {
                Err(told) => told.contains("[42501]") || told.contains("[42710]"),
                // A grant of what one does not have is a warning and grants nothing.
                Ok(_) => attempt.starts_with("GRANT"),
            };
            assert!(refused, "{roles:?}: {attempt}\n{told:?}");
        }
    }
    assert_eq!(db.line("SELECT has_table_privilege('public', 'roster.users', 'SELECT')"), "f");
}
