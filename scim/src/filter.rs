//! Filters (RFC 7644 section 3.4.2.2): text to tree, tree to plan, and a plan either holds for a folded document or becomes
//! a condition that the database evaluates. Both go by the same plan, so that they cannot disagree on what is meant.

mod condition;
mod jsonpath;
mod lexer;
mod links;
mod number;
mod operand;
mod parser;
mod plan;
mod resolve;
mod show;

use serde_json::{Number, Value};

pub use condition::{CompareOp, Comparison, Condition, Key, LinkCondition, TimeComparison};
pub(crate) use jsonpath::keys as jsonpath_keys;
pub(crate) use parser::parse_path;
pub(crate) use plan::Plan;

use crate::error::{ScimError, ScimType};
use crate::schema::{Attribute, Registry, ResourceKind};

/// A filter as it was written. Names are resolved later, since only the schemas tell where a URN ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// `name pr`
    Present(String),
    Compare {
        name: String,
        op: CompareOp,
        literal: Literal,
    },
    /// `name[filter]`: one element for which all of it holds.
    Element {
        name: String,
        filter: Box<Filter>,
    },
}

/// A value in a filter, written as in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
}

/// Reads a filter. Its length, depth and number of nodes are limited.
pub fn parse(text: &str) -> Result<Filter, ScimError> {
    parser::parse_filter(text)
}

/// True if the filter holds for a folded document (`resource::fold`). What is not in there (id, meta, members, groups) counts
/// as absent, and a comparison that `compile` refuses holds for nothing.
pub fn matches(filter: &Filter, registry: &Registry, kind: ResourceKind, search: &Value) -> bool {
    resolve::resource(filter, registry, kind).is_ok_and(|plan| plan.holds(search))
}

/// The filter as a condition for the database.
pub fn compile(filter: &Filter, registry: &Registry, kind: ResourceKind) -> Result<Condition, ScimError> {
    resolve::resource(filter, registry, kind).map(|plan| jsonpath::condition(&plan, kind))
}

/// What `filter` demands of one element of `attribute`, which None leaves undefined.
pub(crate) fn element(filter: &Filter, attribute: Option<&Attribute>) -> Result<Plan, ScimError> {
    resolve::element(filter, attribute)
}

/// What `filter` demands of one member of a group.
pub(crate) fn member(registry: &Registry, filter: &Filter) -> Result<LinkCondition, ScimError> {
    let members = registry.find(ResourceKind::Group, None, "members").and_then(|found| found.attribute);
    links::element(filter, members)
}

fn invalid(detail: impl Into<String>) -> ScimError {
    ScimError::bad(ScimType::InvalidFilter, detail)
}

#[cfg(test)]
mod tests;
