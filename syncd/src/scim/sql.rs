//! Statements that are put together: constant pieces from `syncd/sql/scim`, and every value a parameter. No text of a client
//! ever becomes part of a statement.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::database::Client;

/// Statements with more parameters are too manifold to be kept prepared.
const MOST_KEPT: usize = 8;

#[derive(Debug, Clone, PartialEq)]
pub enum Parameter {
    Source(i32),
    Number(i64),
    Text(String),
    Id(Uuid),
    Time(DateTime<Utc>),
}

impl Parameter {
    fn value(&self) -> &(dyn ToSql + Sync) {
        match self {
            Parameter::Source(id) => id,
            Parameter::Number(number) => number,
            Parameter::Text(text) => text,
            Parameter::Id(id) => id,
            Parameter::Time(time) => time,
        }
    }

    fn data_type(&self) -> Type {
        match self {
            Parameter::Source(_) => Type::INT4,
            Parameter::Number(_) => Type::INT8,
            Parameter::Text(_) => Type::TEXT,
            Parameter::Id(_) => Type::UUID,
            Parameter::Time(_) => Type::TIMESTAMPTZ,
        }
    }
}

/// The values of a statement; `$1` is always the source.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters(Vec<Parameter>);

impl Parameters {
    pub fn of_source(source_id: i32) -> Self {
        Self(vec![Parameter::Source(source_id)])
    }

    /// How the statement calls the value.
    pub fn add(&mut self, value: Parameter) -> String {
        self.0.push(value);
        format!("${}", self.0.len())
    }

    /// Prepared for next time, unless hardly anybody will ask the same again.
    pub async fn query(&self, client: &Client, statement: &str) -> Result<Vec<Row>, tokio_postgres::Error> {
        if self.0.len() > MOST_KEPT {
            let typed: Vec<(&(dyn ToSql + Sync), Type)> =
                self.0.iter().map(|value| (value.value(), value.data_type())).collect();
            return client.query_typed(statement, &typed).await;
        }
        let types: Vec<Type> = self.0.iter().map(Parameter::data_type).collect();
        let values: Vec<&(dyn ToSql + Sync)> = self.0.iter().map(Parameter::value).collect();
        let statement = client.prepare_typed_cached(statement, &types).await?;
        client.query(&statement, &values).await
    }
}

/// Fills the gaps of a piece, which are written `{name}`.
pub fn fill(piece: &str, gaps: &[(&str, &str)]) -> String {
    let mut filled = piece.trim_end().to_owned();
    for (name, text) in gaps {
        filled = filled.replace(&format!("{{{name}}}"), text);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_and_values_numbered() {
        let mut parameters = Parameters::of_source(3);
        let first = parameters.add(Parameter::Text("{b}'".to_owned()));
        let second = parameters.add(Parameter::Number(1));
        assert_eq!(
            fill("x = {a} AND y @ '{}' = {b}\n", &[("a", &first), ("b", &second)]),
            "x = $2 AND y @ '{}' = $3"
        );
    }
}
