//! The schemas that one source understands.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{Attribute, ResourceKind, enterprise, group, urns, user};

/// What a source's configuration adds to the schemas of RFC 7643.
#[derive(Debug, Clone, Default)]
pub struct RegistryOptions {
    /// URNs of the source's `attribute_mapping` and of the paths in its other mappings.
    pub extensions: BTreeSet<String>,
    /// Usernames of the identity manager differ by case.
    pub case_sensitive_usernames: bool,
}

/// An extension schema (RFC 7643 section 3.3).
#[derive(Debug)]
pub struct Extension {
    /// In its canonical case.
    pub urn: String,
    /// Fields with a definition.
    pub attributes: Vec<Attribute>,
    /// Configured: any other field is accepted as well.
    pub open: bool,
}

impl Extension {
    /// Configured extensions apply to both kinds, the enterprise one otherwise to users only.
    pub fn applies_to(&self, kind: ResourceKind) -> bool {
        self.open || kind == ResourceKind::User
    }

    fn find(&self, name: &str) -> Option<Found<'_>> {
        let urn = Some(self.urn.as_str());
        if let Some(attribute) = named(&self.attributes, name) {
            return Some(Found { urn, name: Cow::Borrowed(&attribute.name), attribute: Some(attribute) });
        }
        self.open.then(|| Found { urn, name: Cow::Owned(name.to_owned()), attribute: None })
    }
}

/// The schemas that one source understands; built once per configuration and shared.
#[derive(Debug)]
pub struct Registry {
    common: Vec<Attribute>,
    user: Vec<Attribute>,
    group: Vec<Attribute>,
    extensions: Vec<Extension>,
    case_sensitive_usernames: bool,
}

/// An attribute that the source understands.
#[derive(Debug, Clone)]
pub struct Found<'r> {
    /// Canonical URN of the extension; None for the core schema.
    pub urn: Option<&'r str>,
    /// Canonical name; of a field without a definition the name that was asked for.
    pub name: Cow<'r, str>,
    /// None: a field of an open extension that has no definition.
    pub attribute: Option<&'r Attribute>,
}

impl Registry {
    pub fn new(options: RegistryOptions) -> Self {
        let mut registry = Self {
            common: user::common_attributes(),
            user: user::attributes(options.case_sensitive_usernames),
            group: group::attributes(),
            extensions: vec![Extension {
                urn: urns::ENTERPRISE_USER.to_owned(),
                attributes: enterprise::attributes(),
                open: false,
            }],
            case_sensitive_usernames: options.case_sensitive_usernames,
        };
        for urn in options.extensions {
            registry.open(urn);
        }
        registry
    }

    /// Configuration may name the core schemas too, and any URN in any case or in its older form.
    fn open(&mut self, urn: String) {
        let (known, rest) = self.split_urn(&urn);
        if !rest.is_empty() {
            self.extensions.push(Extension { urn, attributes: Vec::new(), open: true });
            return;
        }
        if let Some(extension) = self.extensions.iter_mut().find(|e| Some(&e.urn) == known.as_ref()) {
            extension.open = true;
        }
    }

    /// The attribute `name` of the core schema of the kind (`urn` None, or one of its URNs) or of an extension. Names and URNs
    /// compare without case (RFC 7643 section 2.1). None: the source does not know it.
    pub fn find(&self, kind: ResourceKind, urn: Option<&str>, name: &str) -> Option<Found<'_>> {
        let Some(urn) = urn else {
            return self.find_core(kind, name);
        };
        if let Some(extension) = self.extension(kind, urn) {
            return extension.find(name);
        }
        // An older or a core URN.
        match self.split_urn(urn) {
            (Some(urn), "") => self.extension(kind, &urn)?.find(name),
            (None, "") if urns::is_urn(urn) => self.find_core(kind, name),
            _ => None,
        }
    }

    fn find_core(&self, kind: ResourceKind, name: &str) -> Option<Found<'_>> {
        let attribute = named(&self.common, name).or_else(|| named(self.core(kind), name))?;
        Some(Found { urn: None, name: Cow::Borrowed(&attribute.name), attribute: Some(attribute) })
    }

    /// The extension of that URN, in any case, if it applies to the kind.
    pub fn extension(&self, kind: ResourceKind, urn: &str) -> Option<&Extension> {
        self.extensions.iter().find(|e| e.applies_to(kind) && e.urn.eq_ignore_ascii_case(urn))
    }

    /// Extensions that apply to the kind.
    pub fn extensions(&self, kind: ResourceKind) -> impl Iterator<Item = &Extension> {
        self.extensions.iter().filter(move |e| e.applies_to(kind))
    }

    /// Every extension.
    pub fn all_extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// Attributes of the core schema, without the common ones.
    pub fn core(&self, kind: ResourceKind) -> &[Attribute] {
        match kind {
            ResourceKind::User => &self.user,
            ResourceKind::Group => &self.group,
        }
    }

    /// id, schemas, externalId, meta (RFC 7643 section 3.1).
    pub fn common(&self) -> &[Attribute] {
        &self.common
    }

    pub fn case_sensitive_usernames(&self) -> bool {
        self.case_sensitive_usernames
    }

    /// Splits a path at the longest known URN that is followed by a colon or the end: URNs contain colons and dots, so only
    /// the list of known ones tells where the attribute begins. The URN is the canonical one of an extension, None for core
    /// or if the path begins with no known URN (RFC 7644 section 3.10).
    pub fn split_urn<'p>(&self, path: &'p str) -> (Option<String>, &'p str) {
        if !urns::is_urn(path) {
            return (None, path);
        }
        let core = [(urns::USER, None), (urns::GROUP, None)];
        let extensions = self.extensions.iter().map(|e| (e.urn.as_str(), Some(e.urn.as_str())));
        core.into_iter()
            .chain(urns::LEGACY_URNS)
            .chain(extensions)
            .filter_map(|(urn, canonical)| Some((urn.len(), canonical, urns::rest_after(path, urn)?)))
            .max_by_key(|(length, ..)| *length)
            .map_or((None, path), |(_, canonical, rest)| (canonical.map(str::to_owned), rest))
    }
}

fn named<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests;
