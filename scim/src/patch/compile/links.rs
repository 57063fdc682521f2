//! Operations on the members of a group.

use serde_json::Value;

use super::super::members::named_ids;
use super::super::message::Op;
use super::{Compiler, fixed};
use crate::error::{ScimError, ScimType};
use crate::filter::{Filter, member};
use crate::path::{AttrPath, Place};
use crate::resource::read_members;

impl Compiler<'_> {
    /// Members are rows of their own: what is asked of them is collected apart.
    pub(super) fn member_operation(
        &mut self,
        op: Op,
        path: &AttrPath,
        place: &Place<'_>,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        if place.sub.is_some() {
            return Err(fixed(&path.name()));
        }
        match &path.filter {
            Some(filter) => self.members_by_filter(op, filter),
            None => self.members_by_value(op, value),
        }
    }

    fn members_by_filter(&mut self, op: Op, filter: &Filter) -> Result<(), ScimError> {
        match (op, named_ids(filter)) {
            (Op::Remove, Some(ids)) => self.members.remove(ids),
            (Op::Remove, None) => self.members.remove_matching(member(self.registry, filter)?),
            (Op::Add | Op::Replace, Some(ids)) if !self.profile.is_strict() => self.members.add(ids),
            (Op::Add | Op::Replace, _) => {
                return Err(ScimError::bad(
                    ScimType::Mutability,
                    "a member cannot be changed: remove it and add another",
                ));
            }
        }
        Ok(())
    }

    fn members_by_value(&mut self, op: Op, value: Option<Value>) -> Result<(), ScimError> {
        let value = value.unwrap_or(Value::Null);
        if op == Op::Remove && value.is_null() {
            self.members.clear();
            return Ok(());
        }
        if op == Op::Remove && !self.profile.removes_listed_members() {
            return Err(ScimError::bad(
                ScimType::InvalidValue,
                "remove of \"members\" takes no \"value\": use members[value eq \"...\"]",
            ));
        }
        let Some(ids) = read_members(self.profile, &value)? else { return Ok(()) };
        match op {
            Op::Add => self.members.add(ids),
            Op::Remove => self.members.remove(ids),
            Op::Replace => {
                self.members.clear();
                self.members.add(ids);
            }
        }
        Ok(())
    }
}
