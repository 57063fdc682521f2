//! Whether a user is active. What cannot be understood is neither a yes nor a no: the entry is refused.

use std::str::FromStr;

use chrono::Utc;

use super::super::entry::{AttributeName, Entry};
use super::super::text::{nfc, shown};
use super::rule::texts;
use crate::config::ldap::Active;

/// 100 ns since the beginning of 1601.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::connector::ldap) struct Filetime(pub i64);

impl Filetime {
    const UNIX_EPOCH: i64 = 116_444_736_000_000_000;

    pub(in crate::connector::ldap) fn now() -> Self {
        Self(Self::UNIX_EPOCH + Utc::now().timestamp_micros() * 10)
    }
}

/// ADS_UF_ACCOUNTDISABLE.
const DISABLED: i32 = 0x2;

pub(super) enum Activity {
    Always,
    ActiveDirectory {
        control: AttributeName,
        expires: AttributeName,
        now: Filetime,
    },
    AccountLock(AttributeName),
    Attribute {
        name: AttributeName,
        /// In lower case.
        values: Vec<String>,
        is: bool,
    },
}

impl Activity {
    pub(super) fn new(active: &Active, now: Filetime) -> Self {
        match active {
            Active::Always => Self::Always,
            Active::AccountControl => Self::ActiveDirectory {
                control: AttributeName::new("userAccountControl"),
                expires: AttributeName::new("accountExpires"),
                now,
            },
            Active::AccountLock => Self::AccountLock(AttributeName::new("nsAccountLock")),
            Active::Attribute { name, values, is } => Self::Attribute {
                name: AttributeName::new(name),
                values: values.iter().map(|value| folded(value)).collect(),
                is: *is,
            },
        }
    }

    pub(super) fn attributes(&self) -> Vec<&AttributeName> {
        match self {
            Self::Always => Vec::new(),
            Self::ActiveDirectory { control, expires, .. } => vec![control, expires],
            Self::AccountLock(name) | Self::Attribute { name, .. } => vec![name],
        }
    }

    pub(super) fn of(&self, entry: &Entry) -> Result<bool, String> {
        match self {
            Self::Always => Ok(true),
            Self::ActiveDirectory { control, expires, now } => {
                let disabled = number::<i32>(entry, control)?.is_some_and(|flags| flags & DISABLED != 0);
                let expired = expired(entry, expires, *now)?;
                Ok(!disabled && !expired)
            }
            Self::AccountLock(name) => Ok(!any(entry, name, |value| value == "true")?),
            Self::Attribute { name, values, is } => {
                Ok(any(entry, name, |value| values.iter().any(|one| one == value))? == *is)
            }
        }
    }
}

fn expired(entry: &Entry, name: &AttributeName, now: Filetime) -> Result<bool, String> {
    match number::<i64>(entry, name)? {
        // Both mean never.
        None | Some(0 | i64::MAX) => Ok(false),
        Some(time) if time < 0 => Err(format!("{} is {time}, which is no time", name.as_str())),
        Some(time) => Ok(time <= now.0),
    }
}

fn number<T: FromStr>(entry: &Entry, name: &AttributeName) -> Result<Option<T>, String> {
    let mut values = entry.values(name);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(format!("{} has more than one value", name.as_str()));
    }
    let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| format!("{} is {:?}, which is no number", name.as_str(), shown(value)))
}

/// Whether a value of the attribute, in lower case, is such.
fn any(entry: &Entry, name: &AttributeName, is: impl Fn(&str) -> bool) -> Result<bool, String> {
    let mut found = false;
    for text in texts(entry, name, None)? {
        found |= is(&folded(&text?));
    }
    Ok(found)
}

fn folded(text: &str) -> String {
    nfc(text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::super::super::entry::tests::entry;
    use super::*;

    const NOW: Filetime = Filetime(134_000_000_000_000_000);

    fn is_active(active: &Active, attributes: &[(&str, &[&[u8]])]) -> Result<bool, String> {
        Activity::new(active, NOW).of(&entry("cn=a", attributes))
    }

    #[test]
    fn now_is_after_this_was_written() {
        assert!(Filetime::now().0 > 133_000_000_000_000_000 && Filetime::now() < Filetime(i64::MAX));
    }

    #[test]
    fn accounts_of_active_directory() {
        let ad = |control: &[u8], expires: &[u8]| {
            is_active(
                &Active::AccountControl,
                &[("useraccountcontrol", &[control]), ("accountExpires", &[expires])],
            )
        };
        let (past, future) = (b"133999999999999999", b"134000000000000001");
        assert_eq!(ad(b"512", b"9223372036854775807"), Ok(true));
        assert_eq!(ad(b"514", b"9223372036854775807"), Ok(false));
        assert_eq!(ad(b"512", b"0"), Ok(true));
        assert_eq!(ad(b"66048", future), Ok(true));
        assert_eq!(ad(b"512", past), Ok(false));
        assert_eq!(ad(b"-2147483136", b"0"), Ok(true), "the highest bit makes it negative");
        assert_eq!(is_active(&Active::AccountControl, &[]), Ok(true));
        for (control, expires, said) in [
            (&b"x"[..], &b"0"[..], "userAccountControl is \"x\", which is no number"),
            (b"512", b"never", "accountExpires is \"never\", which is no number"),
            (b"512", b"-1", "accountExpires is -1, which is no time"),
            (b"99999999999", b"0", "userAccountControl is \"99999999999\", which is no number"),
            (b"512", b"\xff", "accountExpires is \"\\\\xff\", which is no number"),
            // Known to be disabled, and still not understood.
            (b"514", b"?", "accountExpires is \"?\", which is no number"),
        ] {
            assert_eq!(ad(control, expires), Err(said.to_owned()));
        }
        let twice = is_active(&Active::AccountControl, &[("userAccountControl", &[b"512", b"514"])]);
        assert_eq!(twice, Err("userAccountControl has more than one value".to_owned()));
    }

    #[test]
    fn locks_of_389() {
        let locked = |values: &[&[u8]]| is_active(&Active::AccountLock, &[("nsAccountLock", values)]);
        assert_eq!(locked(&[b"TRUE"]), Ok(false));
        assert_eq!(locked(&[b"true"]), Ok(false));
        assert_eq!(locked(&[b"FALSE"]), Ok(true));
        assert_eq!(locked(&[]), Ok(true));
    }

    #[test]
    fn an_attribute_says_it() {
        let active = |is, values: &[&[u8]]| {
            let rule =
                Active::Attribute { name: "state".into(), values: vec!["Gone".into(), "Älter".into()], is };
            is_active(&rule, &[("state", values)])
        };
        assert_eq!((active(true, &[b"GONE"]), active(false, &[b"GONE"])), (Ok(true), Ok(false)));
        assert_eq!((active(true, &[b"here"]), active(false, &[b"here"])), (Ok(false), Ok(true)));
        assert_eq!((active(true, &[]), active(false, &[])), (Ok(false), Ok(true)), "missing");
        assert_eq!(active(false, &[b"here", "a\u{308}lter".as_bytes()]), Ok(false));
        assert_eq!(active(true, &[b"\xff"]), Err("state is not valid UTF-8".to_owned()));
    }
}
