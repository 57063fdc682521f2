//! The PatchOp message: operations as they were sent.

use serde_json::{Map, Value};

use crate::document::{same_name, value_of};
use crate::error::{ScimError, ScimType};
use crate::profile::Profile;

/// URN of the message (RFC 7644 section 3.5.2).
const PATCH_OP_URN: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const MAX_OPERATIONS: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Remove,
    Replace,
}

#[derive(Debug)]
pub(super) struct Operation {
    pub op: Op,
    pub path: Option<String>,
    /// None: the message has no `value`.
    pub value: Option<Value>,
}

pub(super) fn operations(profile: Profile, body: &Value) -> Result<Vec<Operation>, ScimError> {
    let Value::Object(body) = body else {
        return Err(syntax("the body must be a JSON object with \"Operations\""));
    };
    check_schemas(profile, body)?;
    let operations = match value_of(body, "Operations") {
        Some(Value::Array(operations)) => operations.as_slice(),
        Some(single @ Value::Object(_)) if !profile.is_strict() => std::slice::from_ref(single),
        _ => return Err(syntax("\"Operations\" must be an array")),
    };
    if operations.is_empty() && profile.is_strict() {
        return Err(syntax("\"Operations\" must have an operation"));
    }
    if operations.len() > MAX_OPERATIONS {
        return Err(ScimError::with_status(
            413,
            format!("\"Operations\" has more than {MAX_OPERATIONS} operations: send several requests"),
        ));
    }
    operations.iter().map(|operation| read(profile, operation)).collect()
}

fn check_schemas(profile: Profile, body: &Map<String, Value>) -> Result<(), ScimError> {
    if profile.accepts_missing_schemas() {
        return Ok(());
    }
    let schemas = value_of(body, "schemas").and_then(Value::as_array);
    if schemas
        .is_some_and(|urns| urns.iter().filter_map(Value::as_str).any(|urn| same_name(urn, PATCH_OP_URN)))
    {
        return Ok(());
    }
    Err(syntax(&format!("\"schemas\" must be an array that names \"{PATCH_OP_URN}\"")))
}

fn read(profile: Profile, operation: &Value) -> Result<Operation, ScimError> {
    let Value::Object(operation) = operation else {
        return Err(syntax("each of \"Operations\" must be an object"));
    };
    let op = match value_of(operation, "op").and_then(Value::as_str) {
        Some(word) if same_name(word, "add") => Op::Add,
        Some(word) if same_name(word, "remove") => Op::Remove,
        Some(word) if same_name(word, "replace") => Op::Replace,
        _ => return Err(syntax("\"op\" must be add, remove or replace")),
    };
    let path = match value_of(operation, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) if path.trim().is_empty() && !profile.is_strict() => None,
        Some(Value::String(path)) => Some(path.clone()),
        Some(_) => return Err(ScimError::bad(ScimType::InvalidPath, "\"path\" must be a string")),
    };
    Ok(Operation { op, path, value: value_of(operation, "value").cloned() })
}

fn syntax(detail: &str) -> ScimError {
    ScimError::bad(ScimType::InvalidSyntax, detail)
}
