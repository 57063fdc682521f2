//! What each kind of server says of itself.

use super::script::{AD_BASE, Entry, Kind, guid};

pub(super) const PAGING: &str = "1.2.840.113556.1.4.319";
pub(super) const SYNC: &str = "1.3.6.1.4.1.4203.1.9.1.1";
pub(super) const EXTENDED_DN: &str = "1.2.840.113556.1.4.529";
const DIR_SYNC: &str = "1.2.840.113556.1.4.841";
const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";

pub(super) fn root_dse(kind: Kind, base: &str) -> Entry {
    let root = Entry::new("").with("namingContexts", &[base]).with("supportedLDAPVersion", &["3"]);
    match kind {
        Kind::OpenLdap => root
            .with("objectClass", &["top", "OpenLDAProotDSE"])
            .with("structuralObjectClass", &["OpenLDAProotDSE"])
            .with("supportedControl", &[PAGING, SYNC]),
        Kind::ActiveDirectory => root
            .with("objectClass", &["top"])
            .with("supportedCapabilities", &["1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1670"])
            .with("supportedControl", &[PAGING, EXTENDED_DN, DIR_SYNC, SHOW_DELETED])
            .with("defaultNamingContext", &[base])
            .with("rootDomainNamingContext", &[base])
            .with("configurationNamingContext", &[&format!("CN=Configuration,{base}")])
            .with("dsServiceName", &[&service()])
            .with("dnsHostName", &["dc1.fake.test"])
            .with("highestCommittedUSN", &["100000"]),
        Kind::Ds389 => root
            .with("objectClass", &["top"])
            .with("vendorName", &["389 Project"])
            .with("vendorVersion", &["389-Directory/2.3.1 B2023.016.0000"])
            .with("supportedControl", &[PAGING]),
        Kind::Other => root
            .with("objectClass", &["top"])
            .with("vendorName", &["Example"])
            .with("supportedControl", &[PAGING]),
    }
}

fn service() -> String {
    format!(
        "CN=NTDS Settings,CN=DC1,CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,{AD_BASE}"
    )
}

/// What is in every domain: itself, the service with its invocationId, and the units of the script's entries.
pub(super) fn active_directory() -> Vec<Entry> {
    let unit = |name: &str, n| {
        Entry::new(&format!("OU={name},{AD_BASE}"))
            .with("objectClass", &["top", "organizationalUnit"])
            .with("ou", &[name])
            .bytes("objectGUID", vec![guid(n)])
    };
    let domain = Entry::new(AD_BASE)
        .with("objectClass", &["top", "domain", "domainDNS"])
        .bytes("objectGUID", vec![guid(90000)])
        .bytes("objectSid", vec![[&[1u8, 4, 0, 0, 0, 0, 0, 5][..], &three()].concat()]);
    let service = Entry::new(&service())
        .with("objectClass", &["top", "applicationSettings", "nTDSDSA"])
        .bytes("invocationId", vec![guid(90001)]);
    vec![domain, service, unit("Staff", 90002), unit("Groups", 90003)]
}

fn three() -> Vec<u8> {
    [21u32, 1, 2, 3].iter().flat_map(|part| part.to_le_bytes()).collect()
}
