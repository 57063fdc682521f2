//! A reader of the text format that knows nothing of the library that writes it.

use std::collections::{BTreeMap, BTreeSet};

/// All samples by name, and what was said about them.
#[derive(Debug, Default)]
pub struct Scrape {
    pub types: BTreeMap<String, String>,
    pub helps: BTreeMap<String, String>,
    pub samples: Vec<Sample>,
}

#[derive(Debug, Clone)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Scrape {
    /// Whatever the format forbids is a panic.
    #[track_caller]
    pub fn parse(text: &str) -> Scrape {
        let body = text.strip_suffix("# EOF\n").expect("the end is marked");
        let mut scrape = Scrape::default();
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a help");
                assert!(scrape.helps.insert(name.into(), help.into()).is_none(), "{line}");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type");
                assert!(["counter", "gauge", "histogram", "info"].contains(&kind), "{line}");
                assert!(scrape.types.insert(name.into(), kind.into()).is_none(), "twice: {line}");
            } else {
                let sample = sample(line);
                assert!(scrape.family(&sample.name).is_some(), "of no family: {line}");
                scrape.samples.push(sample);
            }
        }
        scrape.check();
        scrape
    }

    fn family(&self, sample: &str) -> Option<&str> {
        let suffixes = [
            ("_total", "counter"),
            ("_bucket", "histogram"),
            ("_sum", "histogram"),
            ("_count", "histogram"),
            ("_info", "info"),
        ];
        let of_suffix = suffixes.iter().find_map(|(suffix, kind)| {
            let name = sample.strip_suffix(suffix)?;
            self.types.get_key_value(name).filter(|(_, found)| found == kind)
        });
        of_suffix
            .or_else(|| self.types.get_key_value(sample).filter(|(_, kind)| *kind == "gauge"))
            .map(|(name, _)| name.as_str())
    }

    fn check(&self) {
        for name in self.types.keys() {
            assert!(is_name(name), "{name}");
            assert!(self.helps.get(name).is_some_and(|help| !help.is_empty()), "{name} has no help");
            assert!(!name.ends_with("_total"), "{name}: the suffix is that of its samples");
        }
        let mut seen = BTreeSet::new();
        for sample in &self.samples {
            assert!(is_name(&sample.name), "{sample:?}");
            assert!(seen.insert((&sample.name, &sample.labels)), "twice: {sample:?}");
        }
        for (name, _) in self.types.iter().filter(|(_, kind)| *kind == "histogram") {
            self.check_histogram(name);
        }
    }

    /// Buckets never go down, and the last has all.
    fn check_histogram(&self, name: &str) {
        let counts = format!("{name}_count");
        for count in self.samples.iter().filter(|sample| sample.name == counts) {
            let mut before = 0.0;
            let mut last = String::new();
            for bucket in self.samples.iter().filter(|sample| sample.name == format!("{name}_bucket")) {
                let mut labels = bucket.labels.clone();
                let limit = labels.remove("le").expect("a limit");
                if labels == count.labels {
                    assert!(bucket.value >= before, "{bucket:?}");
                    before = bucket.value;
                    last = limit;
                }
            }
            assert_eq!((last.as_str(), before), ("+Inf", count.value), "{count:?}");
        }
    }

    /// The value of the only sample with that name and those labels among others.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let fits = |sample: &&Sample| {
            sample.name == name
                && labels
                    .iter()
                    .all(|(label, value)| sample.labels.get(*label).is_some_and(|found| found == value))
        };
        let found: Vec<_> = self.samples.iter().filter(fits).collect();
        assert!(found.len() < 2, "{name} {labels:?} means several: {found:#?}");
        found.first().map(|sample| sample.value)
    }
}

fn is_name(name: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(first) && name.chars().all(|c| first(c) || c.is_ascii_digit())
}

fn sample(line: &str) -> Sample {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no sample: {line}"));
    let (name, rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    let rest = match rest.strip_prefix('{') {
        Some(rest) => read_labels(rest, &mut labels, line),
        None => rest,
    };
    let value = match rest.trim() {
        "+Inf" => f64::INFINITY,
        number => number.parse().unwrap_or_else(|_| panic!("no number: {line}")),
    };
    Sample { name: name.to_owned(), labels, value }
}

/// What comes after the closing brace.
fn read_labels<'a>(mut rest: &'a str, labels: &mut BTreeMap<String, String>, line: &str) -> &'a str {
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return after;
        }
        rest = rest.strip_prefix(',').unwrap_or(rest);
        let (name, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {line}"));
        assert!(is_name(name), "{line}");
        let mut value = String::new();
        let mut characters = after.char_indices();
        let end = loop {
            match characters.next().unwrap_or_else(|| panic!("no end: {line}")) {
                (_, '\\') => match characters.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, c @ ('\\' | '"'))) => value.push(c),
                    other => panic!("no escape: {other:?} in {line}"),
                },
                (at, '"') => break at,
                (_, c) => value.push(c),
            }
        };
        assert!(labels.insert(name.to_owned(), value).is_none(), "a label twice: {line}");
        rest = &after[end + 1..];
    }
}
