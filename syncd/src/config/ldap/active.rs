//! Who is active.

use serde::Deserialize;
use serde_json::Value;

use super::ServerKind;
use super::values::attribute;
use crate::config::ConfigError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Active {
    Always,
    /// `userAccountControl` without its bit 2, and `accountExpires` not over.
    ActiveDirectory,
    /// `nsAccountLock` is not true.
    AccountLock,
    /// One value of the attribute is among these (`is`), or none is.
    Attribute {
        name: String,
        values: Vec<String>,
        is: bool,
    },
}

impl Active {
    pub(super) fn by_default(server: ServerKind) -> Self {
        match server {
            ServerKind::ActiveDirectory => Self::ActiveDirectory,
            ServerKind::Ds389 => Self::AccountLock,
            ServerKind::OpenLdap | ServerKind::Other => Self::Always,
        }
    }

    /// `None`: the kind of server decides.
    pub(super) fn parse(written: Option<&Value>) -> Result<Option<Self>, ConfigError> {
        match written {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(false)) => Ok(Some(Self::Always)),
            Some(Value::Object(_)) => parse_attribute(written.unwrap_or(&Value::Null)).map(Some),
            Some(_) => Err(ConfigError::key("active", SHAPE)),
        }
    }
}

const SHAPE: &str = "must be {\"attribute\": name, \"is\": [values]} or {\"attribute\": name, \"is_not\": [values]}, or false for everybody";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    attribute: String,
    is: Option<Vec<String>>,
    is_not: Option<Vec<String>>,
}

fn parse_attribute(written: &Value) -> Result<Active, ConfigError> {
    let Ok(written) = Written::deserialize(written) else { return Err(ConfigError::key("active", SHAPE)) };
    let name = attribute("active.attribute", &written.attribute)?;
    match (written.is, written.is_not) {
        (Some(values), None) if !values.is_empty() => Ok(Active::Attribute { name, values, is: true }),
        (None, Some(values)) if !values.is_empty() => Ok(Active::Attribute { name, values, is: false }),
        _ => Err(ConfigError::key("active", SHAPE)),
    }
}
