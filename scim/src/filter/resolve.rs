//! Names become keys of folded documents, literals become operands. An attribute that the source does not know is absent.

use chrono::{DateTime, Utc};

use super::condition::{CompareOp, Comparison, TimeComparison};
use super::operand::Operand;
use super::plan::{Plan, Test};
use super::{Filter, Literal, invalid, links};
use crate::document::same_name;
use crate::error::ScimError;
use crate::path::{Located, Place, locate};
use crate::schema::{Attribute, DataType, Registry, ResourceKind};

/// A filter over resources.
pub(super) fn resource(filter: &Filter, registry: &Registry, kind: ResourceKind) -> Result<Plan, ScimError> {
    let resolve = |filter: &Filter| resource(filter, registry, kind);
    match filter {
        Filter::And(branches) => Ok(Plan::all(branches.iter().map(resolve).collect::<Result<_, _>>()?)),
        Filter::Or(branches) => Ok(Plan::any(branches.iter().map(resolve).collect::<Result<_, _>>()?)),
        Filter::Not(filter) => Ok(Plan::not(resolve(filter)?)),
        Filter::Present(name) => leaf(name, registry, kind, Leaf::Present),
        Filter::Compare { name, op, literal } => leaf(name, registry, kind, Leaf::of(name, *op, literal)?),
        Filter::Element { name, filter } => leaf(name, registry, kind, Leaf::Element(filter)),
    }
}

/// A filter over one element of `attribute`.
pub(super) fn element(filter: &Filter, attribute: Option<&Attribute>) -> Result<Plan, ScimError> {
    let resolve = |filter: &Filter| element(filter, attribute);
    match filter {
        Filter::And(branches) => Ok(Plan::all(branches.iter().map(resolve).collect::<Result<_, _>>()?)),
        Filter::Or(branches) => Ok(Plan::any(branches.iter().map(resolve).collect::<Result<_, _>>()?)),
        Filter::Not(filter) => Ok(Plan::not(resolve(filter)?)),
        Filter::Present(name) => sub(name, attribute, Leaf::Present),
        Filter::Compare { name, op, literal } => sub(name, attribute, Leaf::of(name, *op, literal)?),
        Filter::Element { name, .. } => Err(invalid(format!("\"{name}[\" cannot be inside of brackets"))),
    }
}

/// What is asked of one attribute.
#[derive(Debug, Clone, Copy)]
pub(super) enum Leaf<'f> {
    Present,
    Absent,
    /// The literal is not null.
    Compare(CompareOp, &'f Literal),
    Element(&'f Filter),
}

impl<'f> Leaf<'f> {
    /// `eq null` is the opposite of `pr` (RFC 7643 section 2.5: null is unassigned).
    pub(super) fn of(name: &str, op: CompareOp, literal: &'f Literal) -> Result<Self, ScimError> {
        match (op, literal) {
            (CompareOp::Eq, Literal::Null) => Ok(Leaf::Absent),
            (CompareOp::Ne, Literal::Null) => Ok(Leaf::Present),
            (_, Literal::Null) => {
                Err(invalid(format!("\"{name}\" can be compared with null by eq and ne only")))
            }
            _ => Ok(Leaf::Compare(op, literal)),
        }
    }

    fn of_absent(self) -> Plan {
        match self {
            Leaf::Absent | Leaf::Compare(CompareOp::Ne, _) => Plan::Always,
            Leaf::Present | Leaf::Compare(..) | Leaf::Element(_) => Plan::Never,
        }
    }
}

fn leaf(name: &str, registry: &Registry, kind: ResourceKind, leaf: Leaf<'_>) -> Result<Plan, ScimError> {
    let place = match locate(registry, kind, name) {
        Some(Located::Attribute(place)) => place,
        Some(Located::Schema(Some(urn))) => return on_schema(name, &urn, leaf),
        Some(Located::Schema(None)) | None => return Ok(leaf.of_absent()),
    };
    if place.urn.is_some() {
        return stored(name, &place, leaf);
    }
    match place.name.as_str() {
        "id" => id(name, &place, leaf),
        "meta" => meta(name, kind, &place, leaf),
        "schemas" => schemas(name, registry, kind, &place, leaf),
        "members" => Ok(Plan::from_link(links::leaf(name, &place, leaf)?, Plan::Member)),
        "groups" => Ok(Plan::from_link(links::leaf(name, &place, leaf)?, Plan::UserGroup)),
        _ => stored(name, &place, leaf),
    }
}

/// An attribute that is part of documents.
fn stored(name: &str, place: &Place<'_>, leaf: Leaf<'_>) -> Result<Plan, ScimError> {
    let mut keys: Vec<String> = place.urn.iter().map(|urn| urn.to_lowercase()).collect();
    keys.push(place.name.to_lowercase());
    keys.extend(place.sub.iter().map(|sub| sub.name.to_lowercase()));
    on_keys(name, keys, place.leaf(), leaf)
}

fn on_keys(
    name: &str,
    mut keys: Vec<String>,
    attribute: Option<&Attribute>,
    leaf: Leaf<'_>,
) -> Result<Plan, ScimError> {
    match leaf {
        Leaf::Present => Ok(Plan::value(&keys, Test::NonEmpty)),
        Leaf::Absent => Ok(Plan::not(Plan::value(&keys, Test::NonEmpty))),
        Leaf::Element(filter) => Ok(Plan::element(&keys, element(filter, attribute)?)),
        Leaf::Compare(op, literal) => {
            let compared = comparable(attribute);
            if let (Some(whole), Some(value)) = (attribute, compared)
                && !std::ptr::eq(whole, value)
            {
                keys.push(value.name.to_lowercase());
            }
            let operand = Operand::new(name, compared, op, literal)?;
            Ok(compare(&keys, op, operand))
        }
    }
}

fn compare(keys: &[String], op: CompareOp, operand: Operand) -> Plan {
    if op != CompareOp::Ne {
        return Plan::value(keys, Test::Holds(op, operand));
    }
    let absent = Plan::not(Plan::value(keys, Test::Exists));
    Plan::any(vec![absent, Plan::value(keys, Test::Differs(operand))])
}

/// `emails eq "x"` means `emails.value` (RFC 7643 section 2.4: "value" is the significant value).
fn comparable(attribute: Option<&Attribute>) -> Option<&Attribute> {
    let whole = attribute?;
    if whole.data_type != DataType::Complex {
        return Some(whole);
    }
    Some(whole.sub("value").unwrap_or(whole))
}

/// A name in brackets is that of a sub-attribute.
fn sub(name: &str, attribute: Option<&Attribute>, leaf: Leaf<'_>) -> Result<Plan, ScimError> {
    let Some(attribute) = attribute else {
        return on_keys(name, vec![name.to_lowercase()], None, leaf);
    };
    match attribute.sub(name) {
        Some(sub) => on_keys(name, vec![sub.name.to_lowercase()], Some(sub), leaf),
        None => Ok(leaf.of_absent()),
    }
}

/// `urn:...:User pr`: is there anything of the extension.
fn on_schema(name: &str, urn: &str, leaf: Leaf<'_>) -> Result<Plan, ScimError> {
    let exists = Plan::value(&[urn.to_lowercase()], Test::Exists);
    match leaf {
        Leaf::Present => Ok(exists),
        Leaf::Absent => Ok(Plan::not(exists)),
        Leaf::Compare(..) | Leaf::Element(_) => {
            Err(invalid(format!("\"{name}\" is a whole schema: name an attribute of it")))
        }
    }
}

fn id(name: &str, place: &Place<'_>, leaf: Leaf<'_>) -> Result<Plan, ScimError> {
    match leaf {
        Leaf::Present => Ok(Plan::Always),
        Leaf::Absent => Ok(Plan::Never),
        Leaf::Element(_) => Err(simple(name)),
        Leaf::Compare(op, literal) => Ok(Plan::Id(text_comparison(name, place.attribute, op, literal)?)),
    }
}

pub(super) fn text_comparison(
    name: &str,
    attribute: Option<&Attribute>,
    op: CompareOp,
    literal: &Literal,
) -> Result<Comparison, ScimError> {
    match Operand::new(name, attribute, op, literal)? {
        Operand::Text(value) => Ok(Comparison { op, value }),
        Operand::Number(_) | Operand::Bool(_) => Err(invalid(format!("\"{name}\" is compared with text"))),
    }
}

fn meta(name: &str, kind: ResourceKind, place: &Place<'_>, leaf: Leaf<'_>) -> Result<Plan, ScimError> {
    let (op, literal) = match leaf {
        Leaf::Present => return Ok(Plan::Always),
        Leaf::Absent => return Ok(Plan::Never),
        Leaf::Element(_) => {
            return Err(invalid("\"meta\" cannot have brackets: use meta.created or meta.lastModified"));
        }
        Leaf::Compare(op, literal) => (op, literal),
    };
    let sub = place.sub.as_ref().map(|sub| sub.name.as_str()).unwrap_or_default();
    match (sub, Operand::new(name, place.leaf(), op, literal)?) {
        ("created", Operand::Text(at)) => Ok(Plan::Created(TimeComparison { op, at: time(name, &at)? })),
        ("lastModified", Operand::Text(at)) => {
            Ok(Plan::Modified(TimeComparison { op, at: time(name, &at)? }))
        }
        ("resourceType", operand) => Ok(constant(resource_type(kind, op, &operand))),
        _ => Err(invalid(format!("\"{name}\" cannot be filtered: use meta.created or meta.lastModified"))),
    }
}

fn time(name: &str, folded: &str) -> Result<DateTime<Utc>, ScimError> {
    folded.parse().map_err(|_| invalid(format!("\"{name}\" is compared with a time")))
}

fn resource_type(kind: ResourceKind, op: CompareOp, operand: &Operand) -> bool {
    let name = serde_json::Value::from(kind.name());
    match op {
        CompareOp::Ne => !operand.holds(CompareOp::Eq, &name),
        op => operand.holds(op, &name),
    }
}

fn constant(truth: bool) -> Plan {
    if truth { Plan::Always } else { Plan::Never }
}

/// `schemas` is not stored: it follows from the kind and from the extensions that the document has.
fn schemas(
    name: &str,
    registry: &Registry,
    kind: ResourceKind,
    place: &Place<'_>,
    leaf: Leaf<'_>,
) -> Result<Plan, ScimError> {
    let unsupported = || invalid(format!("\"{name}\" can be compared by eq and ne only"));
    let (op, urn) = match leaf {
        Leaf::Present => return Ok(Plan::Always),
        Leaf::Absent => return Ok(Plan::Never),
        Leaf::Compare(op, Literal::Text(urn)) if op.is_equality() && place.sub.is_none() => (op, urn),
        Leaf::Compare(..) | Leaf::Element(_) => return Err(unsupported()),
    };
    let is_core = same_name(urn, kind.urn());
    let has = |urn: &str| Plan::value(&[urn.to_lowercase()], Test::Exists);
    match op {
        CompareOp::Eq if is_core => Ok(Plan::Always),
        CompareOp::Eq => {
            Ok(registry.extension(kind, urn).map_or(Plan::Never, |extension| has(&extension.urn)))
        }
        // Some other than the core schema is there if any extension is.
        _ if is_core => {
            Ok(Plan::any(registry.extensions(kind).map(|extension| has(&extension.urn)).collect()))
        }
        _ => Ok(Plan::Always),
    }
}

fn simple(name: &str) -> ScimError {
    invalid(format!("\"{name}\" has no sub-attributes: leave out the brackets"))
}
