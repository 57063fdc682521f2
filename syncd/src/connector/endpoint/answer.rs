//! From JSON to statements. Messages name the place and never the value.
//!
//! An answer that lacks what it should have is doubted, not taken for empty: `{}` may be anything.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

use super::failure::Failure;
use crate::config::endpoint::Wanted;
use crate::connector::text::clean;
use crate::record::{Fact, Statement};

/// One user's answer, or one item of all.
#[derive(Deserialize)]
struct Wire {
    userid: Option<Value>,
    groups: Option<Value>,
    authorizations: Option<Pairs>,
}

/// An object whose names may repeat: none of them is lost.
struct Pairs(Vec<(String, Value)>);

pub(super) struct Item {
    /// The userid, if it can be read.
    pub who: Option<String>,
    pub statements: Result<Vec<Statement>, Failure>,
}

/// The answer to the question about one user.
pub(super) fn of_user(body: &[u8], wanted: Wanted) -> Result<Vec<Statement>, Failure> {
    statements(parse(body)?, wanted)
}

/// One of the items that tell about everybody.
pub(super) fn of_item(body: &[u8], wanted: Wanted) -> Item {
    match parse(body) {
        Ok(wire) => Item { who: userid(wire.userid.as_ref()), statements: statements(wire, wanted) },
        Err(failure) => Item { who: None, statements: Err(failure) },
    }
}

/// What is staged of a user: that it exists, and all that was said.
pub(super) fn facts(
    who: &str,
    etag: Option<String>,
    statements: Vec<Statement>,
) -> impl Iterator<Item = Fact> {
    let present = Statement::Present { etag };
    let who = who.to_owned();
    std::iter::once(present).chain(statements).map(move |statement| Fact {
        who: Some(who.clone()),
        statement,
        problem: None,
    })
}

/// What was known of the user stays, and people are told why.
pub(super) fn kept(who: &str, failure: &Failure) -> Fact {
    Fact {
        who: Some(who.to_owned()),
        statement: Statement::Kept,
        problem: Some(format!("{failure}; {}", failure.remedy())),
    }
}

fn parse(body: &[u8]) -> Result<Wire, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        // The error's own words may quote the answer.
        Failure::Content(match error.classify() {
            Category::Data => "the answer is not an object with groups and authorizations".to_owned(),
            _ => format!("the answer is not JSON (line {}, column {})", error.line(), error.column()),
        })
    })
}

fn userid(value: Option<&Value>) -> Option<String> {
    let text = clean(value?.as_str()?.as_bytes()).ok()?;
    (!text.trim().is_empty()).then_some(text)
}

fn statements(wire: Wire, wanted: Wanted) -> Result<Vec<Statement>, Failure> {
    let mut statements = Vec::new();
    if wanted.groups {
        groups(wire.groups, &mut statements)?;
    }
    if wanted.attributes {
        let Some(Pairs(pairs)) = wire.authorizations else {
            return wrong("authorizations is missing: an object is expected, {} when there are none");
        };
        for (name, values) in pairs {
            attribute(&name, values, &mut statements)?;
        }
    }
    Ok(statements)
}

fn groups(groups: Option<Value>, statements: &mut Vec<Statement>) -> Result<(), Failure> {
    let Some(Value::Array(groups)) = groups else {
        return wrong("groups is missing or no array: an array is expected, [] when there are none");
    };
    for (at, group) in groups.iter().enumerate() {
        let Some(name) = group.get("name").and_then(Value::as_str) else {
            return wrong(&format!("groups[{at}] is no object with a name"));
        };
        let name = text(&format!("groups[{at}].name"), name)?;
        if name.trim().is_empty() {
            return wrong(&format!("groups[{at}].name is empty"));
        }
        statements.push(Statement::Group { name });
    }
    Ok(())
}

fn attribute(name: &str, values: Value, statements: &mut Vec<Statement>) -> Result<(), Failure> {
    let name = text("a name in authorizations", name)?;
    if name.trim().is_empty() {
        return wrong("a name in authorizations is empty");
    }
    let values = match values {
        Value::Array(values) => values,
        // Many write a single value without brackets.
        one @ Value::String(_) => vec![one],
        _ => return wrong(&format!("authorizations.{name} is no array of texts")),
    };
    for (at, value) in values.iter().enumerate() {
        let place = format!("authorizations.{name}[{at}]");
        let Some(value) = value.as_str() else { return wrong(&format!("{place} is no text")) };
        statements.push(Statement::Attribute { name: name.clone(), value: text(&place, value)? });
    }
    Ok(())
}

fn text(place: &str, text: &str) -> Result<String, Failure> {
    clean(text.as_bytes()).map_err(|bad| Failure::Content(format!("{place} {bad}")))
}

fn wrong<T>(message: &str) -> Result<T, Failure> {
    Err(Failure::Content(message.to_owned()))
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Wanted = Wanted { groups: true, attributes: true };

    fn of(body: &str) -> Result<Vec<Statement>, Failure> {
        of_user(body.as_bytes(), ALL)
    }

    fn attribute(name: &str, value: &str) -> Statement {
        Statement::Attribute { name: name.into(), value: value.into() }
    }

    #[test]
    fn the_format_is_read() {
        let answer = r#"{"groups":[{"name":"Accountants","id":7}],"authorizations":{"EMEA":["Sales","Expenses"],"one":"x"}}"#;
        assert_eq!(
            of(answer).unwrap(),
            [
                Statement::Group { name: "Accountants".into() },
                attribute("EMEA", "Sales"),
                attribute("EMEA", "Expenses"),
                attribute("one", "x"),
            ]
        );
        assert_eq!(of(r#"{"groups":[],"authorizations":{},"more":1}"#).unwrap(), []);
    }

    #[test]
    fn a_name_that_repeats_loses_nothing() {
        let answer = r#"{"groups":[],"authorizations":{"a":["1"],"a":["2"]}}"#;
        assert_eq!(of(answer).unwrap(), [attribute("a", "1"), attribute("a", "2")]);
    }

    #[test]
    fn what_is_not_wanted_need_not_be_there() {
        let groups = Wanted { groups: true, attributes: false };
        assert_eq!(of_user(br#"{"groups":[]}"#, groups).unwrap(), []);
        let attributes = Wanted { groups: false, attributes: true };
        let answer = br#"{"groups":7,"authorizations":{"a":"1"}}"#;
        assert_eq!(of_user(answer, attributes).unwrap(), [attribute("a", "1")]);
    }

    #[test]
    fn doubtful_answers_are_failures_that_quote_nothing() {
        for answer in [
            "",
            "hunter2",
            "{\"groups\":[\"hunter2\"",
            "[]",
            "null",
            "{}",
            r#"{"error":"hunter2"}"#,
            r#"{"groups":[]}"#,
            r#"{"groups":null,"authorizations":{}}"#,
            r#"{"groups":[],"authorizations":null}"#,
            r#"{"groups":[],"authorizations":["hunter2"]}"#,
            r#"{"groups":[],"groups":[],"authorizations":{}}"#,
            r#"{"groups":["hunter2"],"authorizations":{}}"#,
            r#"{"groups":[{"name":" "}],"authorizations":{}}"#,
            r#"{"groups":[{"name":"a\u0000"}],"authorizations":{}}"#,
            r#"{"groups":[],"authorizations":{"a":{"b":"hunter2"}}}"#,
            r#"{"groups":[],"authorizations":{"a":["x",7]}}"#,
            r#"{"groups":[],"authorizations":{"":["x"]}}"#,
            r#"{"groups":[],"authorizations":{"a":["hunter2\u0000"]}}"#,
        ] {
            let failure = of(answer).expect_err(answer);
            assert!(matches!(&failure, Failure::Content(_)), "{answer}: {failure}");
            assert!(!failure.to_string().contains("hunter2"), "{failure}");
        }
    }

    #[test]
    fn text_is_nfc() {
        let answer = "{\"groups\":[],\"authorizations\":{\"city\":[\"Zu\u{308}rich\"]}}";
        assert_eq!(of(answer).unwrap(), [attribute("city", "Zürich")]);
    }

    #[test]
    fn an_item_keeps_its_userid() {
        let item = of_item(br#"{"userid":"sam","groups":7,"authorizations":{}}"#, ALL);
        assert_eq!(item.who.as_deref(), Some("sam"));
        assert!(item.statements.is_err());
        for body in [&b"{\"groups\":[]}"[..], b"{\"userid\":7}", b"{\"userid\":\"  \"}", b"{"] {
            assert_eq!(of_item(body, ALL).who, None);
        }
    }
}
