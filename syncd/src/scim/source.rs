//! One source as the handlers need it: parsed once, shared by all requests of its keys.

use std::sync::Arc;

use roster_scim::mapping::Mapping;
use roster_scim::profile::Profile;
use roster_scim::schema::{Registry, RegistryOptions};
use serde_json::Value;

use crate::config::ConfigError;
use crate::config::scim::ScimConfig;

#[derive(Debug)]
pub struct Source {
    pub profile: Profile,
    pub registry: Arc<Registry>,
    pub mapping: Mapping,
    /// Off: groups are accepted and have no effect.
    pub sync_groups: bool,
}

impl Source {
    pub fn parse(config: &Value, case_sensitive_usernames: bool) -> Result<Self, ConfigError> {
        let config = ScimConfig::parse(config)?;
        let options = RegistryOptions { extensions: config.extensions, case_sensitive_usernames };
        Ok(Self {
            profile: config.profile,
            registry: Arc::new(Registry::new(options)),
            mapping: config.mapping,
            sync_groups: config.sync_groups,
        })
    }
}
