//! Operations become steps: paths are looked up, values made canonical, and what no document can change is refused.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::members::{MemberChange, MemberOps};
use super::message::{Op, Operation};
use super::step::{Change, Selection, Step, Target};
use super::template::template;
use crate::document::{NOT_STORED, is_unassigned, same_name};
use crate::error::{ScimError, ScimType};
use crate::filter;
use crate::path::{AttrPath, Located, Place, locate};
use crate::profile::{Profile, UnknownAttribute};
use crate::resource::Normaliser;
use crate::schema::{Attribute, DataType, Registry, ResourceKind, Returned, urns};

mod links;
mod values;

pub(super) struct Compiler<'r> {
    registry: &'r Registry,
    kind: ResourceKind,
    profile: Profile,
    normaliser: Normaliser,
    steps: Vec<Step>,
    members: MemberOps,
}

impl<'r> Compiler<'r> {
    pub(super) fn new(registry: &'r Registry, kind: ResourceKind, profile: Profile) -> Self {
        let normaliser = Normaliser::new(profile);
        Self { registry, kind, profile, normaliser, steps: Vec::new(), members: MemberOps::default() }
    }

    pub(super) fn finish(self) -> (Vec<Step>, MemberChange, BTreeSet<String>) {
        (self.steps, self.members.finish(), self.normaliser.into_dropped())
    }

    pub(super) fn operation(&mut self, operation: Operation) -> Result<(), ScimError> {
        let Operation { op, path, value } = operation;
        if op != Op::Remove && value.is_none() && self.profile.is_strict() {
            return Err(ScimError::bad(ScimType::InvalidValue, "add and replace need a \"value\""));
        }
        match (path, value) {
            (Some(path), value) => self.at_path(op, &path, value),
            (None, _) if op == Op::Remove => {
                Err(ScimError::bad(ScimType::NoTarget, "remove needs a \"path\""))
            }
            (None, Some(Value::Object(fields))) => self.fields(op, None, fields),
            (None, _) => Err(ScimError::bad(
                ScimType::InvalidValue,
                "without \"path\", \"value\" must be an object of attributes",
            )),
        }
    }

    fn at_path(&mut self, op: Op, text: &str, value: Option<Value>) -> Result<(), ScimError> {
        let path = AttrPath::parse(text)?;
        if self.is_refused_urn(text) {
            return Err(unknown_path(&path));
        }
        match locate(self.registry, self.kind, &path.name()) {
            Some(Located::Schema(urn)) if path.filter.is_none() => self.schema(op, urn, value),
            Some(Located::Attribute(place)) => self.attribute(op, &path, &place, value),
            _ => self.unknown(op, path, value),
        }
    }

    /// A whole schema, as a path or as a key.
    fn schema(&mut self, op: Op, urn: Option<String>, value: Option<Value>) -> Result<(), ScimError> {
        let value = value.unwrap_or(Value::Null);
        match (op, urn, value) {
            (Op::Add | Op::Replace, urn, Value::Object(fields)) if !fields.is_empty() => {
                self.fields(op, urn.as_deref(), fields)
            }
            (Op::Add, _, value) if is_unassigned(&value) => Ok(()),
            (Op::Remove | Op::Replace, Some(urn), value) if op == Op::Remove || is_unassigned(&value) => {
                self.push(Target { urn: None, name: urn, selection: None, sub: None }, Change::Unset);
                Ok(())
            }
            (Op::Remove, ..) => {
                Err(ScimError::bad(ScimType::Mutability, "the core schema cannot be removed"))
            }
            _ => Err(ScimError::bad(
                ScimType::InvalidValue,
                "the value of a schema must be an object of attributes",
            )),
        }
    }

    /// Each attribute of an object on its own. What only the server sets is noise here: clients send back what they read.
    fn fields(&mut self, op: Op, urn: Option<&str>, fields: Map<String, Value>) -> Result<(), ScimError> {
        for (key, value) in fields {
            if key.contains('\0') {
                return Err(ScimError::bad(
                    ScimType::InvalidPath,
                    "a name has the character U+0000: leave it out",
                ));
            }
            // Some clients say the schemas of an extension inside of it.
            if self.is_noise(&key) && (urn.is_none() || same_name(&key, "schemas")) {
                continue;
            }
            match self.registry.find(self.kind, urn, &key) {
                Some(found) => {
                    let place = Place {
                        urn: urn.map(str::to_owned),
                        name: found.name.into_owned(),
                        attribute: found.attribute,
                        sub: None,
                    };
                    let path = AttrPath { urn: place.urn.clone(), attribute: key, filter: None, sub: None };
                    self.attribute(op, &path, &place, Some(value))?;
                }
                None => self.key(op, urn, key, value)?,
            }
        }
        Ok(())
    }

    fn is_refused_urn(&self, text: &str) -> bool {
        urns::is_legacy(text) && !self.profile.accepts_legacy_urns()
    }

    fn is_noise(&self, key: &str) -> bool {
        let is_members = self.kind == ResourceKind::Group && same_name(key, "members");
        !is_members && NOT_STORED.iter().any(|name| same_name(name, key))
    }

    /// A key that is no attribute: a schema, or a path such as `name.givenName`.
    fn key(&mut self, op: Op, urn: Option<&str>, key: String, value: Value) -> Result<(), ScimError> {
        if urn.is_none()
            && urns::is_urn(&key)
            && !self.is_refused_urn(&key)
            && let Some(Located::Schema(urn)) = locate(self.registry, self.kind, &key)
        {
            return self.schema(op, urn, Some(value));
        }
        let text = urn.map_or_else(|| key.clone(), |urn| format!("{urn}:{key}"));
        let path = AttrPath::parse(&text).ok().filter(|_| self.profile.reads_keys_as_paths());
        let Some(path) = path else { return self.unknown_key(urn, key, value) };
        match locate(self.registry, self.kind, &path.name()) {
            Some(Located::Attribute(place)) if is_fixed(&place) && !self.is_members(&place) => Ok(()),
            Some(Located::Attribute(place)) => self.attribute(op, &path, &place, Some(value)),
            _ if path.sub.is_none() && path.filter.is_none() => self.unknown_key(urn, key, value),
            _ => self.unknown(op, path, Some(value)),
        }
    }

    fn unknown_key(&mut self, urn: Option<&str>, key: String, value: Value) -> Result<(), ScimError> {
        let kept = self.normaliser.unknown(&key, value)?;
        if self.profile.unknown_attribute() == UnknownAttribute::Keep {
            let target = Target { urn: urn.map(str::to_owned), name: key, selection: None, sub: None };
            self.push(target, kept.map_or(Change::Unset, Change::Set));
        }
        Ok(())
    }

    fn attribute(
        &mut self,
        op: Op,
        path: &AttrPath,
        place: &Place<'_>,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        if self.is_members(place) {
            return self.member_operation(op, path, place, value);
        }
        if is_fixed(place) {
            return Err(fixed(&path.name()));
        }
        if place.attribute.is_some_and(|attribute| attribute.returned == Returned::Never) {
            return Ok(());
        }
        let selection = self.selection(op, path, place)?;
        let change = self.change(op, path, place, selection.is_some(), value)?;
        let Some(change) = change else { return Ok(()) };
        let target = Target {
            urn: place.urn.clone(),
            name: place.name.clone(),
            selection,
            sub: place.sub.as_ref().map(|sub| sub.name.clone()),
        };
        self.push(target, change);
        Ok(())
    }

    fn selection(&self, op: Op, path: &AttrPath, place: &Place<'_>) -> Result<Option<Selection>, ScimError> {
        let Some(filter) = &path.filter else { return Ok(None) };
        if place.attribute.is_some_and(|attribute| attribute.data_type != DataType::Complex) {
            let detail = format!("\"{}\" has no sub-attributes: leave out the brackets", path.attribute);
            return Err(ScimError::bad(ScimType::InvalidPath, detail));
        }
        let plan = filter::element(filter, place.attribute)?;
        let template = template(filter, &plan, place.attribute);
        Ok(Some(Selection {
            plan,
            template,
            creates: op == Op::Add || self.profile.creates_missing_targets(),
        }))
    }

    /// An attribute that no schema has, named by a path.
    fn unknown(&mut self, op: Op, path: AttrPath, value: Option<Value>) -> Result<(), ScimError> {
        if self.profile.unknown_attribute() == UnknownAttribute::Refuse {
            return Err(unknown_path(&path));
        }
        let name = path.name();
        let urn = match self.registry.split_urn(&name) {
            (_, rest) if urns::is_urn(rest) => path.urn.clone(),
            (urn, _) => urn,
        };
        let parent = self.registry.find(self.kind, urn.as_deref(), &path.attribute);
        let attribute = parent.as_ref().and_then(|found| found.attribute);
        let is_elsewhere =
            urn.is_none() && NOT_STORED.iter().any(|stored| same_name(stored, &path.attribute));
        if self.profile.unknown_attribute() == UnknownAttribute::Drop || is_elsewhere || !is_open(attribute) {
            self.normaliser.unknown(&name, Value::Null)?;
            return Ok(());
        }
        let name = parent.map_or_else(|| path.attribute.clone(), |found| found.name.into_owned());
        let place = Place { urn, name, attribute, sub: None };
        let selection = self.selection(op, &path, &place)?;
        let value = self.normaliser.unknown(&path.name(), value.unwrap_or(Value::Null))?;
        let change = match (op, value) {
            (Op::Remove, _) | (Op::Replace, None) => Change::Unset,
            (Op::Add, None) => return Ok(()),
            (Op::Add, Some(value)) if path.sub.is_none() && selection.is_none() => Change::Extend(value),
            (Op::Add | Op::Replace, Some(value)) => Change::Set(value),
        };
        self.push(Target { urn: place.urn, name: place.name, selection, sub: path.sub }, change);
        Ok(())
    }

    fn is_members(&self, place: &Place<'_>) -> bool {
        self.kind == ResourceKind::Group && place.urn.is_none() && place.name == "members"
    }

    fn push(&mut self, target: Target, change: Change) {
        // Some clients say the schemas of an extension inside of it; POST and PUT leave them out as well.
        let is_extension = |urn: &String| self.registry.extension(self.kind, urn).is_some();
        if same_name(&target.name, "schemas") && target.urn.as_ref().is_some_and(is_extension) {
            return;
        }
        self.steps.push(Step { target, change });
    }
}

fn is_open(attribute: Option<&Attribute>) -> bool {
    attribute.is_none_or(|attribute| attribute.data_type == DataType::Complex && !attribute.is_read_only())
}

/// Only the server sets it.
fn is_fixed(place: &Place<'_>) -> bool {
    [place.attribute, place.leaf()].into_iter().flatten().any(Attribute::is_read_only)
}

fn fixed(path: &str) -> ScimError {
    ScimError::bad(
        ScimType::Mutability,
        format!("\"{path}\" cannot be changed by clients: leave the operation out"),
    )
}

fn unknown_path(path: &AttrPath) -> ScimError {
    let shown: String = path.name().chars().take(200).collect();
    ScimError::bad(
        ScimType::InvalidPath,
        format!("path \"{shown}\" is in no schema of this server: correct it, or map its extension"),
    )
}
