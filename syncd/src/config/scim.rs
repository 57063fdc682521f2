//! Configuration of a `scim` source.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use roster_scim::mapping::Mapping;
use roster_scim::path::AttrPath;
use roster_scim::profile::Profile;
use serde::Deserialize;
use serde_json::Value;

use super::values::check_max_age;
use super::{ConfigError, keys};

#[cfg(test)]
mod tests;

#[derive(Debug, Clone)]
pub struct ScimConfig {
    pub profile: Profile,
    /// Off: groups are accepted and have no effect.
    pub sync_groups: bool,
    pub mapping: Mapping,
    /// URNs of schema extensions that the configuration names: all their fields are accepted.
    pub extensions: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    #[serde(default)]
    profile: Profile,
    #[serde(default = "yes")]
    sync_groups: bool,
    #[serde(default = "yes")]
    sync_attributes: bool,
    #[serde(default)]
    attribute_mapping: BTreeMap<String, String>,
    #[serde(default)]
    profile_mapping: BTreeMap<String, String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    group_attributes: BTreeMap<String, String>,
    #[serde(default)]
    permissions: Vec<String>,
    #[serde(default)]
    platforms: BTreeMap<String, String>,
    /// Read by the database.
    max_age: Option<Value>,
    /// Requests per second and key: applied where keys are checked.
    rate_limit: Option<u32>,
}

fn yes() -> bool {
    true
}

impl ScimConfig {
    pub fn parse(config: &Value) -> Result<Self, ConfigError> {
        let keys: Keys = keys(config)?;
        keys.check_limits()?;
        let mapping = Mapping {
            profile: paths("profile_mapping", &keys.profile_mapping)?,
            attributes: paths("attributes", &keys.attributes)?,
            prefixes: prefixes(&keys.attribute_mapping)?,
            group_attributes: paths("group_attributes", &keys.group_attributes)?,
            permissions: permissions(&keys.permissions)?,
            platforms: paths("platforms", &keys.platforms)?,
            sync_attributes: keys.sync_attributes,
        };
        let extensions = extensions(&mapping);
        Ok(Self { profile: keys.profile, sync_groups: keys.sync_groups, mapping, extensions })
    }
}

impl Keys {
    fn check_limits(&self) -> Result<(), ConfigError> {
        if self.rate_limit.is_some_and(|rate| NonZeroU32::new(rate).is_none()) {
            let message =
                "0 would refuse every request: leave it out, or name the requests per second of a key";
            return Err(ConfigError::key("rate_limit", message));
        }
        check_max_age(self.max_age.as_ref())
    }
}

/// Every extension that some mapping reads must be accepted.
fn extensions(mapping: &Mapping) -> BTreeSet<String> {
    let named = [&mapping.profile, &mapping.attributes, &mapping.group_attributes, &mapping.platforms];
    let paths = named.into_iter().flat_map(BTreeMap::values).chain(&mapping.permissions);
    paths.filter_map(|path| path.urn.clone()).chain(mapping.prefixes.values().cloned()).collect()
}

fn prefixes(mapping: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, ConfigError> {
    for (prefix, urn) in mapping {
        let key = format!("attribute_mapping.{prefix}");
        check_name(&key, prefix)?;
        let begins_well = urn.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:"));
        if !begins_well || urn.chars().any(|c| c.is_whitespace() || c.is_control()) || urn.ends_with(':') {
            let message = format!(
                "{urn:?} is not the URN of a schema, such as urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
            );
            return Err(ConfigError::key(&key, message));
        }
    }
    Ok(mapping.clone())
}

fn paths(key: &str, mapping: &BTreeMap<String, String>) -> Result<BTreeMap<String, AttrPath>, ConfigError> {
    mapping
        .iter()
        .map(|(name, text)| {
            let key = format!("{key}.{name}");
            check_name(&key, name)?;
            Ok((name.clone(), path(&key, text)?))
        })
        .collect()
}

fn permissions(texts: &[String]) -> Result<Vec<AttrPath>, ConfigError> {
    texts.iter().enumerate().map(|(at, text)| path(&format!("permissions[{at}]"), text)).collect()
}

fn path(key: &str, text: &str) -> Result<AttrPath, ConfigError> {
    text.parse().map_err(|error| {
        let message =
            format!("{text:?} is not a path such as title or emails[type eq \"work\"].value: {error}");
        ConfigError::key(key, message)
    })
}

fn check_name(key: &str, name: &str) -> Result<(), ConfigError> {
    if name.trim().is_empty() || name.contains('\0') || name.len() > 1000 {
        let message = "the name on the left is empty, longer than 1000 bytes or contains a NUL";
        return Err(ConfigError::key(key, message));
    }
    Ok(())
}
