//! Whatever a directory says, rules neither panic nor depend on the order in which it says it.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::super::entry::Entry;
use super::super::entry::tests::entry;
use super::tests::directory;
use super::*;

fn every_rule() -> Mapping {
    Mapping::of_users(&directory(json!({
        "username_attribute": {"attribute": ["uid", "cn"], "case": "lower"},
        "profile": {
            "display_name": "{givenName} {sn|unknown}", "email": {"attribute": "mail", "default": "none"},
            "upper": {"attribute": "cn;lang-de", "case": "upper"}
        },
        "attributes": {
            "plain": "cn", "parts": {"attribute": ["cn", "mail"], "split": ";", "case": "lower"},
            "found": {"attribute": "sn", "regex": "(.)(.)"}, "hex": {"attribute": "mail", "binary": "hex"},
            "base64": {"attribute": "mail", "binary": "base64"}, "sid": "objectSid"
        },
        "platforms": {"one": "{uid|}{cn|}", "guid": "objectGUID", "uuid": {"attribute": "serialNumber", "binary": "uuid"}},
        "active": {"attribute": "mail", "is_not": ["gone"]}
    })))
}

const NAMES: [&str; 9] =
    ["uid", "cn", "CN;lang-de", "sn", "givenName", "mail", "objectSid", "objectGUID", "memberOf"];

fn text() -> BoxedStrategy<Vec<u8>> {
    select(vec!["a", "B;b", "a\u{308}", "ß", "ΑΣ;Σ", " ", "gone", "x@y", "0123456789abcdef"])
        .prop_map(|text| text.as_bytes().to_vec())
        .boxed()
}

fn bytes() -> BoxedStrategy<Vec<u8>> {
    prop_oneof![text(), proptest::collection::vec(any::<u8>(), 0..30)].boxed()
}

type Attributes = Vec<(&'static str, Vec<Vec<u8>>)>;

fn attributes(value: BoxedStrategy<Vec<u8>>) -> impl Strategy<Value = Attributes> {
    subsequence(NAMES.to_vec(), 0..=NAMES.len()).prop_flat_map(move |names| {
        let values = proptest::collection::vec(proptest::collection::vec(value.clone(), 0..4), names.len());
        values.prop_map(move |values| names.iter().copied().zip(values).collect())
    })
}

fn entry_of(attributes: &Attributes) -> Entry {
    let id = [&b"id-1"[..]];
    let borrowed: Vec<(&str, Vec<&[u8]>)> =
        attributes.iter().map(|(name, values)| (*name, values.iter().map(Vec::as_slice).collect())).collect();
    let mut all: Vec<(&str, &[&[u8]])> = vec![("entryUUID", &id)];
    all.extend(borrowed.iter().map(|(name, values)| (*name, values.as_slice())));
    entry("uid=sam", &all)
}

fn reversed(mut attributes: Attributes) -> Attributes {
    attributes.iter_mut().for_each(|(_, values)| values.reverse());
    attributes.reverse();
    attributes
}

fn is_clean(text: &str) -> bool {
    !text.contains('\0') && !text.is_empty() && nfc(text.to_owned()) == text
}

proptest! {
    #[test]
    fn no_bytes_make_a_rule_panic_or_pass_bad_text(attributes in attributes(bytes())) {
        let mapping = every_rule();
        let entry = entry_of(&attributes);
        match mapping.entity(&entry) {
            Ok(entity) => {
                let values = entity.values.iter().chain(&entity.platforms).map(|(_, value)| value);
                let fields = entity.profile.values().chain(&entity.display_name).chain(&entity.email);
                prop_assert!(values.chain(fields).chain([&entity.name]).all(|text| is_clean(text)), "{:?}", entity);
            }
            Err(rejected) => {
                prop_assert_eq!(rejected.key, Some(Key::of("id-1")));
                let shown = mapping.shown(&entry);
                prop_assert_eq!(&shown["external_id"], &Value::from("id-1"));
                prop_assert!(!shown.to_string().contains("\\u0000"));
            }
        }
    }

    #[test]
    fn the_order_of_values_means_nothing(attributes in attributes(text())) {
        let mapping = every_rule();
        let fingerprint = |attributes: &Attributes| mapping.entity(&entry_of(attributes)).map(|entity| entity.fingerprint());
        prop_assert_eq!(fingerprint(&attributes).ok(), fingerprint(&reversed(attributes)).ok());
    }
}
