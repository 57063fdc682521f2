//! Groups whose members are found by a search that the group names as LDAP URL (`memberURL`).

use std::time::Duration;

use ldap3::{Ldap, Scope};
use percent_encoding::percent_decode;
use url::Url;

use super::super::entry::AttributeName;
use super::super::error::LdapSourceError;
use super::super::mapping::external_id;
use super::super::search::{Entries, Search};
use super::super::text::shown;
use crate::record::Key;

/// How searches are made here.
#[derive(Debug)]
pub(in super::super) struct Here<'a> {
    /// The server that is being read.
    pub url: &'a str,
    pub id: &'a AttributeName,
    pub page_size: i32,
    pub timeout: Duration,
}

#[derive(Debug, PartialEq)]
struct Wanted {
    base: String,
    scope: Scope,
    filter: String,
}

/// The keys of all that the search finds. A search that is not understood, or that the server refuses, is the
/// group's problem (the inner error), a broken connection that of the run.
pub(in super::super) async fn expand(
    value: &[u8],
    here: &Here<'_>,
    ldap: &Ldap,
) -> Result<Result<Vec<Key>, String>, LdapSourceError> {
    let named = |problem: String| Ok(Err(format!("memberURL {:?} {problem}", shown(value))));
    let wanted = match parse(value, here.url) {
        Ok(wanted) => wanted,
        Err(problem) => return named(problem),
    };
    let mut entries = Entries::start(
        ldap,
        Search {
            what: "search for the members of a group",
            base: wanted.base,
            scope: wanted.scope,
            filter: wanted.filter,
            attributes: vec![here.id.as_str().to_owned()],
            page_size: here.page_size,
            first_page_size: here.page_size,
            controls: Vec::new(),
            timeout: here.timeout,
        },
    );
    let mut found = Vec::new();
    loop {
        match entries.next().await {
            Ok(Some(entry)) => found.extend(external_id(&entry, here.id).ok().map(|id| Key::of(&id))),
            Ok(None) => return Ok(Ok(found)),
            Err(refused @ LdapSourceError::SearchRefused { .. }) => {
                return named(format!("cannot be searched: {refused}"));
            }
            Err(error) => return Err(error),
        }
    }
}

/// `ldap://host/base?attributes?scope?filter?extensions` (RFC 4516), where all but the base may be left out.
fn parse(value: &[u8], here: &str) -> Result<Wanted, String> {
    let text = std::str::from_utf8(value).map_err(|_| "is not valid UTF-8".to_owned())?.trim();
    let (scheme, rest) = text.split_once("://").ok_or("is no LDAP URL")?;
    if !["ldap", "ldaps", "ldapi"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err("is no LDAP URL".to_owned());
    }
    let (host, rest) = rest.split_once('/').unwrap_or((rest, ""));
    if !host.is_empty() && !is_here(scheme, host, here) {
        return Err("names another server: leave the host out, or list its members".to_owned());
    }
    let mut parts = rest.split('?').map(decoded);
    let mut part = || parts.next().unwrap_or(Ok(String::new()));
    let (base, _, scope, filter, extensions) = (part()?, part()?, part()?, part()?, part()?);
    if extensions.split(',').any(|extension| extension.trim_start().starts_with('!')) {
        return Err("has an extension that is not known".to_owned());
    }
    let scope = match scope.to_ascii_lowercase().as_str() {
        "" | "base" => Scope::Base,
        "one" | "onelevel" => Scope::OneLevel,
        "sub" | "subtree" => Scope::Subtree,
        _ => return Err("has a scope that is none of base, one and sub".to_owned()),
    };
    let filter = if filter.is_empty() { "(objectClass=*)".to_owned() } else { filter };
    ldap3::parse_filter(&filter).map_err(|_| "has a filter that cannot be understood".to_owned())?;
    Ok(Wanted { base, scope, filter })
}

fn is_here(scheme: &str, host: &str, here: &str) -> bool {
    let address = |url: &Url| {
        let default = if url.scheme() == "ldaps" { 636 } else { 389 };
        Some((url.host_str()?.to_ascii_lowercase(), url.port().unwrap_or(default)))
    };
    let there = Url::parse(&format!("{}://{host}", scheme.to_ascii_lowercase())).ok();
    let (there, here) = (there.as_ref().and_then(address), Url::parse(here).ok().as_ref().and_then(address));
    there.is_some() && there == here
}

fn decoded(part: &str) -> Result<String, String> {
    let bytes = percent_decode(part.as_bytes());
    bytes.decode_utf8().map(|text| text.into_owned()).map_err(|_| "is not valid UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "ldap://Dir.example.org:3389";

    fn wanted(url: &str) -> (String, Scope, String) {
        let Wanted { base, scope, filter } = parse(url.as_bytes(), HERE).unwrap();
        (base, scope, filter)
    }

    #[test]
    fn urls_are_searches() {
        let all = "(objectClass=*)".to_owned();
        assert_eq!(
            wanted("ldap:///ou=people,dc=example,dc=org??sub?(&(uid=a*)(sn=b))"),
            ("ou=people,dc=example,dc=org".to_owned(), Scope::Subtree, "(&(uid=a*)(sn=b))".to_owned())
        );
        assert_eq!(wanted("LDAP:///dc=org"), ("dc=org".to_owned(), Scope::Base, all.clone()));
        assert_eq!(wanted("ldap:///dc=org?uid,cn?ONE"), ("dc=org".to_owned(), Scope::OneLevel, all.clone()));
        assert_eq!(
            wanted("ldap:///o=A%20%3FB??base?(cn=%C3%BC)?x=1"),
            ("o=A ?B".to_owned(), Scope::Base, "(cn=ü)".to_owned())
        );
        assert_eq!(wanted("ldap://dir.example.org:3389/dc=org??sub").0, "dc=org");
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (url, problem) in [
            ("dc=org", "no LDAP URL"),
            ("http:///dc=org", "no LDAP URL"),
            ("ldap://other.example.org/dc=org??sub", "another server"),
            ("ldap://dir.example.org/dc=org??sub", "another server"),
            ("ldap:///dc=org??everything", "scope"),
            ("ldap:///dc=org??sub?(uid=", "filter"),
            ("ldap:///dc=org??sub??!special", "extension"),
            ("ldap:///dc=%FF", "UTF-8"),
        ] {
            let error = parse(url.as_bytes(), HERE).unwrap_err();
            assert!(error.contains(problem), "{url}: {error}");
        }
    }
}
