//! Between TOML and JSON: configurations are JSON in the database and TOML in the file.

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

/// A JSON object without null values, which TOML does not have and which mean nothing here.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Object(pub Map<String, Value>);

impl Object {
    pub fn of(value: Value) -> Self {
        match without_null(value) {
            Some(Value::Object(map)) => Self(map),
            _ => Self::default(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// Every value that is no object, by its path: `profile.email`.
    pub fn leaves(&self, prefix: &str) -> Vec<(String, Value)> {
        let mut found = Vec::new();
        for (key, value) in &self.0 {
            let path = format!("{prefix}.{}", told_key(key));
            match value {
                Value::Object(map) if !map.is_empty() && !is_secret(map) => {
                    found.extend(Self(map.clone()).leaves(&path));
                }
                value => found.push((path, value.clone())),
            }
        }
        found
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = toml::Table::deserialize(deserializer)?;
        match from_toml(toml::Value::Table(table)).map_err(de::Error::custom)? {
            Value::Object(map) => Ok(Self(map)),
            _ => Err(de::Error::custom("a table is expected")),
        }
    }
}

/// A reference to a secret is one value.
fn is_secret(map: &Map<String, Value>) -> bool {
    map.len() == 1 && map.keys().all(|key| key == "env" || key == "file")
}

fn told_key(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(is_bare) { key.to_owned() } else { told(&Value::from(key)) }
}

fn without_null(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(map) => {
            let kept = map.into_iter().filter_map(|(key, value)| Some((key, without_null(value)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(values) => Some(Value::Array(values.into_iter().filter_map(without_null).collect())),
        value => Some(value),
    }
}

fn from_toml(value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => serde_json::Number::from_f64(number)
            .map(Value::Number)
            .ok_or_else(|| format!("{number} is not a number that JSON has"))?,
        toml::Value::Boolean(yes) => Value::from(yes),
        toml::Value::Datetime(time) => return Err(format!("{time} must be quoted: there are no times here")),
        toml::Value::Array(values) => {
            Value::Array(values.into_iter().map(from_toml).collect::<Result<_, _>>()?)
        }
        toml::Value::Table(table) => Value::Object(
            table
                .into_iter()
                .map(|(key, value)| Ok((key, from_toml(value)?)))
                .collect::<Result<_, String>>()?,
        ),
    })
}

/// A value as the file would have it, on one line.
pub fn told(value: &Value) -> String {
    match toml::Value::try_from(value) {
        Ok(value) => value.to_string(),
        Err(_) => value.to_string(),
    }
}
