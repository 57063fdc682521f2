//! Literals as they are compared: folded like the values of their attribute.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::condition::CompareOp;
use super::{Literal, invalid, number};
use crate::error::ScimError;
use crate::resource::{fold_text, fold_time};
use crate::schema::{Attribute, DataType};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    Text(String),
    Number(Number),
    Bool(bool),
}

impl Operand {
    /// The literal as an operand for `attribute`, or why the two cannot be compared so (RFC 7644 section 3.4.2.2: "the
    /// specified attribute and filter comparison combination is not supported"). The literal is not null.
    pub(super) fn new(
        name: &str,
        attribute: Option<&Attribute>,
        op: CompareOp,
        literal: &Literal,
    ) -> Result<Self, ScimError> {
        let operand = match attribute.map(|attribute| attribute.data_type) {
            None => undefined(literal),
            Some(DataType::Boolean) => boolean(literal),
            Some(DataType::Integer | DataType::Decimal) => numeric(literal),
            Some(DataType::DateTime) => time(literal),
            Some(DataType::Complex) => {
                return Err(invalid(format!("\"{name}\" is complex: compare one of its sub-attributes")));
            }
            Some(DataType::String | DataType::Binary | DataType::Reference) => {
                text(attribute.is_some_and(|attribute| attribute.case_exact), literal)
            }
        };
        let operand = operand.map_err(|wanted| invalid(format!("\"{name}\" is compared with {wanted}")))?;
        if operand.allows(attribute, op) {
            return Ok(operand);
        }
        Err(invalid(format!("\"{name}\" cannot be compared with \"{}\"", op.as_str())))
    }

    fn allows(&self, attribute: Option<&Attribute>, op: CompareOp) -> bool {
        match (self, attribute.map(|attribute| attribute.data_type)) {
            (Operand::Bool(_), _) | (_, Some(DataType::Binary)) => op.is_equality(),
            (Operand::Number(_), _) | (_, Some(DataType::DateTime)) => !op.is_substring(),
            (Operand::Text(_), _) => true,
        }
    }

    /// True if `value`, a folded one, compares so. Values of another type do not.
    pub(super) fn holds(&self, op: CompareOp, value: &Value) -> bool {
        match (self, value) {
            (Operand::Text(operand), Value::String(text)) => text_holds(op, text, operand),
            (Operand::Number(operand), Value::Number(number)) => op.accepts(number::compare(number, operand)),
            (Operand::Bool(operand), Value::Bool(truth)) => op == CompareOp::Eq && truth == operand,
            _ => false,
        }
    }
}

fn text_holds(op: CompareOp, text: &str, operand: &str) -> bool {
    match op {
        CompareOp::Co => text.contains(operand),
        CompareOp::Sw => text.starts_with(operand),
        CompareOp::Ew => text.ends_with(operand),
        _ => op.accepts(code_points(text, operand)),
    }
}

/// UTF-8 sorts like code points.
fn code_points(a: &str, b: &str) -> Ordering {
    a.as_bytes().cmp(b.as_bytes())
}

type Wanted = &'static str;

fn undefined(literal: &Literal) -> Result<Operand, Wanted> {
    match literal {
        Literal::Text(text) => Ok(Operand::Text(fold_text(false, text))),
        Literal::Number(number) => Ok(Operand::Number(number.clone())),
        Literal::Bool(truth) => Ok(Operand::Bool(*truth)),
        Literal::Null => Err("a value"),
    }
}

fn boolean(literal: &Literal) -> Result<Operand, Wanted> {
    match literal {
        Literal::Bool(truth) => Ok(Operand::Bool(*truth)),
        Literal::Text(text) if text.eq_ignore_ascii_case("true") => Ok(Operand::Bool(true)),
        Literal::Text(text) if text.eq_ignore_ascii_case("false") => Ok(Operand::Bool(false)),
        _ => Err("true or false"),
    }
}

fn numeric(literal: &Literal) -> Result<Operand, Wanted> {
    match literal {
        Literal::Number(number) => Ok(Operand::Number(number.clone())),
        _ => Err("a number without quotes"),
    }
}

fn time(literal: &Literal) -> Result<Operand, Wanted> {
    const WANTED: Wanted = "a time in quotes, such as \"2026-01-31T12:00:00Z\"";
    match literal {
        Literal::Text(text) => fold_time(text).map(Operand::Text).ok_or(WANTED),
        _ => Err(WANTED),
    }
}

fn text(case_exact: bool, literal: &Literal) -> Result<Operand, Wanted> {
    match literal {
        Literal::Text(text) => Ok(Operand::Text(fold_text(case_exact, text))),
        _ => Err("text in double quotes"),
    }
}
