//! What single values of an `ldap` configuration may be.

use serde::{Deserialize, Deserializer};
use url::Url;

use super::directory::parenthesised;
use super::{Rule, Rules};
use crate::config::ConfigError;
use crate::config::values::is_loopback;

/// Whether a server may be used as it is written.
pub(super) fn server(text: &str, start_tls: bool, allow_clear_text: Option<bool>) -> Result<(), String> {
    // The text is repeated only once it is known to carry no password.
    let url = Url::parse(text).map_err(|error| format!("one is not a URL: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL carries no credentials: use bind_dn and bind_password".to_owned());
    }
    match url.scheme() {
        "ldap" | "ldaps" => {}
        "ldapi" if start_tls => return Err(format!("{text} never leaves this machine: leave start_tls out")),
        // The path of the socket, percent-encoded, stands in the place of the host.
        "ldapi" => return Ok(()),
        _ => return Err(format!("{text} begins with none of ldap://, ldaps:// and ldapi://")),
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(format!("{text} names no host"))?;
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(format!("{text} has more than host and port: use user_base, user_filter and the like"));
    }
    match url.scheme() {
        "ldaps" if start_tls => Err(format!("{text} is encrypted already: leave start_tls out")),
        "ldaps" => Ok(()),
        _ if start_tls || allow_clear_text.unwrap_or_else(|| is_loopback(host)) => Ok(()),
        _ => Err(format!(
            "{text} would send passwords and people's data in clear text: use ldaps://, or \"start_tls\": true, \
             or \"allow_clear_text\": true if the network in between is safe"
        )),
    }
}

pub(super) fn base(key: &str, dn: &str) -> Result<(), ConfigError> {
    if dn.trim().is_empty() {
        return Err(ConfigError::key(key, "is empty: name the entry below which to search"));
    }
    crate::connector::ldap::dn::DnKeys::default()
        .key(dn.as_bytes())
        .map_err(|error| ConfigError::key(key, format!("{dn:?} {error}")))?;
    Ok(())
}

pub(super) fn filter(key: &str, text: &str) -> Result<(), ConfigError> {
    let text = parenthesised(text);
    match ldap3::parse_filter(&text) {
        Ok(_) => Ok(()),
        Err(_) => {
            Err(ConfigError::key(key, format!("{text} is not an LDAP filter, such as (objectClass=person)")))
        }
    }
}

/// Options belong to a name: `cn;lang-de`.
pub(super) fn check_attribute(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if !name.split(';').all(|part| !part.is_empty() && part.chars().all(allowed)) {
        return Err(format!("{name:?} is not the name of an LDAP attribute"));
    }
    if name.eq_ignore_ascii_case("dn") {
        return Err("dn is no attribute: use entryDN, or distinguishedName in Active Directory".to_owned());
    }
    if is_secret(name) {
        return Err(format!("{name} holds a secret, which is no business of a database of users"));
    }
    Ok(())
}

pub(super) fn attribute(key: &str, name: &str) -> Result<(), ConfigError> {
    check_attribute(name).map_err(|message| ConfigError::key(key, message))
}

/// What passwords and keys are kept in. Whoever may read them by the account of this source must not
/// spread them by a mistake.
const SECRETS: [&str; 35] = [
    "2.5.4.35",
    "authPassword",
    "currentValue",
    "dBCSPwd",
    "initialAuthIncoming",
    "initialAuthOutgoing",
    "ipaNTHash",
    "krb5Key",
    "krbExtraData",
    "krbMKey",
    "krbPrincipalKey",
    "krbPwdHistory",
    "lmPwdHistory",
    "ms-DS-ManagedPassword",
    "ms-Mcs-AdmPwd",
    "ms-Mcs-AdmPwdHistory",
    "msDS-ExecuteScriptPassword",
    "msDS-ManagedPassword",
    "msLAPS-EncryptedDSRMPassword",
    "msLAPS-EncryptedPassword",
    "msLAPS-EncryptedPasswordHistory",
    "msLAPS-Password",
    "ntPwdHistory",
    "passwordHistory",
    "priorValue",
    "pwdHistory",
    "sambaLMPassword",
    "sambaNTPassword",
    "sambaPasswordHistory",
    "supplementalCredentials",
    "trustAuthIncoming",
    "trustAuthOutgoing",
    "unicodePwd",
    "unixUserPassword",
    "userPassword",
];

/// Whether an attribute, with or without options, holds passwords or keys.
pub fn is_secret(name: &str) -> bool {
    let base = name.split(';').next().unwrap_or_default();
    SECRETS.iter().any(|secret| secret.eq_ignore_ascii_case(base))
}

/// Text that a rule adds to what the directory has.
pub(super) fn check_text(key: &str, text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err(format!("{key} is empty: leave it out"));
    }
    if text.contains('\0') {
        return Err(format!("{key} contains a NUL"));
    }
    Ok(())
}

/// A text, or a list of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OneOrMore(pub Vec<String>);

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "must be one text or a list of texts")]
        enum Written {
            One(String),
            More(Vec<String>),
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::One(text) => Self(vec![text]),
            Written::More(texts) => Self(texts),
        })
    }
}

/// One of a few words.
pub(super) fn word<T: Copy>(text: &str, known: &[(&str, T)]) -> Result<T, String> {
    match known.iter().find(|(word, _)| *word == text) {
        Some((_, meaning)) => Ok(*meaning),
        None => {
            let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
            Err(format!("{text} is not known: use {}", words.join(", ")))
        }
    }
}

/// The names on the left of a mapping.
pub(super) fn names(key: &str, rules: &Rules) -> Result<(), ConfigError> {
    for (name, rule) in rules {
        let key = format!("{key}.{name}");
        if name.trim().is_empty() || name.contains('\0') || name.len() > 1000 {
            let message = "the name on the left is empty, longer than 1000 bytes or contains a NUL";
            return Err(ConfigError::key(&key, message));
        }
        not_the_dn(&key, rule)?;
    }
    Ok(())
}

pub(super) fn not_the_dn(key: &str, rule: &Rule) -> Result<(), ConfigError> {
    if rule.is_plain("dn") { attribute(key, "dn") } else { Ok(()) }
}
