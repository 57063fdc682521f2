//! From a source's row in the database to the connector that reads it: the one place that knows which
//! kinds there are.

use crate::config::{ConfigError, SourceConfig};
use crate::connector::endpoint::EndpointSource;
use crate::connector::ldap::LdapSource;
use crate::connector::table::TableSource;
use crate::lease::Source;
use crate::secret::Secrets;

#[derive(Debug)]
pub enum Opened {
    /// States who there is.
    Ldap(Box<LdapSource>),
    /// These state facts about users who are somebody else's.
    Endpoint(Box<EndpointSource>),
    Table(TableSource),
    /// A table of the roster's own database, which the database reads by itself.
    LocalTable,
}

pub fn open(source: &Source, secrets: &Secrets) -> Result<Opened, ConfigError> {
    Ok(match SourceConfig::parse(&source.kind, &source.config)? {
        SourceConfig::Ldap(config) => Opened::Ldap(Box::new(LdapSource::new(*config, secrets.clone()))),
        SourceConfig::Endpoint(config) => {
            Opened::Endpoint(Box::new(EndpointSource::new(*config, secrets.clone())))
        }
        SourceConfig::Table(config) => {
            TableSource::new(config, secrets.clone()).map_or(Opened::LocalTable, Opened::Table)
        }
        SourceConfig::Scim(_) => return Err(ConfigError::Pushed("scim")),
        SourceConfig::Push(_) => return Err(ConfigError::Pushed("push")),
    })
}
