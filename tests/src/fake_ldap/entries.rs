//! Which entries a search finds, and what it is told of them.

use super::message::{Request, Search, sequence, text};
use super::root_dse::EXTENDED_DN;
use super::script::{Entry, Script, Trick};

/// The entries below the base; none when there is no such base.
pub(super) fn found<'a>(script: &'a Script, search: &Search) -> Option<Vec<&'a Entry>> {
    let base = script.entries.iter().find(|entry| is_called(entry, &search.base))?;
    let base = canonical(&base.dn);
    let below = |entry: &&Entry| {
        let dn = canonical(&entry.dn);
        match search.scope {
            0 => dn == base,
            1 => dn.split_once(',').is_some_and(|(_, parent)| parent == base),
            _ => dn == base || dn.ends_with(&format!(",{base}")),
        }
    };
    Some(script.entries.iter().filter(below).filter(|entry| search.filter.finds(entry)).collect())
}

/// By its DN, or `<GUID=...>`.
fn is_called(entry: &Entry, base: &str) -> bool {
    match base.strip_prefix("<GUID=").and_then(|rest| rest.strip_suffix('>')) {
        Some(asked) => guid_of(entry).is_some_and(|guid| {
            asked.eq_ignore_ascii_case(&dashed(guid)) || asked.eq_ignore_ascii_case(&hex(guid))
        }),
        None => canonical(&entry.dn) == canonical(base),
    }
}

fn canonical(dn: &str) -> String {
    dn.split(',').map(|rdn| rdn.trim().to_lowercase()).collect::<Vec<_>>().join(",")
}

fn guid_of(entry: &Entry) -> Option<&Vec<u8>> {
    entry.values("objectGUID").and_then(|values| values.first())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn dashed(guid: &[u8]) -> String {
    let turned: Vec<u8> =
        [3, 2, 1, 0, 5, 4, 7, 6].iter().map(|&i| guid[i]).chain(guid[8..].to_vec()).collect();
    let all = hex(&turned);
    [&all[..8], &all[8..12], &all[12..16], &all[16..20], &all[20..]].join("-")
}

/// What is asked about values: the form of DNs, the range, the tricks.
#[derive(Debug)]
pub(super) struct View<'a> {
    script: &'a Script,
    attributes: &'a [String],
    tricks: Vec<&'a Trick>,
    /// The form of GUIDs in extended DNs, if these are asked for.
    extended: Option<usize>,
    restless: Option<usize>,
}

impl<'a> View<'a> {
    pub(super) fn of(
        script: &'a Script,
        request: &Request,
        search: &'a Search,
        tricks: Vec<&'a Trick>,
    ) -> View<'a> {
        let extended = request.controls.iter().find(|control| control.oid == EXTENDED_DN);
        let form = |value: &[u8]| sequence(value).first().map_or(0, |(_, n)| super::message::number(n));
        let restless = tricks.iter().find_map(|trick| match trick {
            Trick::Restless { times } if *times > 0 && search.scope == 0 => Some(*times),
            _ => None,
        });
        View {
            script,
            restless,
            attributes: &search.attributes,
            tricks,
            extended: extended.map(|control| form(&control.value)),
        }
    }

    /// The range that is asked for: the attribute and where it begins.
    pub(super) fn asked_range(&self) -> Option<(String, usize)> {
        self.attributes.iter().find_map(|asked| {
            let asked = asked.to_lowercase();
            let (name, range) = asked.split_once(";range=")?;
            Some((name.to_owned(), range.split('-').next()?.parse().ok()?))
        })
    }

    pub(super) fn step(&self) -> Option<(usize, &'static str)> {
        self.tricks.iter().find_map(|trick| match trick {
            Trick::Ranges { step, name } => Some((*step, *name)),
            _ => None,
        })
    }

    pub(super) fn entry(&self, entry: &Entry) -> Vec<u8> {
        let mut told = Vec::new();
        for (name, values) in &entry.attributes {
            if let Some((asked, start)) =
                self.asked_range().filter(|(asked, _)| name.eq_ignore_ascii_case(asked))
            {
                let of_this = |(_, spelt): &(usize, &str)| spelt.to_lowercase().starts_with(&asked);
                let (step, spelt) = self.step().filter(of_this).unwrap_or((usize::MAX, ""));
                let spelt = if spelt.is_empty() { format!("{asked};range=") } else { spelt.to_owned() };
                told.push(self.range(values, self.moved(start), step, &spelt));
            } else if self.is_asked(name) {
                self.tell(name, values, &mut told);
            }
        }
        super::message::entry(&self.dn(&entry.dn), &told)
    }

    fn is_asked(&self, name: &str) -> bool {
        self.attributes.is_empty()
            || self
                .attributes
                .iter()
                .any(|asked| asked == "*" || asked == "+" || asked.eq_ignore_ascii_case(name))
    }

    fn tell(&self, name: &str, values: &[Vec<u8>], told: &mut Vec<(String, Vec<Vec<u8>>)>) {
        match self.step() {
            _ if name == "uSNChanged" && self.restless.is_some() => {
                let another = self.restless.unwrap_or_default() + 1_000_000;
                told.push((name.to_owned(), vec![another.to_string().into_bytes()]));
            }
            Some((step, spelt))
                if values.len() > step && spelt.to_lowercase().starts_with(&name.to_lowercase()) =>
            {
                told.push((name.to_owned(), Vec::new()));
                told.push(self.range(values, 0, step, spelt));
            }
            _ => told.push((name.to_owned(), values.iter().map(|value| self.value(value)).collect())),
        }
    }

    fn moved(&self, start: usize) -> usize {
        if self.tricks.contains(&&Trick::FirstRangeOnly) {
            0
        } else if self.tricks.contains(&&Trick::RangeGap) {
            start + 1
        } else {
            start
        }
    }

    fn range(&self, values: &[Vec<u8>], start: usize, step: usize, spelt: &str) -> (String, Vec<Vec<u8>>) {
        let start = start.min(values.len());
        let end = values.len().min(start.saturating_add(step));
        let last = if end == values.len() { "*".to_owned() } else { (end - 1).to_string() };
        let told = values[start..end].iter().map(|value| self.value(value)).collect();
        (format!("{spelt}{start}-{last}"), told)
    }

    fn value(&self, value: &[u8]) -> Vec<u8> {
        match std::str::from_utf8(value) {
            Ok(dn) if self.extended.is_some() => self.dn(dn).into_bytes(),
            _ => value.to_vec(),
        }
    }

    /// A DN of ours in the form that is asked for; anything else as it is.
    fn dn(&self, dn: &str) -> String {
        let named = self.script.entries.iter().find(|entry| entry.dn.eq_ignore_ascii_case(dn));
        match (self.extended, named.and_then(guid_of)) {
            (Some(0), Some(guid)) => format!("<GUID={}>;{dn}", hex(guid)),
            (Some(_), Some(guid)) => format!("<GUID={}>;{dn}", dashed(guid)),
            _ => dn.to_owned(),
        }
    }
}

/// The id of an entry as syncrepl gives it.
pub(super) fn entry_uuid(entry: &Entry) -> Vec<u8> {
    let digits =
        entry.values("entryUUID").map(|values| text(&values[0]).replace('-', "")).unwrap_or_default();
    (0..16)
        .map(|i| digits.get(2 * i..2 * i + 2).map_or(0, |byte| u8::from_str_radix(byte, 16).unwrap_or(0)))
        .collect()
}
