use serde_json::json;

use super::*;

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
    assert_eq!(config.users.filter, "(objectClass=inetOrgPerson)");
    assert_eq!(config.users.username_attribute, "uid");
    assert_eq!(config.id_attribute, "entryUUID");
    assert_eq!(config.page_size, 1000);
    assert_eq!(config.timeout, Duration::from_secs(30));
    assert!(config.groups.is_none());
    assert!(matches!(config.bind, Bind::Anonymous));
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
    assert_eq!(config.groups.unwrap().name_attribute, "cn");
}

#[test]
fn both_user_filters_hold() {
    let config = with(json!({"user_filter": "objectClass=person", "sync_filter": "(uid=a*)"})).unwrap();
    assert_eq!(config.users.filter, "(&(objectClass=person)(uid=a*))");
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
    assert!(refused(json!({"urls": ["http://localhost"]})).contains("neither ldap"));
    assert!(refused(json!({"urls": ["ldap:///"]})).contains("names no host"));
    assert!(refused(json!({"urls": ["ldap://localhost/dc=x"]})).contains("user_base"));
    assert!(refused(json!({"urls": ["ldaps://localhost"], "start_tls": true})).contains("start_tls"));
}

#[test]
fn what_does_not_exist_yet_says_what_does() {
    assert!(refused(json!({"membership": "memberOf"})).contains("member works"));
    assert!(refused(json!({"membership": "x"})).contains("member works"));
    assert!(refused(json!({"incremental": "syncrepl"})).contains("off works"));
    assert!(with(json!({"incremental": "off", "membership": "member"})).is_ok());
    assert!(refused(json!({"platforms": {"snowflake": "uid"}})).contains("not supported yet"));
    assert!(refused(json!({"id_attribute": "objectGUID"})).contains("not supported yet"));
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
}
