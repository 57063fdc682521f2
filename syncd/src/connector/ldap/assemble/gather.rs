//! The members that a group lists, whatever it calls them.

use super::super::dn::DnKeys;
use super::super::extended;
use super::super::text::{clean, shown};
use super::Tally;
use crate::config::ldap::Membership;
use crate::connector::ConnectorError;
use crate::record::{Key, Kind, Member, Reference};

/// Members resolved at once: a group of a million needs no room for a million names.
pub(super) const AT_ONCE: usize = 4096;

/// Somebody whom a group lists.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub reference: Reference,
    pub spelt: Spelt<'a>,
}

/// How the group spells it.
#[derive(Debug, Clone, Copy)]
pub enum Spelt<'a> {
    /// By name, which may have changed.
    Name(&'a [u8]),
    /// As user name.
    Uid(&'a [u8]),
    /// By immutable id: there is nothing more to ask.
    Key,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub member: Member,
    /// Its entry is there and cannot be taken.
    pub quarantined: bool,
}

/// Who is meant, in the order of the question.
pub trait Resolve: Send {
    fn members(
        &mut self,
        wanted: &[Wanted<'_>],
    ) -> impl Future<Output = Result<Vec<Option<Found>>, ConnectorError>> + Send;
}

#[derive(Debug)]
pub(super) struct Gathered {
    itself: Member,
    by_key: bool,
    members: Vec<Member>,
    pending: Vec<Reference>,
    pub tally: Tally,
}

impl Gathered {
    pub(super) fn of(group: Key, by_key: bool) -> Self {
        Self {
            itself: Member { kind: Kind::Group, key: group },
            by_key,
            members: Vec::new(),
            pending: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// The sentence says which value cannot be understood.
    pub(super) async fn add(
        &mut self,
        keys: &mut DnKeys,
        membership: Membership,
        values: &[Vec<u8>],
        resolve: &mut impl Resolve,
    ) -> Result<Result<(), String>, ConnectorError> {
        for values in values.chunks(AT_ONCE) {
            let wanted = values.iter().map(|value| self.wanted(keys, membership, value));
            let wanted = match wanted.collect::<Result<Vec<_>, _>>() {
                Ok(wanted) => wanted,
                Err(reason) => return Ok(Err(reason)),
            };
            let found = resolve.members(&wanted).await?;
            for ((wanted, found), value) in wanted.into_iter().zip(found).zip(values) {
                self.take(wanted, found, value);
            }
        }
        Ok(Ok(()))
    }

    fn wanted<'a>(
        &self,
        keys: &mut DnKeys,
        membership: Membership,
        value: &'a [u8],
    ) -> Result<Wanted<'a>, String> {
        let bad = |bad: &dyn std::fmt::Display| format!("{} {:?} {bad}", membership.as_str(), shown(value));
        if membership == Membership::MemberUid {
            let uid = clean(value).map_err(|error| bad(&error))?;
            return Ok(Wanted { reference: uid_reference(&uid), spelt: Spelt::Uid(value) });
        }
        let name = match membership {
            Membership::UniqueMember => without_uid(value),
            _ => value,
        };
        if self.by_key
            && let Some(guid) = extended::parse(name).guid
        {
            return Ok(Wanted { reference: guid_reference(&guid), spelt: Spelt::Key });
        }
        let name = extended::parse(name).dn;
        let reference = keys.key(name).map_err(|error| bad(&error))?;
        Ok(Wanted { reference, spelt: Spelt::Name(name) })
    }

    fn take(&mut self, wanted: Wanted<'_>, found: Option<Found>, value: &[u8]) {
        if let Some(Found { member, quarantined }) = found {
            if member != self.itself {
                self.members.push(member);
                if quarantined {
                    self.pending.push(wanted.reference);
                }
            }
            return;
        }
        match wanted.spelt {
            // A placeholder for "no member".
            Spelt::Name(name) | Spelt::Uid(name) if name.trim_ascii().is_empty() => return,
            Spelt::Uid(_) => self.tally.unknown_uids += 1,
            Spelt::Name(_) | Spelt::Key if extended::is_foreign(value) => {
                self.tally.foreign += 1;
                return;
            }
            Spelt::Name(_) | Spelt::Key => self.tally.outside += 1,
        }
        self.pending.push(wanted.reference);
    }

    /// Members and what is pending: sorted and unique.
    pub(super) fn finish(mut self) -> (Vec<Member>, Vec<Reference>) {
        self.members.sort_unstable();
        self.members.dedup();
        self.pending.sort_unstable();
        self.pending.dedup();
        (self.members, self.pending)
    }
}

/// The reference of a name, plain or extended.
pub(super) fn name_of(
    keys: &mut DnKeys,
    by_key: bool,
    value: &[u8],
) -> Result<Reference, super::super::dn::DnError> {
    let name = extended::parse(value);
    match name.guid {
        Some(guid) if by_key => Ok(guid_reference(&guid)),
        _ => keys.key(name.dn),
    }
}

/// The same as the key of an entry with this objectGUID.
fn guid_reference(guid: &uuid::Uuid) -> Reference {
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    Reference::from_bytes(*Key::of(guid.hyphenated().encode_lower(&mut text)).as_bytes())
}

/// User names of groups are compared without regard to case, as `uid` is.
pub fn uid_reference(uid: &str) -> Reference {
    Reference::of(&format!("uid:{}", uid.trim().to_lowercase()))
}

/// Of "name and optional UID" the name: without `#'0101'B` at its end.
fn without_uid(value: &[u8]) -> &[u8] {
    let bits = |rest: &[u8]| -> Option<usize> {
        let rest = rest.strip_suffix(b"'B").or_else(|| rest.strip_suffix(b"'b"))?;
        let digits = rest.iter().rev().take_while(|byte| matches!(byte, b'0' | b'1')).count();
        rest[..rest.len() - digits].strip_suffix(b"#'").map(<[u8]>::len)
    };
    bits(value.trim_ascii_end()).map_or(value, |end| &value[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_optional_uid_is_cut_off() {
        let names: [(&str, &str); 8] = [
            ("cn=a,dc=b#'0101'B", "cn=a,dc=b"),
            ("cn=a,dc=b#''B", "cn=a,dc=b"),
            ("cn=a,dc=b#'1'b ", "cn=a,dc=b"),
            ("cn=a,dc=b", "cn=a,dc=b"),
            ("cn=a,dc=b#'0121'B", "cn=a,dc=b#'0121'B"),
            ("cn=#'01'B,dc=b", "cn=#'01'B,dc=b"),
            ("cn=a#b,dc=c#'0'B", "cn=a#b,dc=c"),
            ("'B", "'B"),
        ];
        for (value, name) in names {
            assert_eq!(std::str::from_utf8(without_uid(value.as_bytes())).unwrap(), name);
        }
    }

    #[test]
    fn an_extended_name_and_an_entry_have_the_same_reference() {
        let id = "00112233-4455-6677-8899-aabbccddeeff";
        let value = format!("<GUID={}>;CN=Sam", id.to_uppercase());
        let reference = name_of(&mut DnKeys::default(), true, value.as_bytes()).unwrap();
        assert_eq!(reference.as_bytes(), Key::of(id).as_bytes());
        let by_name = name_of(&mut DnKeys::default(), false, value.as_bytes()).unwrap();
        assert_eq!(by_name, DnKeys::default().key(b"cn=sam").unwrap());
    }

    #[test]
    fn user_names_are_folded() {
        assert_eq!(uid_reference("SAM "), uid_reference("sam"));
        assert_eq!(uid_reference("sam"), Reference::of("uid:sam"));
    }
}
