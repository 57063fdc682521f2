//! Configuration of an `ldap` source.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::{ClientCertificate, ConfigError};
use crate::secret::SecretRef;

mod keys;
mod values;

#[cfg(test)]
mod tests;

#[derive(Debug, Clone)]
pub struct LdapConfig {
    /// Tried in this order.
    pub urls: Vec<String>,
    pub tls: Tls,
    pub bind: Bind,
    pub users: Users,
    /// `None`: no group is read.
    pub groups: Option<Groups>,
    pub id_attribute: String,
    pub page_size: i32,
    pub timeout: Duration,
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
    /// SASL EXTERNAL: the client certificate says who we are.
    Certificate,
}

#[derive(Debug, Clone)]
pub struct Users {
    pub base: String,
    /// The user filter and the sync filter together.
    pub filter: String,
    pub username_attribute: String,
    pub profile: BTreeMap<String, String>,
    pub attributes: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
pub struct Groups {
    pub base: String,
    pub filter: String,
    /// `dn` stands for the name of the entry itself.
    pub name_attribute: String,
    pub attributes: BTreeMap<String, String>,
}

impl LdapConfig {
    pub fn parse(config: &Value) -> Result<Self, ConfigError> {
        keys::Keys::read(config)?.config()
    }
}
