//! The set of values that policy helpers ask, and hierarchy on dots, without PostgreSQL.

#[path = "../src/policy/values.rs"]
mod values;

use proptest::prelude::*;
use values::Values;

fn set(texts: &[&str]) -> Values {
    Values::new(texts.iter().map(|text| text.as_bytes().into()).collect())
}

/// The rule as a person would say it, level by level.
fn covers(value: &str, path: &str) -> bool {
    let (value, path): (Vec<_>, Vec<_>) = (value.split('.').collect(), path.split('.').collect());
    value.len() <= path.len()
        && value
            .iter()
            .zip(&path)
            .all(|(wanted, level)| wanted == level || *wanted == "*" && !level.is_empty())
}

#[test]
fn a_set_has_what_was_put_in_sorted_and_once() {
    let values = set(&["b", "a", "", "b", "Zoë"]);
    let sorted: Vec<_> = values.sorted().iter().map(|text| String::from_utf8_lossy(text)).collect();
    assert_eq!(sorted, ["", "Zoë", "a", "b"]);
    assert!(values.contains(b"") && values.contains("Zoë".as_bytes()) && !values.contains(b"c"));
    assert!(!set(&[]).contains(b"") && !set(&[]).covers(b""));
}

#[test]
fn levels_count_not_letters() {
    let values = set(&["US.OH"]);
    assert!(values.covers(b"US.OH") && values.covers(b"US.OH.Columbus"));
    assert!(!values.covers(b"US.OHX") && !values.covers(b"US") && !values.covers(b"X.US.OH"));
}

#[test]
fn a_star_is_one_whole_level_of_the_value() {
    let values = set(&["DE.*.Mitte", "A*.x", "*"]);
    assert!(values.covers(b"DE.Berlin.Mitte.Nord"));
    assert!(set(&["A*.x"]).covers(b"A*.x") && !set(&["A*.x"]).covers(b"AB.x"), "part of a level is literal");
    assert!(!set(&["DE.Berlin"]).covers(b"DE.*"), "and so is all of the path");
}

proptest! {
    #[test]
    fn it_agrees_with_a_plain_search(texts in prop::collection::vec("[a-c.]{0,12}", 0..60), asked in prop::collection::vec("[a-c.]{0,12}", 20)) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let values = set(&texts);
        for asked in texts.iter().copied().chain(asked.iter().map(String::as_str)) {
            prop_assert_eq!(values.contains(asked.as_bytes()), texts.contains(&asked));
        }
    }

    #[test]
    fn it_agrees_with_the_rule(texts in prop::collection::vec("[ab*]?(\\.[ab*]?){0,3}", 0..6), paths in prop::collection::vec("[ab*]?(\\.[ab*]?){0,4}", 20)) {
        let values = set(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        for path in &paths {
            prop_assert_eq!(values.covers(path.as_bytes()), texts.iter().any(|value| covers(value, path)), "{}", path);
        }
    }
}
