//! A filter whose names are resolved and whose literals are folded.
//!
//! `holds` walks JSON the way PostgreSQL's jsonpath does in lax mode: a key looks into the elements of an array, and a
//! comparison looks at each element. `jsonpath` writes the same plan down for PostgreSQL.

use serde_json::Value;

use super::condition::{CompareOp, Comparison, LinkCondition, TimeComparison};
use super::operand::Operand;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Plan {
    Always,
    Never,
    All(Vec<Plan>),
    Any(Vec<Plan>),
    Not(Box<Plan>),
    /// What the folded document, or the element, has below `keys`.
    Value {
        keys: Vec<String>,
        test: Test,
    },
    Id(Comparison),
    Created(TimeComparison),
    Modified(TimeComparison),
    Member(LinkCondition),
    UserGroup(LinkCondition),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    /// Anything is there.
    Exists,
    /// Anything but the empty string (RFC 7644 table 3, `pr`).
    NonEmpty,
    /// A value compares so; never with `Ne`.
    Holds(CompareOp, Operand),
    /// A value is another one, or of another type.
    Differs(Operand),
    /// A value for which the whole plan holds.
    Element(Box<Plan>),
}

impl Plan {
    pub(super) fn value(keys: &[String], test: Test) -> Plan {
        Plan::Value { keys: keys.to_vec(), test }
    }

    pub(super) fn not(plan: Plan) -> Plan {
        match plan {
            Plan::Always => Plan::Never,
            Plan::Never => Plan::Always,
            plan => Plan::Not(Box::new(plan)),
        }
    }

    pub(super) fn all(plans: Vec<Plan>) -> Plan {
        if plans.contains(&Plan::Never) {
            return Plan::Never;
        }
        let mut plans: Vec<Plan> = plans.into_iter().filter(|plan| *plan != Plan::Always).collect();
        match plans.len() {
            0 => Plan::Always,
            1 => plans.remove(0),
            _ => Plan::All(plans),
        }
    }

    pub(super) fn any(plans: Vec<Plan>) -> Plan {
        if plans.contains(&Plan::Always) {
            return Plan::Always;
        }
        let mut plans: Vec<Plan> = plans.into_iter().filter(|plan| *plan != Plan::Never).collect();
        match plans.len() {
            0 => Plan::Never,
            1 => plans.remove(0),
            _ => Plan::Any(plans),
        }
    }

    /// An element of the values below `keys` for which `plan` holds.
    pub(super) fn element(keys: &[String], plan: Plan) -> Plan {
        match plan {
            Plan::Never => Plan::Never,
            Plan::Always => Plan::value(keys, Test::Exists),
            plan => Plan::value(keys, Test::Element(Box::new(plan))),
        }
    }

    /// True if the plan holds for a folded document or element.
    pub(crate) fn holds(&self, folded: &Value) -> bool {
        match self {
            Plan::Always => true,
            Plan::All(plans) => plans.iter().all(|plan| plan.holds(folded)),
            Plan::Any(plans) => plans.iter().any(|plan| plan.holds(folded)),
            Plan::Not(plan) => !plan.holds(folded),
            Plan::Value { keys, test } => test.holds(&below(folded, keys)),
            // Not part of a document, so absent.
            Plan::Never
            | Plan::Id(_)
            | Plan::Created(_)
            | Plan::Modified(_)
            | Plan::Member(_)
            | Plan::UserGroup(_) => false,
        }
    }
}

impl Test {
    fn holds(&self, found: &[&Value]) -> bool {
        let mut elements = found.iter().flat_map(|value| each(value));
        match self {
            Test::Exists => !found.is_empty(),
            Test::NonEmpty => elements.any(|value| value.as_str() != Some("")),
            Test::Holds(op, operand) => elements.any(|value| operand.holds(*op, value)),
            Test::Differs(operand) => elements.any(|value| !operand.holds(CompareOp::Eq, value)),
            Test::Element(plan) => elements.any(|value| plan.holds(value)),
        }
    }
}

fn below<'v>(value: &'v Value, keys: &[String]) -> Vec<&'v Value> {
    keys.iter().fold(vec![value], |found, key| {
        found.into_iter().flat_map(each).filter_map(|value| value.as_object()?.get(key)).collect()
    })
}

/// One level of arrays is looked into.
fn each(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(items) => items.iter(),
        single => std::slice::from_ref(single).iter(),
    }
}
