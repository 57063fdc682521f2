//! One operation of a bulk request.

use roster_scim::error::{ScimError, ScimType};
use roster_scim::schema::ResourceKind;
use serde_json::Value;

use super::references::PREFIX;
use super::{invalid, take};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Post,
    Put,
    Patch,
    Delete,
}

/// What it is about: a collection or one resource of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub kind: ResourceKind,
    pub id: Option<String>,
}

#[derive(Debug)]
pub struct Operation {
    /// As it is told back.
    pub method: String,
    pub verb: Option<Verb>,
    pub bulk_id: Option<String>,
    pub version: Option<String>,
    /// Or what is wrong with the operation: that stops only this one.
    pub target: Result<Target, ScimError>,
    pub data: Value,
}

impl Default for Operation {
    fn default() -> Self {
        Self {
            method: String::new(),
            verb: None,
            bulk_id: None,
            version: None,
            target: Err(invalid("the operation has been worked on already")),
            data: Value::Null,
        }
    }
}

impl Operation {
    pub fn read(operation: Value) -> Self {
        let Value::Object(mut fields) = operation else {
            let target = Err(invalid("an operation is a JSON object with method and path"));
            return Self { target, ..Self::default() };
        };
        let mut text = |name: &str| match take(&mut fields, name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let method = text("method").unwrap_or_default().to_ascii_uppercase();
        let (bulk_id, version) = (text("bulkId"), text("version"));
        let path = text("path").unwrap_or_default();
        let verb = verb(&method);
        Self {
            target: verb.clone().and_then(|verb| target(verb, &path)),
            verb: verb.ok(),
            method,
            bulk_id,
            version,
            data: take(&mut fields, "data").unwrap_or_default(),
        }
    }

    /// The operation that creates what the path is about.
    pub fn path_reference(&self) -> Option<&str> {
        self.target.as_ref().ok()?.id.as_deref()?.strip_prefix(PREFIX)
    }
}

fn verb(method: &str) -> Result<Verb, ScimError> {
    match method {
        "POST" => Ok(Verb::Post),
        "PUT" => Ok(Verb::Put),
        "PATCH" => Ok(Verb::Patch),
        "DELETE" => Ok(Verb::Delete),
        _ => Err(invalid("method of an operation is one of POST, PUT, PATCH and DELETE")),
    }
}

fn target(verb: Verb, path: &str) -> Result<Target, ScimError> {
    let mut segments = path.trim_matches('/').splitn(2, '/');
    let endpoint = segments.next().unwrap_or_default();
    let id = segments.next().filter(|id| !id.is_empty()).map(str::to_owned);
    let kinds = [ResourceKind::User, ResourceKind::Group];
    let Some(kind) = kinds.into_iter().find(|kind| kind.endpoint().trim_start_matches('/') == endpoint)
    else {
        return Err(wrong_path("path of an operation begins with /Users or /Groups"));
    };
    match (verb, id) {
        (Verb::Post, Some(_)) => Err(wrong_path("path of a POST is /Users or /Groups, without an id")),
        (Verb::Put | Verb::Patch | Verb::Delete, None) => {
            Err(wrong_path("path of a PUT, PATCH or DELETE names a resource, as /Users/ID does"))
        }
        (_, id) => Ok(Target { kind, id }),
    }
}

fn wrong_path(detail: &str) -> ScimError {
    ScimError::bad(ScimType::InvalidPath, detail)
}
