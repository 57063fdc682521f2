//! What an operation makes of the value at its path.

use serde_json::{Map, Value};

use super::super::message::Op;
use super::super::step::Change;
use super::Compiler;
use crate::document::{is_unassigned, value_of};
use crate::error::{ScimError, ScimType};
use crate::path::{AttrPath, Place};
use crate::schema::{Attribute, DataType};

impl Compiler<'_> {
    /// None: nothing is to be done.
    pub(super) fn change(
        &mut self,
        op: Op,
        path: &AttrPath,
        place: &Place<'_>,
        selected: bool,
        value: Option<Value>,
    ) -> Result<Option<Change>, ScimError> {
        let name = path.name();
        let value = value.unwrap_or(Value::Null);
        let whole = place.sub.is_none() && !selected;
        match (op, place.leaf()) {
            (Op::Remove, leaf) if whole && !is_unassigned(&value) => self.listed(&name, leaf, value),
            (Op::Remove, _) => Ok(Some(Change::Unset)),
            (_, None) => self.undefined(op, &name, whole, value),
            (_, Some(attribute)) if place.sub.is_some() => {
                let value = self.normaliser.value(&name, Some(attribute), value)?;
                Ok(Some(value.map_or(Change::Unset, Change::Set)))
            }
            (_, Some(attribute)) if selected => self.selected(op, &name, attribute, value),
            (_, Some(attribute)) if attribute.multi_valued => self.list(op, &name, attribute, value),
            (_, Some(attribute)) if attribute.data_type == DataType::Complex => {
                self.complex(op, &name, attribute, value)
            }
            (_, Some(attribute)) => {
                let value = self.normaliser.value(&name, Some(attribute), value)?;
                Ok(Some(value.map_or(Change::Unset, Change::Set)))
            }
        }
    }

    /// `remove` with a value names the elements to remove. RFC 7644 gives it no meaning, so strict sources refuse it.
    fn listed(
        &mut self,
        name: &str,
        attribute: Option<&Attribute>,
        value: Value,
    ) -> Result<Option<Change>, ScimError> {
        if self.profile.is_strict() {
            return Err(ScimError::bad(
                ScimType::InvalidValue,
                format!("remove of \"{name}\" takes no \"value\": use {name}[value eq \"...\"]"),
            ));
        }
        if !attribute.is_none_or(|attribute| attribute.multi_valued) {
            return Ok(Some(Change::Unset));
        }
        Ok(self.normaliser.value(name, attribute, value)?.map(|value| Change::Take(elements(value))))
    }

    fn undefined(
        &mut self,
        op: Op,
        name: &str,
        whole: bool,
        value: Value,
    ) -> Result<Option<Change>, ScimError> {
        let value = self.normaliser.value(name, None, value)?;
        Ok(match (op, value) {
            (Op::Add, None) => None,
            (_, None) => Some(Change::Unset),
            (Op::Add, Some(value)) if whole => Some(Change::Extend(value)),
            (_, Some(value)) => Some(Change::Set(value)),
        })
    }

    fn list(
        &mut self,
        op: Op,
        name: &str,
        attribute: &Attribute,
        value: Value,
    ) -> Result<Option<Change>, ScimError> {
        let value = self.normaliser.value(name, Some(attribute), value)?;
        Ok(match (op, value) {
            (Op::Add, value) => value.map(|value| Change::Append(elements(value))),
            (_, value) => Some(value.map_or(Change::Unset, Change::Set)),
        })
    }

    /// Sub-attributes that are not named stay (RFC 7644 section 3.5.2.3: "the set of sub-attributes specified").
    fn complex(
        &mut self,
        op: Op,
        name: &str,
        attribute: &Attribute,
        value: Value,
    ) -> Result<Option<Change>, ScimError> {
        let cleared = self.cleared(attribute, &value);
        let says_nothing = is_unassigned(&value);
        let is_object = value.is_object();
        match self.normaliser.value(name, Some(attribute), value)? {
            Some(Value::Object(fields)) => Ok(Some(Change::Merge { fields, cleared })),
            _ if is_object && !says_nothing => Ok(Some(Change::Merge { fields: Map::new(), cleared })),
            _ if op == Op::Add && is_object => Ok(None),
            _ => Ok(Some(Change::Unset)),
        }
    }

    /// One element of a multi-valued attribute, or of a single one, chosen by brackets.
    fn selected(
        &mut self,
        op: Op,
        name: &str,
        attribute: &Attribute,
        value: Value,
    ) -> Result<Option<Change>, ScimError> {
        let value = match value {
            Value::Array(items) if items.len() == 1 && self.profile.coerces_values() => {
                items.into_iter().next().unwrap_or_default()
            }
            value => value,
        };
        let cleared = self.cleared(attribute, &value);
        let says_nothing = is_unassigned(&value);
        let fields = match self.normaliser.element(name, attribute, value)? {
            Some(Value::Object(fields)) => fields,
            _ if says_nothing => return Ok((op == Op::Replace).then_some(Change::Unset)),
            _ => Map::new(),
        };
        Ok(Some(match op {
            Op::Replace if !fields.is_empty() => {
                Change::Overwrite { fields, keeps_template: !self.profile.is_strict() }
            }
            _ => Change::Merge { fields, cleared },
        }))
    }

    /// Names of sub-attributes that `value` unassigns, which its canonical form does not show.
    fn cleared(&self, attribute: &Attribute, value: &Value) -> Vec<String> {
        let Value::Object(given) = value else { return Vec::new() };
        let is_cleared = |sub: &&Attribute| {
            value_of(given, &sub.name).is_some_and(|value| {
                let is_empty_text = value.as_str() == Some("") && self.profile.empty_string_unassigns();
                is_unassigned(value) || is_empty_text
            })
        };
        let writable = attribute.sub_attributes.iter().filter(|sub| !sub.is_read_only());
        writable.filter(is_cleared).map(|sub| sub.name.to_string()).collect()
    }
}

fn elements(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        single => vec![single],
    }
}
