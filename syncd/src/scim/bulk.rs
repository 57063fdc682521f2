//! Bulk requests (RFC 7644 section 3.7): many operations in one request, each a transaction of its own. The ids of all new
//! resources are drawn first, so that operations may name each other in any order and in circles.

mod operation;
mod references;

use std::collections::HashMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use roster_scim::document::value_of;
use roster_scim::error::{ScimError, ScimType};
use serde_json::{Map, Value, json};

use super::etag::Conditions;
use super::stored::location;
use super::write::{Changes, Echo};
use crate::database::Client;
use crate::http::answer::Noted;
use crate::http::{Answer, Caller, HttpState, JsonBody, Refusal};
use operation::{Operation, Target, Verb};
use references::References;

const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
pub const MOST_OPERATIONS: usize = 1000;

pub async fn bulk(
    State(state): State<HttpState>,
    caller: Caller,
    JsonBody(body): JsonBody,
) -> Result<Response, Refusal> {
    let request = BulkRequest::read(body)?;
    let client = state.pool.get().await?;
    let run = Run::new(&caller, &client, request)?;
    let results = run.results().await?;

    let note = note(&results);
    let operations: Vec<Value> = results.into_iter().flatten().map(Done::shown).collect();
    let answer = Answer::ok(&json!({"schemas": [BULK_RESPONSE], "Operations": operations}));
    let mut response = answer.into_response();
    if let Some(note) = note {
        response.extensions_mut().insert(note);
    }
    Ok(response)
}

/// What the log of refusals says about operations that failed.
fn note(results: &[Option<Done>]) -> Option<Noted> {
    let failures = || results.iter().flatten().filter_map(|done| Some((done, done.result.as_ref().err()?)));
    let (first, error) = failures().next()?;
    let reason = format!(
        "{} of {} operations failed, first {}: {}",
        failures().count(),
        results.len(),
        first.method,
        error.detail
    );
    Some(Noted { scim_type: error.scim_type.map(|scim_type| scim_type.as_str().to_owned()), reason })
}

#[derive(Debug)]
struct BulkRequest {
    operations: Vec<Value>,
    /// So many failures end it.
    fail_on_errors: Option<usize>,
}

impl BulkRequest {
    fn read(body: Value) -> Result<Self, ScimError> {
        let Value::Object(mut fields) = body else {
            return Err(invalid("the body of a bulk request is a JSON object"));
        };
        let names_schema = value_of(&fields, "schemas").and_then(Value::as_array).is_some_and(|urns| {
            urns.iter().filter_map(Value::as_str).any(|urn| urn.eq_ignore_ascii_case(BULK_REQUEST))
        });
        if !names_schema {
            return Err(invalid(format!("schemas of a bulk request must name {BULK_REQUEST}")));
        }
        let fail_on_errors = match value_of(&fields, "failOnErrors") {
            None | Some(Value::Null) => None,
            Some(count) => match count.as_u64().and_then(|count| usize::try_from(count).ok()) {
                Some(0) => None,
                Some(count) => Some(count),
                None => return Err(invalid("failOnErrors is not a whole number")),
            },
        };
        let operations = match take(&mut fields, "Operations") {
            Some(Value::Array(operations)) => operations,
            _ => return Err(invalid("a bulk request needs Operations, an array")),
        };
        if operations.len() > MOST_OPERATIONS {
            let detail = format!(
                "the request has {} operations; send at most {MOST_OPERATIONS} at once",
                operations.len()
            );
            return Err(ScimError::with_status(StatusCode::PAYLOAD_TOO_LARGE.as_u16(), detail));
        }
        Ok(Self { operations, fail_on_errors })
    }
}

/// Names compare without case.
fn take(fields: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let key = roster_scim::document::key_of(fields, name)?.to_owned();
    fields.remove(&key)
}

fn invalid(detail: impl Into<String>) -> ScimError {
    ScimError::bad(ScimType::InvalidSyntax, detail)
}

/// A bulk request at work.
struct Run<'c> {
    caller: &'c Caller,
    client: &'c Client,
    operations: Vec<Operation>,
    fail_on_errors: Option<usize>,
    references: References,
}

/// An operation that was worked on.
#[derive(Debug)]
struct Done {
    method: String,
    bulk_id: Option<String>,
    location: Option<String>,
    result: Result<Success, ScimError>,
}

#[derive(Debug)]
struct Success {
    status: StatusCode,
    version: Option<i64>,
}

impl<'c> Run<'c> {
    fn new(caller: &'c Caller, client: &'c Client, request: BulkRequest) -> Result<Self, ScimError> {
        let operations: Vec<Operation> = request.operations.into_iter().map(Operation::read).collect();
        let references = References::new(&operations)?;
        Ok(Self { caller, client, operations, fail_on_errors: request.fail_on_errors, references })
    }

    /// In the order of the request; None: not worked on any more.
    async fn results(mut self) -> Result<Vec<Option<Done>>, Refusal> {
        let mut results: Vec<Option<Done>> = self.operations.iter().map(|_| None).collect();
        let mut failures = 0;
        for at in order(&self.operations) {
            let done = self.work(at).await?;
            failures += usize::from(done.result.is_err());
            results[at] = Some(done);
            if self.fail_on_errors.is_some_and(|most| failures >= most) {
                break;
            }
        }
        Ok(results)
    }

    async fn work(&mut self, at: usize) -> Result<Done, Refusal> {
        let operation = std::mem::take(&mut self.operations[at]);
        let (method, bulk_id) = (operation.method.clone(), operation.bulk_id.clone());
        let mut location = None;
        let result = match self.perform(at, operation, &mut location).await {
            Ok(success) => Ok(success),
            // What is wrong with the daemon or the database is no matter of this operation.
            Err(refusal) if refusal.error().status >= 500 => return Err(refusal),
            Err(refusal) => Err(refusal.error().clone()),
        };
        if let Some(id) = bulk_id.as_deref().filter(|_| method == "POST") {
            self.references.settle(id, result.is_ok());
        }
        Ok(Done { method, bulk_id, location, result })
    }

    async fn perform(
        &self,
        at: usize,
        operation: Operation,
        location_of: &mut Option<String>,
    ) -> Result<Success, Refusal> {
        let Target { kind, id } = operation.target?;
        let mut later = Vec::new();
        let id = match id {
            None => self.references.drawn(at).to_string(),
            Some(id) => self.references.id_in_path(&id)?,
        };
        if operation.verb != Some(Verb::Post) {
            *location_of = Some(location(&self.caller.base, kind, &id));
        }
        let data = self.references.resolve(operation.data, &mut later)?;
        let conditions = operation.version.as_deref().map(Conditions::matching).unwrap_or_default();
        let changes =
            Changes { caller: self.caller, client: self.client, later: &later, echo: Echo::Nothing };
        let (status, version) = match operation.verb {
            Some(Verb::Post) => {
                let written = changes.create(kind, self.references.drawn(at), data).await?;
                *location_of = Some(location(&self.caller.base, kind, &id));
                (StatusCode::CREATED, Some(written.version))
            }
            Some(Verb::Put) => {
                (StatusCode::OK, Some(changes.replace(kind, &id, data, &conditions).await?.version))
            }
            Some(Verb::Patch) => {
                (StatusCode::OK, Some(changes.patch(kind, &id, &data, &conditions).await?.version))
            }
            Some(Verb::Delete) => {
                changes.delete(kind, &id, &conditions).await?;
                (StatusCode::NO_CONTENT, None)
            }
            None => return Err(Refusal::fault()),
        };
        Ok(Success { status, version })
    }
}

/// As in the request, but whatever names a new resource in its path waits until that is there.
fn order(operations: &[Operation]) -> Vec<usize> {
    let posts: HashMap<&str, usize> = operations
        .iter()
        .enumerate()
        .filter(|(_, operation)| operation.verb == Some(Verb::Post))
        .filter_map(|(at, operation)| Some((operation.bulk_id.as_deref()?, at)))
        .collect();
    let mut waiting: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut order = Vec::with_capacity(operations.len());
    for (at, operation) in operations.iter().enumerate() {
        match operation.path_reference().and_then(|id| posts.get(id)).filter(|post| **post > at) {
            Some(post) => waiting.entry(*post).or_default().push(at),
            None => {
                order.push(at);
                order.extend(waiting.remove(&at).unwrap_or_default());
            }
        }
    }
    order
}

impl Done {
    fn shown(self) -> Value {
        let mut shown = Map::new();
        shown.insert("method".to_owned(), json!(self.method));
        if let Some(id) = self.bulk_id {
            shown.insert("bulkId".to_owned(), json!(id));
        }
        if let Some(location) = self.location {
            shown.insert("location".to_owned(), json!(location));
        }
        match self.result {
            Ok(success) => {
                shown.insert("status".to_owned(), json!(success.status.as_str()));
                if let Some(version) = success.version {
                    shown.insert("version".to_owned(), json!(roster_scim::resource::etag(version)));
                }
            }
            Err(error) => {
                shown.insert("status".to_owned(), json!(error.status.to_string()));
                shown.insert("response".to_owned(), error.to_value());
            }
        }
        Value::Object(shown)
    }
}

#[cfg(test)]
mod tests;
