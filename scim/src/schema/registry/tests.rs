use super::*;
use crate::schema::DataType;
use ResourceKind::{Group, User};

const TEST: &str = "urn:example:params:scim:Custom:2.0";

fn registry(extensions: &[&str]) -> Registry {
    Registry::new(RegistryOptions {
        extensions: extensions.iter().map(|&urn| urn.to_owned()).collect(),
        case_sensitive_usernames: false,
    })
}

#[test]
fn finds_core_attributes_in_any_case() {
    let registry = registry(&[]);
    let found = registry.find(User, None, "USERNAME").unwrap();
    assert_eq!((found.urn, &*found.name), (None, "userName"));
    assert!(!found.attribute.unwrap().case_exact);
    assert_eq!(registry.find(User, None, "emails").unwrap().attribute.unwrap().data_type, DataType::Complex);
    assert!(registry.find(User, None, "id").is_some() && registry.find(Group, None, "META").is_some());
    assert!(registry.find(Group, None, "userName").is_none());
    assert!(registry.find(User, None, "nonsense").is_none());
}

#[test]
fn core_and_older_urns_name_their_schemas() {
    let registry = registry(&[]);
    assert_eq!(registry.find(User, Some(urns::USER), "username").unwrap().urn, None);
    assert_eq!(registry.find(User, Some("urn:scim:schemas:core:1.0"), "title").unwrap().urn, None);
    let older = registry.find(User, Some("urn:scim:schemas:extension:enterprise:1.0"), "Department").unwrap();
    assert_eq!((older.urn, &*older.name), (Some(urns::ENTERPRISE_USER), "department"));
    assert!(registry.find(User, Some("urn:y:Ext"), "title").is_none());
    assert!(registry.find(User, Some(""), "title").is_none());
}

#[test]
fn usernames_follow_the_identity_manager() {
    let registry =
        Registry::new(RegistryOptions { case_sensitive_usernames: true, ..RegistryOptions::default() });
    assert!(registry.find(User, None, "userName").unwrap().attribute.unwrap().case_exact);
}

#[test]
fn the_enterprise_extension_is_known_to_users_only() {
    let registry = registry(&[]);
    let urn = urns::ENTERPRISE_USER.to_uppercase();
    let found = registry.find(User, Some(&urn), "MANAGER").unwrap();
    assert_eq!((found.urn, &*found.name), (Some(urns::ENTERPRISE_USER), "manager"));
    assert!(registry.find(Group, Some(&urn), "manager").is_none());
    assert!(registry.find(User, Some(&urn), "Test").is_none());
}

#[test]
fn a_configured_extension_is_open_to_both_kinds() {
    let registry = registry(&[urns::ENTERPRISE_USER, TEST]);
    let found = registry.find(User, Some(urns::ENTERPRISE_USER), "Test").unwrap();
    assert!(found.attribute.is_none());
    assert_eq!(&*found.name, "Test");
    assert!(registry.find(Group, Some(&TEST.to_lowercase()), "field").is_some());
    assert!(registry.find(Group, Some(urns::ENTERPRISE_USER), "department").is_some());
    assert_eq!(registry.all_extensions().len(), 2);
}

#[test]
fn a_configured_core_or_old_urn_is_no_new_extension() {
    let registry =
        registry(&[urns::USER, "urn:scim:schemas:core:1.0", "urn:scim:schemas:extension:enterprise:1.0"]);
    assert_eq!(registry.all_extensions().len(), 1);
    assert!(registry.all_extensions()[0].open);
}

#[test]
fn splits_at_the_longest_known_urn() {
    let longer = format!("{TEST}:Sub");
    let registry = registry(&[TEST, &longer]);
    let split = |path| registry.split_urn(path);
    assert_eq!(split("userName"), (None, "userName"));
    assert_eq!(split("urn:ietf:params:scim:schemas:core:2.0:User:name.givenName"), (None, "name.givenName"));
    assert_eq!(split("URN:IETF:params:scim:schemas:core:2.0:GROUP"), (None, ""));
    assert_eq!(split("urn:example:params:scim:custom:2.0:sub"), (Some(longer.clone()), ""));
    assert_eq!(split("urn:example:params:scim:custom:2.0:sub:x"), (Some(longer), "x"));
    assert_eq!(split("urn:example:params:scim:custom:2.0:subway"), (Some(TEST.to_owned()), "subway"));
    assert_eq!(split("urn:example:other:x"), (None, "urn:example:other:x"));
    let enterprise = Some(urns::ENTERPRISE_USER.to_owned());
    assert_eq!(
        split("urn:scim:schemas:extension:enterprise:1.0:department"),
        (enterprise.clone(), "department")
    );
    assert_eq!(
        split("urn:scim:schemas:extension:enterprise:1.0:User:department"),
        (enterprise, "department")
    );
}

#[test]
fn splits_any_text_without_panic() {
    let registry = registry(&[TEST]);
    for text in
        ["", "urn:", "urn", "ürn:ü", "urn:ietf:params:scim:schemas:core:2.0:Userü", "urn:ietf:params:ü"]
    {
        registry.split_urn(text);
    }
}
