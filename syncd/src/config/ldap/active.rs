//! Who is active.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::ServerKind;
use super::values::check_attribute;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Active {
    Always,
    /// `userAccountControl` without its bit 2, and `accountExpires` not over.
    AccountControl,
    /// `nsAccountLock` is not true.
    AccountLock,
    /// One value of the attribute is among these (`is`), or none is.
    Attribute {
        name: String,
        values: Vec<String>,
        is: bool,
    },
}

const SHAPE: &str = "must be {\"attribute\": name, \"is\": [values]} or {\"attribute\": name, \"is_not\": [values]}, or false for everybody";

impl Active {
    pub(super) fn by_default(server: ServerKind) -> Self {
        match server {
            ServerKind::ActiveDirectory => Self::AccountControl,
            ServerKind::Ds389 => Self::AccountLock,
            ServerKind::OpenLdap | ServerKind::Other => Self::Always,
        }
    }
}

impl<'de> Deserialize<'de> for Active {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parsed = match Value::deserialize(deserializer)? {
            Value::Bool(false) => Ok(Self::Always),
            written @ Value::Object(_) => attribute(written),
            _ => Err(SHAPE.to_owned()),
        };
        parsed.map_err(de::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    attribute: String,
    is: Option<Vec<String>>,
    is_not: Option<Vec<String>>,
}

fn attribute(written: Value) -> Result<Active, String> {
    let Ok(Written { attribute: name, is, is_not }) = Written::deserialize(written) else {
        return Err(SHAPE.to_owned());
    };
    check_attribute(&name)?;
    let (values, is) = match (is, is_not) {
        (Some(values), None) => (values, true),
        (None, Some(values)) => (values, false),
        _ => return Err(SHAPE.to_owned()),
    };
    // An empty list would be an odd way to say everybody, or nobody.
    if values.is_empty() {
        return Err(SHAPE.to_owned());
    }
    Ok(Active::Attribute { name, values, is })
}
