use serde_json::{Value, json};

use super::super::entry::tests::entry;
use super::*;
use crate::config::ldap::{LdapConfig, ServerKind};

fn config() -> Directory {
    directory(json!({
        "profile": {"display_name": "cn", "email": "mail", "title": "title"},
        "attributes": {"department": "departmentNumber", "site": "l"},
        "group_attributes": {"about": "description"}
    }))
}

pub(super) fn directory(keys: Value) -> Directory {
    let mut config = json!({"urls": ["ldap://localhost"], "user_base": "dc=x", "group_base": "dc=x"});
    config.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    LdapConfig::parse(&config).unwrap().for_server(ServerKind::OpenLdap)
}

/// What becomes of an entry with this configuration, which has an id and a uid besides.
pub(super) fn mapped(keys: Value, attributes: &[(&str, &[&[u8]])]) -> Result<Entity, Rejected> {
    let mut all: Vec<(&str, &[&[u8]])> = attributes.to_vec();
    let [id, uid] = [[&b"id-1"[..]], [b"sam"]];
    for always in [("entryUUID", &id[..]), ("uid", &uid[..])] {
        if !all.iter().any(|(name, _)| name.eq_ignore_ascii_case(always.0)) {
            all.push(always);
        }
    }
    Mapping::of_users_at(&directory(keys), NOW).entity(&entry("uid=sam", &all))
}

const NOW: Filetime = Filetime(134_000_000_000_000_000);

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
        json!({"dn": "uid=sam", "external_id": "id-1", "entryUUID": ["id-1"], "uid": ["sam"], "cn": ["Sam"], "mail": ["a\\x00b"]})
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

#[test]
fn names_may_be_made_by_rules() {
    let keys = json!({"username_attribute": {"attribute": "mail", "regex": "^([^@]+)@", "case": "lower"}});
    let entity = mapped(keys.clone(), &[("mail", &[b"Sam.Smith@x"])]).unwrap();
    assert_eq!(entity.name, "sam.smith");
    let reason = mapped(keys, &[("mail", &[b"no address"])]).unwrap_err().reason;
    assert_eq!(reason, "the rule of the name makes none of mail: a user needs a name");
    let config = directory(json!({"group_name_attribute": "{ou}/{cn}"}));
    let groups = Mapping::of_groups(&config, config.groups.as_ref().unwrap());
    assert_eq!(groups.requested(), ["entryUUID", "ou", "cn"]);
    let group = entry("cn=a", &[("entryUUID", &[b"1"]), ("ou", &[b"x"]), ("cn", &[b"a"])]);
    assert_eq!(groups.entity(&group).unwrap().name, "x/a");
    assert!(mapped(json!({}), &[("uid", &[b" \t"])]).is_err(), "a blank name is none");
    assert!(
        mapped(json!({}), &[("uid", &["x".repeat(1001).as_bytes()])]).unwrap_err().reason.contains("longer")
    );
}

#[test]
fn ids_are_text_in_lower_case_where_case_means_nothing() {
    let id = |id: &str, attribute: &str, value: &[u8]| {
        mapped(json!({"id_attribute": id}), &[(attribute, &[value])]).map(|entity| entity.external_id)
    };
    let sid = b"\x01\x02\0\0\0\0\0\x05\x20\0\0\0\x20\x02\0\0";
    assert_eq!(
        id("objectGUID", "objectGUID", b"0123456789ABCDEF").unwrap(),
        "33323130-3534-3736-3839-414243444546"
    );
    assert_eq!(id("objectSid", "objectSid", sid).unwrap(), "S-1-5-32-544");
    assert_eq!(id("nsUniqueId", "nsuniqueid", b"AB12-CD34").unwrap(), "ab12-cd34");
    assert_eq!(id("entryUUID", "entryUUID", b"AB12-CD34").unwrap(), "ab12-cd34");
    assert_eq!(id("employeeNumber", "employeeNumber", b"E1").unwrap(), "E1", "an id of one's own is kept");
    let rejected = id("objectGUID", "objectGUID", b"0123").unwrap_err();
    assert_eq!(rejected.key, None);
    assert_eq!(rejected.reason, "objectGUID has 4 bytes where a GUID has 16");
}

#[test]
fn platforms_have_one_name_each() {
    let keys = json!({"platforms": {"trino": {"attribute": "mail", "case": "lower"}, "git": "{uid}-git", "empty": "l"}});
    let names: [(&str, &[&[u8]]); 2] = [("mail", &[b"B@x", b"A@x"]), ("l", &[b"  "])];
    let platform = |platform: &str, name: &str| (platform.to_owned(), name.to_owned());
    assert_eq!(
        mapped(keys.clone(), &names).unwrap().platforms,
        [platform("git", "sam-git"), platform("trino", "a@x")]
    );
    let long = "x".repeat(1001);
    let reason = mapped(keys, &[("mail", &[long.as_bytes()])]).unwrap_err().reason;
    assert!(reason.starts_with("mail is longer than 1000 bytes") && reason.contains("trino"), "{reason}");
}

#[test]
fn a_part_of_the_values_is_not_taken_for_all() {
    let rejected = mapped(json!({"attributes": {"m": "memberOf"}}), &[("memberOf;range=0-1499", &[b"x"])]);
    assert!(rejected.unwrap_err().reason.contains("came in part only"));
}

#[test]
fn of_many_and_long_values_a_few_beginnings_are_shown() {
    let many: Vec<String> = (0..30).map(|number| format!("{number}{}", "x".repeat(1000))).collect();
    let many: Vec<&[u8]> = many.iter().map(String::as_bytes).collect();
    let entry =
        entry("uid=sam", &[("entryUUID", &[b"id-1"]), ("l", &many), ("objectGUID", &[b"0123456789abcdef"])]);
    let config = directory(json!({"attributes": {"l": "l", "guid": "objectGUID"}}));
    let shown = Mapping::of_users(&config).shown(&entry);
    let l = shown["l"].as_array().unwrap();
    assert_eq!((l.len(), l[20].as_str()), (21, Some("…")));
    assert!(l[0].as_str().unwrap().chars().count() < 250);
    assert_eq!(shown["objectGUID"], json!(["33323130-3534-3736-3839-616263646566"]));
}
