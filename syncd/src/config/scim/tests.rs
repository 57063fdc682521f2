use serde_json::json;

use super::*;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn refused(config: Value) -> String {
    ScimConfig::parse(&config).expect_err("must be refused").to_string()
}

#[test]
fn nothing_has_to_be_configured() {
    let config = ScimConfig::parse(&json!({})).unwrap();
    assert_eq!(config.profile, Profile::Default);
    assert!(config.sync_groups && config.mapping.sync_attributes);
    assert!(config.extensions.is_empty());
}

#[test]
fn everything_can_be() {
    let config = ScimConfig::parse(&json!({
        "profile": "entra", "sync_groups": false, "sync_attributes": false,
        "attribute_mapping": {"scimuser": ENTERPRISE, "team": "urn:example:Team"},
        "profile_mapping": {"title": "title", "email": "emails[type eq \"work\"].value"},
        "attributes": {"cost": format!("{ENTERPRISE}:costCenter")},
        "group_attributes": {"region": "urn:example:Place:region"},
        "permissions": ["entitlements"], "platforms": {"snowflake": "userName"},
        "max_age": "30 days", "rate_limit": 25
    }))
    .unwrap();
    assert_eq!(config.profile, Profile::Entra);
    assert!(!config.sync_groups && !config.mapping.sync_attributes);
    let extensions: Vec<_> = config.extensions.iter().map(String::as_str).collect();
    assert_eq!(extensions, ["urn:example:Place", "urn:example:Team", ENTERPRISE]);
    assert!(ScimConfig::parse(&json!({"max_age": 3600})).is_ok());
}

#[test]
fn unknown_keys_are_named_with_the_known_ones() {
    let message = refused(json!({"profle": "okta"}));
    assert!(message.contains("unknown key `profle`") && message.contains("`attribute_mapping`"), "{message}");
    assert!(refused(json!({"profile": "azure"})).contains("entra"));
}

#[test]
fn misspelt_values_are_refused_with_their_key() {
    assert!(refused(json!({"attributes": {"a": "emails["}})).contains("attributes.a: "));
    assert!(refused(json!({"permissions": ["title", "a b"]})).contains("permissions[1]: "));
    assert!(refused(json!({"attribute_mapping": {"a": "enterprise"}})).contains("is not the URN"));
    assert!(refused(json!({"attribute_mapping": {" ": ENTERPRISE}})).contains("the name on the left"));
    assert!(refused(json!({"rate_limit": 0})).contains("rate_limit: 0"));
    assert!(refused(json!({"max_age": -1})).contains("max_age: "));
    assert!(refused(json!({"max_age": []})).contains("max_age: "));
}
