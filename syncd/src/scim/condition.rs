//! Filters as SQL: every comparison is a constant piece, every literal a parameter.

use roster_scim::filter::{CompareOp, Comparison, Condition, Key, LinkCondition, TimeComparison};

use super::sql::{Parameter, Parameters, fill};
use super::stored;

macro_rules! piece {
    ($name:literal) => {
        include_str!(concat!("../../sql/scim/where/", $name, ".sql")).trim_end()
    };
}

pub fn always() -> String {
    piece!("always").to_owned()
}

fn never() -> String {
    piece!("never").to_owned()
}

/// A condition on rows `r` of `scim_users` or `scim_groups`.
pub fn of_resources(condition: &Condition, parameters: &mut Parameters) -> String {
    match condition {
        Condition::Always => always(),
        Condition::Never => never(),
        Condition::All(parts) => joined(parts, AND, always, |part| of_resources(part, parameters)),
        Condition::Any(parts) => joined(parts, OR, never, |part| of_resources(part, parameters)),
        Condition::Not(part) => not(&of_resources(part, parameters)),
        Condition::Search(path) => {
            let path = parameters.add(Parameter::Text(path.clone()));
            fill(piece!("search"), &[("path", &path)])
        }
        Condition::Key(key, value) => {
            let value = parameters.add(Parameter::Text(value.clone()));
            compared(CompareOp::Eq, key_column(*key), &value)
        }
        Condition::Id(comparison) => of_id(comparison, piece!("id_is"), piece!("column_id"), parameters),
        Condition::Created(comparison) => of_time(comparison, piece!("column_created"), parameters),
        Condition::Modified(comparison) => of_time(comparison, piece!("column_modified"), parameters),
        Condition::Member(link) => linked(piece!("member"), &of_members(link, parameters)),
        Condition::UserGroup(link) => linked(piece!("user_group"), &of_user_groups(link, parameters)),
    }
}

fn key_column(key: Key) -> &'static str {
    match key {
        Key::UserName => piece!("column_username"),
        Key::ExternalId => piece!("column_external_id"),
        Key::DisplayName => piece!("column_display_name"),
    }
}

fn linked(template: &str, condition: &str) -> String {
    fill(template, &[("condition", condition)])
}

/// A condition on rows `l` of `scim_members`.
pub fn of_members(link: &LinkCondition, parameters: &mut Parameters) -> String {
    of_links(link, piece!("column_type"), parameters)
}

fn of_user_groups(link: &LinkCondition, parameters: &mut Parameters) -> String {
    of_links(link, piece!("column_group_type"), parameters)
}

fn of_links(link: &LinkCondition, kind_column: &str, parameters: &mut Parameters) -> String {
    match link {
        LinkCondition::All(parts) => {
            joined(parts, AND, always, |part| of_links(part, kind_column, parameters))
        }
        LinkCondition::Any(parts) => joined(parts, OR, never, |part| of_links(part, kind_column, parameters)),
        LinkCondition::Not(part) => not(&of_links(part, kind_column, parameters)),
        LinkCondition::Present => always(),
        LinkCondition::Value(comparison) => {
            of_id(comparison, piece!("value_is"), piece!("column_value"), parameters)
        }
        LinkCondition::Display(comparison) => of_text(comparison, piece!("column_display"), parameters),
        LinkCondition::Type(comparison) => of_text(comparison, kind_column, parameters),
    }
}

const AND: &str = ") AND (";
const OR: &str = ") OR (";

fn joined<T>(parts: &[T], with: &str, empty: impl Fn() -> String, part: impl FnMut(&T) -> String) -> String {
    if parts.is_empty() {
        return empty();
    }
    let parts: Vec<String> = parts.iter().map(part).collect();
    format!("({})", parts.join(with))
}

fn not(condition: &str) -> String {
    fill(piece!("not"), &[("condition", condition)])
}

/// Ids compare exactly, by the index; a literal that is no id equals none.
fn of_id(comparison: &Comparison, is: &str, column: &str, parameters: &mut Parameters) -> String {
    if !matches!(comparison.op, CompareOp::Eq | CompareOp::Ne) {
        return of_text(comparison, column, parameters);
    }
    let equal = match stored::id(&comparison.value) {
        None => never(),
        Some(id) => fill(is, &[("value", &parameters.add(Parameter::Id(id)))]),
    };
    if comparison.op == CompareOp::Eq { equal } else { not(&equal) }
}

fn of_text(comparison: &Comparison, column: &str, parameters: &mut Parameters) -> String {
    let value = parameters.add(Parameter::Text(comparison.value.clone()));
    compared(comparison.op, column, &value)
}

fn of_time(comparison: &TimeComparison, column: &str, parameters: &mut Parameters) -> String {
    let value = parameters.add(Parameter::Time(comparison.at));
    compared(comparison.op, column, &value)
}

fn compared(op: CompareOp, column: &str, value: &str) -> String {
    let template = match op {
        CompareOp::Eq => piece!("eq"),
        CompareOp::Ne => piece!("ne"),
        CompareOp::Gt => piece!("gt"),
        CompareOp::Ge => piece!("ge"),
        CompareOp::Lt => piece!("lt"),
        CompareOp::Le => piece!("le"),
        CompareOp::Co => piece!("co"),
        CompareOp::Sw => piece!("sw"),
        CompareOp::Ew => piece!("ew"),
    };
    fill(template, &[("column", column), ("value", value)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_never_become_sql() {
        let value = "x') OR true; --{column}";
        let condition = Condition::Any(vec![
            Condition::Search(value.to_owned()),
            Condition::Not(Box::new(Condition::Id(Comparison {
                op: CompareOp::Eq,
                value: value.to_owned(),
            }))),
            Condition::Member(LinkCondition::Display(Comparison {
                op: CompareOp::Co,
                value: value.to_owned(),
            })),
        ]);
        let mut parameters = Parameters::of_source(1);
        let sql = of_resources(&condition, &mut parameters);
        assert!(!sql.contains("true; --") && sql.contains("$2") && sql.contains("$3"), "{sql}");
        assert!(!sql.contains('{'), "{sql}");
    }
}
