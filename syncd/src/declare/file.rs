//! The file: what may stand in it, and where what is wrong with it stands.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use toml::Spanned;
use unicode_normalization::UnicodeNormalization;

use super::values::Object;
use crate::config::{ConfigError, SourceConfig};

/// Says in a file what no key can say: that there is no schedule.
const NO_SCHEDULE: &str = "none";
const HEADER: &str = "# The configuration of pg_roster, as `syncd export` wrote it. `syncd apply FILE --dry-run` shows how a\n\
                      # database differs. Secrets are not in here: {env = \"NAME\"} and {file = \"name\"} say where they are.\n\n";

/// All that can be declared, by name.
#[derive(Debug, Default, Serialize)]
pub struct Declaration {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub identity_managers: BTreeMap<String, IdentityManager>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, Source>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub merge_rules: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub platforms: BTreeMap<String, Platform>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityManager {
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_sensitive: Option<bool>,
    /// None: not named in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_permissions: Option<BTreeSet<String>>,
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub options: Object,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub group_permissions: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub iam: String,
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    #[serde(default = "utc")]
    pub time_zone: String,
    #[serde(default)]
    pub priority: i32,
    #[serde(default = "yes")]
    pub enabled: bool,
    /// None: whatever it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_timeout: Option<String>,
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub config: Object,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub guards: BTreeMap<String, Guard>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    #[serde(default = "usual_count")]
    pub max_count: i64,
    #[serde(default = "usual_percent")]
    pub max_percent: f64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    #[serde(default = "exact")]
    pub case_rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_iams: Option<Vec<String>>,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn yes() -> bool {
    true
}

fn exact() -> String {
    "exact".to_owned()
}

pub fn usual_count() -> i64 {
    50
}

pub fn usual_percent() -> f64 {
    10.0
}

impl Source {
    /// The schedule, or that there is none: what the database has when nobody says anything.
    pub fn effective_schedule(&self) -> Option<&str> {
        match self.schedule.as_deref() {
            None => usual_schedule(&self.kind),
            Some(NO_SCHEDULE) => None,
            given => given,
        }
    }

    /// How a schedule is written so that it is read as the same.
    pub fn written_schedule(kind: &str, schedule: Option<String>) -> Option<String> {
        schedule.or_else(|| usual_schedule(kind).map(|_| NO_SCHEDULE.to_owned()))
    }
}

impl IdentityManager {
    pub fn is_case_sensitive(&self) -> bool {
        self.case_sensitive.unwrap_or(!matches!(self.kind.as_str(), "ldap" | "scim"))
    }
}

pub fn usual_schedule(kind: &str) -> Option<&'static str> {
    matches!(kind, "ldap" | "endpoint").then_some("0 * * * *")
}

pub fn text(declaration: &Declaration) -> Result<String, toml::ser::Error> {
    Ok(format!("{HEADER}{}", toml::to_string_pretty(declaration)?))
}

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{place}: {message}")]
    Wrong { place: String, message: String },
    #[error("{place}: the configuration of source {source_name} is not right: {reason}")]
    Config { place: String, source_name: String, reason: ConfigError },
}

/// A declaration that came from a file.
#[derive(Debug)]
pub struct Declared {
    pub declaration: Declaration,
    places: BTreeMap<(&'static str, String), String>,
    file: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    #[serde(default)]
    identity_managers: BTreeMap<String, Spanned<IdentityManager>>,
    #[serde(default)]
    sources: BTreeMap<String, Spanned<Source>>,
    #[serde(default)]
    merge_rules: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    platforms: BTreeMap<String, Spanned<Platform>>,
}

impl Declared {
    pub fn parse(file: &str, text: &str) -> Result<Self, FileError> {
        // The library's own message would show the line, and a secret that somebody wrote into it.
        let shape: Shape = toml::from_str(text).map_err(|error| FileError::Wrong {
            place: place(file, text, error.span().map(|span| span.start)),
            message: in_our_words(error.message()),
        })?;
        let mut taken = Taken { file, text, places: BTreeMap::new() };
        let declaration = Declaration {
            identity_managers: taken.all("identity manager", shape.identity_managers)?,
            sources: taken.all("source", shape.sources)?,
            merge_rules: taken.all("merge rule", shape.merge_rules)?,
            platforms: taken.all("platform", shape.platforms)?,
        };
        let declared = Self { declaration, places: taken.places, file: file.to_owned() };
        declared.check_configs()?;
        Ok(declared.in_canonical_names())
    }

    /// Where in the file something is declared.
    pub fn place(&self, kind: &'static str, name: &str) -> String {
        self.places.get(&(kind, name.to_owned())).cloned().unwrap_or_else(|| self.file.clone())
    }

    /// What the daemon would refuse when it reads the source. Other kinds are checked by the database.
    fn check_configs(&self) -> Result<(), FileError> {
        for (name, source) in &self.declaration.sources {
            match SourceConfig::parse(&source.kind, &source.config.to_value()) {
                Ok(_) | Err(ConfigError::UnsupportedKind(_) | ConfigError::Pushed(_)) => {}
                Err(reason) => {
                    let place = self.place("source", name);
                    return Err(FileError::Config { place, source_name: name.clone(), reason });
                }
            }
        }
        Ok(())
    }

    fn in_canonical_names(mut self) -> Self {
        for source in self.declaration.sources.values_mut() {
            source.iam = canonical_iam(&source.iam);
        }
        for iam in self.declaration.identity_managers.values_mut() {
            let groups = std::mem::take(&mut iam.group_permissions);
            iam.group_permissions =
                groups.into_iter().map(|(group, names)| (nfc(&group), all_nfc(names))).collect();
            iam.default_permissions = iam.default_permissions.take().map(all_nfc);
        }
        for platform in self.declaration.platforms.values_mut() {
            if let Some(iams) = &mut platform.fallback_iams {
                iams.iter_mut().for_each(|iam| *iam = canonical_iam(iam));
                iams.sort();
                iams.dedup();
            }
        }
        self
    }
}

struct Taken<'a> {
    file: &'a str,
    text: &'a str,
    places: BTreeMap<(&'static str, String), String>,
}

impl Taken<'_> {
    fn all<T>(
        &mut self,
        kind: &'static str,
        spanned: BTreeMap<String, Spanned<T>>,
    ) -> Result<BTreeMap<String, T>, FileError> {
        let mut all = BTreeMap::new();
        for (name, value) in spanned {
            let name = if kind == "identity manager" { canonical_iam(&name) } else { nfc(&name) };
            let place = place(self.file, self.text, Some(value.span().start));
            if all.insert(name.clone(), value.into_inner()).is_some() {
                let message = format!("{kind} {name} is declared twice, in two spellings of one name");
                return Err(FileError::Wrong { place, message });
            }
            self.places.insert((kind, name), place);
        }
        Ok(all)
    }
}

fn nfc(name: &str) -> String {
    name.nfc().collect()
}

fn all_nfc(names: BTreeSet<String>) -> BTreeSet<String> {
    names.iter().map(|name| nfc(name)).collect()
}

fn canonical_iam(name: &str) -> String {
    if name == "bim" { "builtin".to_owned() } else { nfc(name) }
}

/// `roster.toml:12:3`
fn place(file: &str, text: &str, at: Option<usize>) -> String {
    let Some(before) = at.and_then(|at| text.get(..at)) else { return file.to_owned() };
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("{file}:{line}:{column}")
}

fn in_our_words(message: &str) -> String {
    message
        .trim()
        .replacen("unknown field", "unknown key", 1)
        .replacen("missing field", "missing key", 1)
        .replacen("expected one of", "the keys are", 1)
        .replace('\n', ", ")
}
