//! Rules carried out: from an entry to the values of one field.
//!
//! Most fields are one attribute as it is: they take the short way, without steps and copies.

use std::borrow::Cow;

use regex::Regex;

use super::super::entry::{AttributeName, Entry};
use super::super::text::{clean, nfc};
use super::binary;
use crate::config::ldap::Rule;
use crate::config::ldap::rule::{Binary, Case, Origin, Piece};

#[cfg(test)]
mod tests;

pub(super) struct Field {
    origin: Compiled,
    /// `None`: values are taken as they are.
    steps: Option<Steps>,
    /// When there is no value otherwise.
    default: Option<String>,
}

enum Compiled {
    Attribute(AttributeName),
    Attributes(Vec<AttributeName>),
    Template(Vec<Part>),
}

enum Part {
    Text(String),
    Attribute { name: AttributeName, default: Option<String> },
}

struct Steps {
    binary: Option<Binary>,
    split: Option<String>,
    pattern: Option<Regex>,
    case: Option<Case>,
}

impl Field {
    pub(super) fn new(rule: &Rule) -> Self {
        let steps = Steps {
            binary: rule.binary,
            split: rule.split.clone(),
            pattern: rule.pattern.clone(),
            case: rule.case,
        };
        Self {
            origin: Compiled::new(&rule.origin),
            steps: (!rule.leaves_values_alone()).then_some(steps),
            default: rule.default.as_deref().map(|text| nfc(text.to_owned())),
        }
    }

    /// The attributes it is made of.
    pub(super) fn attributes(&self) -> Vec<&AttributeName> {
        match &self.origin {
            Compiled::Attribute(name) => vec![name],
            Compiled::Attributes(names) => names.iter().collect(),
            Compiled::Template(parts) => parts.iter().filter_map(Part::attribute).collect(),
        }
    }

    pub(super) fn is_plain(&self) -> bool {
        matches!(self.origin, Compiled::Attribute(_)) && self.steps.is_none()
    }

    /// How people are told of it.
    pub(super) fn what(&self) -> String {
        match &self.origin {
            Compiled::Attribute(name) => name.as_str().to_owned(),
            _ => self.attributes().into_iter().map(AttributeName::as_str).collect::<Vec<_>>().join(" or "),
        }
    }

    /// The one value of a field that has one: the first in byte order, of the first attribute that has any.
    pub(super) fn single(&self, entry: &Entry) -> Result<Option<String>, String> {
        let found = match &self.origin {
            Compiled::Attribute(name) => self.least(entry, name)?,
            Compiled::Attributes(names) => {
                let mut found = None;
                for name in names {
                    found = self.least(entry, name)?;
                    if found.is_some() {
                        break;
                    }
                }
                found
            }
            Compiled::Template(parts) => {
                let mut least = None;
                if let Some(text) = filled(parts, entry)? {
                    self.finish(text, &mut |value| keep_least(&mut least, value));
                }
                least
            }
        };
        Ok(found.or_else(|| self.default.clone()))
    }

    /// Every value, in no order, some maybe twice.
    pub(super) fn each(&self, entry: &Entry, mut take: impl FnMut(String)) -> Result<(), String> {
        let mut any = false;
        let mut count = |value| {
            any = true;
            take(value);
        };
        match &self.origin {
            Compiled::Attribute(name) => self.values(entry, name, &mut count)?,
            Compiled::Attributes(names) => {
                names.iter().try_for_each(|name| self.values(entry, name, &mut count))?
            }
            Compiled::Template(parts) => {
                if let Some(text) = filled(parts, entry)? {
                    self.finish(text, &mut count);
                }
            }
        }
        if !any && let Some(default) = &self.default {
            take(default.clone());
        }
        Ok(())
    }

    fn least(&self, entry: &Entry, name: &AttributeName) -> Result<Option<String>, String> {
        let mut least = None;
        self.values(entry, name, &mut |value| keep_least(&mut least, value))?;
        Ok(least)
    }

    fn values(
        &self,
        entry: &Entry,
        name: &AttributeName,
        take: &mut impl FnMut(String),
    ) -> Result<(), String> {
        let binary = self.steps.as_ref().and_then(|steps| steps.binary);
        texts(entry, name, binary)?.try_for_each(|text| {
            self.finish(text?, take);
            Ok(())
        })
    }

    fn finish(&self, text: String, take: &mut impl FnMut(String)) {
        let Some(steps) = &self.steps else { return take(text) };
        match &steps.split {
            None => steps.finish(Cow::Owned(text), take),
            Some(separator) => {
                text.split(separator.as_str()).for_each(|part| steps.finish(Cow::Borrowed(part.trim()), take))
            }
        }
    }
}

impl Compiled {
    fn new(origin: &Origin) -> Self {
        match origin {
            Origin::Attributes(names) => match names.as_slice() {
                [name] => Self::Attribute(AttributeName::new(name)),
                several => Self::Attributes(several.iter().map(|name| AttributeName::new(name)).collect()),
            },
            Origin::Template(pieces) => Self::Template(pieces.iter().map(Part::new).collect()),
        }
    }
}

impl Part {
    fn new(piece: &Piece) -> Self {
        match piece {
            Piece::Text(text) => Self::Text(text.clone()),
            Piece::Attribute { name, default } => {
                Self::Attribute { name: AttributeName::new(name), default: default.clone() }
            }
        }
    }

    fn attribute(&self) -> Option<&AttributeName> {
        match self {
            Self::Attribute { name, .. } => Some(name),
            Self::Text(_) => None,
        }
    }
}

impl Steps {
    fn finish(&self, text: Cow<'_, str>, take: &mut impl FnMut(String)) {
        let text = match &self.pattern {
            None => text,
            Some(pattern) => {
                let Some(found) = pattern.captures(&text) else { return };
                // A group that took no part in the match has no value.
                let Some(part) = found.get(usize::from(pattern.captures_len() > 1)) else { return };
                Cow::Owned(part.as_str().to_owned())
            }
        };
        if !text.is_empty() {
            take(self.folded(text));
        }
    }

    fn folded(&self, text: Cow<'_, str>) -> String {
        match self.case {
            None => text.into_owned(),
            Some(Case::Lower) => nfc(text.to_lowercase()),
            Some(Case::Upper) => nfc(text.to_uppercase()),
        }
    }
}

/// The text of a template, without blanks at its ends; `None` if an attribute is missing or nothing is left.
fn filled(parts: &[Part], entry: &Entry) -> Result<Option<String>, String> {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text(plain) => text += plain,
            Part::Attribute { name, default } => match (least_text(entry, name)?, default) {
                (Some(value), _) => text += &value,
                (None, Some(default)) => text += default,
                (None, None) => return Ok(None),
            },
        }
    }
    let text = nfc(text);
    let trimmed = text.trim();
    Ok((!trimmed.is_empty()).then(|| trimmed.to_owned()))
}

fn least_text(entry: &Entry, name: &AttributeName) -> Result<Option<String>, String> {
    let mut least = None;
    for text in texts(entry, name, None)? {
        keep_least(&mut least, text?);
    }
    Ok(least)
}

/// The values of an attribute as clean text.
pub(super) fn texts<'a>(
    entry: &'a Entry,
    name: &'a AttributeName,
    binary: Option<Binary>,
) -> Result<impl Iterator<Item = Result<String, String>> + 'a, String> {
    let binary = binary.or(name.binary());
    let mut values = entry.values(name).peekable();
    if values.peek().is_none() && entry.has_range_of(name) {
        return Err(format!(
            "{} came in part only: the server sends so many values in ranges",
            name.as_str()
        ));
    }
    Ok(values.map(move |value| {
        let text = match binary {
            None => clean(value).map_err(|bad| bad.to_string()),
            Some(binary) => binary::text(binary, value),
        };
        text.map_err(|bad| format!("{} {bad}", name.as_str()))
    }))
}

fn keep_least(least: &mut Option<String>, value: String) {
    if least.as_ref().is_none_or(|least| value < *least) {
        *least = Some(value);
    }
}
