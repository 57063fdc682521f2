//! Who the current user is.

use roster_tests::Db;

use super::{answers, may_see, person};

#[test]
fn set_role_counts_and_security_definer_does_not() {
    let db = Db::fresh();
    let (anna, bert) = (person(&db), person(&db));
    db.run(&format!(
        "GRANT {1} TO {0};
         CREATE FUNCTION definer() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT roster.username()';
         CREATE FUNCTION outer_definer() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RETURN definer(); END $$;
         ALTER FUNCTION definer() OWNER TO {1}",
        anna.name, bert.name
    ));
    let all = "roster.username(); definer(); outer_definer()";
    assert_eq!(answers(&anna, all), [anna.name.as_str(); 3].join("|"));
    anna.run(&format!("SET ROLE {}", bert.name));
    assert_eq!(answers(&anna, all), [bert.name.as_str(); 3].join("|"));
    anna.run("RESET ROLE");
    assert_eq!(answers(&anna, all), [anna.name.as_str(); 3].join("|"));
}

#[test]
fn set_role_within_one_function_counts_at_once() {
    let db = Db::fresh();
    let (anna, bert) = (person(&db), person(&db));
    may_see(&db, &anna, &["a"]);
    may_see(&db, &bert, &["b"]);
    db.run(&format!("GRANT {1} TO {0}", anna.name, bert.name));
    anna.run(&format!(
        "CREATE TEMP TABLE told (line text); GRANT ALL ON told TO PUBLIC;
         DO $$ DECLARE r boolean; BEGIN
             FOR i IN 1..3 LOOP
                 RESET ROLE; r := roster.has_attribute('territory', 'a'); INSERT INTO told VALUES (r::text);
                 SET LOCAL ROLE {}; r := roster.has_attribute('territory', 'a'); INSERT INTO told VALUES (r::text);
             END LOOP;
         END $$",
        bert.name
    ));
    assert_eq!(anna.lines("SELECT line FROM told"), ["true", "false", "true", "false", "true", "false"]);
}

#[test]
fn a_disabled_user_is_nobody() {
    let db = Db::fresh();
    let anna = person(&db);
    may_see(&db, &anna, &["a"]);
    assert_eq!(answers(&anna, "roster.has_attribute('territory', 'a')"), "true");
    db.run(&format!("SELECT roster.disable_user('{}')", anna.name));
    assert_eq!(answers(&anna, "roster.has_attribute('territory', 'a'); roster.username()"), "NULL|NULL");
    db.run(&format!("SELECT roster.enable_user('{}')", anna.name));
    assert_eq!(answers(&anna, "roster.has_attribute('territory', 'a')"), "true");
    db.run(&format!("SELECT roster.delete_user('{}')", anna.name));
    assert_eq!(answers(&anna, "roster.has_attribute('territory', 'a'); roster.in_group('x')"), "NULL|NULL");
}

/// The helpers look names up by a statement of their own: it must agree with the view.
#[test]
fn the_role_is_a_platform_username_of_postgres() {
    let db = Db::fresh();
    let role = db.login(&[]);
    let name = role.line("SELECT session_user");
    let check = |what: &str, expected: &str| {
        assert_eq!(answers(&role, "roster.iam() || ' ' || roster.username()"), expected, "{what}");
        let view = format!(
            "SELECT coalesce(max(iam || ' ' || username), 'NULL') FROM roster.platform_users
             WHERE platform = 'postgres' AND platform_username = '{name}'"
        );
        assert_eq!(db.line(&view), expected, "platform_users: {what}");
    };
    check("there is no such user", "NULL");
    db.run("SELECT roster.create_identity_manager('corp', kind => 'ldap'); SELECT roster.create_user('john', iam => 'corp')");
    db.run(&format!("SELECT roster.create_user('{name}', iam => 'corp')"));
    check("users of other identity managers do not fall back to their username", "NULL");
    db.run(&format!("SELECT roster.set_platform_username('john', 'postgres', '{name}', iam => 'corp')"));
    check("a platform username", "corp john");
    db.run(&format!("SELECT roster.create_user('{name}')"));
    check("two claim the name", "NULL");
    db.run(&format!("SELECT roster.set_platform_username('{name}', 'postgres', state => 'none')"));
    check("one of them does not exist on postgres", "corp john");
    db.run("SELECT roster.set_platform_username('john', 'postgres', state => 'unset', iam => 'corp')");
    check("the platform username is gone", "NULL");
    db.run(&format!("SELECT roster.set_platform_username('{name}', 'postgres', state => 'unset')"));
    check("the fallback of builtin", &format!("builtin {name}"));
    db.run("SELECT roster.set_platform_rule('postgres', fallback_iams => '{corp}')");
    check("a rule names another identity manager", &format!("corp {name}"));
    db.run("SELECT roster.set_platform_rule('postgres', fallback_iams => '{corp,builtin}')");
    check("both fall back to the same name", "NULL");
    db.run(&format!("SELECT roster.disable_user('{name}', 'corp')"));
    check("a disabled user claims nothing", &format!("builtin {name}"));
}

#[test]
fn a_user_of_another_iam_is_not_taken_for_a_namesake() {
    let db = Db::fresh();
    let anna = person(&db);
    may_see(&db, &anna, &["a"]);
    db.run(&format!(
        "SELECT roster.create_identity_manager('corp', kind => 'ldap'); SELECT roster.create_user('{0}', iam => 'corp');
         SELECT roster.set_user_attribute('{0}', 'territory', 'secret', iam => 'corp')",
        anna.name
    ));
    assert_eq!(answers(&anna, "roster.iam(); roster.attribute_values('territory')"), "builtin|{a}");
    db.run("SELECT roster.set_platform_rule('postgres', fallback_iams => '{builtin,corp}')");
    assert_eq!(answers(&anna, "roster.iam(); roster.attribute_values('territory')"), "NULL|{}");
}
