//! The primary group of Active Directory: named by the user's own entry only, as the last part of a SID.

use std::collections::HashMap;

use super::aside::Aside;
use super::entry::{AttributeName, Entry};
use super::error::LdapSourceError;
use super::mapping::external_id;
use crate::record::Key;

/// What a user's entry says: whose SID the user has, and which group of the same domain.
pub(super) const ATTRIBUTES: [&str; 2] = ["objectSid", "primaryGroupID"];

/// Few groups are anybody's primary one: each is asked for once, and remembered.
pub(super) struct PrimaryGroups {
    sid: AttributeName,
    group: AttributeName,
    /// The immutable id of groups.
    id: AttributeName,
    known: HashMap<String, Option<Key>>,
}

impl PrimaryGroups {
    pub(super) fn new(id: &AttributeName) -> Self {
        let [sid, group] = ATTRIBUTES.map(AttributeName::new);
        Self { sid, group, id: id.clone(), known: HashMap::new() }
    }

    /// The key of the group, whether it is one of this source or not.
    pub(super) async fn of(
        &mut self,
        user: &Entry,
        aside: &mut Aside<'_>,
    ) -> Result<Option<Key>, LdapSourceError> {
        let Some(sid) = self.sid_of(user) else { return Ok(None) };
        if let Some(key) = self.known.get(&sid) {
            return Ok(*key);
        }
        let name = format!("<SID={sid}>");
        let id = [self.id.as_str().to_owned()];
        let group = aside.entry("look-up of a primary group", &name, &id, Vec::new()).await?;
        let key = group.and_then(|group| external_id(&group, &self.id).ok()).map(|id| Key::of(&id));
        self.known.insert(sid, key);
        Ok(key)
    }

    fn sid_of(&self, user: &Entry) -> Option<String> {
        let group = std::str::from_utf8(user.values(&self.group).next()?).ok()?;
        in_the_domain_of(user.values(&self.sid).next()?, group.trim().parse().ok()?)
    }
}

/// The SID with another last part: revision, count, six bytes of authority, then parts of four bytes.
fn in_the_domain_of(sid: &[u8], last: u32) -> Option<String> {
    let [revision, count, authority @ ..] = sid else { return None };
    if sid.len() != 8 + 4 * usize::from(*count) || *count == 0 {
        return None;
    }
    let (authority, parts) = authority.split_at(6);
    let authority = authority.iter().fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    let mut text = format!("S-{revision}-{authority}");
    for part in parts[..parts.len() - 4].chunks_exact(4) {
        let part = u32::from_le_bytes([part[0], part[1], part[2], part[3]]);
        text.push_str(&format!("-{part}"));
    }
    text.push_str(&format!("-{last}"));
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::*;

    const SID: [u8; 28] =
        [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 255, 255, 255, 255, 0xf4, 1, 0, 0];

    #[test]
    fn the_group_is_of_the_users_domain() {
        assert_eq!(in_the_domain_of(&SID, 513).as_deref(), Some("S-1-5-21-1-2-4294967295-513"));
        for bad in [&SID[..27], &SID[..8], &[], &[1, 0, 0, 0, 0, 0, 0, 5]] {
            assert_eq!(in_the_domain_of(bad, 513), None);
        }
    }

    #[test]
    fn a_user_without_either_has_no_primary_group() {
        let groups = PrimaryGroups::new(&AttributeName::new("objectGUID"));
        let sid: &[u8] = &SID;
        let of = |attributes: &[(&str, &[&[u8]])]| groups.sid_of(&entry("cn=a", attributes));
        assert_eq!(
            of(&[("objectSid", &[sid]), ("primarygroupid", &[b"513"])]).as_deref(),
            Some("S-1-5-21-1-2-4294967295-513")
        );
        assert_eq!(of(&[("objectSid", &[sid])]), None);
        assert_eq!(of(&[("primaryGroupID", &[b"513"])]), None);
        assert_eq!(of(&[("objectSid", &[sid]), ("primaryGroupID", &[b"x"])]), None);
    }
}
