//! Source configurations: parsed once at the edge into types that can only hold what is allowed.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::secret::SecretRef;

pub mod endpoint;
pub mod ldap;
pub mod push;
pub mod scim;
pub mod table;
mod values;

/// A client certificate in PEM, and where its key is kept.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    pub chain_file: PathBuf,
    pub key: SecretRef,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "sources of kind {0} are not supported by this version: it knows ldap, scim, table, endpoint and push"
    )]
    UnsupportedKind(String),
    #[error("sources of kind {0} are not read: what feeds them pushes to a daemon that runs with --listen")]
    Pushed(&'static str),
    #[error("the source configuration is not valid: {0}")]
    Shape(String),
    #[error("the source configuration is not valid: {key}: {message}")]
    Key { key: String, message: String },
}

impl ConfigError {
    fn key(key: &str, message: impl Into<String>) -> Self {
        Self::Key { key: key.to_owned(), message: message.into() }
    }
}

/// The configuration of a source, by its kind.
#[derive(Debug, Clone)]
pub enum SourceConfig {
    Ldap(Box<ldap::LdapConfig>),
    Scim(Box<scim::ScimConfig>),
    Push(Box<push::PushConfig>),
    Table(table::TableConfig),
    Endpoint(Box<endpoint::EndpointConfig>),
}

impl SourceConfig {
    pub fn parse(kind: &str, config: &Value) -> Result<Self, ConfigError> {
        match kind {
            "ldap" => ldap::LdapConfig::parse(config).map(Box::new).map(Self::Ldap),
            "scim" => scim::ScimConfig::parse(config).map(Box::new).map(Self::Scim),
            "push" => push::PushConfig::parse(config).map(Box::new).map(Self::Push),
            "table" => table::TableConfig::parse(config).map(Self::Table),
            "endpoint" => endpoint::EndpointConfig::parse(config).map(Box::new).map(Self::Endpoint),
            other => Err(ConfigError::UnsupportedKind(other.to_owned())),
        }
    }
}

/// Deserialises and puts serde's complaint into this project's words: which key, and what is allowed.
fn keys<T: DeserializeOwned>(config: &Value) -> Result<T, ConfigError> {
    serde_path_to_error::deserialize(config).map_err(|error| {
        let path = error.path().to_string();
        let message = error.inner().to_string();
        let message = message
            .replacen("unknown field", "unknown key", 1)
            .replacen("missing field", "missing key", 1)
            .replacen("expected one of", "the keys are", 1);
        if path == "." || message.starts_with("unknown key") {
            ConfigError::Shape(message)
        } else {
            ConfigError::Key { key: path, message }
        }
    })
}
