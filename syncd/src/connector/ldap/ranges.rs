//! Values that a server sends in parts: `member;range=0-1499`.
//!
//! Only the last part says `*`. Between two parts the entry may change, and then positions mean other
//! values: what was put together counts only if the entry's stamp of change stayed the same.

use super::entry::{Attribute, AttributeName, Entry};
use crate::config::ldap::ServerKind;

/// Values asked for at once where a server is known to understand it.
const STEP: u64 = 5000;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub values: Vec<Vec<u8>>,
    /// Where the next part begins; `None`: there is none.
    pub next: Option<u64>,
}

/// What changes with every change of an entry.
pub(super) fn stamp(server: ServerKind) -> AttributeName {
    AttributeName::new(match server {
        ServerKind::ActiveDirectory => "uSNChanged",
        ServerKind::OpenLdap => "entryCSN",
        ServerKind::Ds389 | ServerKind::Other => "modifyTimestamp",
    })
}

/// What to ask for: a server may send less, and need not be able to send all that is left.
pub(super) fn from(name: &AttributeName, start: u64) -> String {
    format!("{};range={start}-{}", name.as_str(), start.saturating_add(STEP - 1))
}

/// The first of these whose values carry a range.
pub(super) fn ranged<'a>(entry: &Entry, names: &'a [AttributeName]) -> Option<&'a AttributeName> {
    let plain = entry.attributes.iter().filter(|one| !one.values.is_empty()).filter_map(|attribute| {
        // Nearly all have no option at all.
        let plain = attribute.description.contains(&b';').then(|| split(&attribute.description))?;
        plain.map(|(plain, _)| plain)
    });
    plain.filter_map(|plain| names.iter().find(|name| name.is(&plain))).next()
}

/// Puts all values back under the plain name.
pub(super) fn put(entry: &mut Entry, name: &AttributeName, values: Vec<Vec<u8>>) {
    entry.attributes.retain(|attribute| !name.is(&attribute.description));
    entry.attributes.push(Attribute { description: name.as_str().as_bytes().to_vec(), values });
}

/// Takes the part that begins at `start` out of the entry; `None` if there is no such attribute.
pub(super) fn take(entry: &mut Entry, name: &AttributeName, start: u64) -> Result<Option<Part>, String> {
    let mut found: Option<Part> = None;
    for attribute in &mut entry.attributes {
        let next = if name.is(&attribute.description) {
            None
        } else if let Some((plain, range)) = split(&attribute.description)
            && name.is(&plain)
        {
            let unclear =
                || format!("{} was sent as {}", name.as_str(), super::text::shown(&attribute.description));
            range.map_err(|()| unclear())?.next(start, attribute.values.len()).ok_or_else(|| {
                format!(
                    "{}, with {} values, where values from {start} on were due",
                    unclear(),
                    attribute.values.len()
                )
            })?
        } else {
            continue;
        };
        let values = std::mem::take(&mut attribute.values);
        match &mut found {
            None => found = Some(Part { values, next }),
            // An empty `member` comes beside the one with the range.
            Some(part) => {
                part.values.extend(values);
                part.next = part.next.or(next);
            }
        }
    }
    Ok(found)
}

struct Range {
    start: u64,
    end: Option<u64>,
}

impl Range {
    /// Where the next part begins (`Some(None)`: nowhere), if this one is what it says.
    fn next(&self, due: u64, values: usize) -> Option<Option<u64>> {
        if self.start != due {
            return None;
        }
        let Some(end) = self.end else { return Some(None) };
        let next = end.checked_add(1)?;
        (next > due && next - due == values as u64).then_some(Some(next))
    }
}

/// The description without its range, and the range; `None` if it has none.
fn split(description: &[u8]) -> Option<(Vec<u8>, Result<Range, ()>)> {
    let is_range = |option: &[u8]| option.len() >= 6 && option[..6].eq_ignore_ascii_case(b"range=");
    let options = || description.split(|&byte| byte == b';');
    let option = options().find(|option| is_range(option))?;
    let plain: Vec<_> = options().filter(|option| !is_range(option)).collect();
    Some((plain.join(&b';'), parse(&option[6..]).ok_or(())))
}

fn parse(range: &[u8]) -> Option<Range> {
    let text = std::str::from_utf8(range).ok()?;
    let (start, end) = text.split_once('-')?;
    let end = match end.trim() {
        "*" => None,
        end => Some(end.parse().ok()?),
    };
    Some(Range { start: start.trim().parse().ok()?, end })
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::*;

    fn taken(attributes: &[(&str, &[&[u8]])], start: u64) -> Result<Option<(usize, Option<u64>)>, String> {
        let mut entry = entry("cn=a", attributes);
        take(&mut entry, &AttributeName::new("member"), start)
            .map(|part| part.map(|part| (part.values.len(), part.next)))
    }

    #[test]
    fn parts_follow_each_other() {
        let two: &[&[u8]] = &[b"a", b"b"];
        assert_eq!(taken(&[("member", two)], 0), Ok(Some((2, None))));
        assert_eq!(taken(&[("member;range=0-1", two)], 0), Ok(Some((2, Some(2)))));
        assert_eq!(taken(&[("MEMBER;Range=2-3", two)], 2), Ok(Some((2, Some(4)))));
        assert_eq!(taken(&[("member;range=4-*", two)], 4), Ok(Some((2, None))));
        assert_eq!(taken(&[("member;range=4-*", &[])], 4), Ok(Some((0, None))));
        assert_eq!(taken(&[("member", &[]), ("member;range=0-1", two)], 0), Ok(Some((2, Some(2)))));
        assert_eq!(taken(&[("member;range=0-1", two), ("member", &[])], 0), Ok(Some((2, Some(2)))));
        assert_eq!(taken(&[("cn", two), ("members;range=0-1", two)], 0), Ok(None));
    }

    #[test]
    fn a_part_that_is_not_what_it_says_is_no_part() {
        let two: &[&[u8]] = &[b"a", b"b"];
        for (description, start) in [
            ("member;range=0-1", 2),
            ("member;range=4-5", 2),
            ("member;range=0-2", 0),
            ("member;range=0-0", 0),
            ("member;range=1-0", 1),
            ("member;range=0-18446744073709551615", 0),
            ("member;range=0", 0),
            ("member;range=a-b", 0),
            ("member;range=", 0),
        ] {
            assert!(taken(&[(description, two)], start).is_err(), "{description}");
        }
    }

    #[test]
    fn other_options_stay() {
        let mut entry = entry("cn=a", &[("cn;range=0-0;lang-de", &[b"x"])]);
        let (plain, german) = (AttributeName::new("cn"), AttributeName::new("cn;lang-de"));
        assert!(ranged(&entry, std::slice::from_ref(&german)).is_some());
        assert!(ranged(&entry, std::slice::from_ref(&plain)).is_none());
        assert_eq!(take(&mut entry, &plain, 0), Ok(None));
        assert_eq!(
            take(&mut entry, &german, 0),
            Ok(Some(Part { values: vec![b"x".to_vec()], next: Some(1) }))
        );
        put(&mut entry, &german, vec![b"y".to_vec()]);
        assert!(ranged(&entry, std::slice::from_ref(&german)).is_none());
        assert_eq!(entry.values(&german).collect::<Vec<_>>(), [b"y"]);
    }
}
