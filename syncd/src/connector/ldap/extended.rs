//! Extended names of Active Directory: `<GUID=..>;<SID=..>;CN=..`, where a plain server sends `CN=..`.

use ldap3::controls::RawControl;
use uuid::Uuid;

use super::entry::{AttributeName, Entry};

pub(super) const CONTROL: &str = "1.2.840.113556.1.4.529";

/// Asks for the readable form: GUIDs with dashes, SIDs as `S-1-..`.
pub(super) fn control() -> RawControl {
    // SEQUENCE { INTEGER 1 }
    RawControl { ctype: CONTROL.to_owned(), crit: false, val: Some(vec![0x30, 3, 2, 1, 1]) }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Extended<'a> {
    pub guid: Option<Uuid>,
    /// As it is written: `S-1-5-..` or the bytes in hexadecimal digits.
    pub sid: Option<&'a [u8]>,
    pub dn: &'a [u8],
}

/// Whatever is no extended name is taken for a plain one.
pub(super) fn parse(value: &[u8]) -> Extended<'_> {
    let mut parsed = Extended { guid: None, sid: None, dn: value };
    let mut rest = value;
    while let Some((part, after)) = bracketed(rest) {
        let name_ends = part.iter().position(|&byte| byte == b'=');
        let Some((name, id)) = name_ends.map(|at| (&part[..at], &part[at + 1..])) else { break };
        if name.eq_ignore_ascii_case(b"GUID") {
            parsed.guid = guid(id);
        } else if name.eq_ignore_ascii_case(b"SID") {
            parsed.sid = Some(id);
        }
        rest = after;
        parsed.dn = rest;
    }
    parsed
}

/// `<..>;` and what follows it.
fn bracketed(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = value.strip_prefix(b"<")?;
    let end = inner.iter().position(|&byte| byte == b'>')?;
    let after = &inner[end + 1..];
    Some((&inner[..end], after.strip_prefix(b";").unwrap_or(after)))
}

/// With dashes as it is read, or the bytes as they are stored.
fn guid(text: &[u8]) -> Option<Uuid> {
    let text = std::str::from_utf8(text).ok()?;
    if text.contains('-') {
        return Uuid::parse_str(text).ok();
    }
    // As digits these are the bytes in the order in which they are stored: the first fields are reversed.
    Uuid::parse_str(text).ok().map(|raw| Uuid::from_bytes_le(*raw.as_bytes()))
}

/// Leaves plain names, in the name of the entry itself and in all values but those of `except`.
pub(super) fn make_plain(entry: &mut Entry, except: &[AttributeName]) {
    strip(&mut entry.dn);
    for attribute in &mut entry.attributes {
        let name = attribute.description.split(|&byte| byte == b';').next().unwrap_or_default();
        if !except.iter().any(|except| except.is(name)) {
            attribute.values.iter_mut().for_each(strip);
        }
    }
}

fn strip(value: &mut Vec<u8>) {
    if value.starts_with(b"<GUID=") {
        let plain = value.len() - parse(value).dn.len();
        value.drain(..plain);
    }
}

/// Whether it stands for somebody of another domain or for a built-in identity such as "everyone".
pub(super) fn is_foreign(value: &[u8]) -> bool {
    let parsed = parse(value);
    let dn = parsed.dn.to_ascii_lowercase();
    let inside = b",cn=foreignsecurityprincipals,";
    if dn.windows(inside.len()).any(|part| part == inside) {
        return true;
    }
    parsed.sid.is_some_and(|sid| {
        sid.starts_with(b"S-1-") && !sid.starts_with(b"S-1-5-21-") && !sid.starts_with(b"S-1-5-32-")
    })
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::*;

    const GUID: &str = "00112233-4455-6677-8899-aabbccddeeff";

    fn guid_of(value: &str) -> Option<String> {
        parse(value.as_bytes()).guid.map(|guid| guid.to_string())
    }

    #[test]
    fn both_forms_of_a_guid_are_read() {
        let dashed = format!("<GUID={GUID}>;<SID=S-1-5-21-1-2-3-500>;CN=Sam,DC=example,DC=org");
        assert_eq!(guid_of(&dashed).as_deref(), Some(GUID));
        assert_eq!(guid_of(&dashed.to_uppercase()).as_deref(), Some(GUID));
        let hex = "<GUID=33221100554477668899aabbccddeeff>;CN=Sam,DC=example,DC=org";
        assert_eq!(guid_of(hex).as_deref(), Some(GUID));
        let parsed = parse(dashed.as_bytes());
        assert_eq!(parsed.sid, Some(&b"S-1-5-21-1-2-3-500"[..]));
        assert_eq!(parsed.dn, b"CN=Sam,DC=example,DC=org");
    }

    #[test]
    fn plain_and_odd_names_stay_as_they_are() {
        for plain in ["CN=Sam,DC=org", "", "<", "<GUID", "CN=<GUID=1>,DC=org"] {
            assert_eq!(parse(plain.as_bytes()), Extended { guid: None, sid: None, dn: plain.as_bytes() });
        }
        assert_eq!(guid_of("<GUID=xyz>;CN=Sam"), None);
        let unknown = parse(b"<WKGUID=1,DC=org>;CN=Sam");
        assert_eq!((unknown.guid, unknown.dn), (None, &b"CN=Sam"[..]));
        assert_eq!(guid_of(&format!("<GUID={GUID}>")).as_deref(), Some(GUID));
    }

    #[test]
    fn an_entry_becomes_plain_but_for_its_members() {
        let long = format!("<GUID={GUID}>;CN=Sam");
        let value: &[u8] = long.as_bytes();
        let mut entry = entry(&long, &[("managedBy", &[value, b"x"]), ("Member;Range=0-9", &[value])]);
        make_plain(&mut entry, &[AttributeName::new("member")]);
        assert_eq!(entry.dn, b"CN=Sam");
        assert_eq!(entry.attributes[0].values, [&b"CN=Sam"[..], b"x"]);
        assert_eq!(entry.attributes[1].values, [value]);
    }

    #[test]
    fn foreign_principals_are_told_from_members_elsewhere() {
        let foreign: [&[u8]; 3] = [
            b"<GUID=00112233-4455-6677-8899-aabbccddeeff>;<SID=S-1-5-11>;CN=S-1-5-11,CN=ForeignSecurityPrincipals,DC=example,DC=org",
            b"CN=S-1-5-21-9-9-9-1104,CN=foreignSecurityPrincipals,DC=example,DC=org",
            b"<SID=S-1-1-0>;CN=Everyone,CN=WellKnown Security Principals,CN=Configuration,DC=example,DC=org",
        ];
        foreign.iter().for_each(|value| assert!(is_foreign(value), "{}", String::from_utf8_lossy(value)));
        let ours: [&[u8]; 3] = [
            b"CN=ForeignSecurityPrincipals,DC=example,DC=org",
            b"<SID=S-1-5-21-1-2-3-500>;CN=Sam,DC=child,DC=example,DC=org",
            b"<SID=S-1-5-32-544>;CN=Administrators,CN=Builtin,DC=example,DC=org",
        ];
        ours.iter().for_each(|value| assert!(!is_foreign(value), "{}", String::from_utf8_lossy(value)));
    }
}
