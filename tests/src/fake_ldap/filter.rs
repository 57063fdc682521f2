//! Filters: what they find, and how they are written.

use std::fmt::{self, Display, Formatter};

use super::message::{parts, text};
use super::script::Entry;

/// The rule of Active Directory for "all these bits are set".
const BITS: &str = "1.2.840.113556.1.4.803";

#[derive(Debug, Clone)]
pub(super) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Equal(String, Vec<u8>),
    AtLeast(String, Vec<u8>),
    AtMost(String, Vec<u8>),
    Present(String),
    Rule(String, String, Vec<u8>),
    /// Nothing that a fake needs to understand: finds nothing.
    Unknown(u8),
}

impl Filter {
    pub(super) fn read((tag, content): &(u8, Vec<u8>)) -> Option<Filter> {
        let inner = || parts(content);
        let pair = || -> Option<(String, Vec<u8>)> {
            let fields = inner();
            Some((text(&fields.first()?.1), fields.get(1)?.1.clone()))
        };
        let all = || inner().iter().map(Filter::read).collect::<Option<Vec<_>>>();
        Some(match tag {
            0xa0 => Filter::And(all()?),
            0xa1 => Filter::Or(all()?),
            0xa2 => Filter::Not(Box::new(all()?.pop()?)),
            0xa3 => pair().map(|(name, value)| Filter::Equal(name, value))?,
            0xa5 => pair().map(|(name, value)| Filter::AtLeast(name, value))?,
            0xa6 => pair().map(|(name, value)| Filter::AtMost(name, value))?,
            0x87 => Filter::Present(text(content)),
            0xa9 => {
                let fields = inner();
                let field = |tag| fields.iter().find(|(t, _)| *t == tag).map(|(_, v)| v.clone());
                Filter::Rule(
                    text(&field(0x82).unwrap_or_default()),
                    text(&field(0x81).unwrap_or_default()),
                    field(0x83)?,
                )
            }
            tag => Filter::Unknown(*tag),
        })
    }

    pub(super) fn finds(&self, entry: &Entry) -> bool {
        let compares = |name: &str, holds: &dyn Fn(&[u8]) -> bool| {
            entry.values(name).is_some_and(|values| values.iter().any(|value| holds(value)))
        };
        match self {
            Filter::And(all) => all.iter().all(|filter| filter.finds(entry)),
            Filter::Or(any) => any.iter().any(|filter| filter.finds(entry)),
            Filter::Not(filter) => !filter.finds(entry),
            Filter::Equal(name, asked) => compares(name, &|value| same(value, asked)),
            Filter::AtLeast(name, asked) => compares(name, &|value| order(value) >= order(asked)),
            Filter::AtMost(name, asked) => compares(name, &|value| order(value) <= order(asked)),
            Filter::Present(name) => name.eq_ignore_ascii_case("objectClass") || entry.values(name).is_some(),
            Filter::Rule(name, rule, asked) => {
                let bits = text(asked).parse::<i64>().unwrap_or(0);
                rule == BITS
                    && compares(name, &|value| text(value).parse::<i64>().is_ok_and(|n| n & bits == bits))
            }
            Filter::Unknown(_) => false,
        }
    }
}

/// Text in any case, bytes as they are.
fn same(value: &[u8], asked: &[u8]) -> bool {
    match (std::str::from_utf8(value), std::str::from_utf8(asked)) {
        (Ok(value), Ok(asked)) => value.eq_ignore_ascii_case(asked),
        _ => value == asked,
    }
}

/// Numbers by their size, times and the rest as text.
fn order(value: &[u8]) -> (Option<i64>, String) {
    let value = text(value);
    (value.parse().ok(), value)
}

/// As people write it, so that a script can say which searches it means.
impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let list = |f: &mut Formatter<'_>, sign: &str, filters: &[Filter]| {
            write!(f, "({sign}")?;
            filters.iter().try_for_each(|filter| write!(f, "{filter}"))?;
            write!(f, ")")
        };
        match self {
            Filter::And(all) => list(f, "&", all),
            Filter::Or(any) => list(f, "|", any),
            Filter::Not(filter) => write!(f, "(!{filter})"),
            Filter::Equal(name, value) => write!(f, "({name}={})", text(value)),
            Filter::AtLeast(name, value) => write!(f, "({name}>={})", text(value)),
            Filter::AtMost(name, value) => write!(f, "({name}<={})", text(value)),
            Filter::Present(name) => write!(f, "({name}=*)"),
            Filter::Rule(name, rule, value) => write!(f, "({name}:{rule}:={})", text(value)),
            Filter::Unknown(tag) => write!(f, "(?{tag:x})"),
        }
    }
}
