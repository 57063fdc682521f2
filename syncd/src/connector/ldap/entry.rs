//! An entry as it came over the wire.
//!
//! ldap3's own `SearchEntry` panics on a DN that is no UTF-8 and sorts values into two maps by their
//! content; this keeps bytes as they are and moves them instead of copying.

use std::collections::BTreeSet;

use ldap3::asn1::{PL, StructureTag};

use super::dn::types;
use super::mapping::binary;
use crate::config::ldap::rule::Binary;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub dn: Vec<u8>,
    pub(super) attributes: Vec<Attribute>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    /// Type and options as the server spells them: `mail`, `cn;lang-de`.
    pub description: Vec<u8>,
    pub values: Vec<Vec<u8>>,
}

impl Entry {
    /// `None` if the message is not shaped like a search result entry.
    pub(super) fn decode(tag: StructureTag) -> Option<Self> {
        let mut parts = constructed(tag)?.into_iter();
        let dn = primitive(parts.next()?)?;
        let attributes = constructed(parts.next()?)?.into_iter().map(attribute).collect::<Option<_>>()?;
        Some(Self { dn, attributes })
    }

    /// The values of exactly this attribute: `cn` does not mean `cn;lang-de`. Empty ones are dropped.
    /// An attribute may come in several pieces: slapadd keeps them as it finds them.
    pub(super) fn values<'a>(&'a self, name: &'a AttributeName) -> impl Iterator<Item = &'a [u8]> {
        let found = self.attributes.iter().filter(|attribute| name.is(&attribute.description));
        found.flat_map(|found| &found.values).map(Vec::as_slice).filter(|value| !value.is_empty())
    }

    pub(super) fn take_values(&mut self, name: &AttributeName) -> Vec<Vec<u8>> {
        let found = self.attributes.iter_mut().filter(|attribute| name.is(&attribute.description));
        let mut pieces = found.map(|found| std::mem::take(&mut found.values));
        let mut values = pieces.next().unwrap_or_default();
        pieces.for_each(|more| values.extend(more));
        values
    }

    pub(super) fn count_values(&self) -> usize {
        self.attributes.iter().map(|attribute| attribute.values.len()).sum()
    }

    /// Whether the server sent only a part of the values (`member;range=0-1499`).
    pub(super) fn has_range_of(&self, name: &AttributeName) -> bool {
        self.attributes.iter().any(|attribute| {
            let (base, options) = split_options(&attribute.description);
            let is_range = |option: &[u8]| option.len() >= 6 && option[..6].eq_ignore_ascii_case(b"range=");
            name.is_base(base) && options.split(|&byte| byte == b';').any(is_range)
        })
    }
}

/// A requested attribute, recognised in the answer whatever its case, and under its short name too.
#[derive(Debug, Clone)]
pub(super) struct AttributeName {
    asked: String,
    canonical: Option<&'static str>,
    /// Where options begin in what was asked for.
    base: usize,
    binary: Option<Binary>,
    hexadecimal: bool,
}

const HEXADECIMAL: [&str; 3] = ["entryUUID", "objectGUID", "nsUniqueId"];

impl AttributeName {
    pub(super) fn new(name: &str) -> Self {
        let base = name.find(';').unwrap_or(name.len());
        Self {
            asked: name.to_owned(),
            canonical: types::name_of(name[..base].to_ascii_lowercase().as_bytes()),
            base,
            binary: binary::known(name),
            hexadecimal: HEXADECIMAL.iter().any(|id| id.eq_ignore_ascii_case(name)),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.asked
    }

    /// How its values are encoded, if they are no text.
    pub(super) fn binary(&self) -> Option<Binary> {
        self.binary
    }

    /// Whether it is an id that says the same in capitals.
    pub(super) fn is_hexadecimal(&self) -> bool {
        self.hexadecimal
    }

    pub(super) fn is(&self, description: &[u8]) -> bool {
        if self.base == self.asked.len() {
            return self.is_base(description);
        }
        let (base, options) = split_options(description);
        self.is_base(base) && same_options(&self.asked.as_bytes()[self.base..], options)
    }

    fn is_base(&self, base: &[u8]) -> bool {
        self.asked.as_bytes()[..self.base].eq_ignore_ascii_case(base)
            || self.canonical.is_some_and(|name| name.as_bytes().eq_ignore_ascii_case(base))
    }
}

/// The type, and its options with the semicolon before each.
fn split_options(description: &[u8]) -> (&[u8], &[u8]) {
    let at = description.iter().position(|&byte| byte == b';').unwrap_or(description.len());
    description.split_at(at)
}

/// Options are a set: their order means nothing.
fn same_options(asked: &[u8], answered: &[u8]) -> bool {
    let options = |all: &[u8]| {
        let all = all.split(|&byte| byte == b';').filter(|option| !option.is_empty());
        all.map(<[u8]>::to_ascii_lowercase).collect::<BTreeSet<_>>()
    };
    options(asked) == options(answered)
}

fn attribute(tag: StructureTag) -> Option<Attribute> {
    let mut parts = constructed(tag)?.into_iter();
    let description = primitive(parts.next()?)?;
    let values = constructed(parts.next()?)?.into_iter().map(primitive).collect::<Option<_>>()?;
    Some(Attribute { description, values })
}

fn constructed(tag: StructureTag) -> Option<Vec<StructureTag>> {
    match tag.payload {
        PL::C(parts) => Some(parts),
        PL::P(_) => None,
    }
}

fn primitive(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(bytes) => Some(bytes),
        PL::C(_) => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn entry(dn: &str, attributes: &[(&str, &[&[u8]])]) -> Entry {
        let attributes = attributes
            .iter()
            .map(|(description, values)| Attribute {
                description: description.as_bytes().to_vec(),
                values: values.iter().map(|value| value.to_vec()).collect(),
            })
            .collect();
        Entry { dn: dn.as_bytes().to_vec(), attributes }
    }

    fn values(entry: &Entry, name: &str) -> Vec<Vec<u8>> {
        entry.values(&AttributeName::new(name)).map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn attributes_are_found_whatever_their_case() {
        let entry = entry("cn=a", &[("CN", &[b"a", b""])]);
        assert_eq!(values(&entry, "cn"), [b"a"]);
        assert_eq!(values(&entry, "commonName"), [b"a"]);
        assert!(values(&entry, "sn").is_empty());
    }

    #[test]
    fn options_are_not_ignored() {
        let entry = entry("cn=a", &[("cn;lang-de", &[b"de"]), ("member;range=0-1", &[b"x"])]);
        assert!(values(&entry, "cn").is_empty());
        assert_eq!(values(&entry, "cn;lang-DE"), [b"de"]);
        assert_eq!(values(&entry, "commonName;LANG-de"), [b"de"]);
        assert!(values(&entry, "cn;lang-de;x-a").is_empty());
        assert!(values(&entry, "member").is_empty());
        assert!(entry.has_range_of(&AttributeName::new("member")));
        assert!(!entry.has_range_of(&AttributeName::new("cn")));
    }

    #[test]
    fn an_attribute_may_come_in_pieces() {
        let mut entry = entry("cn=a", &[("member", &[b"a"]), ("cn", &[b"x"]), ("Member", &[b"b", b"c"])]);
        assert_eq!(values(&entry, "member"), [b"a", b"b", b"c"]);
        assert_eq!(entry.take_values(&AttributeName::new("member")), [b"a", b"b", b"c"]);
    }

    #[test]
    fn options_are_a_set() {
        let entry = entry("cn=a", &[("cn;x-a;lang-de", &[b"both"])]);
        assert_eq!(values(&entry, "cn;lang-de;x-a"), [b"both"]);
        assert!(values(&entry, "cn;lang-de").is_empty());
    }

    #[test]
    fn misshapen_messages_are_no_entries() {
        use ldap3::asn1::TagClass;
        let tag = |payload| StructureTag { class: TagClass::Universal, id: 4, payload };
        assert_eq!(Entry::decode(tag(PL::P(vec![]))), None);
        assert_eq!(Entry::decode(tag(PL::C(vec![tag(PL::P(vec![]))]))), None);
    }
}
