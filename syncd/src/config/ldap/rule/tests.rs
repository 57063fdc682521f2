use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn rule(written: Value) -> Rule {
    Rule::deserialize(written).unwrap()
}

fn refused(written: Value) -> String {
    Rule::deserialize(written).unwrap_err().to_string()
}

fn named(name: &str, default: Option<&str>) -> Piece {
    Piece::Attribute { name: name.to_owned(), default: default.map(str::to_owned) }
}

#[test]
fn names_templates_and_objects() {
    assert!(rule(json!("cn;lang-de")).is_plain("cn;lang-DE"));
    let full = vec![named("givenName", None), Piece::Text(" ".into()), named("sn", Some("?"))];
    assert_eq!(rule(json!("{givenName} {sn|?}")).origin, Origin::Template(full));
    let long = rule(json!({"attribute": ["mail", "otherMailbox"], "split": ";", "case": "lower"}));
    assert_eq!(long.origin, Origin::Attributes(vec!["mail".into(), "otherMailbox".into()]));
    assert_eq!((long.split.as_deref(), long.case), (Some(";"), Some(Case::Lower)));
    let braces = vec![Piece::Text("{".into()), named("cn", None), Piece::Text("}".into())];
    assert_eq!(rule(json!("{{{cn}}}")).origin, Origin::Template(braces));
}

#[test]
fn a_rule_that_does_something_is_not_plain() {
    assert!(rule(json!({"attribute": "cn"})).is_plain("CN"));
    assert!(!rule(json!({"attribute": "cn", "case": "lower"})).is_plain("cn"));
    assert!(!rule(json!({"attribute": ["cn", "sn"]})).is_plain("cn"));
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (written, said) in [
        (json!("mail box"), "not the name of an LDAP attribute"),
        (json!("cn;"), "not the name of an LDAP attribute"),
        (json!("{cn} }"), "} without its {"),
        (json!("{cn"), "{ without its }"),
        (json!("{}"), "not the name of an LDAP attribute"),
        (json!({"template": "cn"}), "names no attribute"),
        (json!({"template": "{cn}", "binary": "hex"}), "is text"),
        (json!({"attribute": "cn", "template": "{cn}"}), "either attribute or template"),
        (json!({}), "either attribute or template"),
        (json!({"attribute": []}), "empty list"),
        (json!({"attribute": 1}), "one text or a list of texts"),
        (json!({"attribute": "cn", "regex": "("}), "cannot be understood"),
        (json!({"attribute": "cn", "split": ""}), "split is empty"),
        (json!({"attribute": "cn", "default": ""}), "default is empty"),
        (json!({"attribute": "cn", "case": "title"}), "`lower` or `upper`"),
        (json!({"attribute": "cn", "cases": "lower"}), "unknown field `cases`"),
        (json!({"attribute": "dn"}), "entryDN"),
        (json!("{dn}"), "entryDN"),
        (json!("userPassword"), "secret"),
        (json!("{cn}{unicodepwd;x}"), "secret"),
        (json!({"attribute": ["cn", "sambaNTPassword"]}), "secret"),
        (json!(7), "the name of an attribute, a template, or an object"),
    ] {
        let message = refused(written.clone());
        assert!(message.contains(said), "{written}: {message}");
    }
}

/// A template as it is written.
fn text_of(pieces: &[Piece]) -> String {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(plain) => text += &plain.replace('{', "{{").replace('}', "}}"),
            Piece::Attribute { name, default: None } => text += &format!("{{{name}}}"),
            Piece::Attribute { name, default: Some(default) } => text += &format!("{{{name}|{default}}}"),
        }
    }
    text
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let attribute = ("[a-z][a-zA-Z0-9-]{0,6}(;lang-[a-z]{2})?", proptest::option::of("[^{}\0]{0,4}"));
    let attribute = attribute.prop_map(|(name, default)| Piece::Attribute { name, default });
    let text = "[^\0]{1,5}".prop_map(Piece::Text);
    // A text between any two attributes or none, as parsing gives them.
    proptest::collection::vec((proptest::option::of(text), attribute), 1..4)
        .prop_map(|pairs| pairs.into_iter().flat_map(|(text, name)| text.into_iter().chain([name])).collect())
}

proptest! {
    #[test]
    fn templates_come_back_as_they_were_written(pieces in pieces()) {
        prop_assume!(pieces.iter().all(|piece| !matches!(piece, Piece::Attribute { name, .. } if name == "dn")));
        // A brace that ends a text and one that begins an attribute would be read as one pair.
        prop_assume!(!pieces.iter().any(|piece| matches!(piece, Piece::Text(text) if text.ends_with('}'))));
        prop_assert_eq!(template::parse(&text_of(&pieces)).unwrap(), pieces);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[{}|a;\\PC]{0,20}") {
        let _ = template::parse(&text);
    }
}
