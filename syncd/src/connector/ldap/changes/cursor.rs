//! Where a run ended and the next one goes on, as it is stored with the data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::connector::ldap::modes::Mode;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub(in super::super) enum Cursor {
    Syncrepl {
        /// Who gave the cookies, for people: servers that replicate each other accept each other's.
        url: String,
        #[serde(flatten)]
        cookies: BTreeMap<String, String>,
    },
    Usn(Usn),
    #[serde(rename = "dirsync")]
    DirSync(DirSync),
    ModifyTimestamp {
        /// The newest change seen, by the server's clock.
        since: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Usn {
    /// Which copy of the directory counted: USNs are its own.
    pub dsa: String,
    /// Where it was: another domain controller would have everything read anew.
    pub url: String,
    pub usn: i64,
    /// Accounts that expire later than this are still to be noticed, by the server's clock.
    pub expired_until: i64,
    /// For a reader who may not see what was deleted: when everyone who is left is to be listed again
    /// (Unix seconds).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_at: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct DirSync {
    /// base64, by naming context.
    pub cookies: BTreeMap<String, String>,
    pub expired_until: i64,
}

impl Cursor {
    /// `None` for one that an other version wrote.
    pub(in super::super) fn parse(stored: &Value) -> Option<Self> {
        Self::deserialize(stored).ok()
    }

    pub(in super::super) fn mode(&self) -> Mode {
        match self {
            Self::Syncrepl { .. } => Mode::Syncrepl,
            Self::Usn(_) => Mode::Usn,
            Self::DirSync(_) => Mode::DirSync,
            Self::ModifyTimestamp { .. } => Mode::ModifyTimestamp,
        }
    }

    /// The server that it comes from.
    pub(in super::super) fn url(&self) -> Option<&str> {
        match self {
            Self::Syncrepl { url, .. } => Some(url),
            Self::Usn(usn) => Some(&usn.url),
            Self::DirSync(_) | Self::ModifyTimestamp { .. } => None,
        }
    }

    pub(in super::super) fn to_json(&self) -> Value {
        // Strings, numbers and maps of strings: nothing that JSON cannot say.
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cursors_survive_their_storage() {
        let syncrepl =
            json!({"mode": "syncrepl", "url": "ldap://a", "users": "rid=000,csn=1", "groups": "2"});
        let cursor = Cursor::parse(&syncrepl).unwrap();
        assert!(matches!(&cursor, Cursor::Syncrepl { cookies, .. } if cookies["users"] == "rid=000,csn=1"));
        assert_eq!(cursor.to_json(), syncrepl);
        let usn = json!({"mode": "usn", "dsa": "d", "url": "ldap://a", "usn": 5, "expired_until": 7});
        assert_eq!(Cursor::parse(&usn).unwrap().to_json(), usn);
        assert_eq!(Cursor::parse(&usn).unwrap().mode(), Mode::Usn);
        let dirsync = json!({"mode": "dirsync", "cookies": {"dc=x": "AA=="}, "expired_until": 1});
        assert_eq!(Cursor::parse(&dirsync).unwrap().to_json(), dirsync);
        let modified = json!({"mode": "modify_timestamp", "since": "20260101000000Z"});
        assert_eq!(Cursor::parse(&modified).unwrap().mode(), Mode::ModifyTimestamp);
        assert_eq!(Cursor::parse(&json!({"mode": "telepathy"})), None);
    }
}
