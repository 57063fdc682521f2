//! What a server says of itself: its rootDSE.

use std::collections::BTreeSet;
use std::time::Duration;

use ldap3::{Ldap, Scope, SearchResult};
use uuid::Uuid;

use super::dn::DnKeys;
use super::entry::{AttributeName, Entry};
use super::error::{LdapSourceError, reason};
use crate::config::ldap::ServerKind;

/// Active Directory, Active Directory V51, and its lightweight edition.
const ACTIVE_DIRECTORY: [&str; 3] =
    ["1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1670", "1.2.840.113556.1.4.1851"];
/// Each by its name: most are operational, and not every server knows `+`.
const ATTRIBUTES: [&str; 15] = [
    "objectClass",
    "structuralObjectClass",
    "vendorName",
    "vendorVersion",
    "namingContexts",
    "defaultNamingContext",
    "rootDomainNamingContext",
    "configurationNamingContext",
    "supportedControl",
    "supportedCapabilities",
    "highestCommittedUSN",
    "dsServiceName",
    "dnsHostName",
    "serverName",
    "subschemaSubentry",
];

/// Everything empty where the server hides it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RootDse {
    /// What it is taken for: the configuration has the last word.
    pub kind: ServerKind,
    /// What it says of itself.
    pub detected: ServerKind,
    /// The product and version, where the server tells.
    pub product: Option<String>,
    pub naming_contexts: Vec<String>,
    /// Of Active Directory: the domain of this server.
    pub default_naming_context: Option<String>,
    /// Of Active Directory: the first domain of the forest.
    pub root_domain: Option<String>,
    pub highest_committed_usn: Option<i64>,
    /// Of Active Directory: which copy of the database answers. USNs are its own.
    pub dsa: Option<String>,
    pub server_name: Option<String>,
    pub controls: BTreeSet<String>,
}

impl RootDse {
    /// A server that refuses its rootDSE is one of which nothing is known, not a broken one.
    pub(super) async fn read(ldap: &mut Ldap, timeout: Duration) -> Result<Self, LdapSourceError> {
        let Some(entry) = look(ldap, timeout, "", &ATTRIBUTES).await? else { return Ok(Self::hidden()) };
        let mut dse = Self::of(&entry);
        if let Some(settings) = text(&entry, "dsServiceName") {
            let settings = look(ldap, timeout, &settings, &["invocationId"]).await?;
            dse.dsa = settings.and_then(|settings| invocation_id(&settings));
        }
        Ok(dse)
    }

    pub(super) fn hidden() -> Self {
        Self {
            kind: ServerKind::Other,
            detected: ServerKind::Other,
            product: None,
            naming_contexts: Vec::new(),
            default_naming_context: None,
            root_domain: None,
            highest_committed_usn: None,
            dsa: None,
            server_name: None,
            controls: BTreeSet::new(),
        }
    }

    fn of(entry: &Entry) -> Self {
        Self {
            kind: kind(entry),
            detected: kind(entry),
            product: product(entry),
            naming_contexts: texts(entry, "namingContexts"),
            default_naming_context: text(entry, "defaultNamingContext"),
            root_domain: text(entry, "rootDomainNamingContext"),
            highest_committed_usn: text(entry, "highestCommittedUSN").and_then(|usn| usn.parse().ok()),
            dsa: None,
            server_name: text(entry, "dnsHostName").or_else(|| text(entry, "serverName")),
            controls: texts(entry, "supportedControl").into_iter().collect(),
        }
    }

    /// Every server has naming contexts or controls to tell of.
    pub(super) fn is_hidden(&self) -> bool {
        self.naming_contexts.is_empty() && self.controls.is_empty()
    }

    pub(super) fn supports(&self, control: &str) -> bool {
        self.controls.contains(control)
    }

    /// The naming context that holds this entry: the innermost, as Active Directory nests them.
    pub(super) fn suffix_of(&self, dn: &str) -> Option<&str> {
        let mut keys = DnKeys::default();
        let line = keys.line(dn.as_bytes()).ok()?;
        let held = self.naming_contexts.iter().filter_map(|context| {
            let key = keys.key(context.as_bytes()).ok()?;
            // The empty context is above everything.
            let depth =
                line.iter().position(|above| *above == key).or(context.is_empty().then_some(line.len()))?;
            Some((depth, context))
        });
        held.min_by_key(|(depth, _)| *depth).map(|(_, context)| context.as_str())
    }
}

fn kind(entry: &Entry) -> ServerKind {
    let capabilities = texts(entry, "supportedCapabilities");
    let says = |attribute, word: &str| {
        texts(entry, attribute).iter().any(|value| value.to_ascii_lowercase().contains(word))
    };
    if capabilities.iter().any(|oid| ACTIVE_DIRECTORY.contains(&oid.as_str())) {
        ServerKind::ActiveDirectory
    } else if ["objectClass", "structuralObjectClass", "vendorName"].iter().any(|name| says(name, "openldap"))
    {
        ServerKind::OpenLdap
    } else if ["389", "red hat", "fedora"]
        .iter()
        .any(|word| says("vendorName", word) || says("vendorVersion", word))
    {
        ServerKind::Ds389
    } else {
        ServerKind::Other
    }
}

fn product(entry: &Entry) -> Option<String> {
    let words = [text(entry, "vendorName"), text(entry, "vendorVersion")];
    let words: Vec<_> = words.into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn invocation_id(settings: &Entry) -> Option<String> {
    let invocation = AttributeName::new("invocationId");
    let id = settings.values(&invocation).next()?;
    Uuid::from_slice_le(id).ok().map(|id| id.to_string())
}

fn text(entry: &Entry, name: &str) -> Option<String> {
    texts(entry, name).into_iter().next()
}

fn texts(entry: &Entry, name: &str) -> Vec<String> {
    let name = AttributeName::new(name);
    entry.values(&name).filter_map(|value| String::from_utf8(value.to_vec()).ok()).collect()
}

/// How current the database of this suffix is: one value per server that writes. Empty where it is not told.
pub(super) async fn context_csn(
    ldap: &mut Ldap,
    timeout: Duration,
    suffix: &str,
) -> Result<Vec<String>, LdapSourceError> {
    let entry = look(ldap, timeout, suffix, &["contextCSN"]).await?;
    Ok(entry.map(|entry| texts(&entry, "contextCSN")).unwrap_or_default())
}

/// One entry by its name; `None` if the server does not show it.
pub(super) async fn look(
    ldap: &mut Ldap,
    timeout: Duration,
    dn: &str,
    attributes: &[&str],
) -> Result<Option<Entry>, LdapSourceError> {
    let answer = ldap.with_timeout(timeout).search(dn, Scope::Base, "(objectClass=*)", attributes).await;
    let SearchResult(items, result) = answer.map_err(|error| LdapSourceError::SearchBroken {
        search: "look at the server's own entries",
        base: dn.to_owned(),
        read: 0,
        message: reason(&error, timeout),
    })?;
    if result.rc != 0 {
        return Ok(None);
    }
    let entries = items.into_iter().filter(|item| !item.is_ref() && !item.is_intermediate());
    Ok(entries.filter_map(|item| Entry::decode(item.0)).next())
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::*;

    fn kind_of(attributes: &[(&str, &[&[u8]])]) -> ServerKind {
        RootDse::of(&entry("", attributes)).kind
    }

    #[test]
    fn kinds_are_told_apart() {
        for oid in ACTIVE_DIRECTORY {
            let ad = kind_of(&[("supportedCapabilities", &[b"1.2.3", oid.as_bytes()])]);
            assert_eq!(ad, ServerKind::ActiveDirectory, "{oid}");
        }
        assert_eq!(kind_of(&[("objectClass", &[b"top", b"OpenLDAProotDSE"])]), ServerKind::OpenLdap);
        assert_eq!(kind_of(&[("structuralObjectClass", &[b"OpenLDAProotDSE"])]), ServerKind::OpenLdap);
        let ds =
            kind_of(&[("vendorName", &[b"389 Project"]), ("vendorVersion", &[b"389-Directory/2.3.1 B2024"])]);
        assert_eq!(ds, ServerKind::Ds389);
        assert_eq!(kind_of(&[("vendorVersion", &[b"Red Hat-Directory/11.7"])]), ServerKind::Ds389);
        assert_eq!(
            kind_of(&[("vendorName", &[b"Novell, Inc."]), ("objectClass", &[b"top"])]),
            ServerKind::Other
        );
        assert_eq!(kind_of(&[]), ServerKind::Other);
    }

    #[test]
    fn unreadable_numbers_are_missing() {
        let dse = RootDse::of(&entry(
            "",
            &[("highestCommittedUSN", &[b"many"]), ("supportedControl", &[b"1.2.840.1"])],
        ));
        assert_eq!(dse.highest_committed_usn, None);
        assert!(dse.supports("1.2.840.1"));
        assert!(!dse.supports("1.2.840"));
        let dse = RootDse::of(&entry("", &[("highestCommittedUSN", &[b"8589934592"])]));
        assert_eq!(dse.highest_committed_usn, Some(8_589_934_592));
    }

    #[test]
    fn an_invocation_id_is_a_guid() {
        let raw: &[u8] = &[0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 1, 2, 3, 4, 5, 6, 7, 8];
        let id = invocation_id(&entry("", &[("invocationId", &[raw])]));
        assert_eq!(id.as_deref(), Some("00112233-4455-6677-0102-030405060708"));
        assert_eq!(invocation_id(&entry("", &[("invocationId", &[b"short"])])), None);
    }

    #[test]
    fn a_suffix_holds_by_whole_names() {
        let contexts: &[&[u8]] = &[b"dc=example,dc=org", b"DC=Sub , dc=example,dc=org", b"o=a\\2Cb"];
        let dse = RootDse::of(&entry("", &[("namingContexts", contexts)]));
        assert_eq!(dse.suffix_of("ou=people,DC=Example,dc=ORG"), Some("dc=example,dc=org"));
        assert_eq!(dse.suffix_of("dc=example,dc=org"), Some("dc=example,dc=org"));
        assert_eq!(dse.suffix_of("cn=x,dc=sub,dc=example,dc=org"), Some("DC=Sub , dc=example,dc=org"));
        assert_eq!(dse.suffix_of("uid=1,o=A\\,B"), Some("o=a\\2Cb"));
        assert_eq!(dse.suffix_of("ou=people,xdc=example,dc=org"), None);
        assert_eq!(dse.suffix_of("dc=org"), None);
        assert_eq!(dse.suffix_of("no name"), None);
        assert_eq!(RootDse::hidden().suffix_of("dc=org"), None);
    }
}
