//! Configuration of an `ldap` source: what is written (`LdapConfig`), and what it means for a kind of
//! server (`Directory`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::{ClientCertificate, ConfigError};
use crate::secret::SecretRef;

mod active;
mod directory;
mod keys;
pub mod rule;
mod values;

#[cfg(test)]
mod tests;

pub use active::Active;
pub use directory::{Directory, GroupName, Groups};
pub use rule::Rule;

/// As it is written. What depends on the server is filled in by `for_server`.
#[derive(Debug, Clone)]
pub struct LdapConfig {
    /// Tried in this order.
    pub urls: Vec<String>,
    pub tls: Tls,
    pub bind: Bind,
    /// `None`: the server says what it is.
    pub server: Option<ServerKind>,
    pub incremental: Incremental,
    /// Whether `syncd run` watches the directory and runs when something changed.
    pub live: bool,
    /// How far `modify_timestamp` looks back beyond the last run, for clocks that disagree.
    pub overlap: Duration,
    pub page_size: i32,
    pub timeout: Duration,
    pub user_base: String,
    pub group_base: Option<String>,
    keys: keys::Keys,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKind {
    OpenLdap,
    ActiveDirectory,
    Ds389,
    Other,
}

/// How changes since the last run are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incremental {
    /// Every run reads everything.
    Off,
    /// Whatever the server offers.
    Auto,
    Syncrepl,
    DirSync,
    Usn,
    ModifyTimestamp,
}

/// Where a directory keeps who is in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Membership {
    Member,
    UniqueMember,
    MemberUid,
    /// On the members only.
    MemberOf,
    /// As LDAP URLs of searches.
    MemberUrl,
}

#[derive(Debug, Clone, Default)]
pub struct Tls {
    pub start_tls: bool,
    /// PEM; trusted instead of the system's authorities.
    pub ca_file: Option<PathBuf>,
    pub client: Option<ClientCertificate>,
}

#[derive(Debug, Clone)]
pub enum Bind {
    Anonymous,
    Simple {
        dn: String,
        password: SecretRef,
    },
    /// SASL EXTERNAL: the client certificate, or the process at the other end of a socket, says who we are.
    External,
}

impl LdapConfig {
    pub fn parse(config: &Value) -> Result<Self, ConfigError> {
        keys::Keys::read(config)?.config()
    }

    /// Everything concrete, for a server that is of this kind unless the configuration says otherwise.
    pub fn for_server(&self, found: ServerKind) -> Directory {
        self.keys.directory(self.server.unwrap_or(found))
    }
}

impl ServerKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenLdap => "openldap",
            Self::ActiveDirectory => "active_directory",
            Self::Ds389 => "389ds",
            Self::Other => "other",
        }
    }
}

impl Membership {
    pub const ALL: [Self; 5] =
        [Self::Member, Self::UniqueMember, Self::MemberUid, Self::MemberOf, Self::MemberUrl];

    /// The attribute, which is also the word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::UniqueMember => "uniqueMember",
            Self::MemberUid => "memberUid",
            Self::MemberOf => "memberOf",
            Self::MemberUrl => "memberURL",
        }
    }
}

/// Mapped fields by name.
type Rules = BTreeMap<String, Rule>;
