//! What a filter means (RFC 7644 3.4.2.2), over the JSON that was sent. Written for the tests alone.

use std::cmp::Ordering;

use roster_tests::Rng;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

#[derive(Debug, Clone)]
pub enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// `emails[...]`: one element for which all of it holds.
    Element(String, Box<Filter>),
    Compare(String, Operator, Value),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Pr,
    Gt,
    Ge,
    Lt,
    Le,
}

impl Operator {
    pub const ALL: [Operator; 10] = [
        Operator::Eq,
        Operator::Ne,
        Operator::Co,
        Operator::Sw,
        Operator::Ew,
        Operator::Pr,
        Operator::Gt,
        Operator::Ge,
        Operator::Lt,
        Operator::Le,
    ];

    fn name(self) -> &'static str {
        match self {
            Operator::Eq => "eq",
            Operator::Ne => "ne",
            Operator::Co => "co",
            Operator::Sw => "sw",
            Operator::Ew => "ew",
            Operator::Pr => "pr",
            Operator::Gt => "gt",
            Operator::Ge => "ge",
            Operator::Lt => "lt",
            Operator::Le => "le",
        }
    }
}

impl Filter {
    /// As a client would write it, in any case.
    pub fn written(&self, rng: &mut Rng) -> String {
        match self {
            Filter::And(of) => joined(of, "and", rng),
            Filter::Or(of) => joined(of, "or", rng),
            Filter::Not(of) => format!("{} ({})", any_case("not", rng), of.written(rng)),
            Filter::Element(list, of) => format!("{}[{}]", any_case(list, rng), of.written(rng)),
            Filter::Compare(name, Operator::Pr, _) => {
                format!("{} {}", any_case(name, rng), any_case("pr", rng))
            }
            Filter::Compare(name, operator, literal) => {
                let literal = if rng.one_in(3) { escaped(literal) } else { literal.to_string() };
                format!("{} {} {literal}", any_case(name, rng), any_case(operator.name(), rng))
            }
        }
    }

    pub fn holds(&self, of: &Value) -> bool {
        match self {
            Filter::And(all) => all.iter().all(|filter| filter.holds(of)),
            Filter::Or(any) => any.iter().any(|filter| filter.holds(of)),
            Filter::Not(filter) => !filter.holds(of),
            Filter::Element(list, filter) => elements(&of[list]).iter().any(|element| filter.holds(element)),
            Filter::Compare(name, operator, literal) => compare(name, *operator, literal, of),
        }
    }
}

fn joined(of: &[Filter], word: &str, rng: &mut Rng) -> String {
    let parts: Vec<_> = of.iter().map(|filter| format!("({})", filter.written(rng))).collect();
    parts.join(&format!(" {} ", any_case(word, rng)))
}

fn any_case(word: &str, rng: &mut Rng) -> String {
    match rng.below(4) {
        0 => word.to_uppercase(),
        1 => word.to_lowercase(),
        _ => word.to_owned(),
    }
}

/// A JSON string with every character as \uXXXX.
fn escaped(literal: &Value) -> String {
    let Value::String(text) = literal else { return literal.to_string() };
    let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    format!("\"{units}\"")
}

fn elements(list: &Value) -> &[Value] {
    list.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The values that a name stands for: none, one, or those of all elements.
fn values<'v>(name: &str, of: &'v Value) -> Vec<&'v Value> {
    if let Some((urn, field)) = name.rsplit_once(':') {
        return of[urn].get(field).into_iter().collect();
    }
    let (first, sub) = name.split_once('.').unwrap_or((name, ""));
    match of.get(first) {
        None => Vec::new(),
        // The list itself means the values of its elements.
        Some(Value::Array(list)) => {
            list.iter().filter_map(|e| e.get(if sub.is_empty() { "value" } else { sub })).collect()
        }
        Some(value) if sub.is_empty() => vec![value],
        Some(value) => value.get(sub).into_iter().collect(),
    }
}

fn compare(name: &str, operator: Operator, literal: &Value, of: &Value) -> bool {
    let values = values(name, of);
    match (operator, literal) {
        (Operator::Pr, _) | (Operator::Ne, Value::Null) => !values.is_empty(),
        (Operator::Eq, Value::Null) => values.is_empty(),
        (Operator::Ne, _) => values.is_empty() || values.iter().any(|value| !equal(name, value, literal)),
        (Operator::Eq, _) => values.iter().any(|value| equal(name, value, literal)),
        _ => values.iter().any(|value| ordered(name, operator, value, literal)),
    }
}

/// As it is compared: in NFC, in lower case unless the attribute is exact.
fn folded(name: &str, text: &str) -> String {
    let text: String = text.nfc().collect();
    if name == "externalId" { text } else { text.to_lowercase() }
}

fn equal(name: &str, value: &Value, literal: &Value) -> bool {
    match (value, literal) {
        (Value::String(value), Value::String(literal)) => folded(name, value) == folded(name, literal),
        _ => value == literal,
    }
}

fn ordered(name: &str, operator: Operator, value: &Value, literal: &Value) -> bool {
    let (Some(value), Some(literal)) = (value.as_str(), literal.as_str()) else { return false };
    let (value, literal) = (folded(name, value), folded(name, literal));
    match operator {
        Operator::Co => value.contains(&literal),
        Operator::Sw => value.starts_with(&literal),
        Operator::Ew => value.ends_with(&literal),
        Operator::Gt => value.cmp(&literal) == Ordering::Greater,
        Operator::Ge => value.cmp(&literal) != Ordering::Less,
        Operator::Lt => value.cmp(&literal) == Ordering::Less,
        Operator::Le => value.cmp(&literal) != Ordering::Greater,
        Operator::Eq | Operator::Ne | Operator::Pr => unreachable!("they are compared above"),
    }
}
