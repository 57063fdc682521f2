//! From a source's row in the database to the connector that reads it: the one place that knows which
//! kinds there are.

use crate::config::{ConfigError, SourceConfig};
use crate::connector::ldap::LdapSource;
use crate::lease::Source;
use crate::secret::Secrets;

pub fn open(source: &Source, secrets: &Secrets) -> Result<LdapSource, ConfigError> {
    match SourceConfig::parse(&source.kind, &source.config)? {
        SourceConfig::Ldap(config) => Ok(LdapSource::new(*config, secrets.clone())),
        SourceConfig::Scim(_) => Err(ConfigError::Pushed("scim")),
        SourceConfig::Push(_) => Err(ConfigError::Pushed("push")),
    }
}
