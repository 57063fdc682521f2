//! Filters over members of groups and groups of users, which are rows of their own and not part of documents.

use super::condition::{CompareOp, LinkCondition};
use super::plan::Plan;
use super::resolve::{Leaf, text_comparison};
use super::{Filter, Literal, invalid};
use crate::error::ScimError;
use crate::path::Place;
use crate::schema::Attribute;

/// What is asked of all links of a resource.
pub(super) enum Links {
    /// One for which the condition holds.
    Some(LinkCondition),
    None,
    /// `ne`: another link, or no link at all.
    NoneOrSome(LinkCondition),
}

impl Plan {
    pub(super) fn from_link(links: Links, wrap: fn(LinkCondition) -> Plan) -> Plan {
        let none = || Plan::not(wrap(LinkCondition::Present));
        match links {
            Links::Some(condition) => wrap(condition),
            Links::None => none(),
            Links::NoneOrSome(condition) => Plan::any(vec![none(), wrap(condition)]),
        }
    }
}

pub(super) fn leaf(name: &str, place: &Place<'_>, leaf: Leaf<'_>) -> Result<Links, ScimError> {
    let sub = match &place.sub {
        Some(sub) => sub.name.as_str(),
        None => "value",
    };
    match leaf {
        Leaf::Present => Ok(Links::Some(LinkCondition::Present)),
        Leaf::Absent => Ok(Links::None),
        Leaf::Element(_) if place.sub.is_some() => {
            Err(invalid(format!("\"{name}\" has no sub-attributes: leave out the brackets")))
        }
        Leaf::Element(filter) => Ok(Links::Some(element(filter, place.attribute)?)),
        Leaf::Compare(op, literal) => {
            let condition = comparison(sub, place.attribute, op, literal)?;
            Ok(if op == CompareOp::Ne { Links::NoneOrSome(condition) } else { Links::Some(condition) })
        }
    }
}

/// A filter over one link; `attribute` is that of `members` or `groups`.
pub(super) fn element(filter: &Filter, attribute: Option<&Attribute>) -> Result<LinkCondition, ScimError> {
    let resolve = |filter: &Filter| element(filter, attribute);
    match filter {
        Filter::And(branches) => {
            Ok(LinkCondition::All(branches.iter().map(resolve).collect::<Result<_, _>>()?))
        }
        Filter::Or(branches) => {
            Ok(LinkCondition::Any(branches.iter().map(resolve).collect::<Result<_, _>>()?))
        }
        Filter::Not(filter) => Ok(LinkCondition::Not(Box::new(resolve(filter)?))),
        Filter::Present(name) => Ok(presence(has(attribute, name))),
        Filter::Compare { name, op, literal } => match Leaf::of(name, *op, literal)? {
            Leaf::Absent => Ok(presence(!has(attribute, name))),
            Leaf::Compare(op, _) if !has(attribute, name) => Ok(presence(op == CompareOp::Ne)),
            Leaf::Compare(op, literal) => comparison(name, attribute, op, literal),
            Leaf::Present | Leaf::Element(_) => Ok(presence(has(attribute, name))),
        },
        Filter::Element { name, .. } => Err(invalid(format!("\"{name}[\" cannot be inside of brackets"))),
    }
}

/// Every link has all its sub-attributes.
fn presence(present: bool) -> LinkCondition {
    if present { LinkCondition::Present } else { LinkCondition::Not(Box::new(LinkCondition::Present)) }
}

fn has(attribute: Option<&Attribute>, name: &str) -> bool {
    attribute.is_some_and(|attribute| attribute.sub(name).is_some())
}

fn comparison(
    name: &str,
    attribute: Option<&Attribute>,
    op: CompareOp,
    literal: &Literal,
) -> Result<LinkCondition, ScimError> {
    let sub = attribute.and_then(|attribute| attribute.sub(name));
    let comparison = text_comparison(name, sub, op, literal)?;
    match sub.map(|sub| &*sub.name) {
        Some("value") => Ok(LinkCondition::Value(comparison)),
        Some("display") => Ok(LinkCondition::Display(comparison)),
        Some("type") => Ok(LinkCondition::Type(comparison)),
        _ => Err(invalid(format!("\"{name}\" cannot be filtered: use value, display or type"))),
    }
}
