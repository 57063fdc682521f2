//! Configuration of an `ldap` source.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{ConfigError, keys};
use crate::secret::SecretRef;

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
pub struct ClientCertificate {
    pub chain_file: PathBuf,
    pub key: SecretRef,
}

#[derive(Debug, Clone)]
pub enum Bind {
    Anonymous,
    Simple { dn: String, password: SecretRef },
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
        let keys: Keys = keys(config)?;
        keys.refuse_unsupported()?;
        Ok(Self {
            tls: keys.tls()?,
            bind: keys.bind()?,
            users: keys.users()?,
            groups: keys.groups()?,
            id_attribute: keys.id_attribute()?,
            page_size: in_range("page_size", keys.page_size.unwrap_or(1000), 1, 100_000)? as i32,
            timeout: Duration::from_secs(in_range("timeout_seconds", keys.timeout_seconds.unwrap_or(30), 1, 3600)?),
            urls: keys.checked_urls()?,
        })
    }
}

/// The keys as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    urls: Vec<String>,
    #[serde(default)]
    start_tls: bool,
    ca_file: Option<PathBuf>,
    client_cert: Option<PathBuf>,
    client_key: Option<SecretRef>,
    bind_dn: Option<String>,
    bind_password: Option<SecretRef>,
    user_base: String,
    user_filter: Option<String>,
    sync_filter: Option<String>,
    group_base: Option<String>,
    group_filter: Option<String>,
    username_attribute: Option<String>,
    id_attribute: Option<String>,
    #[serde(default)]
    profile: BTreeMap<String, String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    platforms: BTreeMap<String, String>,
    group_name_attribute: Option<String>,
    #[serde(default)]
    group_attributes: BTreeMap<String, String>,
    membership: Option<String>,
    page_size: Option<u64>,
    incremental: Option<String>,
    timeout_seconds: Option<u64>,
    allow_clear_text: Option<bool>,
}

impl Keys {
    fn refuse_unsupported(&self) -> Result<(), ConfigError> {
        if !self.platforms.is_empty() {
            return Err(ConfigError::key("platforms", "not supported yet: leave the key out"));
        }
        match self.membership.as_deref() {
            None | Some("member") => {}
            Some(other @ ("uniqueMember" | "memberUid" | "memberOf")) => {
                return Err(ConfigError::key("membership", format!("{other} is not supported yet: member works")));
            }
            Some(other) => {
                return Err(ConfigError::key("membership", format!("{other} is not known: member works")));
            }
        }
        match self.incremental.as_deref() {
            None | Some("off") => Ok(()),
            Some(other) => Err(ConfigError::key(
                "incremental",
                format!("{other} is not supported yet: off works, and reads everything each time"),
            )),
        }
    }

    fn checked_urls(&self) -> Result<Vec<String>, ConfigError> {
        if self.urls.is_empty() {
            return Err(ConfigError::key("urls", "name at least one server, for example ldaps://ldap.example.org"));
        }
        for text in &self.urls {
            self.check_url(text).map_err(|message| ConfigError::key("urls", message))?;
        }
        Ok(self.urls.clone())
    }

    fn check_url(&self, text: &str) -> Result<(), String> {
        // The text is repeated only once it is known to carry no password.
        let url = Url::parse(text).map_err(|error| format!("one is not a URL: {error}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a URL carries no credentials: use bind_dn and bind_password".to_owned());
        }
        if !matches!(url.scheme(), "ldap" | "ldaps") {
            return Err(format!("{text} begins with neither ldap:// nor ldaps://"));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(format!("{text} names no host"))?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(format!("{text} has more than host and port: use user_base, user_filter and the like"));
        }
        if url.scheme() == "ldaps" {
            return if self.start_tls { Err(format!("{text} is encrypted already: leave start_tls out")) } else { Ok(()) };
        }
        if self.start_tls || self.allow_clear_text.unwrap_or_else(|| is_loopback(host)) {
            return Ok(());
        }
        Err(format!(
            "{text} would send passwords and people's data in clear text: use ldaps://, or \"start_tls\": true, \
             or \"allow_clear_text\": true if the network in between is safe"
        ))
    }

    fn tls(&self) -> Result<Tls, ConfigError> {
        let client = match (&self.client_cert, &self.client_key) {
            (None, None) => None,
            (Some(chain), Some(key)) => Some(ClientCertificate {
                chain_file: absolute("client_cert", chain)?,
                key: key.clone(),
            }),
            (Some(_), None) => return Err(ConfigError::key("client_key", "is needed with client_cert")),
            (None, Some(_)) => return Err(ConfigError::key("client_cert", "is needed with client_key")),
        };
        let ca_file = self.ca_file.as_ref().map(|path| absolute("ca_file", path)).transpose()?;
        Ok(Tls { start_tls: self.start_tls, ca_file, client })
    }

    fn bind(&self) -> Result<Bind, ConfigError> {
        match (&self.bind_dn, &self.bind_password) {
            (Some(dn), _) if dn.trim().is_empty() => {
                Err(ConfigError::key("bind_dn", "is empty: leave it out to read anonymously"))
            }
            (Some(dn), Some(password)) => Ok(Bind::Simple { dn: dn.clone(), password: password.clone() }),
            // A bind with a name and no password "succeeds" as nobody on many servers.
            (Some(_), None) => Err(ConfigError::key(
                "bind_password",
                "is needed with bind_dn: write {\"env\": \"NAME\"} or {\"file\": \"name\"}",
            )),
            (None, Some(_)) => Err(ConfigError::key("bind_dn", "is needed with bind_password")),
            (None, None) if self.client_cert.is_some() => Ok(Bind::Certificate),
            (None, None) => Ok(Bind::Anonymous),
        }
    }

    fn users(&self) -> Result<Users, ConfigError> {
        let own = filter("user_filter", self.user_filter.as_deref().unwrap_or("(objectClass=inetOrgPerson)"))?;
        let filter = match &self.sync_filter {
            None => own,
            Some(sync) => format!("(&{own}{})", filter("sync_filter", sync)?),
        };
        Ok(Users {
            base: base("user_base", &self.user_base)?,
            filter,
            username_attribute: attribute(
                "username_attribute",
                self.username_attribute.as_deref().unwrap_or("uid"),
            )?,
            profile: mapping("profile", &self.profile)?,
            attributes: mapping("attributes", &self.attributes)?,
        })
    }

    fn groups(&self) -> Result<Option<Groups>, ConfigError> {
        let Some(group_base) = &self.group_base else {
            return self.refuse_group_keys().map(|()| None);
        };
        Ok(Some(Groups {
            base: base("group_base", group_base)?,
            filter: filter("group_filter", self.group_filter.as_deref().unwrap_or("(objectClass=groupOfNames)"))?,
            name_attribute: attribute("group_name_attribute", self.group_name_attribute.as_deref().unwrap_or("cn"))?,
            attributes: mapping("group_attributes", &self.group_attributes)?,
        }))
    }

    fn refuse_group_keys(&self) -> Result<(), ConfigError> {
        let present = [
            ("group_filter", self.group_filter.is_some()),
            ("group_name_attribute", self.group_name_attribute.is_some()),
            ("group_attributes", !self.group_attributes.is_empty()),
        ];
        match present.into_iter().find(|(_, present)| *present) {
            None => Ok(()),
            Some((key, _)) => Err(ConfigError::key(key, "has no effect without group_base: add group_base")),
        }
    }

    fn id_attribute(&self) -> Result<String, ConfigError> {
        let name = attribute("id_attribute", self.id_attribute.as_deref().unwrap_or("entryUUID"))?;
        if name.eq_ignore_ascii_case("objectGUID") {
            return Err(ConfigError::key("id_attribute", "objectGUID is not supported yet: entryUUID works"));
        }
        if name.eq_ignore_ascii_case("dn") {
            return Err(ConfigError::key("id_attribute", "a name changes: use an attribute that never does"));
        }
        Ok(name)
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn absolute(key: &str, path: &std::path::Path) -> Result<PathBuf, ConfigError> {
    if path.is_absolute() {
        return Ok(path.to_owned());
    }
    Err(ConfigError::key(key, "must be an absolute path on the daemon's machine"))
}

fn base(key: &str, dn: &str) -> Result<String, ConfigError> {
    if dn.trim().is_empty() {
        return Err(ConfigError::key(key, "is empty: name the entry below which to search"));
    }
    crate::connector::ldap::dn::DnKeys::default()
        .key(dn.as_bytes())
        .map_err(|error| ConfigError::key(key, format!("{dn:?} {error}")))?;
    Ok(dn.to_owned())
}

/// Accepts a filter with or without its outer parentheses.
fn filter(key: &str, text: &str) -> Result<String, ConfigError> {
    let text = text.trim();
    let text = if text.starts_with('(') { text.to_owned() } else { format!("({text})") };
    match ldap3::parse_filter(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err(ConfigError::key(key, format!("{text} is not an LDAP filter, such as (objectClass=person)"))),
    }
}

fn attribute(key: &str, name: &str) -> Result<String, ConfigError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._;".contains(c);
    if name.is_empty() || !name.chars().all(allowed) {
        return Err(ConfigError::key(key, format!("{name:?} is not the name of an LDAP attribute")));
    }
    Ok(name.to_owned())
}

fn mapping(key: &str, mapping: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, ConfigError> {
    for (name, ldap_name) in mapping {
        let key = format!("{key}.{name}");
        if name.trim().is_empty() || name.contains('\0') {
            return Err(ConfigError::key(&key, "the name on the left is empty or contains a NUL"));
        }
        attribute(&key, ldap_name)?;
    }
    Ok(mapping.clone())
}

fn in_range(key: &str, number: u64, least: u64, most: u64) -> Result<u64, ConfigError> {
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    Err(ConfigError::key(key, format!("{number} is not between {least} and {most}")))
}
