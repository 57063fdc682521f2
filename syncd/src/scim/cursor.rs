//! Cursors (RFC 9865): where the next page begins, opaque to the client. They say nothing that the client could not ask
//! for, so they are bound to their list by a digest and not signed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use roster_scim::error::{ScimError, ScimType};

/// Of the digest, this much tells lists apart.
const DIGEST: usize = 8;
const RID: usize = 8;

/// What a cursor belongs to: the same list in the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListDigest([u8; DIGEST]);

impl ListDigest {
    pub fn of(source_id: i32, parts: &[Option<&str>]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&source_id.to_be_bytes());
        for part in parts {
            let text = part.unwrap_or_default();
            hasher.update(&[u8::from(part.is_some())]).update(&(text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        let mut digest = [0; DIGEST];
        digest.copy_from_slice(&hasher.finalize().as_bytes()[..DIGEST]);
        Self(digest)
    }
}

/// The last resource that the client has: its place in the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub rid: i64,
    /// The value that it is sorted by, if it has one.
    pub sort_key: Option<String>,
}

impl Position {
    pub fn cursor(&self, list: ListDigest) -> String {
        let mut bytes = Vec::with_capacity(DIGEST + RID + 1);
        bytes.extend_from_slice(&list.0);
        bytes.extend_from_slice(&self.rid.to_be_bytes());
        if let Some(key) = &self.sort_key {
            bytes.push(1);
            bytes.extend_from_slice(key.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub fn from_cursor(cursor: &str, list: ListDigest) -> Result<Self, ScimError> {
        Self::decode(cursor, list).ok_or_else(|| {
            let detail = "the cursor does not belong to this list; begin again with an empty cursor, \
                          and keep filter and sorting while you page";
            ScimError::bad(ScimType::InvalidCursor, detail)
        })
    }

    fn decode(cursor: &str, list: ListDigest) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let rest = bytes.strip_prefix(&list.0)?;
        let (rid, key) = rest.split_first_chunk::<RID>()?;
        let sort_key = match key.split_first() {
            None => None,
            Some((1, key)) => Some(String::from_utf8(key.to_vec()).ok()?),
            Some(_) => return None,
        };
        if sort_key.as_ref().is_some_and(|key| key.contains('\0')) {
            return None;
        }
        Some(Self { rid: i64::from_be_bytes(*rid), sort_key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_went() {
        let list = ListDigest::of(7, &[Some("title pr"), None]);
        for sort_key in [None, Some(String::new()), Some("größer".to_owned())] {
            let position = Position { rid: 42, sort_key };
            assert_eq!(Position::from_cursor(&position.cursor(list), list).unwrap(), position);
        }
    }

    #[test]
    fn belongs_to_one_list() {
        let list = ListDigest::of(7, &[Some("a"), Some("b")]);
        let cursor = Position { rid: 1, sort_key: None }.cursor(list);
        let others = [
            ListDigest::of(8, &[Some("a"), Some("b")]),
            ListDigest::of(7, &[Some("ab"), Some("")]),
            ListDigest::of(7, &[Some("a"), None]),
        ];
        for other in others {
            assert!(Position::from_cursor(&cursor, other).is_err());
        }
        for broken in ["", "x", "!!", &cursor[1..], &format!("{cursor}AAAA")] {
            let error = Position::from_cursor(broken, list).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::InvalidCursor), "{broken}");
        }
    }
}
