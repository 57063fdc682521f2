//! What the catalog must say of the public surface: columns, comments, privileges.

use roster_tests::Db;

/// Columns in order; new ones may only be appended.
const VIEWS: &[(&str, &str)] = &[
    ("identity_managers", "iam, kind, display_name, enabled, case_sensitive, created_at"),
    (
        "sources",
        "source, iam, kind, schedule, next_run_at, priority, enabled, last_run_id, last_success_at, health, config, time_zone, last_error, running_run_id, run_timeout, failures, retry_at",
    ),
    (
        "users",
        "user_id, iam, username, external_id, display_name, email, active, profile, created_at, updated_at",
    ),
    ("groups", "group_id, iam, group_name, external_id, display_name, profile, created_at, updated_at"),
    (
        "memberships",
        "iam, group_name, member_kind, member_name, source, since, valid_from, valid_until, group_id, member_id",
    ),
    ("user_attributes", "iam, owner, name, value, source, since, valid_from, valid_until"),
    ("group_attributes", "iam, owner, name, value, source, since, valid_from, valid_until"),
    ("effective_groups", "user_id, iam, username, group_name, direct, depth"),
    ("effective_attributes", "user_id, iam, username, name, value"),
    (
        "attribute_origins",
        "user_id, iam, username, name, value, origin, group_name, path, source, since, wins, stale",
    ),
    (
        "user_profiles",
        "user_id, iam, username, display_name, email, active, profile, platforms, groups, attributes, permissions",
    ),
    (
        "sync_runs",
        "run_id, source, mode, trigger, state, started_at, finished_at, read, added, changed, removed, quarantined, message",
    ),
    ("sync_changes", "run_id, change, kind, iam, subject, name, before, after"),
    ("quarantine", "run_id, source, kind, key, reason, entry"),
    (
        "changes",
        "change_id, changed_at, actor, source, run_id, change, kind, iam, subject, name, before, after",
    ),
    ("guards", "source, kind"),
    ("effective_permissions", "user_id, iam, username, permission, origin, group_name"),
    ("permission_grants", "iam, permission"),
    ("merge_rules", "name, rule"),
    ("api_keys", "label, prefix, iam, source, scopes, expires_at, last_used_at, revoked_at"),
    ("platforms", "platform"),
    ("platform_users", "platform, platform_username, user_id, iam, username"),
    ("platform_attributes", "platform, platform_username, name, value"),
    ("platform_collisions", "platform, platform_username, usernames"),
];

#[test]
fn views_have_the_promised_columns_in_order() {
    let db = Db::fresh();
    for (view, promised) in VIEWS {
        let columns = db.line(&format!(
            "SELECT coalesce(string_agg(attname, ', ' ORDER BY attnum), 'no such view') FROM pg_attribute
             WHERE attrelid = to_regclass('roster.{view}') AND attnum > 0 AND NOT attisdropped"
        ));
        assert!(columns.starts_with(promised), "roster.{view}: {columns}");
    }
}

#[test]
fn ids_are_bigint_and_texts_are_text() {
    let db = Db::fresh();
    let odd = db.lines(
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.relnamespace = 'roster'::regnamespace AND c.relkind = 'v' AND a.attnum > 0 AND (
               (a.attname ~ '^(user|group|member|run|change)_id$' AND a.atttypid <> 'bigint'::regtype)
            OR (a.attname ~ '(_at|^since|^valid_from|^valid_until)$' AND a.atttypid <> 'timestamptz'::regtype)
            OR (a.attname IN ('username', 'group_name', 'name', 'value', 'iam', 'source') AND a.atttypid <> 'text'::regtype))",
    );
    assert_eq!(odd, [""; 0]);
}

#[test]
fn every_public_object_has_a_comment() {
    let db = Db::fresh();
    let bare = db.lines(
        "SELECT 'schema', nspname FROM pg_namespace
          WHERE nspname IN ('roster', 'roster_private') AND obj_description(oid, 'pg_namespace') IS NULL
         UNION ALL
         SELECT 'relation', oid::regclass::text FROM pg_class
          WHERE relnamespace = 'roster'::regnamespace AND relkind IN ('r', 'v', 'm', 'p', 'f')
            AND obj_description(oid, 'pg_class') IS NULL
         UNION ALL
         SELECT 'column', c.oid::regclass || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
          WHERE c.relnamespace = 'roster'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p', 'f') AND a.attnum > 0
            AND col_description(c.oid, a.attnum) IS NULL
         UNION ALL
         SELECT 'function', oid::regprocedure::text FROM pg_proc
          WHERE pronamespace = 'roster'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL
         UNION ALL
         SELECT 'type', oid::regtype::text FROM pg_type t
          WHERE typnamespace = 'roster'::regnamespace AND obj_description(oid, 'pg_type') IS NULL AND typelem = 0
            AND (typrelid = 0 OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'
                                         AND obj_description(c.oid, 'pg_class') IS NULL))",
    );
    assert_eq!(bare, [""; 0]);
}

#[test]
fn definer_functions_pin_their_search_path_and_run_as_the_owner_role() {
    let db = Db::fresh();
    let loose = db.lines(
        "SELECT oid::regprocedure FROM pg_proc
         WHERE pronamespace IN ('roster'::regnamespace, 'roster_private'::regnamespace) AND prosecdef
           AND (NOT coalesce(EXISTS (SELECT FROM unnest(proconfig) c WHERE c LIKE 'search_path=%'), false)
                OR proowner <> 'roster_owner'::regrole)",
    );
    assert_eq!(loose, [""; 0]);
    assert_ne!(
        db.number("SELECT count(*) FROM pg_proc WHERE pronamespace = 'roster'::regnamespace AND prosecdef"),
        0
    );
}

#[test]
fn everything_belongs_to_a_role_that_is_no_superuser() {
    let db = Db::fresh();
    let others = db.lines(
        "SELECT oid::regclass FROM pg_class
          WHERE relnamespace IN ('roster'::regnamespace, 'roster_private'::regnamespace) AND relowner <> 'roster_owner'::regrole",
    );
    assert_eq!(others, [""; 0]);
    assert_eq!(db.line("SELECT rolsuper, rolcanlogin FROM pg_roles WHERE rolname = 'roster_owner'"), "f|f");
}

/// Who may do what: a call, and the roles that may. Everybody else, and the public, is refused.
const PRIVILEGES: &[(&str, &[&str])] = &[
    ("SELECT * FROM roster.users", &["roster_reader", "roster_user_admin", "roster_admin"]),
    ("SELECT * FROM roster.effective_attributes", &["roster_reader", "roster_user_admin", "roster_admin"]),
    ("SELECT * FROM roster.attribute_origins", &["roster_reader", "roster_user_admin", "roster_admin"]),
    ("SELECT * FROM roster.changes", &["roster_reader", "roster_user_admin", "roster_admin"]),
    ("SELECT roster.create_user('someone')", &["roster_user_admin", "roster_admin"]),
    ("SELECT roster.create_group('some')", &["roster_user_admin", "roster_admin"]),
    ("SELECT roster.set_user_attribute('known', 'a', '1')", &["roster_user_admin", "roster_admin"]),
    ("SELECT roster.delete_user('known')", &["roster_user_admin", "roster_admin"]),
    ("SELECT * FROM roster.platform_attributes", &["roster_reader", "roster_user_admin", "roster_admin"]),
    ("SELECT * FROM roster.platform_collisions", &["roster_reader", "roster_user_admin", "roster_admin"]),
    ("SELECT * FROM roster.effective_permissions", &["roster_reader", "roster_user_admin", "roster_admin"]),
    (
        "SELECT * FROM roster.explain_attribute('known')",
        &["roster_reader", "roster_user_admin", "roster_admin"],
    ),
    ("SELECT roster.grant_permission('p', username => 'known')", &["roster_user_admin", "roster_admin"]),
    (
        "SELECT roster.set_platform_username('known', 'snowflake', 'K')",
        &["roster_user_admin", "roster_admin"],
    ),
    ("SELECT roster.expire_due()", &["roster_user_admin", "roster_admin", "roster_syncd"]),
    ("SELECT roster.set_merge_rule('a', 'nearest')", &["roster_admin"]),
    ("SELECT roster.set_platform_rule('snowflake')", &["roster_admin"]),
    ("SELECT roster_private.find_iam('builtin')", &[]),
    ("SELECT roster.create_identity_manager('x')", &["roster_admin"]),
    ("SELECT roster.create_source('x', iam => 'builtin', kind => 'ldap')", &["roster_admin"]),
    ("SELECT roster.drop_source('known')", &["roster_admin"]),
    ("SELECT roster.set_guard('known', 'user', 1, 1)", &["roster_admin"]),
    ("SELECT * FROM roster_private.app_user", &[]),
    ("SELECT * FROM roster_private.source", &[]),
    ("DELETE FROM roster_private.user_attribute", &[]),
    (
        "INSERT INTO roster_private.staged_edge (slot, run_id, group_key, kind, member_key) SELECT 1, 1, gen_random_uuid(), 'user', gen_random_uuid() WHERE false",
        &["roster_syncd"],
    ),
    ("TABLE roster_private.staged_entity", &[]),
];

#[test]
fn each_role_may_do_its_part_and_no_more() {
    let db = Db::fresh();
    db.run("SELECT roster.create_user('known'); SELECT roster.create_source('known', iam => 'builtin', kind => 'ldap')");
    each_role_may(&db, PRIVILEGES);
}

/// Every role makes every call: those named with it are let in, the others are told so.
#[track_caller]
pub(crate) fn each_role_may(db: &Db, calls: &[(&str, &[&str])]) {
    for role in [
        "roster_admin",
        "roster_user_admin",
        "roster_reader",
        "roster_syncd",
        "roster_impersonator",
        "roster_authenticator",
        "public",
    ] {
        let session = if role == "public" { db.login(&[]) } else { db.login(&[role]) };
        for (call, allowed) in calls {
            session.run("BEGIN");
            let result = session.try_lines(call);
            session.run("ROLLBACK");
            match (allowed.contains(&role), result) {
                (true, Err(told)) => panic!("{role} may: {call}\n{told}"),
                (false, Ok(_)) => panic!("{role} may not: {call}"),
                (false, Err(told)) => assert!(told.contains("[42501]"), "{role}: {call}\n{told}"),
                (true, Ok(_)) => {}
            }
        }
    }
}

#[test]
fn a_run_of_an_ordinary_person_cannot_shadow_names_of_the_definer() {
    let db = Db::fresh();
    let admin = db.login(&["roster_user_admin"]);
    admin.run(
        "CREATE TEMP TABLE run (run_id bigint); CREATE TEMP TABLE app_user (username text);
         CREATE FUNCTION pg_temp.name_key(text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT 'hijacked' $$;
         SET search_path = pg_temp, public; SELECT roster.create_user('honest')",
    );
    assert_eq!(db.lines("SELECT username FROM roster.users"), ["honest"]);
}

#[test]
fn the_extension_needs_no_preload_and_tells_its_version() {
    let db = Db::fresh();
    assert_eq!(db.line("SELECT roster.version()"), "0.1.0");
    assert_eq!(db.line("SELECT extversion FROM pg_extension WHERE extname = 'pg_roster'"), "0.1.0");
    assert_eq!(db.line("SHOW shared_preload_libraries"), "");
    assert_eq!(db.line("SELECT trusted FROM pg_available_extension_versions WHERE name = 'pg_roster' AND version = '0.1.0'"), "f");
}
