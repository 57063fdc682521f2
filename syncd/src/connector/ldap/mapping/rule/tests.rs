use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::Mapping;
use super::super::tests::{directory, mapped};
use crate::record::Key;

/// The values of an attribute made by this rule.
fn made(rule: Value, attributes: &[(&str, &[&[u8]])]) -> Vec<String> {
    let entity = mapped(json!({"attributes": {"a": rule}}), attributes).unwrap();
    entity.values.into_iter().map(|(_, value)| value).collect()
}

/// A profile field, which has one value, made by this rule.
fn one(rule: Value, attributes: &[(&str, &[&[u8]])]) -> Option<String> {
    mapped(json!({"profile": {"a": rule}}), attributes).unwrap().profile.remove("a")
}

#[test]
fn templates_take_the_first_value_of_each() {
    let full = json!("{givenName} {sn}");
    let names: [(&str, &[&[u8]]); 2] =
        [("givenName", &[b"Sammy", b"Sam"]), ("SN", &["Mu\u{308}ller".as_bytes()])];
    assert_eq!(one(full.clone(), &names).as_deref(), Some("Sam Müller"));
    assert_eq!(one(full.clone(), &names[..1]), None, "one is missing, so all is");
    assert_eq!(one(json!("{givenName} {sn|}"), &names[..1]).as_deref(), Some("Sam"), "blanks at the ends go");
    assert_eq!(one(json!("{givenName|} {sn|}"), &[]), None, "nothing is left");
    assert_eq!(one(json!("{{{givenName}}}: {sn|?}"), &names[..1]).as_deref(), Some("{Sam}: ?"));
    assert_eq!(
        one(json!({"template": "{givenName}{sn}", "default": "nobody"}), &[]).as_deref(),
        Some("nobody")
    );
    // A letter and the accent after it are one letter, wherever each comes from.
    assert_eq!(one(json!("u{sn}"), &[("sn", &["\u{308}".as_bytes()])]).as_deref(), Some("ü"));
}

#[test]
fn options_are_asked_for_and_kept_apart() {
    let keys = json!({"profile": {"de": "cn;lang-de", "plain": "cn"}});
    assert_eq!(
        Mapping::of_users(&directory(keys.clone())).requested(),
        ["entryUUID", "uid", "cn;lang-de", "cn"]
    );
    let both: [(&str, &[&[u8]]); 2] = [("CN;Lang-DE", &[b"Samuel"]), ("cn", &[b"Sam"])];
    let entity = mapped(keys.clone(), &both).unwrap();
    assert_eq!(
        entity.profile,
        BTreeMap::from([("de".into(), "Samuel".into()), ("plain".into(), "Sam".into())])
    );
    let entity = mapped(keys, &both[..1]).unwrap();
    assert_eq!(entity.profile, BTreeMap::from([("de".into(), "Samuel".into())]));
}

#[test]
fn several_attributes_are_united_or_the_first_is_taken() {
    let rule = json!({"attribute": ["mail", "otherMailbox"]});
    let both: [(&str, &[&[u8]]); 2] = [("mail", &[b"z@x", b"y@x"]), ("otherMailbox", &[b"a@x", b"y@x"])];
    assert_eq!(made(rule.clone(), &both), ["a@x", "y@x", "z@x"]);
    assert_eq!(one(rule.clone(), &both).as_deref(), Some("y@x"));
    assert_eq!(one(rule, &both[1..]).as_deref(), Some("a@x"));
    // An attribute whose values the rule drops has none.
    let rule = json!({"attribute": ["mail", "otherMailbox"], "regex": "^a"});
    assert_eq!(one(rule, &both).as_deref(), Some("a"));
}

#[test]
fn text_is_split_matched_folded_and_replaced_in_this_order() {
    let roles: [(&str, &[&[u8]]); 1] = [("l", &[b" Admin ;; READER;", b"writer"])];
    assert_eq!(made(json!({"attribute": "l", "split": ";"}), &roles), ["Admin", "READER", "writer"]);
    assert_eq!(
        made(json!({"attribute": "l", "split": ";", "case": "lower", "regex": "^(.)[a-zA-Z]+E"}), &roles),
        ["r"]
    );
    assert_eq!(made(json!({"attribute": "l", "regex": "nothing", "default": "none"}), &roles), ["none"]);
    assert_eq!(made(json!({"attribute": "l", "regex": "w(x)?"}), &roles), [""; 0], "the group took no part");
    assert_eq!(made(json!({"attribute": "l", "regex": "x*"}), &roles), [""; 0], "an empty value is none");
    let mail: [(&str, &[&[u8]]); 1] = [("mail", &[b"Sam@Example.org"])];
    assert_eq!(
        one(json!({"attribute": "mail", "regex": "^([^@]+)@", "case": "lower"}), &mail).as_deref(),
        Some("sam")
    );
    let letters: [(&str, &[&[u8]]); 1] = [("l", &["ÄSSΣ".as_bytes()])];
    assert_eq!(one(json!({"attribute": "l", "case": "lower"}), &letters).as_deref(), Some("ässς"));
    assert_eq!(
        one(json!({"attribute": "l", "case": "upper"}), &[("l", &["ß".as_bytes()])]).as_deref(),
        Some("SS")
    );
}

#[test]
fn bytes_become_text_even_if_they_are_text_already() {
    let guid: [(&str, &[&[u8]]); 1] = [("objectguid", &[b"0123456789abcdef"])];
    assert_eq!(one(json!("objectGUID"), &guid).as_deref(), Some("33323130-3534-3736-3839-616263646566"));
    assert_eq!(one(json!("{objectGUID}!"), &guid).as_deref(), Some("33323130-3534-3736-3839-616263646566!"));
    assert_eq!(
        one(json!({"attribute": "objectGUID", "binary": "base64"}), &guid).as_deref(),
        Some("MDEyMzQ1Njc4OWFiY2RlZg==")
    );
    let photo: [(&str, &[&[u8]]); 1] = [("jpegPhoto", &[b"\xff\0a"])];
    assert_eq!(made(json!({"attribute": "jpegPhoto", "binary": "hex", "case": "upper"}), &photo), ["FF0061"]);
    let short: [(&str, &[&[u8]]); 1] = [("objectSid", &[b"\x01\x01"])];
    let rejected = mapped(json!({"attributes": {"sid": "objectSid"}}), &short).unwrap_err();
    assert_eq!(rejected.reason, "objectSid has 2 bytes that are no security identifier");
    assert_eq!(rejected.key, Some(Key::of("id-1")));
}
