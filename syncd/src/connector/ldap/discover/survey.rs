//! What attributes a sample of entries has.

use std::collections::{BTreeMap, HashSet};

use super::super::dn::DnKeys;
use super::super::entry::{AttributeName, Entry};

/// Longer values are texts, not something to decide by.
const LONGEST: usize = 64;
/// So few entries cannot show whether values repeat.
const FEW: usize = 10;

#[derive(Debug, Default)]
pub(super) struct Survey {
    pub entries: usize,
    /// By name in lower case.
    seen: BTreeMap<String, Seen>,
}

#[derive(Debug, Default)]
pub(super) struct Seen {
    /// As the server spells it.
    pub name: String,
    /// Entries that have it.
    pub entries: usize,
    values: usize,
    distinct: HashSet<Vec<u8>>,
    /// Text, short, and no name of another entry.
    plain: bool,
}

impl Survey {
    pub(super) fn of(entries: &[Entry]) -> Self {
        let mut survey = Self { entries: entries.len(), ..Self::default() };
        for attribute in entries.iter().flat_map(|entry| &entry.attributes) {
            // With options it would need a rule of its own.
            let Ok(name) = std::str::from_utf8(&attribute.description) else { continue };
            if name.contains(';') {
                continue;
            }
            let seen = survey.seen.entry(name.to_ascii_lowercase()).or_insert_with(|| Seen {
                name: name.to_owned(),
                plain: true,
                ..Seen::default()
            });
            seen.entries += 1;
            for value in &attribute.values {
                seen.values += 1;
                seen.plain &= is_plain(value);
                seen.distinct.insert(value.to_ascii_lowercase());
            }
        }
        survey
    }

    /// How the server spells an attribute that some entries have.
    pub(super) fn spelt(&self, name: &str) -> Option<&str> {
        self.seen(name).map(|seen| seen.name.as_str())
    }

    pub(super) fn all_have(&self, name: &str) -> bool {
        self.seen(name).is_some_and(|seen| seen.entries == self.entries)
    }

    /// Whether every entry has it, and no two the same.
    pub(super) fn identifies(&self, name: &str) -> bool {
        self.all_have(name) && self.seen(name).is_some_and(|seen| seen.distinct.len() == seen.values)
    }

    pub(super) fn is_text(&self, name: &str) -> bool {
        self.seen(name).is_some_and(|seen| seen.plain)
    }

    /// Those whose few values tell kinds of entries apart.
    pub(super) fn telling(&self) -> impl Iterator<Item = &Seen> {
        self.seen.values().filter(|seen| {
            let repeats = seen.distinct.len() * 2 <= seen.values || seen.entries <= FEW;
            seen.plain && seen.values > 0 && repeats
        })
    }

    fn seen(&self, name: &str) -> Option<&Seen> {
        let exact = self.seen.get(&name.to_ascii_lowercase());
        let asked = AttributeName::new(name);
        exact.or_else(|| self.seen.values().find(|seen| asked.is(seen.name.as_bytes())))
    }
}

fn is_plain(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let is_name = text.contains('=') && DnKeys::default().key(value).is_ok();
    text.len() <= LONGEST && !is_name && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::super::super::entry::tests::entry;
    use super::*;

    #[test]
    fn it_tells_what_identifies_and_what_tells_apart() {
        let mut entries = Vec::new();
        for number in 0..20 {
            let (uid, site) = (format!("user{number}"), if number % 2 == 0 { "Rome" } else { "Oslo" });
            let boss: &[u8] = b"uid=boss,dc=example,dc=org";
            entries.push(entry(
                &format!("uid={uid}"),
                &[
                    ("uid", &[uid.as_bytes()]),
                    ("labSite", &[site.as_bytes()]),
                    ("manager", &[boss]),
                    ("photo", &[b"\xff\xd8"]),
                    ("cn;lang-de", &[b"x"]),
                ],
            ));
        }
        entries.push(entry("uid=none", &[("uid", &[b"none"])]));
        let survey = Survey::of(&entries);
        assert!(survey.identifies("UID"));
        assert!(!survey.identifies("labSite"));
        assert!(!survey.all_have("labSite"));
        assert_eq!(survey.spelt("labsite"), Some("labSite"));
        assert_eq!(survey.spelt("cn"), None);
        let telling: Vec<_> = survey.telling().map(|seen| seen.name.as_str()).collect();
        assert_eq!(telling, ["labSite"]);
    }
}
