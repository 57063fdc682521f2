//! `syncd discover`: a source configuration proposed by looking around in a directory.

use serde_json::{Map, Value, json};

use super::connection::{Access, Connection};
use super::error::LdapSourceError;
use super::mapping::Mapping;
use super::modes;
use super::root_dse::{RootDse, context_csn};
use super::text::shown;
use crate::config::ConfigError;
use crate::config::ldap::{LdapConfig, ServerKind};
use crate::secret::Secrets;

mod fields;
mod groups;
mod people;
mod survey;
mod tree;

use groups::GroupsFound;
use people::People;

/// What a person may take over as it is, or change.
#[derive(Debug)]
pub struct Proposal {
    pub server: String,
    /// Accepted by `LdapConfig::parse`.
    pub config: Value,
    /// Why it is as it is, a sentence each.
    pub reasons: Vec<String>,
    /// Where it was looked: the name of the directory.
    pub root: String,
}

#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{}", told(.0))]
    Ldap(LdapSourceError),
    #[error("the server does not tell where its entries are: name a base, as in --base dc=example,dc=org")]
    NoBase,
    #[error(
        "no users were found below {0}: name another base, or an account that may see them (--bind-dn, --external)"
    )]
    NoUsers(String),
}

impl From<LdapSourceError> for DiscoverError {
    fn from(error: LdapSourceError) -> Self {
        Self::Ldap(error)
    }
}

fn told(error: &LdapSourceError) -> String {
    error.remedy().map_or_else(|| error.to_string(), |remedy| format!("{error}: {remedy}"))
}

/// `how`: the keys of a configuration that say how to connect.
pub async fn discover(
    how: &Map<String, Value>,
    base: Option<&str>,
    secrets: &Secrets,
) -> Result<Proposal, DiscoverError> {
    // Complete enough to connect with.
    let mut keys = how.clone();
    keys.insert("user_base".to_owned(), json!(base.unwrap_or("cn=unknown")));
    let config = LdapConfig::parse(&Value::Object(keys))?;
    let access = Access::new(&config, secrets)?;
    let mut look = Look { connection: access.open().await?, config: &config, reasons: Vec::new() };
    look.server();
    let (root, people) = look.people(base).await?;
    let groups = look.groups(&root).await?;
    let keys = written(how, &look.connection.dse, &people, groups.as_ref());
    let config = look.proposed(keys, &people).await?;
    let server = look.connection.dse.kind.as_str().to_owned();
    let reasons = look.reasons;
    look.connection.close().await;
    Ok(Proposal { server, config, reasons, root })
}

struct Look<'a> {
    connection: Connection,
    config: &'a LdapConfig,
    reasons: Vec<String>,
}

impl Look<'_> {
    fn because(&mut self, reason: String) {
        self.reasons.push(reason);
    }

    fn server(&mut self) {
        let dse = &self.connection.dse;
        let product = dse.product.as_deref().map(|one| format!(" ({one})")).unwrap_or_default();
        let reason = match dse.is_hidden() {
            true => "server: its rootDSE cannot be read, so nothing is known of it".to_owned(),
            false => format!("server: {}{product}, by its rootDSE", dse.kind.as_str()),
        };
        let who = format!("looked around as {}", self.connection.who);
        self.because(reason);
        self.because(who);
    }

    async fn people(&mut self, base: Option<&str>) -> Result<(String, People), DiscoverError> {
        let bases = match base {
            Some(base) => vec![base.to_owned()],
            None => roots(&self.connection.dse),
        };
        if bases.is_empty() {
            return Err(DiscoverError::NoBase);
        }
        for base in &bases {
            if let Some(people) = people::find(self, base).await? {
                return Ok((base.clone(), people));
            }
        }
        Err(DiscoverError::NoUsers(bases.join(" and ")))
    }

    async fn groups(&mut self, root: &str) -> Result<Option<GroupsFound>, DiscoverError> {
        Ok(groups::find(self, root).await?)
    }

    /// The configuration, tried out on the samples.
    async fn proposed(&mut self, keys: Map<String, Value>, people: &People) -> Result<Value, DiscoverError> {
        let written = Value::Object(keys);
        let config = LdapConfig::parse(&written)?;
        let directory = config.for_server(self.connection.dse.kind);
        let mapping = Mapping::of_users(&directory);
        let rejected: Vec<_> =
            people.samples.iter().filter_map(|entry| Some((entry, mapping.entity(entry).err()?))).collect();
        if let Some((entry, first)) = rejected.first() {
            let (count, all, dn) = (rejected.len(), people.samples.len(), shown(&entry.dn));
            self.because(format!(
                "quarantine: {count} of {all} sample users could not be taken, such as {dn}: {}",
                first.reason
            ));
        }
        let csn = self.has_context_csn(&config).await?;
        let dse = &self.connection.dse;
        if let Ok(mode) = modes::choose(&config, &directory, dse, csn) {
            let why = modes::passed_over(mode, &directory, dse, csn);
            let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) };
            self.because(format!("incremental: auto takes {mode} here{why}"));
        }
        Ok(written)
    }

    async fn has_context_csn(&mut self, config: &LdapConfig) -> Result<bool, LdapSourceError> {
        let bases = std::iter::once(&config.user_base).chain(&config.group_base);
        for base in bases {
            let Some(suffix) = self.connection.dse.suffix_of(base).map(str::to_owned) else {
                return Ok(false);
            };
            if context_csn(&mut self.connection.ldap, config.timeout, &suffix).await?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Where people may be. A server keeps its own affairs in trees too.
fn roots(dse: &RootDse) -> Vec<String> {
    const OWN: [&str; 8] = [
        "cn=config",
        "cn=schema",
        "cn=monitor",
        "cn=changelog",
        "cn=accesslog",
        "o=netscaperoot",
        "cn=retro changelog plugin",
        "cn=log",
    ];
    if let Some(domain) = &dse.default_naming_context {
        return vec![domain.clone()];
    }
    let contexts = dse.naming_contexts.iter();
    contexts
        .filter(|context| !context.is_empty() && !OWN.contains(&context.to_ascii_lowercase().as_str()))
        .cloned()
        .collect()
}

/// The keys of the configuration.
fn written(
    how: &Map<String, Value>,
    dse: &RootDse,
    people: &People,
    groups: Option<&GroupsFound>,
) -> Map<String, Value> {
    let mut keys = how.clone();
    let mut set = |key: &str, value: Value| drop(keys.insert(key.to_owned(), value));
    if dse.detected != ServerKind::Other {
        set("server", json!(dse.detected.as_str()));
    }
    set("user_base", json!(people.base));
    set("user_filter", json!(people.filter));
    set("username_attribute", json!(people.username));
    set("id_attribute", json!(people.id));
    set("profile", Value::Object(people.profile.clone()));
    if !people.attributes.is_empty() {
        set("attributes", Value::Object(people.attributes.clone()));
    }
    if let Some(groups) = groups {
        set("group_base", json!(groups.base));
        set("group_filter", json!(groups.filter));
        set("group_name_attribute", json!(groups.name));
        set("membership", json!(groups.memberships));
        if !groups.attributes.is_empty() {
            set("group_attributes", Value::Object(groups.attributes.clone()));
        }
    }
    set("incremental", json!("auto"));
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_not_looked_for_in_the_servers_own_trees() {
        let mut dse = RootDse::hidden();
        dse.naming_contexts =
            ["cn=Config", "dc=example,dc=org", "cn=changelog", "o=other"].map(str::to_owned).into();
        assert_eq!(roots(&dse), ["dc=example,dc=org", "o=other"]);
        dse.default_naming_context = Some("DC=ad,DC=example".to_owned());
        assert_eq!(roots(&dse), ["DC=ad,DC=example"]);
        assert!(roots(&RootDse::hidden()).is_empty());
    }
}
