//! The difference between what is there and what was declared, and the steps that take the one to the other.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use super::file::{Declaration, Declared, FileError, Guard, IdentityManager, Platform, Source};
use super::file::{usual_count, usual_percent};
use super::perform::Step;
use super::values::Object;

#[derive(Debug, Default, Serialize)]
pub struct Difference {
    pub changes: Vec<Change>,
    /// What is there and not in the file, and stays.
    pub left: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct Change {
    pub sign: Sign,
    pub kind: &'static str,
    pub name: String,
    pub fields: Vec<Field>,
    #[serde(skip)]
    pub steps: Vec<Step>,
    /// Where in the file it is declared.
    #[serde(skip)]
    pub place: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sign {
    Add,
    Change,
    Remove,
}

#[derive(Debug, Serialize)]
pub struct Field {
    pub field: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// Things are made before what refers to them; what goes, goes last.
pub fn compare(present: &Declaration, declared: &Declared, prune: bool) -> Result<Difference, FileError> {
    let mut comparison = Comparison { declared, prune, found: Difference::default() };
    let wanted = &declared.declaration;
    for (name, iam) in &wanted.identity_managers {
        comparison.identity_manager(name, present.identity_managers.get(name), iam)?;
    }
    for (name, iam) in &present.identity_managers {
        if !wanted.identity_managers.contains_key(name) {
            comparison.unnamed_identity_manager(name, iam);
        }
    }
    comparison.platforms(&present.platforms, &wanted.platforms);
    comparison.merge_rules(&present.merge_rules, &wanted.merge_rules);
    for (name, source) in &wanted.sources {
        comparison.source(name, present.sources.get(name), source)?;
    }
    for (name, source) in &present.sources {
        if !wanted.sources.contains_key(name) {
            comparison.unnamed_source(name, source);
        }
    }
    Ok(comparison.found)
}

struct Comparison<'a> {
    declared: &'a Declared,
    prune: bool,
    found: Difference,
}

impl Comparison<'_> {
    fn note(&mut self, sign: Sign, kind: &'static str, name: &str, fields: Vec<Field>, steps: Vec<Step>) {
        if !steps.is_empty() {
            let place = self.declared.place(kind, name);
            self.found.changes.push(Change { sign, kind, name: name.to_owned(), fields, steps, place });
        }
    }

    fn fixed(&self, kind: &'static str, name: &str, what: &str, is: &str) -> FileError {
        let message = format!(
            "{kind} {name} has {what} {is}, which cannot be changed: give what is declared here another name"
        );
        FileError::Wrong { place: self.declared.place(kind, name), message }
    }

    fn identity_manager(
        &mut self,
        name: &str,
        old: Option<&IdentityManager>,
        new: &IdentityManager,
    ) -> Result<(), FileError> {
        if let Some(old) = old
            && old.kind != new.kind
        {
            return Err(self.fixed("identity manager", name, "kind", &old.kind));
        }
        let before = old.map(properties_of_iam).unwrap_or_default();
        let mut fields = differences(&before, &properties_of_iam(new));
        let mut steps = Vec::new();
        if old.is_none() {
            steps.push(Step::create_identity_manager(name, new));
        } else if !fields.is_empty() {
            steps.push(Step::alter_identity_manager(name, new));
        }
        self.default_permissions(name, old, new, &mut fields, &mut steps);
        self.group_permissions(name, old, new, &mut fields, &mut steps);
        let sign = if old.is_none() { Sign::Add } else { Sign::Change };
        self.note(sign, "identity manager", name, fields, steps);
        Ok(())
    }

    fn default_permissions(
        &mut self,
        name: &str,
        old: Option<&IdentityManager>,
        new: &IdentityManager,
        fields: &mut Vec<Field>,
        steps: &mut Vec<Step>,
    ) {
        let before = old.and_then(|old| old.default_permissions.clone()).unwrap_or_default();
        let after = match &new.default_permissions {
            Some(after) => after.clone(),
            None if self.prune => BTreeSet::new(),
            None if before.is_empty() => return,
            None => {
                self.found.left.push(format!("default permissions of identity manager {name}"));
                return;
            }
        };
        if before != after {
            fields.push(field("default_permissions", some_list(&before), some_list(&after)));
            steps.push(Step::DefaultPermissions { iam: name.to_owned(), permissions: after });
        }
    }

    fn group_permissions(
        &mut self,
        name: &str,
        old: Option<&IdentityManager>,
        new: &IdentityManager,
        fields: &mut Vec<Field>,
        steps: &mut Vec<Step>,
    ) {
        let nothing = BTreeMap::new();
        let before = old.map_or(&nothing, |old| &old.group_permissions);
        let groups: BTreeSet<&String> = before.keys().chain(new.group_permissions.keys()).collect();
        for group in groups {
            let had = before.get(group).cloned().unwrap_or_default();
            let has = match new.group_permissions.get(group) {
                Some(has) => has.clone(),
                None if self.prune => BTreeSet::new(),
                None => {
                    self.found.left.push(format!("permissions of group {group} in identity manager {name}"));
                    continue;
                }
            };
            if had == has {
                continue;
            }
            fields.push(field(&format!("group_permissions.{group}"), some_list(&had), some_list(&has)));
            for permission in had.symmetric_difference(&has) {
                let (iam, group, permission) = (name.to_owned(), group.clone(), permission.clone());
                steps.push(Step::GroupPermission {
                    is_granted: has.contains(&permission),
                    iam,
                    group,
                    permission,
                });
            }
        }
    }

    /// Users live in it: nobody drops it by leaving it out of a file.
    fn unnamed_identity_manager(&mut self, name: &str, iam: &IdentityManager) {
        let has_something = iam.default_permissions.is_some() || !iam.group_permissions.is_empty();
        if name != "builtin" || has_something {
            self.found.left.push(format!("identity manager {name}"));
        }
    }

    fn platforms(&mut self, old: &BTreeMap<String, Platform>, new: &BTreeMap<String, Platform>) {
        for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            let usual = Platform::usual(name);
            let before = old.get(name).unwrap_or(&usual);
            let (after, sign) = match new.get(name) {
                Some(after) => (after, if old.contains_key(name) { Sign::Change } else { Sign::Add }),
                None if self.prune => (&usual, Sign::Remove),
                None => {
                    self.found.left.push(format!("platform {name}"));
                    continue;
                }
            };
            let fields = differences(&properties_of_platform(before), &properties_of_platform(after));
            let steps = match fields.is_empty() {
                true => Vec::new(),
                false => vec![Step::Platform { name: name.clone(), platform: after.clone() }],
            };
            self.note(sign, "platform", name, fields, steps);
        }
    }

    fn merge_rules(&mut self, old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) {
        const USUAL: &str = "union";
        for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            let before = old.get(name).map_or(USUAL, String::as_str);
            let (after, sign) = match new.get(name) {
                Some(after) => {
                    (after.as_str(), if old.contains_key(name) { Sign::Change } else { Sign::Add })
                }
                None if self.prune => (USUAL, Sign::Remove),
                None => {
                    self.found.left.push(format!("merge rule of attribute {name}"));
                    continue;
                }
            };
            if before != after {
                let fields = vec![field("rule", Some(json!(before)), Some(json!(after)))];
                let steps = vec![Step::MergeRule { name: name.clone(), rule: after.to_owned() }];
                self.note(sign, "merge rule", name, fields, steps);
            }
        }
    }

    fn source(&mut self, name: &str, old: Option<&Source>, new: &Source) -> Result<(), FileError> {
        if let Some(old) = old {
            for (what, is, wanted) in [("kind", &old.kind, &new.kind), ("iam", &old.iam, &new.iam)] {
                if is != wanted {
                    return Err(self.fixed("source", name, what, is));
                }
            }
        }
        let before = old.map(|old| properties_of_source(old, new)).unwrap_or_default();
        let mut fields = differences(&before, &properties_of_source(new, new));
        let mut steps = match old {
            None => Step::create_source(name, new),
            Some(_) if fields.is_empty() => Vec::new(),
            Some(old) => Step::alter_source(name, old, new),
        };
        self.guards(name, old, new, &mut fields, &mut steps);
        self.note(if old.is_none() { Sign::Add } else { Sign::Change }, "source", name, fields, steps);
        Ok(())
    }

    fn guards(
        &mut self,
        name: &str,
        old: Option<&Source>,
        new: &Source,
        fields: &mut Vec<Field>,
        steps: &mut Vec<Step>,
    ) {
        let nothing = BTreeMap::new();
        let before = old.map_or(&nothing, |old| &old.guards);
        let usual = Guard { max_count: usual_count(), max_percent: usual_percent() };
        for kind in before.keys().chain(new.guards.keys()).collect::<BTreeSet<_>>() {
            let had = before.get(kind).copied().unwrap_or(usual);
            let has = match new.guards.get(kind) {
                Some(has) => *has,
                None if self.prune => usual,
                None => {
                    self.found.left.push(format!("guard of source {name} on {kind}"));
                    continue;
                }
            };
            if had != has {
                fields.push(field(&format!("guards.{kind}"), Some(json!(had)), Some(json!(has))));
                steps.push(Step::Guard { source: name.to_owned(), kind: kind.clone(), guard: has });
            }
        }
    }

    fn unnamed_source(&mut self, name: &str, source: &Source) {
        if !self.prune {
            self.found.left.push(format!("source {name}"));
            return;
        }
        let fields = differences(&properties_of_source(source, source), &BTreeMap::new());
        let steps = vec![Step::DropSource { source: name.to_owned() }];
        self.note(Sign::Remove, "source", name, fields, steps);
    }
}

type Properties = BTreeMap<String, Value>;

fn properties_of_iam(iam: &IdentityManager) -> Properties {
    let mut found = Properties::from([
        ("kind".to_owned(), json!(iam.kind)),
        ("case_sensitive".to_owned(), json!(iam.is_case_sensitive())),
    ]);
    // No name and an empty one are the same.
    if let Some(name) = iam.display_name.as_ref().filter(|name| !name.is_empty()) {
        found.insert("display_name".to_owned(), json!(name));
    }
    found.extend(iam.options.leaves("options"));
    found
}

/// What the file leaves as it is, is no property.
fn properties_of_source(source: &Source, declared: &Source) -> Properties {
    let mut found = Properties::from([
        ("iam".to_owned(), json!(source.iam)),
        ("kind".to_owned(), json!(source.kind)),
        ("time_zone".to_owned(), json!(source.time_zone)),
        ("priority".to_owned(), json!(source.priority)),
        ("enabled".to_owned(), json!(source.enabled)),
    ]);
    if let Some(schedule) = source.effective_schedule() {
        found.insert("schedule".to_owned(), json!(schedule));
    }
    if let Some(time) = source.run_timeout.as_ref().filter(|_| declared.run_timeout.is_some()) {
        found.insert("run_timeout".to_owned(), json!(time));
    }
    found.extend(source.config.leaves("config"));
    found
}

fn properties_of_platform(platform: &Platform) -> Properties {
    let mut found = Properties::from([("case_rule".to_owned(), json!(platform.case_rule))]);
    if let Some(iams) = &platform.fallback_iams {
        found.insert("fallback_iams".to_owned(), json!(iams));
    }
    found
}

fn differences(before: &Properties, after: &Properties) -> Vec<Field> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| field(name, before.get(name).cloned(), after.get(name).cloned()))
        .collect()
}

fn field(name: &str, before: Option<Value>, after: Option<Value>) -> Field {
    Field { field: name.to_owned(), before, after }
}

fn some_list(names: &BTreeSet<String>) -> Option<Value> {
    (!names.is_empty()).then(|| json!(names))
}

impl Platform {
    /// The rule of a platform that has none.
    fn usual(name: &str) -> Self {
        Self {
            case_rule: if name == "databricks" { "insensitive" } else { "exact" }.to_owned(),
            fallback_iams: (name == "postgres").then(|| vec!["builtin".to_owned()]),
        }
    }
}

/// The configuration of a source, if it differs.
pub fn changed_config(old: &Source, new: &Source) -> Option<Value> {
    let differs = old.config.leaves("") != new.config.leaves("") && !same(&old.config, &new.config);
    differs.then(|| new.config.to_value())
}

fn same(one: &Object, other: &Object) -> bool {
    one.to_value() == other.to_value()
}
