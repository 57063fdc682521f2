//! A rule makes values of what an entry has: an attribute, several, or a template, and what is done to
//! the text. How it is carried out is in `connector::ldap::mapping`.

use std::fmt;

use regex::Regex;
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, de};

use super::values::{OneOrMore, check_attribute, check_text};

mod template;

#[cfg(test)]
mod tests;

/// Steps in the order of the fields.
#[derive(Debug, Clone)]
pub struct Rule {
    pub origin: Origin,
    /// `None`: by the attribute.
    pub binary: Option<Binary>,
    /// What separates several values in one; parts are trimmed, empty ones dropped.
    pub split: Option<String>,
    /// The first group, or all that matched; without a match there is no value.
    pub pattern: Option<Regex>,
    pub case: Option<Case>,
    /// When there is no value otherwise.
    pub default: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// All their values; where one is wanted, that of the first which has one.
    Attributes(Vec<String>),
    /// One value, made of the first of each attribute.
    Template(Vec<Piece>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Attribute {
        name: String,
        /// Without one, an entry that lacks the attribute has no value at all.
        default: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Case {
    Lower,
    Upper,
}

/// How bytes become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Binary {
    /// Of Microsoft: the first three fields little-endian.
    Guid,
    Sid,
    /// RFC 9562: as the bytes come.
    Uuid,
    Hex,
    Base64,
}

impl Piece {
    pub fn attribute(&self) -> Option<&str> {
        match self {
            Self::Attribute { name, .. } => Some(name),
            Self::Text(_) => None,
        }
    }
}

impl Rule {
    pub fn attribute(name: &str) -> Self {
        Self::of(Origin::Attributes(vec![name.to_owned()]))
    }

    fn of(origin: Origin) -> Self {
        Self { origin, binary: None, split: None, pattern: None, case: None, default: None }
    }

    /// The attributes that it is made of.
    pub fn names(&self) -> Vec<&str> {
        match &self.origin {
            Origin::Attributes(names) => names.iter().map(String::as_str).collect(),
            Origin::Template(pieces) => pieces.iter().filter_map(Piece::attribute).collect(),
        }
    }

    /// Whether it is this attribute as it is.
    pub fn is_plain(&self, name: &str) -> bool {
        let is = |names: &[String]| matches!(names, [one] if one.eq_ignore_ascii_case(name));
        matches!(&self.origin, Origin::Attributes(names) if is(names)) && self.leaves_values_alone()
    }

    /// Whether values are taken as they are.
    pub fn leaves_values_alone(&self) -> bool {
        let Self { origin: _, binary, split, pattern, case, default } = self;
        binary.is_none() && split.is_none() && pattern.is_none() && case.is_none() && default.is_none()
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shapes)
    }
}

/// By hand and not as an untagged enum, whose errors would not say what is wrong with an object.
struct Shapes;

impl<'de> de::Visitor<'de> for Shapes {
    type Value = Rule;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an attribute, a template, or an object with attribute or template")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Rule, E> {
        let rule = if text.contains(['{', '}']) {
            template::parse(text).map(Origin::Template).map(Rule::of)
        } else if text.eq_ignore_ascii_case("dn") {
            // Means the name of the entry, where that is allowed.
            Ok(Rule::attribute(text))
        } else {
            check_attribute(text).map(|()| Rule::attribute(text))
        };
        rule.map_err(de::Error::custom)
    }

    fn visit_map<M: de::MapAccess<'de>>(self, map: M) -> Result<Rule, M::Error> {
        let written = Written::deserialize(MapAccessDeserializer::new(map))?;
        written.rule().map_err(de::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    attribute: Option<OneOrMore>,
    template: Option<String>,
    binary: Option<Binary>,
    split: Option<String>,
    regex: Option<String>,
    case: Option<Case>,
    default: Option<String>,
}

impl Written {
    fn rule(self) -> Result<Rule, String> {
        let origin = match (self.attribute, self.template) {
            (Some(names), None) => attributes(names.0)?,
            (None, Some(text)) if self.binary.is_none() => Origin::Template(template::parse(&text)?),
            (None, Some(_)) => {
                return Err("has binary for a template: what a template makes is text".to_owned());
            }
            _ => return Err("needs either attribute or template".to_owned()),
        };
        for (key, text) in [("split", &self.split), ("default", &self.default)] {
            text.as_deref().map_or(Ok(()), |text| check_text(key, text))?;
        }
        let pattern = self.regex.map(|text| {
            Regex::new(&text).map_err(|error| format!("regex {text:?} cannot be understood: {error}"))
        });
        Ok(Rule {
            origin,
            binary: self.binary,
            split: self.split,
            pattern: pattern.transpose()?,
            case: self.case,
            default: self.default,
        })
    }
}

fn attributes(names: Vec<String>) -> Result<Origin, String> {
    if names.is_empty() {
        return Err("attribute is an empty list".to_owned());
    }
    names.iter().try_for_each(|name| check_attribute(name))?;
    Ok(Origin::Attributes(names))
}
