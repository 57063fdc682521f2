//! A rule makes values of what an entry has: an attribute, several, or a template, and what is done to
//! the text. How it is carried out is in `connector::ldap::mapping`.

use regex::Regex;
use serde::{Deserialize, Deserializer, de};

#[derive(Debug, Clone)]
pub struct Rule {
    pub from: From,
    /// What separates several values in one; parts are trimmed, empty ones dropped.
    pub split: Option<String>,
    /// The first group, or all that matched; without a match there is no value.
    pub pattern: Option<Regex>,
    pub case: Option<Case>,
    /// `None`: by the attribute.
    pub binary: Option<Binary>,
    /// When there is no value otherwise.
    pub default: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// All their values; where one is wanted, that of the first which has one.
    Attributes(Vec<String>),
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

impl Rule {
    pub fn attribute(name: &str) -> Self {
        Self::of(From::Attributes(vec![name.to_owned()]))
    }

    fn of(from: From) -> Self {
        Self { from, split: None, pattern: None, case: None, binary: None, default: None }
    }

    /// The attributes to ask the server for.
    pub fn attributes(&self) -> Vec<&str> {
        match &self.from {
            From::Attributes(names) => names.iter().map(String::as_str).collect(),
            From::Template(pieces) => pieces
                .iter()
                .filter_map(|piece| match piece {
                    Piece::Attribute { name, .. } => Some(name.as_str()),
                    Piece::Text(_) => None,
                })
                .collect(),
        }
    }

    /// Whether it is this attribute as it is.
    pub fn is_plain(&self, name: &str) -> bool {
        matches!(&self.from, From::Attributes(names) if names.len() == 1 && names[0].eq_ignore_ascii_case(name))
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rule = match Written::deserialize(deserializer)? {
            Written::Short(text) if text.contains(['{', '}']) => template(&text).map(Self::of),
            Written::Short(name) => attribute_name(&name).map(|()| Self::attribute(&name)),
            Written::Long(long) => long.rule(),
        };
        rule.map_err(de::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "must be the name of an attribute, a template, or an object with attribute or template"
)]
enum Written {
    Short(String),
    Long(Long),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    attribute: Option<OneOrMore>,
    template: Option<String>,
    case: Option<Case>,
    split: Option<String>,
    regex: Option<String>,
    binary: Option<Binary>,
    default: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl Long {
    fn rule(self) -> Result<Rule, String> {
        let from = match (self.attribute, self.template) {
            (Some(OneOrMore::One(name)), None) => attributes(vec![name])?,
            (Some(OneOrMore::More(names)), None) => attributes(names)?,
            (None, Some(text)) => template(&text)?,
            _ => return Err("needs either attribute or template".to_owned()),
        };
        if self.split.as_deref() == Some("") {
            return Err("split is empty: name what separates the values, such as \";\"".to_owned());
        }
        let pattern = self.regex.map(|text| {
            Regex::new(&text).map_err(|error| format!("regex {text:?} cannot be understood: {error}"))
        });
        Ok(Rule {
            from,
            split: self.split,
            pattern: pattern.transpose()?,
            case: self.case,
            binary: self.binary,
            default: self.default,
        })
    }
}

fn attributes(names: Vec<String>) -> Result<From, String> {
    if names.is_empty() {
        return Err("attribute is an empty list".to_owned());
    }
    names.iter().try_for_each(|name| attribute_name(name))?;
    Ok(From::Attributes(names))
}

/// `{givenName} {sn|unknown}`; `{{` and `}}` stand for the braces themselves.
fn template(text: &str) -> Result<From, String> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '{' | '}' if rest.peek() == Some(&c) => {
                rest.next();
                plain.push(c);
            }
            '{' => {
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                let inner: String = rest.by_ref().take_while(|c| *c != '}').collect();
                let (name, default) = match inner.split_once('|') {
                    Some((name, default)) => (name, Some(default.to_owned())),
                    None => (inner.as_str(), None),
                };
                attribute_name(name)?;
                pieces.push(Piece::Attribute { name: name.to_owned(), default });
            }
            '}' => return Err(format!("template {text:?} has a }} without its {{ (a brace itself is }}}})")),
            other => plain.push(other),
        }
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    if !pieces.iter().any(|piece| matches!(piece, Piece::Attribute { .. })) {
        return Err(format!("template {text:?} names no attribute, such as {{cn}}"));
    }
    Ok(From::Template(pieces))
}

/// Options belong to a name: `cn;lang-de`.
pub(super) fn attribute_name(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._;".contains(c);
    if name.is_empty() || !name.chars().all(allowed) {
        return Err(format!("{name:?} is not the name of an LDAP attribute"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(written: serde_json::Value) -> Rule {
        Rule::deserialize(written).unwrap()
    }

    fn refused(written: serde_json::Value) -> String {
        Rule::deserialize(written).unwrap_err().to_string()
    }

    #[test]
    fn names_templates_and_objects() {
        assert!(rule(json!("cn;lang-de")).is_plain("cn;lang-DE"));
        assert_eq!(rule(json!("{givenName} {sn|?}")).attributes(), ["givenName", "sn"]);
        let long = rule(json!({"attribute": ["mail", "otherMailbox"], "split": ";", "case": "lower"}));
        assert_eq!(long.attributes(), ["mail", "otherMailbox"]);
        assert_eq!(long.case, Some(Case::Lower));
        let braces = rule(json!("{{{cn}}}"));
        let piece = Piece::Attribute { name: "cn".into(), default: None };
        assert_eq!(
            braces.from,
            From::Template(vec![Piece::Text("{".into()), piece, Piece::Text("}".into())])
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        assert!(refused(json!("mail box")).contains("not the name of an LDAP attribute"));
        assert!(refused(json!("{cn} }")).contains("without its {"));
        assert!(refused(json!({"attribute": "cn", "template": "{cn}"})).contains("either"));
        assert!(refused(json!({"attribute": "cn", "regex": "("})).contains("cannot be understood"));
        assert!(refused(json!({"template": "cn"})).contains("names no attribute"));
    }
}
