//! Configuration of an `endpoint` source.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::values::{absolute, check_max_age, client_certificate, in_range, is_loopback};
use super::{ClientCertificate, ConfigError, keys};
use crate::secret::SecretRef;

#[cfg(test)]
mod tests;

#[derive(Debug, Clone)]
pub struct EndpointConfig {
    pub url: Url,
    pub mode: Mode,
    /// `user:password`, or `Bearer TOKEN`.
    pub auth: Option<SecretRef>,
    /// PEM; trusted instead of the system's authorities.
    pub ca_file: Option<PathBuf>,
    pub client: Option<ClientCertificate>,
    pub wanted: Wanted,
    /// Users asked about at the same time.
    pub concurrency: usize,
    pub timeout: Duration,
    /// Of all that decides what an answer means here: an answer that was taken otherwise has to be read anew.
    pub digest: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One question for each user.
    #[default]
    PerUser,
    /// One answer, perhaps in pages, with everybody.
    Bulk,
}

/// Which half of an answer counts.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    pub groups: bool,
    pub attributes: bool,
}

/// The keys as they are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    url: String,
    #[serde(default)]
    mode: Mode,
    auth: Option<SecretRef>,
    ca_file: Option<PathBuf>,
    client_cert: Option<PathBuf>,
    client_key: Option<SecretRef>,
    allow_clear_text: Option<bool>,
    #[serde(default = "yes")]
    sync_groups: bool,
    #[serde(default = "yes")]
    sync_attributes: bool,
    concurrency: Option<u64>,
    timeout_seconds: Option<u64>,
    max_age: Option<Value>,
    /// These two are the database's, which knows the users and names the facts.
    #[serde(default)]
    match_by: MatchBy,
    prefix: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MatchBy {
    #[default]
    Username,
    ExternalId,
    Email,
}

fn yes() -> bool {
    true
}

impl EndpointConfig {
    pub fn parse(config: &Value) -> Result<Self, ConfigError> {
        let keys: Keys = keys(config)?;
        check_max_age(keys.max_age.as_ref())?;
        if !keys.sync_groups && !keys.sync_attributes {
            let message = "leaves nothing to read together with \"sync_attributes\": false";
            return Err(ConfigError::key("sync_groups", message));
        }
        Ok(Self {
            digest: keys.digest(),
            url: url(&keys.url, keys.allow_clear_text).map_err(|message| ConfigError::key("url", message))?,
            mode: keys.mode,
            ca_file: keys.ca_file.as_ref().map(|path| absolute("ca_file", path)).transpose()?,
            client: client_certificate(keys.client_cert.as_deref(), keys.client_key.as_ref())?,
            auth: keys.auth,
            wanted: Wanted { groups: keys.sync_groups, attributes: keys.sync_attributes },
            concurrency: in_range("concurrency", keys.concurrency.unwrap_or(8), 1, 256)? as usize,
            timeout: Duration::from_secs(in_range(
                "timeout_seconds",
                keys.timeout_seconds.unwrap_or(10),
                1,
                3600,
            )?),
        })
    }
}

impl Keys {
    fn digest(&self) -> String {
        let meaning = (&self.url, self.sync_groups, self.sync_attributes, &self.match_by, &self.prefix);
        blake3::hash(format!("{meaning:?}").as_bytes()).to_hex()[..8].to_owned()
    }
}

/// The text is never repeated: somebody may have written a password into it.
fn url(text: &str, allow_clear_text: Option<bool>) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("begins with neither https:// nor http://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL carries no credentials: use auth".to_owned());
    }
    if url.fragment().is_some() {
        return Err("has a fragment (#), which is never sent: leave it out".to_owned());
    }
    let host = url.host_str().unwrap_or_default();
    if url.scheme() == "http" && !allow_clear_text.unwrap_or_else(|| is_loopback(host)) {
        return Err("would send credentials and people's data in clear text: use https://, or \
                    \"allow_clear_text\": true if the network in between is safe"
            .to_owned());
    }
    Ok(url)
}
