//! The keys of an `ldap` configuration as they are written, and the way from them to the typed one.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::values::{OneOrMore, attribute, base, filter, names, not_the_dn, server, word};
use super::{Active, Bind, Incremental, LdapConfig, Membership, Rule, Rules, ServerKind, Tls};
use crate::config::ConfigError;
use crate::config::values::{absolute, client_certificate, in_range};
use crate::secret::SecretRef;

/// The keys as they are written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    urls: Vec<String>,
    #[serde(default)]
    start_tls: bool,
    ca_file: Option<PathBuf>,
    client_cert: Option<PathBuf>,
    client_key: Option<SecretRef>,
    bind: Option<String>,
    bind_dn: Option<String>,
    bind_password: Option<SecretRef>,
    server: Option<String>,
    pub(super) user_base: String,
    pub(super) user_filter: Option<String>,
    pub(super) sync_filter: Option<String>,
    pub(super) group_base: Option<String>,
    pub(super) group_filter: Option<String>,
    pub(super) username_attribute: Option<Rule>,
    pub(super) id_attribute: Option<String>,
    #[serde(default)]
    pub(super) profile: Rules,
    #[serde(default)]
    pub(super) attributes: Rules,
    #[serde(default)]
    pub(super) platforms: Rules,
    pub(super) group_name_attribute: Option<Rule>,
    #[serde(default)]
    pub(super) group_attributes: Rules,
    pub(super) membership: Option<Memberships>,
    pub(super) active: Option<Active>,
    page_size: Option<u64>,
    incremental: Option<String>,
    live: Option<bool>,
    full_every: Option<Value>,
    overlap_seconds: Option<u64>,
    grace: Option<Value>,
    timeout_seconds: Option<u64>,
    allow_clear_text: Option<bool>,
}

/// Sorted, at least one; `memberOf` is alone.
#[derive(Debug, Clone)]
pub(super) struct Memberships(pub Vec<Membership>);

impl<'de> Deserialize<'de> for Memberships {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        memberships(&OneOrMore::deserialize(deserializer)?.0).map(Self).map_err(de::Error::custom)
    }
}

fn memberships(words: &[String]) -> Result<Vec<Membership>, String> {
    let known = Membership::ALL.map(|one| (one.as_str(), one));
    let found: Result<BTreeSet<Membership>, String> = words.iter().map(|text| word(text, &known)).collect();
    let found: Vec<Membership> = found?.into_iter().collect();
    if found.is_empty() {
        return Err("is an empty list: leave it out for the default".to_owned());
    }
    if found.len() > 1 && found.contains(&Membership::MemberOf) {
        return Err("memberOf stands alone: where groups list their members, read those".to_owned());
    }
    Ok(found)
}

/// What a word means; the first one is the default.
fn written<T: Copy>(key: &str, text: Option<&str>, known: &[(&str, T)]) -> Result<T, ConfigError> {
    word(text.unwrap_or(known[0].0), known).map_err(|message| ConfigError::key(key, message))
}

impl Keys {
    pub(super) fn read(config: &Value) -> Result<Self, ConfigError> {
        crate::config::keys(config)
    }

    pub(super) fn config(self) -> Result<LdapConfig, ConfigError> {
        self.check_search()?;
        self.check_times()?;
        Ok(LdapConfig {
            urls: self.urls()?,
            tls: self.tls()?,
            bind: self.bind()?,
            server: self.server()?,
            incremental: self.incremental()?,
            live: self.live.unwrap_or(true),
            overlap: in_range("overlap_seconds", self.overlap_seconds.unwrap_or(300), 0, 86_400)
                .map(Duration::from_secs)?,
            page_size: in_range("page_size", self.page_size.unwrap_or(1000), 1, 100_000)? as i32,
            timeout: self.timeout()?,
            user_base: self.user_base.clone(),
            group_base: self.group_base.clone(),
            keys: self,
        })
    }

    fn timeout(&self) -> Result<Duration, ConfigError> {
        in_range("timeout_seconds", self.timeout_seconds.unwrap_or(30), 1, 3600).map(Duration::from_secs)
    }

    /// Read by the database: here only their shapes count.
    fn check_times(&self) -> Result<(), ConfigError> {
        for (key, written) in [("full_every", &self.full_every), ("grace", &self.grace)] {
            match written {
                None | Some(Value::Null | Value::String(_)) => {}
                Some(Value::Number(seconds)) if seconds.as_f64().is_some_and(|seconds| seconds >= 0.0) => {}
                Some(_) => {
                    return Err(ConfigError::key(key, "must be seconds or an interval such as \"2 days\""));
                }
            }
        }
        Ok(())
    }

    fn check_search(&self) -> Result<(), ConfigError> {
        base("user_base", &self.user_base)?;
        for (key, text) in [
            ("user_filter", &self.user_filter),
            ("sync_filter", &self.sync_filter),
            ("group_filter", &self.group_filter),
        ] {
            text.as_deref().map_or(Ok(()), |text| filter(key, text))?;
        }
        self.check_id()?;
        for (key, rules) in [
            ("profile", &self.profile),
            ("attributes", &self.attributes),
            ("platforms", &self.platforms),
            ("group_attributes", &self.group_attributes),
        ] {
            names(key, rules)?;
        }
        self.username_attribute.as_ref().map_or(Ok(()), |rule| not_the_dn("username_attribute", rule))?;
        match &self.group_base {
            Some(group_base) => base("group_base", group_base),
            None => self.refuse_group_keys(),
        }
    }

    fn check_id(&self) -> Result<(), ConfigError> {
        match self.id_attribute.as_deref() {
            None => Ok(()),
            Some(name)
                if ["dn", "entryDN", "distinguishedName"].iter().any(|dn| dn.eq_ignore_ascii_case(name)) =>
            {
                Err(ConfigError::key("id_attribute", "a name changes: use an attribute that never does"))
            }
            Some(name) => attribute("id_attribute", name),
        }
    }

    fn server(&self) -> Result<Option<ServerKind>, ConfigError> {
        let known = [
            ("auto", None),
            (ServerKind::OpenLdap.as_str(), Some(ServerKind::OpenLdap)),
            (ServerKind::ActiveDirectory.as_str(), Some(ServerKind::ActiveDirectory)),
            (ServerKind::Ds389.as_str(), Some(ServerKind::Ds389)),
            (ServerKind::Other.as_str(), Some(ServerKind::Other)),
        ];
        written("server", self.server.as_deref(), &known)
    }

    fn incremental(&self) -> Result<Incremental, ConfigError> {
        let known = [
            ("auto", Incremental::Auto),
            ("off", Incremental::Off),
            ("syncrepl", Incremental::Syncrepl),
            ("dirsync", Incremental::DirSync),
            ("usn", Incremental::Usn),
            ("modify_timestamp", Incremental::ModifyTimestamp),
        ];
        written("incremental", self.incremental.as_deref(), &known)
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
        if let Some(text) = &self.bind {
            word(text, &[("external", ())]).map_err(|message| ConfigError::key("bind", message))?;
            if self.bind_dn.is_some() || self.bind_password.is_some() {
                return Err(ConfigError::key("bind", "external needs neither bind_dn nor bind_password"));
            }
            return Ok(Bind::External);
        }
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
            (None, None) if self.client_cert.is_some() => Ok(Bind::External),
            (None, None) => Ok(Bind::Anonymous),
        }
    }

    fn refuse_group_keys(&self) -> Result<(), ConfigError> {
        let present = [
            ("group_filter", self.group_filter.is_some()),
            ("group_name_attribute", self.group_name_attribute.is_some()),
            ("group_attributes", !self.group_attributes.is_empty()),
            ("membership", self.membership.is_some()),
        ];
        match present.into_iter().find(|(_, present)| *present) {
            None => Ok(()),
            Some((key, _)) => Err(ConfigError::key(key, "has no effect without group_base: add group_base")),
        }
    }
}
