//! What single values of an `ldap` configuration may be.

use url::Url;

use super::Rules;
use super::directory::parenthesised;
use super::rule::attribute_name;
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

pub(super) fn attribute(key: &str, name: &str) -> Result<String, ConfigError> {
    attribute_name(name).map_err(|message| ConfigError::key(key, message))?;
    Ok(name.to_owned())
}

/// The names on the left of a mapping.
pub(super) fn names(key: &str, rules: &Rules) -> Result<(), ConfigError> {
    match rules.keys().find(|name| name.trim().is_empty() || name.contains('\0')) {
        None => Ok(()),
        Some(name) => {
            Err(ConfigError::key(&format!("{key}.{name}"), "the name on the left is empty or contains a NUL"))
        }
    }
}
