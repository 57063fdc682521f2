//! The element that a value path describes: `[type eq "work"]` is `{"type": "work"}`.

use serde_json::{Map, Value};

use crate::document::same_name;
use crate::filter::{CompareOp, Filter, Literal, Plan};
use crate::resource::fold_value;
use crate::schema::{Attribute, DataType};

/// None: the filter is no conjunction of `eq`, or nothing can fulfil it.
pub(super) fn template(
    filter: &Filter,
    plan: &Plan,
    attribute: Option<&Attribute>,
) -> Option<Map<String, Value>> {
    let mut fields = Map::new();
    collect(filter, attribute, &mut fields)?;
    let element = Value::Object(fields);
    if !plan.holds(&fold_value(attribute, &element)) {
        return None;
    }
    match element {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}

fn collect(filter: &Filter, attribute: Option<&Attribute>, fields: &mut Map<String, Value>) -> Option<()> {
    match filter {
        Filter::And(branches) => branches.iter().try_for_each(|branch| collect(branch, attribute, fields)),
        Filter::Compare { name, op: CompareOp::Eq, literal } => {
            let sub = match attribute {
                Some(attribute) => Some(attribute.sub(name)?),
                None => None,
            };
            if sub.is_some_and(Attribute::is_read_only) {
                return None;
            }
            let name = sub.map_or(name.as_str(), |sub| &sub.name);
            fields.insert(name.to_owned(), value(sub, literal)?);
            Some(())
        }
        _ => None,
    }
}

fn value(sub: Option<&Attribute>, literal: &Literal) -> Option<Value> {
    let is_boolean = sub.is_some_and(|sub| sub.data_type == DataType::Boolean);
    match literal {
        Literal::Null => None,
        Literal::Bool(truth) => Some(Value::Bool(*truth)),
        Literal::Number(number) => Some(Value::Number(number.clone())),
        Literal::Text(text) if is_boolean => Some(Value::Bool(same_name(text, "true"))),
        Literal::Text(text) if text.is_empty() => None,
        Literal::Text(text) => Some(Value::String(text.clone())),
    }
}
