//! The calls that the documentation promises work exactly as they stand there.

use roster_tests::Db;

#[test]
fn the_worked_calls_of_the_built_in_identity_manager() {
    let db = Db::fresh();
    db.run("SELECT roster.create_user('steve', display_name => 'Steve', email => 'steve@example.org')");
    db.run("SELECT roster.set_user_attribute('steve', 'country', 'USA')");
    db.run("SELECT roster.create_user('stephanie')");
    db.run(
        "SELECT roster.set_user_attribute('stephanie', 'sales_region', ARRAY['Ohio', 'Michigan', 'Indiana'])",
    );
    db.run(
        "SELECT roster.add_user_attribute('stephanie', 'sales_region', 'Iowa', valid_until => now() + interval '30 days')",
    );
    let regions = "SELECT value FROM roster.effective_attributes WHERE username = 'stephanie' ORDER BY value";
    assert_eq!(db.lines(regions), ["Indiana", "Iowa", "Michigan", "Ohio"]);
    db.run("SELECT roster.remove_user_attribute('stephanie', 'sales_region', 'Iowa')");
    assert_eq!(db.lines(regions), ["Indiana", "Michigan", "Ohio"]);

    db.run("SELECT roster.create_group('developers'); SELECT roster.set_group_attribute('developers', 'organization', 'engineering')");
    db.run("SELECT roster.create_user('sam'); SELECT roster.add_member('developers', 'sam')");
    assert_eq!(
        db.lines("SELECT name, value FROM roster.effective_attributes WHERE username = 'sam'"),
        ["organization|engineering"]
    );

    db.run("SELECT roster.create_group('company'); SELECT roster.set_group_attribute('company', 'badge', 'blue')");
    db.run("SELECT roster.add_subgroup('company', 'developers')");
    assert_eq!(
        db.lines("SELECT origin, group_name, path FROM roster.attribute_origins WHERE username = 'sam' AND name = 'badge'"),
        ["group|company|{developers,company}"]
    );
}

#[test]
fn the_worked_calls_of_an_ldap_source() {
    let db = Db::fresh();
    db.run("SELECT roster.create_identity_manager('corp', kind => 'ldap')");
    db.run(
        r#"SELECT roster.create_source('corp-ldap', iam => 'corp', kind => 'ldap', schedule => '0 * * * *', config => '{
  "urls": ["ldap://127.0.0.1:3389"], "bind_dn": "cn=admin,dc=example,dc=org", "bind_password": {"env": "LDAP_PASSWORD"},
  "user_base": "ou=people,dc=example,dc=org", "user_filter": "(objectClass=inetOrgPerson)", "username_attribute": "uid",
  "group_base": "ou=groups,dc=example,dc=org", "group_filter": "(objectClass=groupOfNames)", "group_name_attribute": "cn", "membership": "member",
  "profile": {"display_name": "cn", "email": "mail"}, "attributes": {"department": "departmentNumber"}, "group_attributes": {"description": "description"},
  "page_size": 1000}')"#,
    );
    assert_eq!(
        db.lines("SELECT iam, kind, case_sensitive, enabled FROM roster.identity_managers ORDER BY iam"),
        ["builtin|builtin|t|t", "corp|ldap|f|t"]
    );
    assert_eq!(
        db.lines(
            "SELECT source, iam, kind, schedule, priority, enabled, health, time_zone,
                         next_run_at = date_trunc('hour', now()) + interval '1 hour'
                  FROM roster.sources WHERE source = 'corp-ldap'"
        ),
        ["corp-ldap|corp|ldap|0 * * * *|0|t|never_ran|UTC|t"]
    );
    let run_id = db.number("SELECT roster.sync_now('corp-ldap')");
    assert_eq!(
        db.lines("SELECT run_id, source, mode, trigger, state FROM roster.sync_runs"),
        [format!("{run_id}|corp-ldap|apply|manual|queued")]
    );
}

#[test]
fn creators_return_the_new_id() {
    let db = Db::fresh();
    for (call, view) in [
        ("roster.create_user('a')", "SELECT user_id FROM roster.users"),
        ("roster.create_group('g')", "SELECT group_id FROM roster.groups"),
    ] {
        let id = db.line(&format!("SELECT {call}"));
        assert_eq!(db.lines(view), [id], "{call}");
    }
}
