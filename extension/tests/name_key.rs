//! The form in which names are compared, without PostgreSQL.

#[path = "../src/name_key.rs"]
mod name_key;

use name_key::name_key;
use unicode_normalization::{UnicodeNormalization, is_nfc};

#[test]
fn normal_forms_are_one_name() {
    let decomposed: String = "Müller".nfd().collect();
    assert_eq!(name_key(&decomposed, true), "Müller");
    assert_eq!(name_key(&decomposed, false), "müller");
}

#[test]
fn case_counts_when_asked() {
    assert_eq!(name_key("Steve", true), "Steve");
    assert_eq!(name_key("Steve", false), "steve");
    assert_ne!(name_key("STEVE", true), name_key("steve", true));
}

#[test]
fn every_sigma_is_the_same_wherever_it_stands() {
    assert_eq!(name_key("ΣΑΣ", false), "σασ");
}

#[test]
fn a_key_is_its_own_key() {
    for character in ('\u{1}'..=char::MAX).filter(|character| !character.is_control()) {
        for name in [character.to_string(), format!("a{character}"), format!("{character}\u{307}")] {
            let key = name_key(&name, false).into_owned();
            assert!(is_nfc(&key), "{name:?}");
            assert_eq!(name_key(&key, false), key, "{name:?}");
        }
    }
}
