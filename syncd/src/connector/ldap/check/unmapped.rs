//! What an entry has and no rule uses. Secrets are named and never shown.

use std::collections::BTreeMap;

use super::super::entry::{Attribute, AttributeName, Entry};
use super::super::text::shown;

/// Parts of the names of attributes whose values nobody shall see.
const SECRET: [&str; 12] = [
    "password",
    "passwd",
    "pwd",
    "secret",
    "credential",
    "hash",
    "krb",
    "token",
    "otp",
    "recovery",
    "pkcs12",
    "privatekey",
];
/// What servers keep of every entry, in lower case. Nobody would map it.
const HOUSEKEEPING: [&str; 22] = [
    "createtimestamp",
    "creatorsname",
    "dscorepropagationdata",
    "dsentrydn",
    "entrycsn",
    "entrydn",
    "entryid",
    "hassubordinates",
    "instancetype",
    "modifiersname",
    "modifytimestamp",
    "numsubordinates",
    "objectclass",
    "objectcategory",
    "parentid",
    "structuralobjectclass",
    "subschemasubentry",
    "usnchanged",
    "usncreated",
    "whenchanged",
    "whencreated",
    "distinguishedname",
];
/// Values shown of an attribute, and characters of each.
const VALUES: usize = 3;
const CHARACTERS: usize = 60;

/// By name, how many values and the first of them.
pub(super) fn of(entry: &Entry, used: &[String]) -> BTreeMap<String, String> {
    let used: Vec<AttributeName> = used.iter().map(|name| AttributeName::new(name)).collect();
    let unused = entry.attributes.iter().filter(|attribute| {
        let name = plain(&attribute.description);
        !is_housekeeping(name) && !used.iter().any(|used| used.is(name))
    });
    let told = |attribute: &Attribute| {
        (shown(&attribute.description), told(&attribute.description, &attribute.values))
    };
    unused.map(told).collect()
}

/// Without options: `member;range=0-1499` is member.
fn plain(description: &[u8]) -> &[u8] {
    description.split(|&byte| byte == b';').next().unwrap_or(description)
}

fn is_housekeeping(name: &[u8]) -> bool {
    HOUSEKEEPING.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

pub(in super::super) fn is_secret(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    SECRET.iter().any(|part| name.contains(part))
}

fn told(name: &[u8], values: &[Vec<u8>]) -> String {
    let count = match values.len() {
        1 => String::new(),
        several => format!("{several} values: "),
    };
    if is_secret(name) {
        return format!("{count}not shown");
    }
    let told: Vec<String> = values.iter().take(VALUES).map(|value| brief(value)).collect();
    let more = if values.len() > VALUES { ", ..." } else { "" };
    format!("{count}{}{more}", told.join(", "))
}

fn brief(value: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(value) else { return format!("({} bytes)", value.len()) };
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return format!("({} bytes)", value.len());
    }
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}...", shown(&text.as_bytes()[..end])),
        None => shown(value),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::entry::tests::entry;
    use super::*;

    #[test]
    fn only_what_no_rule_uses_is_told() {
        let entry = entry(
            "uid=a",
            &[
                ("uid", &[b"a"]),
                ("MAIL", &[b"a@example.org"]),
                ("member;range=0-1", &[b"x"]),
                ("telephoneNumber", &[b"1", b"2"]),
                ("surname", &[b"Doe"]),
                ("modifyTimestamp", &[b"20300101000000Z"]),
            ],
        );
        let used = ["uid", "mail", "member", "sn"].map(str::to_owned);
        let told: Vec<_> = of(&entry, &used[..3]).into_iter().collect();
        assert_eq!(
            told,
            [
                ("surname".to_owned(), "Doe".to_owned()),
                ("telephoneNumber".to_owned(), "2 values: 1, 2".to_owned())
            ]
        );
    }

    #[test]
    fn secrets_are_named_and_never_shown() {
        for name in [
            "userPassword",
            "unicodePwd",
            "supplementalCredentials",
            "krbPrincipalKey",
            "sambaNTPassword",
            "ms-Mcs-AdmPwd",
            "userPKCS12",
            "pwdHistory",
            "ipaNTHash",
        ] {
            let entry = entry("uid=a", &[(name, &[b"s3cret"])]);
            let told = of(&entry, &[]);
            assert_eq!(told.get(name).map(String::as_str), Some("not shown"), "{name}");
        }
    }

    #[test]
    fn values_are_short_and_printable() {
        let long = "é".repeat(100);
        let entry = entry("uid=a", &[("description", &[long.as_bytes()]), ("jpegPhoto", &[b"\xff\xd8\xff"])]);
        let told = of(&entry, &[]);
        assert_eq!(told["description"], format!("{}...", "é".repeat(CHARACTERS)));
        assert_eq!(told["jpegPhoto"], "(3 bytes)");
    }
}
