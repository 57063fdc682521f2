//! What single values may be, whatever the kind of source.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{ClientCertificate, ConfigError};
use crate::secret::SecretRef;

pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

pub(super) fn absolute(key: &str, path: &Path) -> Result<PathBuf, ConfigError> {
    if path.is_absolute() {
        return Ok(path.to_owned());
    }
    Err(ConfigError::key(key, "must be an absolute path on the daemon's machine"))
}

pub(super) fn in_range(key: &str, number: u64, least: u64, most: u64) -> Result<u64, ConfigError> {
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    Err(ConfigError::key(key, format!("{number} is not between {least} and {most}")))
}

/// The certificate and its key come together or not at all.
pub(super) fn client_certificate(
    chain: Option<&Path>,
    key: Option<&SecretRef>,
) -> Result<Option<ClientCertificate>, ConfigError> {
    match (chain, key) {
        (None, None) => Ok(None),
        (Some(chain), Some(key)) => {
            Ok(Some(ClientCertificate { chain_file: absolute("client_cert", chain)?, key: key.clone() }))
        }
        (Some(_), None) => Err(ConfigError::key("client_key", "is needed with client_cert")),
        (None, Some(_)) => Err(ConfigError::key("client_cert", "is needed with client_key")),
    }
}

/// `max_age` is read by the database: here only its shape counts.
pub(super) fn check_max_age(max_age: Option<&Value>) -> Result<(), ConfigError> {
    match max_age {
        None | Some(Value::Null | Value::String(_)) => Ok(()),
        Some(Value::Number(seconds)) if seconds.as_f64().is_some_and(|seconds| seconds > 0.0) => Ok(()),
        Some(_) => Err(ConfigError::key("max_age", "must be seconds or an interval such as \"30 days\"")),
    }
}
