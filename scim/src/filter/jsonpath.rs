//! Plans as jsonpath (PostgreSQL 15). Equality has the form that a GIN index over jsonb_path_ops answers.
//!
//! In lax mode a comparison of different types is unknown, and so is its negation. Hence negation is `Condition::Not` outside
//! of elements, and inside it is pushed down to the comparisons, which then count unknown as false.

use super::condition::{CompareOp, Condition, Key};
use super::operand::Operand;
use super::plan::{Plan, Test};
use crate::schema::ResourceKind;

pub(super) fn condition(plan: &Plan, kind: ResourceKind) -> Condition {
    let each = |plans: &[Plan]| plans.iter().map(|plan| condition(plan, kind)).collect();
    match plan {
        Plan::Always => Condition::Always,
        Plan::Never => Condition::Never,
        Plan::All(plans) => Condition::All(each(plans)),
        Plan::Any(plans) => Condition::Any(each(plans)),
        Plan::Not(plan) => Condition::Not(Box::new(condition(plan, kind))),
        Plan::Value { keys, test } => value(keys, test, kind),
        Plan::Id(comparison) => Condition::Id(comparison.clone()),
        Plan::Created(comparison) => Condition::Created(comparison.clone()),
        Plan::Modified(comparison) => Condition::Modified(comparison.clone()),
        Plan::Member(link) => Condition::Member(link.clone()),
        Plan::UserGroup(link) => Condition::UserGroup(link.clone()),
    }
}

/// What providers ask before every change has indexes of its own: their plans can be kept, those of a jsonpath cannot.
fn value(keys: &[String], test: &Test, kind: ResourceKind) -> Condition {
    if let ([name], Test::Holds(CompareOp::Eq, Operand::Text(text))) = (keys, test)
        && let Some(key) = Key::of(kind, name)
    {
        return Condition::Key(key, text.clone());
    }
    Condition::Search(search(keys, test))
}

fn search(keys: &[String], test: &Test) -> String {
    match test {
        Test::Exists => path("$", keys),
        Test::Element(plan) => format!("{} ? ({})", path("$", keys), predicate(plan)),
        test => format!("$ ? ({})", value_predicate(keys, test)),
    }
}

/// A predicate over `@`, the element. What is no part of documents is in no element either.
fn predicate(plan: &Plan) -> String {
    match plan {
        Plan::All(plans) => joined(plans, " && ", predicate),
        Plan::Any(plans) => joined(plans, " || ", predicate),
        Plan::Not(plan) => negated(plan),
        Plan::Value { keys, test } => value_predicate(keys, test),
        Plan::Always => "1 == 1".to_owned(),
        Plan::Never
        | Plan::Id(_)
        | Plan::Created(_)
        | Plan::Modified(_)
        | Plan::Member(_)
        | Plan::UserGroup(_) => "1 == 0".to_owned(),
    }
}

/// True where `predicate` is false or unknown.
fn negated(plan: &Plan) -> String {
    match plan {
        Plan::All(plans) => joined(plans, " || ", negated),
        Plan::Any(plans) => joined(plans, " && ", negated),
        Plan::Not(plan) => predicate(plan),
        Plan::Value { keys, test: test @ Test::Holds(..) } => {
            let holds = value_predicate(keys, test);
            format!("!({holds}) || ({holds}) is unknown")
        }
        // What remains is exists(...) or a constant, neither ever unknown.
        plan => format!("!({})", predicate(plan)),
    }
}

fn joined(plans: &[Plan], operator: &str, write: fn(&Plan) -> String) -> String {
    let parts: Vec<String> = plans.iter().map(|plan| format!("({})", write(plan))).collect();
    parts.join(operator)
}

fn value_predicate(keys: &[String], test: &Test) -> String {
    let path = path("@", keys);
    match test {
        Test::Exists => format!("exists({path})"),
        Test::NonEmpty => format!("exists({path} ? (@.type() != \"string\" || @ != \"\"))"),
        Test::Holds(op, operand) => comparison(&path, *op, operand),
        Test::Differs(operand) => {
            let (kind, literal) = (type_of(operand), literal(operand));
            format!("exists({path} ? (@.type() != \"{kind}\" || @ != {literal}))")
        }
        Test::Element(plan) => format!("exists({path} ? ({}))", predicate(plan)),
    }
}

fn comparison(path: &str, op: CompareOp, operand: &Operand) -> String {
    match (op, operand) {
        (CompareOp::Co | CompareOp::Sw | CompareOp::Ew, Operand::Text(text)) if text.is_empty() => {
            format!("exists({path} ? (@.type() == \"string\"))")
        }
        (CompareOp::Co, Operand::Text(text)) => format!("{path} like_regex {} flag \"q\"", quoted(text)),
        (CompareOp::Sw, Operand::Text(text)) => format!("{path} starts with {}", quoted(text)),
        (CompareOp::Ew, Operand::Text(text)) => format!("{path} like_regex {}", quoted(&ending(text))),
        (op, operand) => format!("{path} {} {}", symbol(op), literal(operand)),
    }
}

/// Substring operators have been dealt with, and `ne` is `Differs`.
fn symbol(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Gt => ">",
        CompareOp::Ge => ">=",
        CompareOp::Lt => "<",
        CompareOp::Le => "<=",
        CompareOp::Ne => "!=",
        CompareOp::Eq | CompareOp::Co | CompareOp::Sw | CompareOp::Ew => "==",
    }
}

/// A regular expression for text that ends so. Without the flag "m" the dollar is the very end, behind any newline.
fn ending(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('$');
    pattern
}

fn literal(operand: &Operand) -> String {
    match operand {
        Operand::Text(text) => quoted(text),
        Operand::Number(number) => number.to_string(),
        Operand::Bool(truth) => truth.to_string(),
    }
}

fn type_of(operand: &Operand) -> &'static str {
    match operand {
        Operand::Text(_) => "string",
        Operand::Number(_) => "number",
        Operand::Bool(_) => "boolean",
    }
}

fn path(root: &str, keys: &[String]) -> String {
    keys.iter().fold(root.to_owned(), |path, key| format!("{path}.{}", quoted(key)))
}

/// A path from the root of the search document.
pub(crate) fn keys(keys: &[String]) -> String {
    path("$", keys)
}

/// The escapes of JSON are among those of jsonpath strings.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
