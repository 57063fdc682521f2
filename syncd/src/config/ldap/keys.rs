//! The keys of an `ldap` configuration as they are written, and the way from them to the typed one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::values::{attribute, base, filter, mapping, server};
use super::{Bind, Groups, LdapConfig, Tls, Users};
use crate::config::ConfigError;
use crate::config::values::{absolute, client_certificate, in_range};
use crate::secret::SecretRef;

/// The keys as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
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
    pub(super) fn read(config: &Value) -> Result<Self, ConfigError> {
        crate::config::keys(config)
    }

    pub(super) fn config(&self) -> Result<LdapConfig, ConfigError> {
        self.refuse_unsupported()?;
        Ok(LdapConfig {
            urls: self.urls()?,
            tls: self.tls()?,
            bind: self.bind()?,
            users: self.users()?,
            groups: self.groups()?,
            id_attribute: self.id_attribute()?,
            page_size: in_range("page_size", self.page_size.unwrap_or(1000), 1, 100_000)? as i32,
            timeout: self.timeout()?,
        })
    }

    fn timeout(&self) -> Result<Duration, ConfigError> {
        in_range("timeout_seconds", self.timeout_seconds.unwrap_or(30), 1, 3600).map(Duration::from_secs)
    }

    fn refuse_unsupported(&self) -> Result<(), ConfigError> {
        if !self.platforms.is_empty() {
            return Err(ConfigError::key("platforms", "not supported yet: leave the key out"));
        }
        match self.membership.as_deref() {
            None | Some("member") => {}
            Some(other @ ("uniqueMember" | "memberUid" | "memberOf")) => {
                return Err(ConfigError::key(
                    "membership",
                    format!("{other} is not supported yet: member works"),
                ));
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

    fn urls(&self) -> Result<Vec<String>, ConfigError> {
        if self.urls.is_empty() {
            return Err(ConfigError::key(
                "urls",
                "name at least one server, for example ldaps://ldap.example.org",
            ));
        }
        for text in &self.urls {
            server(text, self.start_tls, self.allow_clear_text)
                .map_err(|message| ConfigError::key("urls", message))?;
        }
        Ok(self.urls.clone())
    }

    fn tls(&self) -> Result<Tls, ConfigError> {
        let client = client_certificate(self.client_cert.as_deref(), self.client_key.as_ref())?;
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
        let own =
            filter("user_filter", self.user_filter.as_deref().unwrap_or("(objectClass=inetOrgPerson)"))?;
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
            filter: filter(
                "group_filter",
                self.group_filter.as_deref().unwrap_or("(objectClass=groupOfNames)"),
            )?,
            name_attribute: attribute(
                "group_name_attribute",
                self.group_name_attribute.as_deref().unwrap_or("cn"),
            )?,
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
