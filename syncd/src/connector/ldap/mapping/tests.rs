use serde_json::json;

use super::super::entry::tests::entry;
use super::*;
use crate::config::ldap::{LdapConfig, ServerKind};

fn config() -> Directory {
    LdapConfig::parse(&json!({
        "urls": ["ldap://localhost"], "user_base": "dc=x", "group_base": "dc=x",
        "profile": {"display_name": "cn", "email": "mail", "title": "title"},
        "attributes": {"department": "departmentNumber", "site": "l"},
        "group_attributes": {"about": "description"}
    }))
    .unwrap()
    .for_server(ServerKind::OpenLdap)
}

fn users() -> Mapping {
    Mapping::of_users(&config())
}

fn sam<'a>() -> Vec<(&'a str, &'a [&'a [u8]])> {
    vec![("entryUUID", &[b"id-1"]), ("uid", &[b"sam"]), ("cn", &[b"Sam"])]
}

fn rejected(attributes: &[(&str, &[&[u8]])]) -> Rejected {
    users().entity(&entry("uid=sam", attributes)).expect_err("must be rejected")
}

#[test]
fn every_mapped_attribute_is_asked_for_once() {
    assert_eq!(users().requested(), ["entryUUID", "uid", "cn", "mail", "title", "departmentNumber", "l"]);
    let config = config();
    let groups = Mapping::of_groups(&config, config.groups.as_ref().unwrap());
    assert_eq!(groups.requested(), ["entryUUID", "cn", "description"]);
}

#[test]
fn an_entry_becomes_an_entity() {
    let mut attributes = sam();
    attributes.push(("title", &[b"Clerk"]));
    attributes.push(("l", &[b"Paris", b"Berlin", b"Paris", b""]));
    attributes.push(("cn;lang-de", &[b"Samuel"]));
    let entity = users().entity(&entry("uid=sam", &attributes)).unwrap();
    assert_eq!((entity.external_id.as_str(), entity.name.as_str()), ("id-1", "sam"));
    assert_eq!(entity.key, Key::of("id-1"));
    assert_eq!(entity.display_name.as_deref(), Some("Sam"));
    assert_eq!(entity.email, None);
    assert_eq!(entity.profile, BTreeMap::from([("title".to_owned(), "Clerk".to_owned())]));
    let site = |value: &str| ("site".to_owned(), value.to_owned());
    assert_eq!(entity.values, [site("Berlin"), site("Paris")]);
}

#[test]
fn of_several_values_the_first_in_byte_order_is_taken() {
    for values in [[&b"b@x"[..], b"B@x", b"a@x"], [b"a@x", b"b@x", b"B@x"]] {
        let mut attributes = sam();
        attributes.push(("mail", &values));
        assert_eq!(users().entity(&entry("uid=sam", &attributes)).unwrap().email.as_deref(), Some("B@x"));
    }
}

#[test]
fn text_is_nfc_and_may_be_long() {
    let long = "x".repeat(64 * 1024);
    let long: &[&[u8]] = &[long.as_bytes()];
    let mut attributes = sam();
    let zurich: &[&[u8]] = &["Zu\u{308}rich".as_bytes()];
    attributes.push(("l", zurich));
    attributes.push(("departmentNumber", long));
    let entity = users().entity(&entry("uid=sam", &attributes)).unwrap();
    assert_eq!(entity.values[1].1, "Zürich");
    assert_eq!(entity.values[0].1.len(), 64 * 1024);
}

#[test]
fn bad_bytes_in_a_mapped_attribute_reject_the_entry_but_keep_its_key() {
    for (attribute, value, reason) in [
        ("mail", &b"a\0b"[..], "mail contains a NUL byte"),
        ("l", b"\xff", "l is not valid UTF-8"),
        ("title", b"\xc3", "title is not valid UTF-8"),
    ] {
        let values = [value];
        let mut attributes = sam();
        attributes.push((attribute, &values));
        assert_eq!(rejected(&attributes), Rejected { key: Some(Key::of("id-1")), reason: reason.to_owned() });
    }
}

#[test]
fn bad_bytes_elsewhere_do_no_harm() {
    let mut attributes = sam();
    attributes.push(("jpegPhoto", &[b"\xff\xd8\0"]));
    assert!(users().entity(&entry("uid=sam", &attributes)).is_ok());
}

#[test]
fn without_a_name_the_entry_is_rejected() {
    let reason = rejected(&[("entryUUID", &[b"id-1"]), ("uid", &[b""])]).reason;
    assert!(reason.starts_with("uid is missing"), "{reason}");
}

#[test]
fn without_one_readable_id_there_is_no_key() {
    for ids in [&[][..], &[&b"a"[..], b"b"], &[b"\xff"], &[b"a\0"]] {
        let rejected = rejected(&[("entryUUID", ids), ("uid", &[b"sam"])]);
        assert_eq!(rejected.key, None);
        assert!(rejected.reason.starts_with("entryUUID "), "{}", rejected.reason);
    }
}

#[test]
fn a_rejected_entry_is_shown_with_its_mapped_fields_only() {
    let mut attributes = sam();
    attributes.push(("mail", &[b"a\0b"]));
    attributes.push(("userPassword", &[b"hunter2"]));
    let entry = entry("uid=sam", &attributes);
    let users = users();
    let Record::Quarantined { shown, entry, .. } =
        users.quarantined(&entry, users.entity(&entry).unwrap_err())
    else {
        panic!("must be quarantined");
    };
    assert_eq!(shown, "uid=sam");
    assert_eq!(
        entry,
        json!({"dn": "uid=sam", "entryUUID": ["id-1"], "uid": ["sam"], "cn": ["Sam"], "mail": ["a\\x00b"]})
    );
}

#[test]
fn a_group_may_be_named_by_its_dn() {
    let mut config = config();
    config.groups.as_mut().unwrap().name = GroupName::Dn;
    let groups = Mapping::of_groups(&config, config.groups.as_ref().unwrap());
    let entity = groups.entity(&entry("cn=a,dc=x", &[("entryUUID", &[b"1"])])).unwrap();
    assert_eq!(entity.name, "cn=a,dc=x");
}
