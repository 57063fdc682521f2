//! An entry as it came over the wire.
//!
//! ldap3's own `SearchEntry` panics on a DN that is no UTF-8 and sorts values into two maps by their
//! content; this keeps bytes as they are and moves them instead of copying.

use ldap3::asn1::{PL, StructureTag};

use super::dn::types;

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
    pub(super) fn values<'a>(&'a self, name: &AttributeName) -> impl Iterator<Item = &'a [u8]> {
        let found = self.attributes.iter().find(|attribute| name.is(&attribute.description));
        found.into_iter().flat_map(|found| &found.values).map(Vec::as_slice).filter(|value| !value.is_empty())
    }

    pub(super) fn take_values(&mut self, name: &AttributeName) -> Vec<Vec<u8>> {
        let found = self.attributes.iter_mut().find(|attribute| name.is(&attribute.description));
        found.map(|found| std::mem::take(&mut found.values)).unwrap_or_default()
    }

    pub(super) fn count_values(&self) -> usize {
        self.attributes.iter().map(|attribute| attribute.values.len()).sum()
    }

    /// Whether the server sent only a part of the values (`member;range=0-1499`).
    pub(super) fn has_range_of(&self, name: &AttributeName) -> bool {
        self.attributes.iter().any(|attribute| {
            let mut parts = attribute.description.split(|&byte| byte == b';');
            parts.next().is_some_and(|base| name.is(base))
                && parts.any(|option| option.len() >= 6 && option[..6].eq_ignore_ascii_case(b"range="))
        })
    }
}

/// A requested attribute, recognised in the answer whatever its case, and under its short name too.
#[derive(Debug, Clone)]
pub(super) struct AttributeName {
    asked: String,
    canonical: Option<&'static str>,
}

impl AttributeName {
    pub(super) fn new(name: &str) -> Self {
        Self { asked: name.to_owned(), canonical: types::name_of(name.to_ascii_lowercase().as_bytes()) }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.asked
    }

    pub(super) fn is(&self, description: &[u8]) -> bool {
        self.asked.as_bytes().eq_ignore_ascii_case(description)
            || self.canonical.is_some_and(|name| name.as_bytes().eq_ignore_ascii_case(description))
    }
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
        assert!(entry.has_range_of(&AttributeName::new("member")));
        assert!(!entry.has_range_of(&AttributeName::new("cn")));
    }

    #[test]
    fn misshapen_messages_are_no_entries() {
        use ldap3::asn1::TagClass;
        let tag = |payload| StructureTag { class: TagClass::Universal, id: 4, payload };
        assert_eq!(Entry::decode(tag(PL::P(vec![]))), None);
        assert_eq!(Entry::decode(tag(PL::C(vec![tag(PL::P(vec![]))]))), None);
    }
}
