use serde_json::json;

use super::*;

const SERVERS: [ServerKind; 4] =
    [ServerKind::OpenLdap, ServerKind::ActiveDirectory, ServerKind::Ds389, ServerKind::Other];

fn minimal() -> Value {
    json!({"urls": ["ldap://127.0.0.1:3389"], "user_base": "ou=people,dc=example,dc=org"})
}

fn with(changes: Value) -> Result<LdapConfig, ConfigError> {
    let mut config = minimal();
    for (key, value) in changes.as_object().unwrap() {
        config[key] = value.clone();
    }
    LdapConfig::parse(&config)
}

fn refused(changes: Value) -> String {
    with(changes).expect_err("must be refused").to_string()
}

#[test]
fn defaults() {
    let config = LdapConfig::parse(&minimal()).unwrap();
    assert_eq!(config.page_size, 1000);
    assert_eq!(config.timeout, Duration::from_secs(30));
    assert_eq!(config.overlap, Duration::from_secs(300));
    assert_eq!((config.server, config.incremental, config.live), (None, Incremental::Auto, true));
    assert!(matches!(config.bind, Bind::Anonymous));
    for server in SERVERS {
        assert!(config.for_server(server).groups.is_none(), "{server:?}");
    }
}

#[test]
fn every_kind_of_server_has_its_defaults() {
    let config = with(json!({"group_base": "dc=x"})).unwrap();
    let inet = "(objectClass=inetOrgPerson)";
    let names = "(objectClass=groupOfNames)";
    for (server, id, filter, username, group_filter, active) in [
        (ServerKind::OpenLdap, "entryUUID", inet, "uid", names, Active::Always),
        (ServerKind::Other, "entryUUID", inet, "uid", names, Active::Always),
        (
            ServerKind::ActiveDirectory,
            "objectGUID",
            "(&(objectCategory=person)(objectClass=user))",
            "sAMAccountName",
            "(objectClass=group)",
            Active::AccountControl,
        ),
        (
            ServerKind::Ds389,
            "nsUniqueId",
            inet,
            "uid",
            "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))",
            Active::AccountLock,
        ),
    ] {
        let directory = config.for_server(server);
        let groups = directory.groups.as_ref().unwrap();
        assert_eq!(directory.id_attribute, id);
        assert_eq!(directory.users.filter, filter);
        assert!(directory.users.username.is_plain(username), "{:?}", directory.users.username);
        assert_eq!(groups.filter, group_filter);
        assert!(matches!(&groups.name, GroupName::Rule(rule) if rule.is_plain("cn")));
        assert_eq!(directory.users.active, active);
        assert!(directory.has_native_id() && directory.reads(Membership::Member));
        assert_eq!(directory.reads(Membership::UniqueMember), server == ServerKind::Ds389);
    }
    let written = with(json!({"server": "389ds"})).unwrap();
    assert_eq!(written.for_server(ServerKind::OpenLdap).server, ServerKind::Ds389);
}

#[test]
fn the_worked_example_is_accepted() {
    let config = with(json!({
        "bind_dn": "cn=admin,dc=example,dc=org", "bind_password": {"env": "LDAP_PASSWORD"},
        "user_filter": "(objectClass=inetOrgPerson)", "username_attribute": "uid",
        "group_base": "ou=groups,dc=example,dc=org", "group_filter": "(objectClass=groupOfNames)",
        "group_name_attribute": "cn", "membership": "member",
        "profile": {"display_name": "cn", "email": "mail"}, "attributes": {"department": "departmentNumber"},
        "group_attributes": {"description": "description"}, "page_size": 1000
    }))
    .unwrap();
    assert!(matches!(config.bind, Bind::Simple { .. }));
    let directory = config.for_server(ServerKind::OpenLdap);
    assert!(matches!(directory.groups.unwrap().name, GroupName::Rule(rule) if rule.is_plain("cn")));
}

#[test]
fn both_user_filters_hold() {
    let config = with(json!({"user_filter": "objectClass=person", "sync_filter": "(uid=a*)"})).unwrap();
    assert_eq!(config.for_server(ServerKind::OpenLdap).users.filter, "(&(objectClass=person)(uid=a*))");
}

#[test]
fn unknown_keys_are_named_with_the_known_ones() {
    let message = refused(json!({"user_bse": "x"}));
    assert!(message.contains("unknown key `user_bse`"), "{message}");
    assert!(message.contains("`user_base`") && message.contains("`allow_clear_text`"), "{message}");
}

#[test]
fn missing_and_misshapen_keys_are_named() {
    let message = LdapConfig::parse(&json!({"urls": []})).unwrap_err().to_string();
    assert!(message.contains("missing key `user_base`"), "{message}");
    assert!(refused(json!({"page_size": "many"})).contains("page_size: "));
    assert!(refused(json!({"page_size": 0})).contains("page_size: 0 is not between"));
    assert!(refused(json!({"profile": {"email": 1}})).contains("profile.email: "));
}

#[test]
fn inline_secrets_are_refused() {
    let message = refused(json!({"bind_dn": "cn=x", "bind_password": "hunter2"}));
    assert!(message.contains("bind_password: ") && message.contains("{\"env\": \"NAME\"}"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
    let message = refused(json!({"urls": ["ldap://admin:hunter2@localhost"]}));
    assert!(message.contains("bind_password") && !message.contains("hunter2"), "{message}");
}

#[test]
fn a_name_without_a_password_is_refused() {
    assert!(refused(json!({"bind_dn": "cn=x"})).contains("bind_password: is needed"));
    assert!(refused(json!({"bind_dn": " ", "bind_password": {"env": "X"}})).contains("bind_dn: is empty"));
    assert!(refused(json!({"bind_password": {"env": "X"}})).contains("bind_dn: is needed"));
}

#[test]
fn clear_text_is_for_loopback_only() {
    for url in ["ldap://localhost", "ldap://127.0.0.9:389", "ldap://[::1]:389", "ldaps://ldap.example.org"] {
        assert!(with(json!({"urls": [url]})).is_ok(), "{url}");
    }
    let remote = json!(["ldap://ldap.example.org"]);
    assert!(refused(json!({"urls": remote})).contains("clear text"));
    assert!(with(json!({"urls": remote, "start_tls": true})).is_ok());
    assert!(with(json!({"urls": remote, "allow_clear_text": true})).is_ok());
    assert!(refused(json!({"allow_clear_text": false})).contains("clear text"));
    // One bad address among good ones is refused too: it would be tried in its turn.
    assert!(
        refused(json!({"urls": ["ldaps://a.example.org", "ldap://b.example.org"]})).contains("b.example.org")
    );
}

#[test]
fn odd_urls_are_refused() {
    assert!(refused(json!({"urls": []})).contains("at least one"));
    assert!(refused(json!({"urls": ["http://localhost"]})).contains("begins with none of"));
    assert!(refused(json!({"urls": ["ldap:///"]})).contains("names no host"));
    assert!(refused(json!({"urls": ["ldap://localhost/dc=x"]})).contains("user_base"));
    assert!(refused(json!({"urls": ["ldaps://localhost"], "start_tls": true})).contains("start_tls"));
}

#[test]
fn words_are_refused_with_the_known_ones() {
    for (key, word, known) in [
        ("server", "ad", "active_directory"),
        ("membership", "members", "memberURL"),
        ("incremental", "fast", "modify_timestamp"),
        ("bind", "gssapi", "external"),
    ] {
        let message = refused(json!({"group_base": "dc=x", key: word}));
        assert!(message.contains(&format!("{key}: {word}")) && message.contains(known), "{message}");
    }
}

#[test]
fn membership_is_one_word_or_several() {
    let groups = |membership: Value| {
        let config = with(json!({"group_base": "dc=x", "membership": membership})).unwrap();
        config.for_server(ServerKind::OpenLdap).groups.unwrap()
    };
    assert_eq!(groups(json!("memberUid")).filter, "(objectClass=posixGroup)");
    let both = groups(json!(["uniqueMember", "member", "member"]));
    assert_eq!(both.memberships, [Membership::Member, Membership::UniqueMember]);
    assert_eq!(both.filter, "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))");
    assert!(refused(json!({"group_base": "dc=x", "membership": ["member", "memberOf"]})).contains("alone"));
    assert!(refused(json!({"group_base": "dc=x", "membership": []})).contains("empty list"));
    assert!(refused(json!({"membership": "member"})).contains("group_base"));
}

#[test]
fn sockets_and_external_credentials() {
    let config = with(json!({"urls": ["ldapi://%2Frun%2Fldapi"], "bind": "external"})).unwrap();
    assert!(matches!(config.bind, Bind::External));
    assert!(refused(json!({"urls": ["ldapi:///"], "start_tls": true})).contains("never leaves this machine"));
    let both = json!({"bind": "external", "bind_dn": "cn=x", "bind_password": {"env": "X"}});
    assert!(refused(both).contains("neither bind_dn nor bind_password"));
}

#[test]
fn times_have_a_shape() {
    assert!(with(json!({"grace": "2 days", "full_every": 3600, "overlap_seconds": 0})).is_ok());
    assert!(with(json!({"grace": 3600, "full_every": "12 hours"})).is_ok());
    assert!(refused(json!({"grace": -1})).contains("grace: "));
    assert!(refused(json!({"full_every": -1})).contains("full_every: must be seconds or an interval"));
    assert!(refused(json!({"overlap_seconds": 100_000})).contains("overlap_seconds: "));
}

#[test]
fn who_is_active_may_be_written() {
    let active = |written: Value| {
        with(json!({"active": written})).unwrap().for_server(ServerKind::ActiveDirectory).users.active
    };
    assert_eq!(active(json!(null)), Active::AccountControl);
    assert_eq!(active(json!(false)), Active::Always);
    let values = vec!["A".to_owned()];
    assert_eq!(
        active(json!({"attribute": "state", "is_not": ["A"]})),
        Active::Attribute { name: "state".into(), values, is: false }
    );
    for written in [
        json!(true),
        json!({"attribute": "state"}),
        json!({"attribute": "state", "is": []}),
        json!({"attribute": "state", "is": ["a"], "is_not": ["b"]}),
    ] {
        assert!(refused(json!({"active": written})).contains("active: must be"), "{written}");
    }
    assert!(refused(json!({"active": {"attribute": "a b", "is": ["x"]}})).contains("not the name"));
    assert!(refused(json!({"active": {"attribute": "unicodePwd", "is": ["x"]}})).contains("secret"));
}

#[test]
fn misspelt_filters_bases_and_attributes_are_refused() {
    assert!(refused(json!({"user_filter": "(uid=a"})).contains("user_filter: (uid=a is not an LDAP filter"));
    assert!(refused(json!({"user_base": "people"})).contains("user_base: "));
    assert!(refused(json!({"username_attribute": "u id"})).contains("username_attribute: "));
    assert!(refused(json!({"attributes": {"a": "*"}})).contains("attributes.a: "));
    assert!(refused(json!({"group_filter": "(cn=*)"})).contains("group_base"));
    assert!(refused(json!({"ca_file": "ca.pem"})).contains("absolute path"));
    assert!(refused(json!({"client_cert": "/c.pem"})).contains("client_key"));
    assert!(refused(json!({"username_attribute": "dn"})).contains("username_attribute: dn is no attribute"));
    assert!(refused(json!({"profile": {"name": "dn"}})).contains("profile.name: dn is no attribute"));
    assert!(refused(json!({"id_attribute": "entryDN"})).contains("id_attribute: a name changes"));
    assert!(refused(json!({"id_attribute": "userPassword"})).contains("secret"));
}

#[test]
fn a_bad_rule_is_named_with_its_place() {
    let message = refused(json!({"attributes": {"sites": {"attribute": "l", "case": "title"}}}));
    assert!(message.contains("attributes.sites") && message.contains("`title`"), "{message}");
    let message = refused(json!({"platforms": {"git": "{uid"}}));
    assert!(message.contains("platforms.git: template") && message.contains("without its }"), "{message}");
    assert!(refused(json!({"attributes": {" ": "l"}})).contains("the name on the left"));
    assert!(
        refused(json!({"attributes": {"a": "userPassword"}}))
            .contains("attributes.a: userPassword holds a secret")
    );
}

#[test]
fn groups_may_be_called_by_their_dn() {
    let config = with(json!({"group_base": "dc=x", "group_name_attribute": "DN"})).unwrap();
    assert!(matches!(config.for_server(ServerKind::OpenLdap).groups.unwrap().name, GroupName::Dn));
}
