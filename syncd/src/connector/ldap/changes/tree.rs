//! Small searches that the ways of asking share.

use chrono::{DateTime, NaiveDateTime, Utc};
use ldap3::Scope;
use ldap3::controls::RawControl;

use super::Question;
use crate::connector::ldap::entry::{AttributeName, Entry};
use crate::connector::ldap::error::LdapSourceError;
use crate::connector::ldap::mapping::external_id;
use crate::connector::ldap::root_dse::look;
use crate::connector::ldap::search::{Entries, Search};
use crate::record::Key;

/// Entries by id, and little else.
pub(super) struct Listing<'a> {
    base: &'a str,
    filter: &'a str,
    attributes: &'a [&'a str],
    controls: Vec<RawControl>,
}

impl<'a> Listing<'a> {
    pub(super) fn of(base: &'a str, filter: &'a str) -> Self {
        Self { base, filter, attributes: &[], controls: Vec::new() }
    }

    /// Beside the id.
    pub(super) fn with(self, attributes: &'a [&'a str]) -> Self {
        Self { attributes, ..self }
    }

    pub(super) fn controls(self, controls: Vec<RawControl>) -> Self {
        Self { controls, ..self }
    }

    pub(super) fn start(self, question: &Question<'_>) -> Entries {
        let mut attributes = vec![question.directory.id_attribute.clone()];
        attributes.extend(self.attributes.iter().map(|&name| name.to_owned()));
        let search = Search {
            what: super::syncrepl::WHAT,
            scope: Scope::Subtree,
            base: self.base.to_owned(),
            filter: self.filter.to_owned(),
            attributes,
            page_size: question.page_size,
            first_page_size: question.page_size,
            timeout: question.timeout,
            controls: self.controls,
        };
        Entries::start(&question.connection.ldap, search)
    }
}

/// Everyone below a base.
pub(super) async fn everyone(
    question: &Question<'_>,
    base: &str,
    filter: &str,
) -> Result<Vec<Key>, LdapSourceError> {
    let mut keys = Vec::new();
    let mut entries = Listing::of(base, filter).start(question);
    while let Some(entry) = entries.next().await? {
        keys.extend(id_of(question, &entry).map(|id| Key::of(&id)));
    }
    Ok(keys)
}

/// An entry without a readable id is seen by full reads only, which quarantine it.
pub(super) fn id_of(question: &Question<'_>, entry: &Entry) -> Option<String> {
    external_id(entry, &AttributeName::new(&question.directory.id_attribute)).ok()
}

/// What the clock of a domain controller shows.
pub(super) async fn server_time(question: &Question<'_>) -> Result<Option<DateTime<Utc>>, LdapSourceError> {
    let mut ldap = question.connection.ldap.clone();
    let dse = look(&mut ldap, question.timeout, "", &["currentTime"]).await?;
    let name = AttributeName::new("currentTime");
    Ok(dse.as_ref().and_then(|dse| dse.values(&name).next()).and_then(parse_time))
}

/// GeneralizedTime, of whose forms directories use the one in UTC.
pub(super) fn parse_time(text: &[u8]) -> Option<DateTime<Utc>> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let seconds = text.split(['.', ',']).next()?;
    Some(NaiveDateTime::parse_from_str(seconds, "%Y%m%d%H%M%S").ok()?.and_utc())
}

pub(super) fn format_time(time: DateTime<Utc>) -> String {
    time.format("%Y%m%d%H%M%SZ").to_string()
}

/// Hundreds of nanoseconds since 1601, as Active Directory counts.
pub(super) fn file_time(time: DateTime<Utc>) -> i64 {
    const SECONDS_TO_1970: i64 = 11_644_473_600;
    (time.timestamp() + SECONDS_TO_1970).saturating_mul(10_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_directories() {
        let time = parse_time(b"20260102030405Z").unwrap();
        assert_eq!(format_time(time), "20260102030405Z");
        assert_eq!(parse_time(b"20260102030405.0Z"), Some(time));
        assert_eq!(parse_time(b"20260102030405.123456Z"), Some(time));
        assert_eq!(parse_time(b"20260102030405+0100"), None);
        assert_eq!(parse_time(b"now"), None);
        assert_eq!(file_time(parse_time(b"16010101000000Z").unwrap()), 0);
        assert_eq!(file_time(parse_time(b"20000101000000Z").unwrap()), 125_911_584_000_000_000);
    }
}
