//! Configuration of a `push` source.

use std::num::NonZeroU32;

use serde::Deserialize;
use serde_json::Value;

use super::{ConfigError, keys};
use crate::secret::SecretRef;

/// By what a source calls users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchBy {
    #[default]
    Username,
    ExternalId,
    Email,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushConfig {
    #[serde(default)]
    pub match_by: MatchBy,
    #[serde(default)]
    pub create_users: bool,
    pub prefix: Option<String>,
    /// With it, every request must be signed.
    pub signing_secret: Option<SecretRef>,
    /// Read by the database.
    #[serde(rename = "max_age")]
    _max_age: Option<Value>,
    /// Applied where keys are checked.
    #[serde(rename = "rate_limit")]
    _rate_limit: Option<NonZeroU32>,
}

impl PushConfig {
    pub fn parse(config: &Value) -> Result<Self, ConfigError> {
        keys(config)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_read() {
        let config = json!({"match_by": "external_id", "create_users": true, "prefix": "hr", "max_age": "1 day",
                            "signing_secret": {"env": "HOOK"}, "rate_limit": 5});
        let config = PushConfig::parse(&config).unwrap();
        assert_eq!((config.match_by, config.create_users), (MatchBy::ExternalId, true));
        assert_eq!(config.signing_secret, Some(SecretRef::Env("HOOK".into())));
        assert_eq!(PushConfig::parse(&json!({})).unwrap().match_by, MatchBy::Username);
    }

    #[test]
    fn what_means_nothing_is_refused_by_name() {
        for (config, told) in [
            (json!({"prefixx": "hr"}), "prefixx"),
            (json!({"match_by": "phone"}), "match_by"),
            (json!({"signing_secret": "hunter2"}), "signing_secret"),
            (json!({"rate_limit": 0}), "rate_limit"),
        ] {
            let error = PushConfig::parse(&config).unwrap_err().to_string();
            assert!(error.contains(told) && !error.contains("hunter2"), "{error}");
        }
    }
}
